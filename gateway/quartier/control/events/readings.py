"""Choose the readings of frequency and voltage that can be trusted (pure).

A reading outside the range of a public grid (0 Hz, 500 Hz, NaN) counts as none. A reading further from the
last one than a grid moves in that time waits for the next: the second one there is trusted. So a single wrong
reading sheds nothing, and a real event loses one reading. A frozen frequency is no measurement: a grid moves
by more than 10 mHz in ten minutes.
"""

from dataclasses import dataclass

from quartier.control.observe.observations import LastGood
from quartier.site.records import replace

STALE_S, STALE_PERIODS = 3.0, 2.5
STUCK_S, STUCK_ODD_S = 600.0, 60.0
RESOLUTION_FINE_HZ = 0.025
"""A meter that was seen to move by less than this cannot show one value for ten minutes."""
_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ReadingFilter:
    """The plausible range, and the largest step between readings: ``step``, ``slope_per_s``."""

    low: float
    high: float
    step: float
    slope_per_s: float


FREQUENCY_FILTER = ReadingFilter(45.0, 55.0, 0.1, 2.5)
"""EN 50160 clause 4.2.1: 47..52 Hz; generators ride through 2 Hz/s (Regulation (EU) 2016/631, 13(1)(b))."""
VOLTAGE_FILTER = ReadingFilter(0.0, 150.0, 20.0, 0.0)
"""Percent of the nominal voltage; a dip is a step, and is trusted with the second reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilteredReading:
    """The last trusted value and when it was taken; ``same_ns``: since when it is exactly the same.

    ``doubt`` is a reading too far off, not yet trusted. ``finest`` is the smallest step ever seen. ``firm``:
    it is not the first trusted value.
    """

    value: float
    taken_ns: int
    same_ns: int
    doubt: float | None = None
    seen_ns: int = 0
    finest: float = float("inf")
    firm: bool = False


def filter_reading(
    before: FilteredReading | None, read: LastGood | None, kind: ReadingFilter
) -> FilteredReading | None:
    """Return the trusted value after ``read``, the newest raw reading; None while there never was one."""
    if read is None or not kind.low <= read.value <= kind.high:
        return before
    if before is None:
        return FilteredReading(
            value=read.value, taken_ns=read.taken_ns, same_ns=read.taken_ns, seen_ns=read.taken_ns
        )
    if read.taken_ns <= before.seen_ns:
        return before
    passed_s = (read.taken_ns - before.taken_ns) / _S
    near = kind.step + kind.slope_per_s * passed_s
    is_near = abs(read.value - before.value) <= near
    is_again = before.doubt is not None and (
        abs(read.value - before.doubt) <= kind.step + kind.slope_per_s * (read.taken_ns - before.seen_ns) / _S
        or (before.doubt - before.value) * (read.value - before.doubt) > 0
    )
    if not (is_near or is_again):
        return replace(before, doubt=read.value, seen_ns=read.taken_ns)
    step = abs(read.value - before.value)
    return FilteredReading(
        value=read.value,
        taken_ns=read.taken_ns,
        same_ns=before.same_ns if step == 0.0 else read.taken_ns,
        seen_ns=read.taken_ns,
        finest=before.finest if step < 1e-9 else min(before.finest, step),
        firm=True,
    )


def is_frequency_frozen(one: FilteredReading, *, odd: bool) -> bool:
    """Return whether a frequency is frozen; ``odd``: a value at which no grid stays for a minute."""
    same_s, is_fine = (one.taken_ns - one.same_ns) / _S, one.finest <= RESOLUTION_FINE_HZ
    if odd and is_fine:
        return same_s >= STUCK_ODD_S
    # A meter with a resolution of tenths may show one value for long, but an odd one only this long.
    return same_s >= STUCK_S and (odd or is_fine)


def find_fresh_value(one: FilteredReading | None, period_s: float, now_ns: int) -> FilteredReading | None:
    """Return the trusted value, while it is not too old."""
    if one is None or now_ns - one.taken_ns > max(STALE_S, STALE_PERIODS * period_s) * _S:
        return None
    return one
