"""Detect that the clock of a meter contradicts a trusted clock: wrong prices cost more than none (pure).

A meter may be wrong too. So one meter that agrees with us outweighs those that do not. A meter that marks its
own clock as degraded or doubtful is ignored (its driver then provides nothing). The only effect is that the
local plan is not followed: no limit depends on it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from quartier.control.observe import observations
from quartier.control.observe.observations import LastGoodValues
from quartier.site.alarm_types import Alarm
from quartier.site.records import Now
from quartier.site.site_layout import Site

CONTRADICTION_HOLD_S = 60.0
"""How long a meter must contradict before it counts, in s: one wrong time stamp means nothing."""
CLOCK_OFFSET = "clock_offset_s"
_S = 1_000_000_000
_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


@dataclass(frozen=True, slots=True)
class ClockComparison:
    """The lag of a meter's clock behind ours, and since when it is more than allowed; None: it is not."""

    behind_s: float
    since_ns: int | None = None

    def contradicts(self, now_ns: int) -> bool:
        """Return whether it has contradicted for long enough."""
        return self.since_ns is not None and now_ns - self.since_ns >= CONTRADICTION_HOLD_S * _S

    @property
    def words(self) -> str:
        """The difference for people, as in ``2 h behind``."""
        span_s = abs(self.behind_s)
        size_s, unit = next(((size_s, unit) for size_s, unit in _UNITS if span_s >= size_s), (1.0, "s"))
        return (
            f"{span_s / size_s:.1f}".removesuffix(".0")
            + f" {unit} "
            + ("behind" if self.behind_s > 0.0 else "ahead of")
        )


ClockComparisons = Mapping[str, ClockComparison]
"""Clock comparisons by meter."""


def compare_clocks(
    site: Site, before: ClockComparisons, last_good: LastGoodValues, now: Now
) -> dict[str, ClockComparison]:
    """Compare every clock that is known now; none while ours is not trusted."""
    found = {}
    for meter in site.clock_sources:
        if meter.clock_s is None or not now.synced:
            continue
        behind_s = observations.find_fresh_value(
            last_good, f"{meter.name}.{CLOCK_OFFSET}", meter.clock_s, now.ns
        )
        if behind_s is None:
            continue
        known = before.get(meter.name)
        since_ns = now.ns if known is None or known.since_ns is None else known.since_ns
        found[meter.name] = ClockComparison(
            behind_s, since_ns if abs(behind_s) > site.clock_differs_max_s else None
        )
    return found


def find_clock_doubt(clocks: ClockComparisons, now_ns: int) -> str:
    """Return why our clock is doubted; empty while no meter contradicts it, or one of them agrees."""
    against = find_contradicting_meters(clocks, now_ns)
    return f"the clock contradicts {against}" if against else ""


def find_contradicting_meters(clocks: ClockComparisons, now_ns: int) -> str:
    """Return the meters that contradict our clock; empty while none does, or one of them agrees."""
    if any(one.since_ns is None for one in clocks.values()):
        return ""
    return " and ".join(name for name, one in sorted(clocks.items()) if one.contradicts(now_ns))


def find_clock_alarms(clocks: ClockComparisons, now_ns: int) -> Iterator[Alarm]:
    """Yield an alarm per contradicting meter: about our clock, or about its own if another meter agrees."""
    doubted = find_clock_doubt(clocks, now_ns)
    for name, one in sorted(clocks.items()):
        if not one.contradicts(now_ns):
            continue
        if doubted:
            words = (
                f"the clock of {name} is {one.words} ours: one of them is wrong, no local plan is followed"
            )
            yield Alarm("clock.contradicted", name, words)
        else:
            words = f"the clock of {name} is {one.words} ours, and another meter agrees with ours"
            yield Alarm("meter.clock_wrong", name, words)
