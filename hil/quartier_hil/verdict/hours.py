"""Find the largest import of each day: the mean of a whole hour, as a peak price counts it (pure)."""

from dataclasses import dataclass, field

_HOUR_S, _DAY_H = 3_600.0, 24


@dataclass
class Hours:
    """Largest imports by day: ``days_w``, in W.  An hour that was not simulated whole does not count."""

    days_w: dict[int, float] = field(default_factory=dict)
    _hour: int = -1
    _import_wh: float = 0.0
    _lived_s: float = 0.0

    @property
    def top_w(self) -> float:
        """The largest import of all days, W."""
        return max(self.days_w.values(), default=0.0)

    def step(self, day_s: float, grid_w: float, dt_s: float) -> None:
        """Take the step that ended ``day_s`` after the midnight before the beginning; export counts minus."""
        hour = int((day_s - 0.5 * dt_s) // _HOUR_S)
        if hour != self._hour:
            self._hour, self._import_wh, self._lived_s = hour, 0.0, 0.0
        self._import_wh += grid_w * dt_s / _HOUR_S
        self._lived_s += dt_s
        if self._lived_s >= _HOUR_S - 0.5 * dt_s:
            day = hour // _DAY_H
            self.days_w[day] = max(self.days_w.get(day, 0.0), self._import_wh)
