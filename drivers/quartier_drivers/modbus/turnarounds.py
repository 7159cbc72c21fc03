"""How long each unit of a serial line takes from a request to its answer; pure."""

_RISE = 0.3


class Turnarounds:
    """The shortest turnaround of late, by unit: quick to shrink, slow to grow.

    Whoever looks at the line no sooner never misses an answer that comes as fast as the fastest of late.
    """

    def __init__(self) -> None:
        self._soonest_s: dict[int, float] = {}

    def soonest_s(self, unit: int) -> float:
        """Seconds from the end of a request to the start of its answer; 0 for a unit that is new."""
        return self._soonest_s.get(unit, 0.0)

    def learn(self, unit: int, turnaround_s: float) -> None:
        """One more turnaround."""
        soonest_s = self.soonest_s(unit)
        if turnaround_s > soonest_s:
            self._soonest_s[unit] = soonest_s + _RISE * (turnaround_s - soonest_s)
        else:
            self._soonest_s[unit] = max(turnaround_s, 0.0)

    def halve(self, unit: int) -> None:
        """An answer was there before anybody looked: nobody knows for how long."""
        self._soonest_s[unit] = self.soonest_s(unit) / 2
