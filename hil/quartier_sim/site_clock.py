"""Clock of the simulated site: a function of the real time, the same in every process."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RigClock:
    """Clock of the site: ``origin_s + offset_s`` at real Unix time ``origin_s``, ``rate`` times as fast."""

    origin_s: float
    offset_s: float = 0.0
    rate: float = 1.0

    def elapsed_s(self) -> float:
        """Return the plant seconds since the origin."""
        return (time.time() - self.origin_s) * self.rate

    def utc_ms(self) -> int:
        """Return the site's wall clock in Unix milliseconds."""
        return int((self.origin_s + self.offset_s + self.elapsed_s()) * 1_000)

    def real_s(self, site_s: float) -> float:
        """Return the real seconds of ``site_s`` plant seconds."""
        return max(site_s, 0.0) / self.rate

    @property
    def setting(self) -> str:
        """The value of ``QUARTIER_CLOCK`` that puts the daemon on this clock."""
        return f"rate={self.rate:g},offset={self.offset_s:.3f}s,origin={self.origin_s:.6f}"
