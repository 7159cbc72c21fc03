"""The limits in force in a device, so that a release lowers them or keeps them, and never raises one.

A limit is read just before it is written on release.  If that fails, or its register can only be written, the
last one read or ordered counts; if nothing is known, the fail-safe limit is written: it may raise a lower one
that nobody here knows of, but a higher limit that stays for ever would be the greater harm.
"""

from collections.abc import Awaitable, Callable, Iterable

from quartier_drivers import codec
from quartier_drivers.contract import Quality, Readings, Value
from quartier_drivers.errors import WireError
from quartier_drivers.modbus.frame import Answer
from quartier_drivers.modbus.served import Served
from quartier_drivers.schema import Address

Fetch = Callable[[int, Address, int], Awaitable[Answer]]


class Standing:
    """The last known value of each of ``points`` that is released to a limit, in our units."""

    def __init__(self, points: Iterable[Served]) -> None:
        self._last: dict[str, float | None] = {
            one.name: None
            for one in points
            if one.point.write is not None and one.point.write.on_release == "cap"
        }

    def __contains__(self, name: str) -> bool:
        return name in self._last

    @property
    def values(self) -> tuple[float | None, ...]:
        """The limits in force, None if unknown."""
        return tuple(self._last.values())

    def wrote(self, name: str, value: float) -> None:
        """Record an order that the device accepted."""
        if name in self._last:
            self._last[name] = value

    def saw(self, told: Readings) -> Readings:
        """Record what was read, and return it."""
        for name in self._last:
            place = told.layout.place(name)
            if place is not None:
                reading = told.reading(place)
                self._last[name] = _number(reading.value, reading.quality)
        return told

    def least(self, name: str, cap: float | None) -> float | None:
        """Return the release value of a point: its fail-safe limit, or the present one if that is lower."""
        last = self._last.get(name)
        return cap if cap is None or last is None else min(cap, last)

    async def look(self, one: Served, power: int | None, fetch: Fetch) -> None:
        """Read the present limit if the register can be read and the device answers."""
        write = one.point.write
        if one.name not in self._last or power is None or write is None or write.confirm == "none":
            return
        try:
            answer = await fetch(one.unit, one.point.address, one.point.width)
        except WireError:
            return
        if not answer.exception:
            value, quality = codec.decoded(one.quantity, one.point, answer.values, power)
            self._last[one.name] = _number(value, quality)


def _number(value: Value | None, quality: Quality) -> float | None:
    known = quality is Quality.GOOD and isinstance(value, int | float)
    return float(value) if known and isinstance(value, int | float) else None
