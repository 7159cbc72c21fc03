"""The time of each unit of a serial line from a request to its answer; pure."""

_RISE = 0.3


class Turnarounds:
    """The shortest recent turnaround, by unit: quick to shrink, slow to grow.

    A read of the line at this time never misses an answer as fast as the fastest recent one.
    """

    def __init__(self) -> None:
        self._soonest_s: dict[int, float] = {}

    def soonest_s(self, unit: int) -> float:
        """Return the time in s from the end of a request to the start of its answer; 0 for a new unit."""
        return self._soonest_s.get(unit, 0.0)

    def learn(self, unit: int, turnaround_s: float) -> None:
        """Record one more turnaround."""
        soonest_s = self.soonest_s(unit)
        if turnaround_s > soonest_s:
            self._soonest_s[unit] = soonest_s + _RISE * (turnaround_s - soonest_s)
        else:
            self._soonest_s[unit] = max(turnaround_s, 0.0)

    def halve(self, unit: int) -> None:
        """Halve the value: an answer was there before anybody looked, for an unknown time."""
        self._soonest_s[unit] = self.soonest_s(unit) / 2
