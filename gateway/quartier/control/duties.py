"""What the grid's events ask of the building now, with words: effects that the cycle takes in its order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from quartier.control import gridrows, outage
from quartier.control.events import Acting, Events
from quartier.control.reason import grid
from quartier.house.alarm import Alarm

GRID_WORDS = ("grid at", "grid was at", "voltage at", "voltage was at", "shed command")
"""How the reasons begin for which a tier is off: the grid's events, and commands of the district."""
_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """Effects in force.

    ``off`` maps a tier that is off to the reason, ``asked`` are those of them that only a command of the
    district has off.  ``holds``: nothing takes more.  ``no_grid_charge``, ``no_feed_in``: of batteries.
    ``discharges``: why batteries discharge up to the export cap, else empty.  ``pv_holds``: PV is not raised,
    or, where ``pv_serves``, only as far as the building takes it itself, which gives the grid nothing.
    ``ceiling_w``: the import up to which something may be raised.
    ``pv_ramp_per_min``: the share of its rating by which PV may raise what it feeds in each minute.  None: no
    limit.
    """

    off: Mapping[str, str] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    holds: bool = False
    no_grid_charge: bool = False
    no_feed_in: bool = False
    discharges: str = ""
    pv_holds: bool = False
    pv_serves: bool = False
    ceiling_w: float | None = None
    pv_ramp_per_min: float | None = None

    def keeps_down(self, tier: str) -> bool:
        """Whether nothing of ``tier`` may take more."""
        return self.holds or tier in self.off

    def off_for(self, *, by_hand: bool) -> Mapping[str, str]:
        """The tiers that are off for an asset: where a person ordered it, no command has one off."""
        if not (by_hand and self.asked):
            return self.off
        return {tier: words for tier, words in self.off.items() if tier not in self.asked}


def of(events: Events, contract_w: float, now_ns: int) -> Duties:
    """The duties of what acts; high frequency ends what low frequency asked of batteries."""
    low, is_high = events.low.level, bool(events.high.level)
    waits = outage.is_waiting(events.outage, now_ns)
    ceiling_w = outage.ceiling_w(events.outage, contract_w, now_ns)
    return Duties(
        off=_off(events),
        holds=bool(low or events.low_u.level) or waits,
        no_grid_charge=bool((low and not is_high) or events.low_u.level) or waits,
        no_feed_in=bool(events.high_u.level) or events.is_gone,
        discharges=_discharges(events),
        pv_holds=is_high or waits,
        pv_serves=waits and not (is_high or events.is_gone),
        ceiling_w=ceiling_w,
        pv_ramp_per_min=None if ceiling_w is None else gridrows.OUTAGE_RAMP_PER_MIN,
    )


def shed(duties: Duties, tiers: Mapping[str, str]) -> Duties:
    """The same with the ``tiers`` that a command has off; batteries charge from the sun alone meanwhile."""
    if not tiers:
        return duties
    asked = frozenset(tiers) - duties.off.keys()
    return replace(duties, off={**tiers, **duties.off}, asked=asked, no_grid_charge=True)


def _discharges(events: Events) -> str:
    if events.low.level < 2 or events.high.level:
        return ""
    return grid(f"{grid_words(events)}: discharges", gridrows.LOW_C.name)


def _off(events: Events) -> dict[str, str]:
    found: dict[str, str] = {}
    if events.low_u.level:
        found["D"] = grid(f"{voltage_words(events)}: tier D off", gridrows.LOW_U.name)
    for row in gridrows.LOW[: events.low.level]:
        found[row.tiers] = grid(f"{grid_words(events)}: tier {row.tiers} off", row.name)
    return found


def grid_words(events: Events) -> str:
    """``grid at 49.46 Hz``: the reading with which the last row began, and what became of it since."""
    return _reading_words("grid", f"{events.low.value:.2f} Hz", events.low)


def voltage_words(events: Events) -> str:
    """``voltage at 87 %``: as ``grid_words``."""
    return _reading_words("voltage", f"{events.low_u.value:.0f} %", events.low_u)


def _reading_words(what: str, value: str, one: Acting) -> str:
    if one.lost_ns is not None:
        return f"{what} was at {value}, it is no longer read"
    return f"{what} at {value}" if one.well_ns is None else f"{what} was at {value}, it is well again"


def alarms(events: Events, duties: Duties, now_ns: int) -> list[Alarm]:
    """What people must know; a text stands as long as the same rows act."""
    return [*_of_rows(events), *_of_outage(events, duties, now_ns), *_of_measurement(events)]


def _of_rows(events: Events) -> Iterator[Alarm]:
    if events.low.level:
        off = ", ".join(row.tiers for row in _acting(events))
        lost = "; the frequency is no longer read" * (events.low.lost_ns is not None)
        yield Alarm("grid.low_frequency", "", f"low frequency: tier {off} off{lost}")
    if events.high.level:
        yield Alarm("grid.high_frequency", "", "high frequency: PV is not raised")
    if events.low_u.level:
        yield Alarm("grid.low_voltage", "", "low voltage: tier D is off")
    if events.high_u.level:
        yield Alarm("grid.high_voltage", "", "high voltage: no battery feeds in")


def _of_outage(events: Events, duties: Duties, now_ns: int) -> Iterator[Alarm]:
    if events.is_gone:
        yield Alarm("grid.outage", "", "the grid's voltage is gone")
    elif outage.is_waiting(events.outage, now_ns):
        yield Alarm("grid.after_outage", "", "after an outage: nothing is raised until the grid is well")
    elif duties.ceiling_w is not None:
        yield Alarm("grid.after_outage", "", "after an outage: the building rises slowly")


def _of_measurement(events: Events) -> Iterator[Alarm]:
    if events.is_stuck:
        words = "the grid's frequency stands still: it counts as not measured; look at the meter"
        yield Alarm("grid.frequency_stuck", "", words)
    there = {p for p, one in events.volts.items() if one.value > gridrows.GONE.limit}
    for phase in () if events.is_gone else sorted(events.live - there):
        yield Alarm("grid.phase_missing", phase, f"no voltage on {phase.upper()}")


def _acting(events: Events) -> tuple[gridrows.Row, ...]:
    return gridrows.LOW[: events.low.level]


def shown(events: Events, duties: Duties, now_ns: int) -> dict[str, Any]:
    """For people, JSON-ready."""
    ends_ns = events.low.ends_ns or events.low_u.ends_ns
    return {
        "frequency_hz": events.hz,
        "voltage_pct": {phase: round(one.value, 1) for phase, one in sorted(events.volts.items())},
        "off": {tier: str(words) for tier, words in duties.off.items()},
        "holds": duties.holds,
        "returns_in_s": None if ends_ns is None else round((ends_ns - now_ns) / _S, 1),
        "ceiling_w": None if duties.ceiling_w is None else round(duties.ceiling_w, 1),
    }
