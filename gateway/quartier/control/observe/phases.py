"""The share of each phase in an asset's power; an unknown phase never counts as free (pure)."""

from dataclasses import dataclass

from quartier.control.observe.observations import (
    CURRENT_QUANTITIES,
    POWER_QUANTITIES,
    LastGoodValues,
    find_fresh_value,
    find_power_w,
)
from quartier.site.asset_types import PHASES, Asset, ChargePointAsset, Phase

MEASURED_PHASES = ("power_w", *POWER_QUANTITIES, *CURRENT_QUANTITIES)
"""What a meter of a node may report."""
EQUAL_THIRDS = (1 / 3, 1 / 3, 1 / 3)
PHASE_MIN_A = 1.0
"""A phase with less current than this, in A, is not used for charging."""

PhaseValues = tuple[float, float, float]
"""One number for each of l1, l2 and l3."""
TotalAndPhases = tuple[float, float, float, float]
"""One number for the total and for each phase."""


@dataclass(frozen=True, slots=True)
class PhaseShare:
    """The share of an asset's power on each phase; if it is not ``known``, the most that may be there."""

    parts: PhaseValues
    known: bool = True

    def spread_power(self, watts: float) -> TotalAndPhases:
        """Return ``watts`` in total and by phase."""
        l1, l2, l3 = self.parts
        return watts, watts * l1, watts * l2, watts * l3

    def find_upper_bound(self, watts: float) -> TotalAndPhases:
        """Return the most that may be on each phase: generation on an unknown phase surely relieves none."""
        return self.spread_power(watts) if self.known or watts > 0 else (watts, 0.0, 0.0, 0.0)

    def find_lower_bound(self, watts: float) -> TotalAndPhases:
        """Return the least that may be on each phase: consumption on an unknown phase surely loads none."""
        return self.spread_power(watts) if self.known or watts < 0 else (watts, 0.0, 0.0, 0.0)


ANY_PHASE = PhaseShare((1.0, 1.0, 1.0), known=False)
ALL_PHASES = PhaseShare(EQUAL_THIRDS)


def make_single_phase(phase: Phase) -> PhaseShare:
    """Return the share of power that is all on one phase."""
    l1, l2, l3 = (float(phase == one) for one in PHASES)
    return PhaseShare((l1, l2, l3))


def find_phase_share(
    asset: Asset, via: Phase | None, last_good: LastGoodValues, limit_w: float | None, now_ns: int
) -> PhaseShare:
    """Return the phase share of ``asset``; ``via`` is the phase of a single-phase node that feeds it.

    ``limit_w`` is the limit of a charge point (None: its full power), as if on all its phases.
    """
    if via is not None:
        return make_single_phase(via)
    if isinstance(asset, ChargePointAsset) and asset.phases_count == 3:
        return _charging(asset, last_good, limit_w, now_ns)
    if asset.phase is None:
        return ANY_PHASE
    return ALL_PHASES if asset.phase == "all" else make_single_phase(asset.phase)


def _charging(
    ev: ChargePointAsset, last_good: LastGoodValues, limit_w: float | None, now_ns: int
) -> PhaseShare:
    """Return the share of a car, which may use one, two or three phases: by its currents, else its power."""
    amperes = read_terminal_currents_a(ev, last_good, now_ns)
    if amperes is not None and max(amperes) >= PHASE_MIN_A:
        return measure_phase_share(ev, amperes)
    watts = find_power_w(last_good, ev, now_ns)
    each_w = (ev.current_max_a * ev.voltage_v * 3 if limit_w is None else limit_w) / 3
    if watts is None or watts <= 0:
        return ALL_PHASES  # within its limit it may use all three
    part = min(1.0, max(1 / 3, each_w / watts))
    return PhaseShare((part, part, part), known=part <= 1 / 3)


def measure_phase_share(ev: ChargePointAsset, amperes: PhaseValues) -> PhaseShare:
    """Return the share of a car by the currents at its terminals, if the building's phases are known."""
    total_a = sum(amperes)
    if ev.l1_on is None:
        part = max(amperes) / total_a
        return PhaseShare((part, part, part), known=max(amperes) - min(amperes) < PHASE_MIN_A)
    first = PHASES.index(ev.l1_on)
    l1, l2, l3 = (amperes[(k - first) % 3] / total_a for k in range(3))
    return PhaseShare((l1, l2, l3))


def read_terminal_currents_a(
    ev: ChargePointAsset, last_good: LastGoodValues, now_ns: int
) -> PhaseValues | None:
    """Return the currents at the terminals L1, L2 and L3 of a charge point, in A; None if not reported."""
    seen = [
        find_fresh_value(last_good, f"{ev.name}.{name}", ev.period_s, now_ns) for name in CURRENT_QUANTITIES
    ]
    if seen[0] is None:
        return None
    l1, l2, l3 = (abs(one or 0.0) for one in seen)
    return l1, l2, l3
