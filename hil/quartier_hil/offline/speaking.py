"""The Linky of a house without wires: its telegrams, byte by byte, through the gateway's own driver.

What a wire adds is the time that a telegram takes on it; the decoder, the meaning of its groups and the
counters' judgement are those of the daemon.
"""

import datetime as dt
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from quartier_drivers.errors import NoReply
from quartier_drivers.readings import NO_READINGS, Readings
from quartier_hil.devices.ailing import Ailing
from quartier_hil.devices.fault import Kind
from quartier_hil.devices.meters.noise import Noise, damage
from quartier_hil.house import House
from quartier_hil.metering import GARBAGE, linky, turn_page
from quartier_hil.tariff import Calendar

_BITS_PER_BYTE = 10
_GRID = "grid."
Result = TypeVar("Result")


class Hearer(Protocol):
    """A driver of a meter that speaks by itself, as ``assembled`` makes it."""

    def hear(self, data: bytes) -> None:
        """Bytes came."""
        ...

    async def open(self) -> Mapping[str, str]:
        """Return its identity.  Raises NoReply until it has sent something."""
        ...

    async def read(self) -> Readings:
        """Return its readings.  Raises NoReply when it is silent for too long."""
        ...

    async def close(self) -> None:
        """Forget the meter."""
        ...


class Moment:
    """The clock of a driver without wires: it stands until it is set, and waits for nothing."""

    def __init__(self) -> None:
        self.ns = 0
        self.utc = 0

    def now_ns(self) -> int:
        """Nanoseconds since the start."""
        return self.ns

    def utc_ms(self) -> int:
        """Return the gateway's time, UTC in milliseconds."""
        return self.utc

    async def sleep(self, seconds: float) -> None:
        """Return at once: no time passes here."""


class SpokenLinky:
    """A Linky that says what the plant does, and the ``driver`` that hears it.

    A frame begins where the one before has ended, and is heard when its last byte is over.
    """

    def __init__(
        self, driver: Hearer, clock: Moment, house: House, calendar: Calendar | None, seed: int
    ) -> None:
        self._driver, self._clock, self._calendar = driver, clock, calendar
        self._meter = linky(house.contract_import_w, calendar)
        self._ailing = Ailing()
        self._noise: Noise | None = None
        self._seed = seed
        self._said = b""
        self._over_s = float("-inf")
        self._now_s = 0.0
        self.open()

    # -- what befalls it ----------------------------------------------------------------------

    def fault(self, kind: Kind, **args: Any) -> None:
        """Make it misbehave (see ``devices.fault``)."""
        self._ailing.fault(kind, self._now_s, **args)
        if kind == "garbage":
            self._noise = GARBAGE

    def clear(self) -> None:
        """End all faults."""
        self._ailing.clear()
        self._noise = None

    def open(self) -> None:
        """The gateway's process starts: what its counters know was kept.  Raises nothing."""
        with suppress(NoReply):  # it has not said anything yet, as the driver complains
            _at_once(self._driver.open())

    def close(self) -> None:
        """End the gateway's process: bytes sent from here on are lost."""
        _at_once(self._driver.close())

    # -- what it says -------------------------------------------------------------------------

    def turn(self, values: Mapping[str, float], now_s: float, utc: dt.datetime) -> Iterator[Readings]:
        """Show it the plant's ``values`` at ``utc`` and have heard what is over by ``now_s``."""
        self._now_s = now_s
        turn_page(self._meter, self._calendar, utc)
        grid = {name.removeprefix(_GRID): value for name, value in values.items() if name.startswith(_GRID)}
        told = self._ailing.told(grid, now_s)
        if told is not None:
            self._meter.tell(told, utc)
        if now_s >= self._over_s:
            if self._said:
                self._driver.hear(self._said)
            self._said = b"" if self._ailing.is_mute(now_s) else self._next()
            self._over_s = now_s + len(self._said) * _BITS_PER_BYTE / self._meter.baud
        with suppress(NoReply):
            while (readings := _at_once(self._driver.read())) is not NO_READINGS:
                yield readings

    def _next(self) -> bytes:
        telegram = self._meter.telegram()
        if self._noise is None:
            return telegram.data
        self._seed += 1
        return bytes(damage([telegram], self._noise, self._seed).data)


def _at_once(talk: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of a driver that waits for nothing."""
    try:
        talk.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    talk.close()
    raise RuntimeError("a meter that speaks by itself is never waited for")
