"""A mode C meter on a port: sign-on at 300 baud, change of speed, readout.

Source: IEC 62056-21:2002 sections 6.3 and 6.4, annex A.2 (times: 200 ms to 1.5 s before a meter reacts),
annex B (NUL bytes that wake a battery's meter).
"""

import asyncio
import datetime as dt
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Self

from quartier_sim.devices.meter_values import PHASES, MeterValues
from quartier_sim.devices.serial_ports import Port
from quartier_sim.meters import line_noise
from quartier_sim.meters.iec62056.readouts import (
    SPEEDS,
    DataSet,
    Identification,
    build_mode_c,
    make_number_set,
    make_text_set,
)
from quartier_sim.meters.telegrams import Telegram

FIRST_BAUD = 300
_SIGN_ON = re.compile(rb"/\?([0-9A-Za-z ]{0,32})!\r\n")
_SPEED_CHOICE = re.compile(rb"\x06([0-9])(.)([0-9])\r\n")
_NULS_TO_WAKE = 20


class OpticalPort:
    """``sets`` gives what it reads now.  ``address``: it answers this or an empty one.

    ``react_s`` and ``wait_s`` (how long it waits for the choice of the speed) are real seconds.
    ``sleeps``: it wants NUL bytes first.  ``echo``: the head gives back what it is sent.
    ``shows_parity``: the port has eight bits and gives parity as the eighth.
    ``bad_checks_count``: so many next readouts end with a wrong BCC.
    """

    def __init__(
        self,
        sets: Callable[[], Sequence[DataSet]],
        port: Port,
        *,
        identification: Identification | None = None,
        address: str = "",
        react_s: float = 0.2,
        wait_s: float = 1.5,
        sleeps: bool = False,
        echo: bool = False,
        shows_parity: bool = False,
        per_line: int = 1,
    ) -> None:
        self.port = port
        self.identification = identification or Identification()
        self.address = address
        self.bad_checks_count = 0
        self.readouts: list[Telegram] = []
        self.baud = FIRST_BAUD
        self.sign_ons_count = 0
        self._sets, self._per_line = sets, per_line
        self._react_s, self._wait_s = react_s, wait_s
        self._sleeps, self._echo = sleeps, echo
        self._shows_parity = shows_parity
        self._buffer = bytearray()
        self._choosing: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        port.hear = self._hear

    async def __aenter__(self) -> Self:
        await self.port.plug()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop_choosing()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.port.unplug()

    def _hear(self, data: bytes) -> None:
        if self._echo:
            self.port.say(data)
        if self.port.speed not in (None, self.baud):
            return
        self._buffer += bytes(byte & 0x7F for byte in data)  # the eighth bit is parity
        if self._choosing is not None:
            self._choose()
        else:
            self._sign_on()
        del self._buffer[:-64]

    def _sign_on(self) -> None:
        while (found := _SIGN_ON.search(bytes(self._buffer))) is not None:
            awake = not self._sleeps or self._buffer[: found.start()].count(0) >= _NULS_TO_WAKE
            address = found[1].decode("ascii").strip()
            del self._buffer[: found.end()]
            if awake and address in ("", self.address):
                self._buffer.clear()
                self.sign_ons_count += 1
                self._run(self._identify())

    async def _identify(self) -> None:
        await asyncio.sleep(self._react_s)
        self._say(self.identification.data)
        loop = asyncio.get_running_loop()
        self._choosing = loop.call_later(self._wait_s, self._chosen, FIRST_BAUD)

    def _choose(self) -> None:
        """The master takes the offered speed, or another; a break or nothing ends it."""
        found = _SPEED_CHOICE.search(bytes(self._buffer))
        if found is None:
            return
        self._buffer.clear()
        self._stop_choosing()
        if found[3] == b"0":
            offered = found[2].decode("latin-1")
            self._chosen(SPEEDS[offered] if offered == self.identification.speed else FIRST_BAUD)

    def _chosen(self, baud: int) -> None:
        self._choosing = None
        self._run(self._read_out(baud))

    async def _read_out(self, baud: int) -> None:
        await asyncio.sleep(self._react_s)
        self.baud = baud
        telegram = build_mode_c(self._sets(), self.address, self._per_line)
        self.readouts.append(telegram)
        del self.readouts[:-100]
        data = telegram.data
        if self.bad_checks_count:
            self.bad_checks_count -= 1
            data = data[:-1] + bytes([data[-1] ^ 0x01])
        self._say(data)
        self.baud = FIRST_BAUD

    def _say(self, data: bytes) -> None:
        """Send at the meter's speed; a receiver at another speed gets other bytes."""
        speed = self.port.speed or self.baud
        heard = data if speed == self.baud else line_noise.receive_at_baud(data, self.baud, speed)
        self.port.say(line_noise.add_parity(heard) if self._shows_parity else heard)

    def _stop_choosing(self) -> None:
        if self._choosing is not None:
            self._choosing.cancel()
            self._choosing = None

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_POWERS, _CURRENTS, _VOLTAGES = ("21.7.0", "41.7.0", "61.7.0"), ("31.7.0", "51.7.0", "71.7.0"), (32, 52, 72)


class ElectricityMeter:
    """Meter with readouts: ``tell`` takes the plant's values; ``telegram`` is its next readout in mode C.

    ``sets`` has the content of the readout.  It keeps its counters at the end of each of the last ``months``.
    """

    def __init__(self, *, serial: str = "12345678", phases: int = 3, months: int = 3) -> None:
        self.serial, self.phases = serial, phases
        self.now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        self._mains = MeterValues()
        self._ends = [(0.0, 0.0)] * months

    def tell(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Take the values of the plant at ``now``, in gateway units."""
        if (now.year, now.month) != (self.now.year, self.now.month):
            self._ends = [self._counted(), *self._ends][: len(self._ends)]
        self._mains.take(values)
        self.now = now

    def sets(self) -> Sequence[DataSet]:
        """Return the data sets of its present readout."""
        import_kwh, export_kwh = self._counted()
        mains, phases = self._mains, PHASES[: self.phases]
        sets = [
            make_text_set("F.F", "00000000"),
            make_text_set("0.0.0", self.serial),
            make_text_set("0.9.1", f"{self.now:%H%M%S}"),
            make_text_set("0.9.2", f"{self.now:%y%m%d}"),
        ]
        for code, now_kwh, then in (("1.8.0", import_kwh, 0), ("2.8.0", export_kwh, 1)):
            sets.append(make_number_set(code, now_kwh, (9, 3), "kWh"))
            sets += [
                make_number_set(f"{code}*{month:02d}", ends[then], (9, 3), "kWh")
                for month, ends in enumerate(self._ends, start=1)
            ]
        sets.append(make_number_set("16.7.0", mains.power_w / 1000, (6, 3), "kW"))
        for place, phase in enumerate(phases):
            sets += [
                make_number_set(_POWERS[place], mains.phase_power_w(phase) / 1000, (6, 3), "kW"),
                make_number_set(_CURRENTS[place], mains.phase_current_a(phase), (5, 2), "A"),
                make_number_set(f"{_VOLTAGES[place]}.7.0", mains.phase_voltage_v(phase), (4, 1), "V"),
            ]
        sets.append(make_number_set("14.7.0", mains.frequency_hz, (4, 2), "Hz"))
        return sets

    def telegram(self) -> Telegram:
        """The next readout."""
        return build_mode_c(self.sets(), self.serial)

    def _counted(self) -> tuple[float, float]:
        return self._mains.energy_import_wh / 1000, self._mains.energy_export_wh / 1000
