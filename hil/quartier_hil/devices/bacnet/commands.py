"""Sixteen places of a priority array, and the least times at the sixth (ASHRAE 135-2020 clause 19.2)."""

import math

LOWEST = 16
LEAST_TIMES_AT = 6


class Commands:
    """Priority array: place 1 overrides place 2, and so on; with all empty, ``default`` counts.

    ``on_s`` and ``off_s`` are the minimum times of a binary object: whenever its value changes, the new one
    is at place 6 for that time, and only places 1 to 5 override it.  ``written_s`` is the time of the last
    order.
    """

    def __init__(self, default: float, on_s: float = 0.0, off_s: float = 0.0) -> None:
        self.default = default
        self.on_s = on_s
        self.off_s = off_s
        self.places: list[float | None] = [None] * LOWEST
        self.written_s = -math.inf
        self._held_until_s: float | None = None
        self._was = default

    @property
    def value(self) -> float:
        """The value in force."""
        return next((one for one in self.places if one is not None), self.default)

    @property
    def has_least_times(self) -> bool:
        """Return whether place 6 is its own."""
        return self.on_s > 0 or self.off_s > 0

    def put(self, value: float | None, priority: int, now_s: float) -> None:
        """Order, or with None give back.  Raises ValueError for a place that is not to be written."""
        if not 1 <= priority <= LOWEST or (priority == LEAST_TIMES_AT and self.has_least_times):
            raise ValueError(f"nobody writes at priority {priority}")
        self.places[priority - 1] = value
        self.written_s = now_s
        self._changed(now_s)

    def expire(self, now_s: float) -> None:
        """Let a least time end."""
        if self._held_until_s is not None and now_s >= self._held_until_s:
            self._held_until_s = None
            self.places[LEAST_TIMES_AT - 1] = None
            self._changed(now_s)

    def forget(self) -> None:
        """Without power every order is lost."""
        self.places = [None] * LOWEST
        self._held_until_s = None
        self._was = self.default

    def _changed(self, now_s: float) -> None:
        if self.value == self._was:
            return
        self._was = self.value
        if not self.has_least_times:
            return
        least_s = self.on_s if self._was else self.off_s
        self._held_until_s = now_s + least_s if least_s > 0 else None
        self.places[LEAST_TIMES_AT - 1] = self._was if least_s > 0 else None
