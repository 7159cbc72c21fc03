"""What the grid's events ask of the building now, with words: effects that the cycle takes in its order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier.control import gridrows, outage
from quartier.control.events import Acting, Events
from quartier.control.reason import Reason, data, grid, make
from quartier.house.alarm import Alarm
from quartier.house.records import replace

_LOW, _LOST, _WELL = "grid.frequency", "grid.frequency_lost", "grid.frequency_well"
_LOW_U, _LOST_U, _WELL_U = "grid.voltage", "grid.voltage_lost", "grid.voltage_well"
COMMANDED = "command.shed"
TIERS_OFF = frozenset({_LOW, _LOST, _WELL, _LOW_U, _LOST_U, _WELL_U, COMMANDED})
"""The codes for which a tier is off: the grid's events, and commands of the district."""
_SERVES = make("battery.serves_grid")
_NOT_RAISED = make("grid.nothing_raised")
AFTER_OUTAGE = grid("grid.after_outage", "outage")
RISES_SLOWLY = grid("grid.rises_slowly", "outage")
_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """Effects in force.

    ``off`` maps a tier that is off to the reason, ``asked`` are those of them that only a command of the
    district has off.  ``holds``: nothing takes more.  ``no_grid_charge``, ``no_feed_in``: of batteries.
    ``asked_no_grid_charge``: of batteries that no person ordered; a command of the district asks for it.
    ``discharges``: why batteries discharge up to the export cap, else None.  ``pv_holds``: PV is not raised,
    or, where ``pv_serves``, only as far as the building takes it itself, which gives the grid nothing.
    ``ceiling_w``: the import up to which something may be raised.
    ``pv_ramp_per_min``: the share of its rating by which PV may raise what it feeds in each minute.  None: no
    limit.
    """

    off: Mapping[str, Reason] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    holds: bool = False
    no_grid_charge: bool = False
    asked_no_grid_charge: bool = False
    no_feed_in: bool = False
    discharges: Reason | None = None
    pv_holds: bool = False
    pv_serves: bool = False
    ceiling_w: float | None = None
    pv_ramp_per_min: float | None = None

    def keeps_down(self, tier: str) -> bool:
        """Whether nothing of ``tier`` may take more."""
        return self.holds or tier in self.off

    def off_for(self, *, by_hand: bool) -> Mapping[str, Reason]:
        """The tiers that are off for an asset: where a person ordered it, no command has one off."""
        if not (by_hand and self.asked):
            return self.off
        return {tier: reason for tier, reason in self.off.items() if tier not in self.asked}


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


def shed(duties: Duties, tiers: Mapping[str, Reason]) -> Duties:
    """The same with the ``tiers`` that a command has off; batteries charge from the sun alone meanwhile.

    Not where a person ordered otherwise: people come before the district (spec/failsafe.md#priority-3).
    """
    if not tiers:
        return duties
    asked = frozenset(tiers) - duties.off.keys()
    return replace(duties, off={**tiers, **duties.off}, asked=asked, asked_no_grid_charge=True)


def _discharges(events: Events) -> Reason | None:
    if events.low.level < 2 or events.high.level:
        return None
    return frequency(events, gridrows.LOW_C.name).then(_SERVES)


def _off(events: Events) -> dict[str, Reason]:
    found: dict[str, Reason] = {}
    if events.low_u.level:
        found["D"] = voltage(events, gridrows.LOW_U.name).then(tier_off("D"))
    for row in gridrows.LOW[: events.low.level]:
        found[row.tiers] = frequency(events, row.name).then(tier_off(row.tiers))
    return found


def tier_off(tier: str) -> Reason:
    """What is done to a tier."""
    return make("tier.off", tier=tier)


def frequency(events: Events, row: str) -> Reason:
    """``grid at 49.46 Hz``: the reading with which the last row began, and what became of it since."""
    code = _phase(events.low, _LOW, _WELL, _LOST)
    return grid(code, row, frequency_hz=round(events.low.value, 2))


def why_nothing_rises(events: Events, *, generates: bool) -> Reason:
    """Why nothing is raised while ``holds``, or no generation while ``pv_holds``."""
    if generates and events.high.level:
        high = grid("grid.frequency_high", gridrows.HIGH.name, frequency_hz=round(events.high.value, 2))
        return high.then(_NOT_RAISED)
    if not generates and events.low.level:
        return frequency(events, _acting(events)[-1].name).then(_NOT_RAISED)
    if not generates and events.low_u.level:
        return voltage(events, gridrows.LOW_U.name).then(_NOT_RAISED)
    return AFTER_OUTAGE


def voltage(events: Events, row: str) -> Reason:
    """``voltage at 87 %``: as ``frequency``."""
    code = _phase(events.low_u, _LOW_U, _WELL_U, _LOST_U)
    return grid(code, row, voltage_pct=round(events.low_u.value))


def _phase(one: Acting, acts: str, well: str, lost: str) -> str:
    if one.lost_ns is not None:
        return lost
    return acts if one.well_ns is None else well


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
        yield Alarm("grid.after_outage", "", "after an outage: nothing is raised until the grid is normal")
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
        "off": {tier: str(reason) for tier, reason in duties.off.items()},
        "off_reasons": {tier: data(reason) for tier, reason in duties.off.items()},
        "holds": duties.holds,
        "returns_in_s": None if ends_ns is None else round((ends_ns - now_ns) / _S, 1),
        "ceiling_w": None if duties.ceiling_w is None else round(duties.ceiling_w, 1),
    }
