"""An instant, passed in: what the pure rooms may know of time."""

from typing import NamedTuple


class Now(NamedTuple):
    """Monotonic nanoseconds, wall clock in UTC milliseconds, and whether the latter is trusted.

    One is made for each answer of a device: a tuple takes a third of the time of a frozen dataclass.
    """

    ns: int
    utc_ms: int
    synced: bool
