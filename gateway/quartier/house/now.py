"""An instant, passed in: what the pure rooms may know of time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Now:
    """Monotonic nanoseconds, wall clock in UTC milliseconds, and whether the latter is trusted."""

    ns: int
    utc_ms: int
    synced: bool
