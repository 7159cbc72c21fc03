"""A reversion timer: counts in the device's own clock from the enable, and acts once (pure).

Source: SunSpec Information Model Specification (inverter controls) and DER Information Model Specification:
seconds from the moment a function is enabled or commanded again; 0 never; each function for itself.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(slots=True)
class Timer:
    """Writing one of ``feeds`` starts it again; it runs out at ``ends_s`` of the device's clock."""

    feeds: frozenset[str]
    ends_s: float = math.inf

    @property
    def runs(self) -> bool:
        """Return whether it counts."""
        return self.ends_s < math.inf

    def told(self, paths: Collection[str], *, enabled: bool, seconds: float, now_s: float) -> None:
        """Something was written: starts, starts again, or stops with the function."""
        if not enabled or seconds <= 0:
            self.stop()
        elif not self.feeds.isdisjoint(paths):
            self.ends_s = now_s + seconds

    def feed(self, *, seconds: float, now_s: float) -> None:
        """Start again, where it counts."""
        if self.runs:
            self.ends_s = now_s + seconds

    def stop(self) -> None:
        """Count no more."""
        self.ends_s = math.inf

    def left_s(self, now_s: float) -> int:
        """Seconds left, 0 when it does not count."""
        return math.ceil(max(self.ends_s - now_s, 0.0)) if self.runs else 0

    def ran_out(self, now_s: float) -> bool:
        """Return whether it ran out; True only once."""
        if now_s < self.ends_s:
            return False
        self.stop()
        return True
