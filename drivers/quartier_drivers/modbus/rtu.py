"""A serial line with Modbus RTU."""

import asyncio
import os
from functools import partial

from quartier_drivers import ports
from quartier_drivers.contract import Clock
from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus import direction
from quartier_drivers.modbus.alarm import Alarm
from quartier_drivers.modbus.bus import RtuBus
from quartier_drivers.modbus.doubles import Doubles
from quartier_drivers.modbus.ears import Ears, asked_by_another
from quartier_drivers.modbus.frame import Answer, Hunt, Request, Rubbish
from quartier_drivers.modbus.line import Line
from quartier_drivers.modbus.turnarounds import Turnarounds

# After this many time-outs an RTU answer can no longer come, as far as anybody can wait.
_OWING = 3
# So long before its last character is due, an answer is looked at; what a wake-up takes, at least.
_EARLY_CHARS = 0.6
_EARLY_S = 0.0003
# What a read costs besides its registers: the frames around them, and what a device takes to think.
_AROUND_CHARS = 13
_THINKING_S = 0.005
# A silent unit is waited for twice as long as the slowest answer took, each few times the whole time-out.
_PROBE_MIN_S = 0.1
_PROBE_SHORT_FROM = 3
_PROBE_WHOLE_EACH = 4
_FORGETS = 0.999
# A line that never falls silent is used all the same: somebody else babbles on it.
_CALM_MAX_S = 1.0
# How long another master's slave is given to answer.
_FOREIGN_S = 0.2


class RtuLink(Line):
    """A serial line: silence of 3.5 characters before each frame, answers told apart by all they hold.

    RTU answers carry no number.  After a time-out the unit *owes* an answer: another question to it waits
    until that can no longer come; repeating the same question need not wait, the late answer fits it.

    Nothing is read while an answer cannot be complete yet: to wake for each of its characters would cost more
    than all the rest.  Shortly before its last one is due the port is looked at, and heard to the end.
    """

    def __init__(self, name: str, bus: RtuBus, clock: Clock) -> None:
        super().__init__(name, bus.timeout_s, bus.retries_count, bus.pause_s, clock)
        self._bus = bus
        self._port: ports.SerialPort | None = None
        self._alarm: Alarm | None = None
        self._listens = False
        self._hollow = False
        self._hunt: Hunt | None = None
        self._unsent: tuple[Request, float] | None = None
        self._ears = Ears()
        self._doubles = Doubles()
        self._held: Answer | None = None  # an answer in doubt
        self._stats["foreign_count"] = 0.0
        self._active_s = 0.0
        self._sent_s = 0.0
        self._missed = False
        self._look_s = 0.0
        self._owing_s: dict[int, float] = {}
        self._turns = Turnarounds()
        self._slowest_s: float | None = None
        self._probes_count: dict[int, int] = {}
        self.char_s = (1 + 8 + (bus.parity != "N") + bus.stop_bits) / bus.baud
        self.quiet_s = quiet_s(bus.baud, self.char_s)
        self.request_cost = (_AROUND_CHARS * self.char_s + 2 * self.quiet_s + _THINKING_S) / (2 * self.char_s)
        self._early_s = max(_EARLY_CHARS * self.char_s, _EARLY_S)

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
        port = opened(self._bus)
        try:
            self._alarm = Alarm()
        except OSError as error:
            port.close()
            raise LinkLost(f"{self._bus.port}: the kernel gives no timer: {error.strerror}") from error
        self._port = port
        self._hollow = False
        self._active_s = asyncio.get_running_loop().time()
        self._listen()

    def _disconnect(self) -> None:
        self._deafen()
        port, self._port = self._port, None
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm.close()
        if port is not None:
            ports.closed(port)
            self._fail(LinkLost(f"{self._bus.port} was closed"))

    @property
    def _asked(self) -> bool:
        """Whether a request has gone out whose answer has not come."""
        return self._waits and self._unsent is None

    def _listen(self) -> None:
        if not self._listens and self._port is not None:
            asyncio.get_running_loop().add_reader(self._port.fileno(), self._readable)
            self._listens = True

    def _deafen(self) -> None:
        if self._listens and self._port is not None:
            asyncio.get_running_loop().remove_reader(self._port.fileno())
            self._listens = False

    def _readable(self) -> None:
        """The loop: bytes are there, or were until an alarm took them, or the port is gone: it stays so."""
        if self._port is not None and not self._take():
            if self._hollow:
                self._fail(LinkLost(f"{self._bus.port} is gone"))
                self._disconnect()
            self._hollow = True

    def _look(self) -> None:
        """The answer should nearly be there; if nothing is, wait for its first byte."""
        if self._port is None:
            return
        began = self._hunt is not None and bool(self._hunt.buffer)
        if not self._take():
            self._listen()
        elif not began:
            self._missed = not self._waits

    def _take(self) -> bool:
        """Take what is there, and wait for the rest of an answer in the cheapest way; False: nothing is."""
        assert self._port is not None
        try:
            data = os.read(self._port.fileno(), 4096)
        except OSError:
            return False
        if not data:
            return False
        self._hollow = False
        self._active_s = asyncio.get_running_loop().time()
        self._hear(data)
        missing = self._hunt.missing if self._hunt and self._asked else 0
        # The next character may come at any moment, with one that was held up; others one by one behind them.
        left_s = (missing - 2) * self.char_s - _EARLY_S
        if left_s > 0:
            self._look_at(self._active_s + left_s)
        else:
            self._listen()
        return True

    def _look_at(self, moment_s: float) -> None:
        if self._paced and self._alarm is not None:
            self._deafen()
            self._look_s = moment_s
            self._alarm.set(moment_s, self._look)

    def _hear(self, heard: bytes) -> None:
        data = self._ears.without_echo(heard)
        hunt, asked = self._hunt, self._asked
        if not asked:
            self._overhear(data)
        if self._unsent is not None:
            self._send_in_calm(*self._unsent)  # the line is not as it was
        if hunt is None or not data:
            return
        wrong_count = hunt.wrong_count
        try:
            answer = hunt.feed(data)
        except Rubbish as error:
            self._fail(error)
            return
        if asked and answer is not None:
            self._accept(hunt, answer)
        elif hunt.wrong_count > wrong_count or answer is not None:
            self._late(hunt.request.unit)
        elif not asked and hunt.missing > 0:
            self._owes_longer(hunt.request.unit)  # the end of a slow answer is still to come

    def _accept(self, hunt: Hunt, answer: Answer) -> None:
        """Take an answer, unless another master asked for it; what stood around it is of others."""
        request = hunt.request
        if self._held is None and self._doubles.doubts(request, answer):
            self._held = answer
            self._expect_by(min(self._deadline_s, asyncio.get_running_loop().time() + self._doubt_s(request)))
            try:
                more = hunt.search()
            except Rubbish as error:
                self._fail(error)
                return
            if more is None:
                return
            answer = more
        if self._held is not None:
            self._late(request.unit)  # the one before was said twice
        if hunt.before and asked_by_another(hunt.before, request.unit, request.function, request.count):
            self._fail(Rubbish("another master asked the unit for the same at the same time"))
        else:
            self._settle(answer)
        if hunt.before or hunt.rest:
            self._overhear(hunt.before + hunt.rest)

    def _overhear(self, data: bytes) -> None:
        before_count = self._ears.foreign_count
        self._ears.listen(data, asyncio.get_running_loop().time())
        self.count("foreign_count", self._ears.foreign_count - before_count)

    def _late(self, unit: int) -> None:
        """An answer came that nobody waits for; where one was late, the next may be as late."""
        self.count("late_count")
        self._doubles.seen(unit)
        self._owes_longer(unit)

    def _owes_longer(self, unit: int) -> None:
        if unit in self._owing_s:
            now_s = asyncio.get_running_loop().time()
            self._owing_s[unit] = max(self._owing_s[unit], now_s + (_OWING - 1) * self._timeout_s)

    async def _ask(self, request: Request) -> Answer:
        if self._port is None:
            raise LinkLost(f"{self._bus.port} is gone")
        loop = asyncio.get_running_loop()
        owing_before_s = self._owing_s.get(request.unit, 0.0)
        give_up_s = loop.time() + _CALM_MAX_S
        self._expect(give_up_s + self._wait_s)
        self._send_in_calm(request, give_up_s)
        try:
            answer = await self._answer()
        except TimeoutError:
            if self._held is not None:
                self._doubles.alone(request.unit)
            # What seemed to be an unfinished answer may have been noise, with the answer behind it.
            found = self._held or (self._hunt.search() if self._hunt and self._unsent is None else None)
            if found is None:
                raise
            answer = found
        finally:
            self._unsent = self._held = None
            if self._alarm is not None:
                self._alarm.stop()
            self._listen()
        now_s = loop.time()
        self._doubles.took(request, answer)
        if not self._missed:
            self._turns.learn(request.unit, self._active_s - self._sent_s - self._size_s(request))
        elif self._active_s - self._look_s < self._early_s:
            self._turns.halve(request.unit)
        took_s = max(0.0, self._active_s - self._sent_s - self._size_s(request))
        self._slowest_s = max(took_s, _FORGETS * (self._slowest_s or 0.0))
        self._probes_count.pop(request.unit, None)
        if owing_before_s > now_s:
            self._owing_s[request.unit] = now_s + 1.1 * self._timeout_s
        else:
            self._owing_s.pop(request.unit, None)
        return answer

    def _doubt_s(self, request: Request) -> float:
        """How long the right answer may still take, when one in doubt was there before it."""
        return max(2 * (self._slowest_s or 0.0), _PROBE_MIN_S) + self._size_s(request)

    def _size_s(self, request: Request) -> float:
        return (request.answer_size + 3) * self.char_s

    def _send_in_calm(self, request: Request, give_up_s: float) -> None:
        """Send once the line has been silent for 3.5 characters; a rig at another rate is not paced.

        Another master's question is answered first: its slave would speak into our request.
        """
        now_s = asyncio.get_running_loop().time()
        self._unsent = (request, give_up_s)
        calm_s = min(max(self._active_s + self.quiet_s, self._others_until_s(request.unit)), give_up_s)
        if now_s < calm_s and self._paced and self._alarm is not None:
            self._alarm.set(calm_s, partial(self._send_in_calm, request, give_up_s), exact=True)
        elif now_s >= give_up_s or not self._paced or self._port is None or not self._take():
            self._send(request)
        # else a byte that nobody had heard broke the silence, and we are waiting again

    def _others_until_s(self, unit: int) -> float:
        """Until when the slave of another master may speak; longer where it was asked what we shall ask."""
        foreign = self._ears.pending
        if foreign is None:
            return 0.0
        patience_s = self._timeout_s if foreign.unit == unit else min(_FOREIGN_S, self._timeout_s)
        return foreign.heard_s + patience_s

    def _send(self, request: Request) -> None:
        self._unsent = None
        if self._port is None or not self._waits:
            return
        self._hunt = Hunt(request)
        self._ears.sent(request.rtu, reads=not request.writes)
        try:
            if os.write(self._port.fileno(), request.rtu) != len(request.rtu):
                self._fail(LinkLost(f"{self._bus.port} takes no bytes"))
                return
        except OSError as error:
            self._fail(LinkLost(f"{self._bus.port}: {error.strerror or error}"))
            self._disconnect()
            return
        size_s = self._size_s(request)
        sent_s = asyncio.get_running_loop().time() + len(request.rtu) * self.char_s
        self._active_s = self._sent_s = sent_s
        self._missed = False
        # Until an answer is there, one may still come: also when this task is cancelled.
        self._owing_s[request.unit] = sent_s + _OWING * self._timeout_s
        self._expect_by(sent_s + self._wait_s + size_s)
        self._look_at(sent_s + self._turns.soonest_s(request.unit) + size_s - self._early_s)

    async def _pace(self, unit: int, *, again: bool) -> None:
        loop = asyncio.get_running_loop()
        # Who is asked the same again need not have answered: a late answer fits it.
        while not again and (left_s := self._owing_s.get(unit, 0.0) - loop.time()) > 0:  # noqa: ASYNC110 - time is the event
            await asyncio.sleep(left_s)
        if not again:
            self._owing_s.pop(unit, None)
        await super()._pace(unit, again=again)

    async def _recover(self, request: Request, error: Exception) -> None:
        if self._hunt is not None:
            # Another master's question may be in what we heard, and its answer still to come.
            self._overhear(bytes(self._hunt.buffer))
        if isinstance(error, Rubbish):
            # The answer came, in whatever state; or that was noise, and it comes in its time.
            self._owing_s.pop(request.unit, None)
            if self._hunt is None or not self._hunt.is_headed:
                now_s = asyncio.get_running_loop().time()
                self._owing_s[request.unit] = now_s + 1.1 * self._timeout_s

    def _patience_s(self, unit: int) -> float:
        """Short, where others answer on this line: each probe of a dead unit is taken from their time."""
        count = self._probes_count[unit] = self._probes_count.get(unit, 0) + 1
        if count < _PROBE_SHORT_FROM or count % _PROBE_WHOLE_EACH == 0 or self._slowest_s is None:
            return self._timeout_s
        return min(max(2 * self._slowest_s, _PROBE_MIN_S), self._timeout_s)

    def _why(self) -> str:
        wrong = self._hunt.wrong if self._hunt else ""
        return f"; a frame came that is no answer: {wrong}" if wrong else ""


def opened(bus: RtuBus) -> ports.SerialPort:
    """The port of a section of the site file, ours alone.  Raises LinkLost, saying why not."""
    port = ports.opened(bus.port, bus.baud, f"8{bus.parity}{bus.stop_bits}")
    ports.quicken(port)
    wanted = direction.of(bus)
    try:
        if wanted is not None:
            direction.switch(port.fileno(), wanted)
    except direction.Refused as error:
        port.close()
        raise LinkLost(f"{port.port} {error}") from error
    return port


def quiet_s(baud: int, char_s: float) -> float:
    """Silence between frames: 3.5 characters, 1.75 ms above 19200 baud (Serial Line V1.02, 2.5.1.1)."""
    return 0.00175 if baud > 19200 else 3.5 * char_s
