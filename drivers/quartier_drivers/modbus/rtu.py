"""A serial line with Modbus RTU; the only user of pyserial."""

import asyncio
import contextlib
import errno
import os
import termios

import serial
from serial.tools import list_ports

from quartier_drivers.contract import Clock
from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus.bus import RtuBus
from quartier_drivers.modbus.frame import Answer, Hunt, Request, Rubbish
from quartier_drivers.modbus.line import Line

# After this many time-outs an RTU answer can no longer come, as far as anybody can wait.
_OWING = 3
# A line that never falls silent is used all the same: somebody else babbles on it.
_CALM_MAX_S = 1.0


class RtuLink(Line):
    """A serial line: silence of 3.5 characters before each frame, answers told apart by all they hold.

    RTU answers carry no number.  After a time-out the unit *owes* an answer: another question to it waits
    until that can no longer come; repeating the same question need not wait, the late answer fits it.
    """

    def __init__(self, name: str, bus: RtuBus, clock: Clock) -> None:
        super().__init__(name, bus.timeout_s, bus.retries_count, bus.pause_s, clock)
        self._bus = bus
        self._port: serial.Serial | None = None
        self._hunt: Hunt | None = None
        self._active_s = 0.0
        self._owing_s: dict[int, float] = {}
        self.char_s = (1 + 8 + (bus.parity != "N") + bus.stop_bits) / bus.baud
        self.quiet_s = quiet_s(bus.baud, self.char_s)

    @property
    def connected(self) -> bool:
        """Whether the port is open."""
        return self._port is not None

    @property
    def _paced(self) -> bool:
        return getattr(self._clock, "rate", 1) == 1

    def ready_ns(self, unit: int) -> int:
        """When ``unit`` may be asked again without a wait, house time."""
        ready_ns = super().ready_ns(unit)
        if unit not in self._owing_s:
            return ready_ns
        left_s = self._owing_s[unit] - asyncio.get_running_loop().time()
        if left_s <= 0:
            del self._owing_s[unit]
            return ready_ns
        rate = float(getattr(self._clock, "rate", 1))
        return max(ready_ns, self._clock.now_ns() + int(left_s * rate * 1e9))

    async def _connect(self) -> None:
        path = resolve(self._bus.port)
        port = serial.Serial(
            baudrate=self._bus.baud,
            parity=self._bus.parity,
            stopbits=self._bus.stop_bits,
            timeout=0,
            exclusive=True,
        )
        port.port = path
        try:
            port.open()
        except (OSError, ValueError, termios.error) as error:
            busy = getattr(error, "errno", None) in {errno.EAGAIN, errno.EBUSY}
            why = "is in use by another program" if busy else f"cannot be opened: {error}"
            raise LinkLost(f"{path} {why}") from error
        with contextlib.suppress(OSError, ValueError):  # not every adapter has the flag
            port.set_low_latency_mode(True)
        self._port = port
        loop = asyncio.get_running_loop()
        self._active_s = loop.time()
        loop.add_reader(port.fileno(), self._readable)

    def _disconnect(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            asyncio.get_running_loop().remove_reader(port.fileno())
            with contextlib.suppress(OSError, termios.error):  # the adapter may be gone already
                port.close()
            self._fail(LinkLost(f"{self._bus.port} was closed"))

    def _readable(self) -> None:
        if self._port is None:
            return
        try:
            data = os.read(self._port.fileno(), 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._fail(LinkLost(f"{self._bus.port} is gone"))
            self._disconnect()
            return
        self._active_s = asyncio.get_running_loop().time()
        self._hear(data)

    def _hear(self, data: bytes) -> None:
        hunt = self._hunt
        if hunt is None:
            return
        wrong_count = hunt.wrong_count
        try:
            answer = hunt.feed(data)
        except Rubbish as error:
            self._fail(error)
            return
        waiting = self._waiter is not None and not self._waiter.done()
        if waiting and answer is not None:
            self._settle(answer)
        elif hunt.wrong_count > wrong_count or answer is not None:
            self._late(hunt.request.unit)

    def _late(self, unit: int) -> None:
        """An answer came that nobody waits for; where one was late, the next may be as late."""
        self.count("late_count")
        if unit in self._owing_s:
            now_s = asyncio.get_running_loop().time()
            self._owing_s[unit] = max(self._owing_s[unit], now_s + (_OWING - 1) * self._timeout_s)

    async def _ask(self, request: Request) -> Answer:
        port = self._port
        if port is None:
            raise LinkLost(f"{self._bus.port} is gone")
        loop = asyncio.get_running_loop()
        frame = request.rtu
        self._hunt = Hunt(request)
        sent_s = loop.time() + len(frame) * self.char_s
        # Until an answer is there, one may still come: also when this task is cancelled.
        owing_before_s = self._owing_s.get(request.unit, 0.0)
        self._owing_s[request.unit] = sent_s + _OWING * self._timeout_s
        try:
            if os.write(port.fileno(), frame) != len(frame):
                raise LinkLost(f"{self._bus.port} takes no bytes")
            self._active_s = sent_s
            longest_s = sent_s + self._timeout_s + (request.answer_size + 3) * self.char_s
            try:
                answer = await self._answer(longest_s)
            except TimeoutError:
                answer = self._last_look()
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            self._disconnect()
            raise LinkLost(f"{self._bus.port}: {error.strerror or error}") from error
        if owing_before_s > loop.time():
            self._owing_s[request.unit] = loop.time() + 1.1 * self._timeout_s
        else:
            self._owing_s.pop(request.unit, None)
        return answer

    def _last_look(self) -> Answer:
        """What seemed to be an unfinished answer may have been noise, with the answer behind it."""
        answer = self._hunt.search() if self._hunt else None
        if answer is None:
            raise TimeoutError
        return answer

    async def _pace(self, unit: int, *, again: bool) -> None:
        if again:
            await self._calm()
            return
        loop = asyncio.get_running_loop()
        while (left_s := self._owing_s.get(unit, 0.0) - loop.time()) > 0:  # noqa: ASYNC110 - time is the event
            await asyncio.sleep(left_s)
        self._owing_s.pop(unit, None)
        await super()._pace(unit, again=again)
        await self._calm()

    async def _calm(self) -> None:
        """Wait until the line has been silent for 3.5 characters; a rig at another rate is not paced."""
        if not self._paced:
            return
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + _CALM_MAX_S
        # Silence is no event that anyone could set.
        while (left_s := self._active_s + self.quiet_s - loop.time()) > 0 and loop.time() < give_up_s:  # noqa: ASYNC110 - see above
            await asyncio.sleep(left_s)

    async def _recover(self, request: Request, error: Exception) -> None:
        if isinstance(error, Rubbish):
            # The answer came, in whatever state: nothing is owed.
            self._owing_s.pop(request.unit, None)
        await self._calm()

    def _why(self) -> str:
        wrong = self._hunt.wrong if self._hunt else ""
        return f"; a frame came that is no answer: {wrong}" if wrong else ""


def quiet_s(baud: int, char_s: float) -> float:
    """Silence between frames: 3.5 characters, 1.75 ms above 19200 baud (Serial Line V1.02, 2.5.1.1)."""
    return 0.00175 if baud > 19200 else 3.5 * char_s


def resolve(port: str) -> str:
    """The path of a port given as a path, ``usb:SERIAL`` or ``usb:LOCATION``.

    Raises LinkLost, saying what is there instead.
    """
    if not port.startswith("usb:"):
        if os.path.exists(port):  # noqa: PTH110 - a Path would do no more
            return port
        raise LinkLost(f"{port} is not there; {_present()}")
    wanted = port.removeprefix("usb:")
    for found in list_ports.comports():
        if wanted in (found.serial_number, found.location):
            return str(found.device)
    raise LinkLost(f"no serial adapter {port} is plugged in; {_present()}")


def _present() -> str:
    found = [
        f"{port.device} (usb:{port.serial_number or port.location}, {port.description})"
        for port in list_ports.comports()
        if port.vid is not None
    ]
    return f"there is {', '.join(found)}" if found else "there is no USB serial adapter at all"
