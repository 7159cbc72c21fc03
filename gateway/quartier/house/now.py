"""An instant, passed in: what the pure rooms may know of time."""

from typing import NamedTuple

# Issuers take numbers from Unix milliseconds; one further ahead is of a clock that was wrong.
AHEAD_MAX_MS = 86_400_000


class Now(NamedTuple):
    """Nanoseconds of the machine's boot clock, which only goes on and counts its sleep too, wall clock in UTC
    milliseconds, and whether the latter is trusted.

    One is made for each answer of a device: a tuple takes a third of the time of a frozen dataclass.
    """

    ns: int
    utc_ms: int
    synced: bool

    def denies(self, number: int) -> bool:
        """Whether no right clock can have given this number: more than a day ahead of ours, which is trusted.

        One that was taken before ours was trusted must shut out none that follow.
        """
        return self.synced and number > self.utc_ms + AHEAD_MAX_MS
