"""Derive the effects of grid events on the building now, with texts, in the order of the cycle (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier.control.events import outage, rows
from quartier.control.events.detection import ActiveRow, GridEvents
from quartier.control.reason import Reason, make_grid_reason, make_reason, render_data
from quartier.site.alarm_types import Alarm
from quartier.site.records import replace

_LOW, _LOST, _WELL = "grid.frequency", "grid.frequency_lost", "grid.frequency_well"
_LOW_U, _LOST_U, _WELL_U = "grid.voltage", "grid.voltage_lost", "grid.voltage_well"
COMMANDED_SHED = "command.shed"
TIERS_OFF = frozenset({_LOW, _LOST, _WELL, _LOW_U, _LOST_U, _WELL_U, COMMANDED_SHED})
"""The reason codes for which a tier is off: grid events, and commands of the district."""
_SERVES = make_reason("battery.serves_grid")
_NOT_RAISED = make_reason("grid.nothing_raised")
AFTER_OUTAGE = make_grid_reason("grid.after_outage", "outage")
RISES_SLOWLY = make_grid_reason("grid.rises_slowly", "outage")
_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GridEffects:
    """The effects in force.

    ``off`` maps a tier that is off to its reason; ``requested_assets`` are those that only a district command
    has switched off. ``holds``: nothing may take more. ``no_grid_charge`` and ``no_feed_in`` are for
    batteries. ``asked_no_grid_charge``: a district command asks it of batteries that no person ordered.
    ``discharges``: why batteries discharge up to the export limit, else None.

    ``pv_holds``: PV is not raised, or, with ``pv_serves``, only as far as the building takes it itself, which
    adds nothing to the grid. ``ceiling_w``: the import up to which something may be raised.
    ``pv_ramp_per_min``: the share of its rating by which PV may raise its feed-in each minute. None: no
    limit.
    """

    off: Mapping[str, Reason] = field(default_factory=dict)
    requested_assets: frozenset[str] = frozenset()
    holds: bool = False
    no_grid_charge: bool = False
    asked_no_grid_charge: bool = False
    no_feed_in: bool = False
    discharges: Reason | None = None
    pv_holds: bool = False
    pv_serves: bool = False
    ceiling_w: float | None = None
    pv_ramp_per_min: float | None = None

    def holds_down(self, tier: str) -> bool:
        """Return whether nothing of ``tier`` may take more."""
        return self.holds or tier in self.off

    def find_shed_tiers(self, *, by_hand: bool) -> Mapping[str, Reason]:
        """Return the tiers that are off for an asset.

        If a person ordered the asset, tiers that only a command has switched off do not count.
        """
        if not (by_hand and self.requested_assets):
            return self.off
        return {tier: reason for tier, reason in self.off.items() if tier not in self.requested_assets}


def find_grid_effects(events: GridEvents, contract_w: float, now_ns: int) -> GridEffects:
    """Return the effects of active rows; high frequency ends what low frequency demands of batteries."""
    low, is_high = events.low.level, bool(events.high.level)
    waits = outage.is_waiting(events.outage, now_ns)
    ceiling_w = outage.find_import_ceiling_w(events.outage, contract_w, now_ns)
    return GridEffects(
        off=_off(events),
        holds=bool(low or events.low_u.level) or waits,
        no_grid_charge=bool((low and not is_high) or events.low_u.level) or waits,
        no_feed_in=bool(events.high_u.level) or events.is_grid_lost,
        discharges=_discharges(events),
        pv_holds=is_high or waits,
        pv_serves=waits and not (is_high or events.is_grid_lost),
        ceiling_w=ceiling_w,
        pv_ramp_per_min=None if ceiling_w is None else rows.OUTAGE_RAMP_PER_MIN,
    )


def add_commanded_tiers(effects: GridEffects, tiers: Mapping[str, Reason]) -> GridEffects:
    """Add the ``tiers`` that a command has switched off; meanwhile batteries charge from the sun only.

    Not for assets that a person ordered: people rank above the district (spec/failsafe.md#priority-3).
    """
    if not tiers:
        return effects
    asked = frozenset(tiers) - effects.off.keys()
    return replace(effects, off={**tiers, **effects.off}, requested_assets=asked, asked_no_grid_charge=True)


def _discharges(events: GridEvents) -> Reason | None:
    if events.low.level < 2 or events.high.level:
        return None
    return make_frequency_reason(events, rows.LOW_C.name).then(_SERVES)


def _off(events: GridEvents) -> dict[str, Reason]:
    found: dict[str, Reason] = {}
    if events.low_u.level:
        found["D"] = make_voltage_reason(events, rows.LOW_U.name).then(make_tier_reason("D"))
    for row in rows.LOW[: events.low.level]:
        found[row.tiers] = make_frequency_reason(events, row.name).then(make_tier_reason(row.tiers))
    return found


def make_tier_reason(tier: str) -> Reason:
    """Return the reason that a tier is off."""
    return make_reason("tier.off", tier=tier)


def make_frequency_reason(events: GridEvents, row: str) -> Reason:
    """Return ``grid at 49.46 Hz``: the reading that began the last row, and whether it ended or was lost."""
    code = _phase(events.low, _LOW, _WELL, _LOST)
    return make_grid_reason(code, row, frequency_hz=round(events.low.value, 2))


def explain_no_increase(events: GridEvents, *, generates: bool) -> Reason:
    """Return why nothing is raised while ``holds``, or no generation while ``pv_holds``."""
    if generates and events.high.level:
        high = make_grid_reason(
            "grid.frequency_high", rows.HIGH.name, frequency_hz=round(events.high.value, 2)
        )
        return high.then(_NOT_RAISED)
    if not generates and events.low.level:
        return make_frequency_reason(events, _acting(events)[-1].name).then(_NOT_RAISED)
    if not generates and events.low_u.level:
        return make_voltage_reason(events, rows.LOW_U.name).then(_NOT_RAISED)
    return AFTER_OUTAGE


def make_voltage_reason(events: GridEvents, row: str) -> Reason:
    """Return ``voltage at 87 %``, as ``make_frequency_reason``."""
    code = _phase(events.low_u, _LOW_U, _WELL_U, _LOST_U)
    return make_grid_reason(code, row, voltage_pct=round(events.low_u.value))


def _phase(one: ActiveRow, acts: str, well: str, lost: str) -> str:
    if one.lost_ns is not None:
        return lost
    return acts if one.normal_ns is None else well


def find_grid_alarms(events: GridEvents, effects: GridEffects, now_ns: int) -> list[Alarm]:
    """Return the alarms of the grid; a text stays the same as long as the same rows act."""
    return [*_of_rows(events), *_of_outage(events, effects, now_ns), *_of_measurement(events)]


def _of_rows(events: GridEvents) -> Iterator[Alarm]:
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


def _of_outage(events: GridEvents, effects: GridEffects, now_ns: int) -> Iterator[Alarm]:
    if events.is_grid_lost:
        yield Alarm("grid.outage", "", "the grid's voltage is gone")
    elif outage.is_waiting(events.outage, now_ns):
        yield Alarm("grid.after_outage", "", "after an outage: nothing is raised until the grid is normal")
    elif effects.ceiling_w is not None:
        yield Alarm("grid.after_outage", "", "after an outage: the building rises slowly")


def _of_measurement(events: GridEvents) -> Iterator[Alarm]:
    if events.is_stuck:
        words = "the frequency reading does not change: it counts as not measured; check the meter"
        yield Alarm("grid.frequency_stuck", "", words)
    there = {p for p, one in events.volts.items() if one.value > rows.GONE.limit}
    for phase in () if events.is_grid_lost else sorted(events.live - there):
        yield Alarm("grid.phase_missing", phase, f"no voltage on {phase.upper()}")


def _acting(events: GridEvents) -> tuple[rows.EventRow, ...]:
    return rows.LOW[: events.low.level]


def render_grid_effects(events: GridEvents, effects: GridEffects, now_ns: int) -> dict[str, Any]:
    """Render the events for people, JSON-ready."""
    ends_ns = events.low.ends_ns or events.low_u.ends_ns
    return {
        "frequency_hz": events.hz,
        "voltage_pct": {phase: round(one.value, 1) for phase, one in sorted(events.volts.items())},
        "off": {tier: str(reason) for tier, reason in effects.off.items()},
        "off_reasons": {tier: render_data(reason) for tier, reason in effects.off.items()},
        "holds": effects.holds,
        "returns_in_s": None if ends_ns is None else round((ends_ns - now_ns) / _S, 1),
        "ceiling_w": None if effects.ceiling_w is None else round(effects.ceiling_w, 1),
    }
