"""Least times of switched objects: once on, so long on, and off (ASHRAE 135-2020, 12.7, 19.2.3).  Pure.

The standard has the device hold them at priority 6.  Not every device does: so a command that would break
one is
not written before its time, and whoever gave it asks again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from quartier_drivers.contract import Readings

_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Least:
    """Seconds that an object stays on, and off; 0: none is said."""

    on_s: float = 0.0
    off_s: float = 0.0


class Minimums:
    """When each switched point last changed, as far as it was seen."""

    def __init__(self) -> None:
        self._least: Mapping[str, Least] = {}
        self._state: dict[str, tuple[bool, int | None]] = {}

    def learn(self, least: Mapping[str, Least]) -> None:
        """What the device says; what was seen before stands."""
        self._least = {name: one for name, one in least.items() if one.on_s > 0 or one.off_s > 0}

    @property
    def names(self) -> tuple[str, ...]:
        """The points that have least times."""
        return tuple(self._least)

    def saw(self, told: Readings) -> None:
        """Take what was read; since when a state stands is known once it was seen to come."""
        for name in self._least:
            place = told.layout.place(name)
            if place is None or told.qualities[place]:
                continue
            is_on, before = bool(told.values[place]), self._state.get(name)
            if before is None:
                self._state[name] = is_on, None
            elif before[0] != is_on:
                self._state[name] = is_on, told.taken_ns

    def left_s(self, name: str, value: float, now_ns: int) -> float:
        """Return how long a command must wait; 0: not at all."""
        least, seen = self._least.get(name), self._state.get(name)
        if least is None or seen is None or seen[1] is None or seen[0] == (value != 0):
            return 0.0
        stays_s = least.on_s if seen[0] else least.off_s
        return max(0.0, stays_s - (now_ns - seen[1]) / _S)
