"""Make the cheapest plan of one battery, proven best, and list what cannot be kept (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from quartier.planning.horizon import BatteryModel, Contract, Outlook, check_horizon
from quartier.planning.storage.branching import prove_best_plan
from quartier.planning.storage.kernel_columns import KernelColumns, KernelPlan
from quartier.planning.storage.peak_search import PeakCapSearch, PeakLevelSearch
from quartier.planning.storage.scenario_columns import ScenarioColumns, needs_scenario_kernel
from quartier.site.records import replace

_SHORTFALL_MIN_WH = 1e-3
_ROUNDING = 1e-9
"""What is proven within this share of the money that goes over the meter counts as proven."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What one step does; powers in W, plus as everywhere: import and charging, minus export and
    discharging.  Where the outlook has samples, what stands at the meter, curtailment and cost are means over
    them.
    """

    battery_w: float
    grid_w: float
    curtailed_w: float
    energy_wh: float
    """In the store at the step's end."""
    cost_eur: float
    """Of this step's energy, CO2 and wear; with samples or surcharges, of what lies above a level too."""
    value_eur_per_wh: float
    """What a Wh in the store is worth in this step: at this price it charges for less, and discharges for
    more.
    """
    cap_eur_per_wh: float
    """What one more Wh under the import cap, or under the peak, would be worth."""
    grid_range_w: tuple[float, float] | None = None
    """The least and the most of ``grid_w`` over the samples; None where nothing is sampled."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What could not be kept, in the order in which it is given up: ``target``, ``caps``; ``reserve`` is
    told where the battery is below it and cannot be above it by the end of the first step.  With samples the
    Wh beyond the caps are their mean.
    """

    what: str
    wh: float
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BatteryPlan:
    """The cheapest plan.  ``gap_eur`` is by how much a better one could be cheaper at most: 0 where it is
    proven best.
    """

    step_s: int
    steps: Sequence[PlannedStep]
    cost_eur: float
    """With the peak's price, without what is left in the battery."""
    left_eur: float
    """What the energy at the end is worth."""
    peak_w: float
    """The largest import; with samples, that of any."""
    gap_eur: float
    given_up: Sequence[Shortfall]
    rounds_count: int
    """Plans that the search for the peak took."""
    level_w: float | None = None
    """With samples and a price for the largest import: the import from which on it is paid."""


def plan_battery(battery: BatteryModel, outlook: Outlook, contract: Contract | None = None) -> BatteryPlan:
    """The cheapest plan of a battery.  Raises RefusedError, which says what is wrong with the numbers."""
    terms = contract or Contract()
    check_horizon(battery, outlook, terms)
    if needs_scenario_kernel(outlook, terms):
        return _plan_scenarios(battery, outlook, terms)
    columns = KernelColumns(battery, outlook, terms)
    return complete_plan(battery, outlook, terms, columns, columns.solve())


def complete_plan(
    battery: BatteryModel, outlook: Outlook, terms: Contract, columns: KernelColumns, first: KernelPlan | None
) -> BatteryPlan:
    """The plan, from the kernel's first of the same numbers: the peak's price and what is not convex come
    after that.
    """
    if first is None:
        raise RuntimeError("a battery that stands still keeps floor and ceiling")
    free_wh, price = terms.peak_free_w * outlook.step_h, terms.peak_eur_per_w / outlook.step_h
    peak = PeakCapSearch(columns, price, free_wh)
    found = peak.best(first) if columns.is_convex else _prove_best(columns, peak, first, priced=price > 0.0)
    peak_wh = max(0.0, *found.column("grid_wh"), 0.0)
    return BatteryPlan(
        step_s=outlook.step_s,
        steps=_make_steps(battery, outlook, found),
        cost_eur=found.told.cost + price * max(0.0, peak_wh - free_wh),
        left_eur=found.told.cost - found.objective,
        peak_w=peak_wh / outlook.step_h,
        gap_eur=_round_gap(peak.cost(found) - peak.bound, columns) + columns.bonus,
        given_up=_find_shortfalls(battery, outlook, found),
        rounds_count=peak.rounds_count,
    )


def _prove_best(
    columns: KernelColumns, peak: PeakCapSearch, first: KernelPlan, *, priced: bool
) -> KernelPlan:
    """The plan where some steps' costs are not convex."""
    found = peak.find_near(first)
    best, bound = prove_best_plan(columns, found)
    if not priced:
        peak.bound = bound
        return best
    # Within the bounds of this plan costs are nearer to convex, and another level may be better.
    bound = peak.bound
    peak.release()
    again = columns.solve()
    candidates = [found, best] if again is None else [found, best, peak.find_near(again)]
    peak.bound = bound
    return min((one for one in candidates if not one.gives_up_more(first)), key=peak.cost)


def _plan_scenarios(battery: BatteryModel, outlook: Outlook, terms: Contract) -> BatteryPlan:
    columns = ScenarioColumns(battery, outlook, terms)
    first = columns.solve()
    if first is None:
        raise RuntimeError("a battery that stands still keeps floor and ceiling")
    level = PeakLevelSearch(
        columns, terms.peak_eur_per_w / outlook.step_h, terms.peak_free_w * outlook.step_h
    )
    if columns.is_convex:
        found = level.best(first)
    else:
        found, bound = prove_best_plan(columns, level.find_near(first))
        if not terms.has_peak:
            level.bound = bound
    return BatteryPlan(
        step_s=outlook.step_s,
        steps=_add_ranges(_make_steps(battery, outlook, found), outlook, found, terms),
        cost_eur=found.told.cost + level.base_eur,
        left_eur=found.told.cost - found.objective,
        peak_w=max(0.0, *found.column("grid_high_wh"), 0.0) / outlook.step_h,
        gap_eur=_round_gap(found.objective + level.base_eur - level.bound, columns) + columns.bonus,
        given_up=_find_shortfalls(battery, outlook, found),
        rounds_count=level.rounds_count,
        level_w=level.level_wh / outlook.step_h if terms.has_peak else None,
    )


def _round_gap(gap: float, columns: KernelColumns) -> float:
    return gap if gap > _ROUNDING * columns.scale else 0.0


def _make_steps(battery: BatteryModel, outlook: Outlook, found: KernelPlan) -> list[PlannedStep]:
    hours, into, out = outlook.step_h, battery.charge_efficiency, battery.discharge_efficiency
    names = ("moved_wh", "grid_wh", "curtailed_wh", "energy_wh", "cost", "value", "cap_value")
    return [
        PlannedStep(
            (moved_wh / into if moved_wh > 0.0 else moved_wh * out) / hours,
            grid_wh / hours,
            curtailed_wh / hours,
            energy_wh,
            cost,
            value,
            cap,
        )
        for moved_wh, grid_wh, curtailed_wh, energy_wh, cost, value, cap in zip(
            *(found.column(name) for name in names), strict=True
        )
    ]


def _add_ranges(
    steps: Sequence[PlannedStep], outlook: Outlook, found: KernelPlan, terms: Contract
) -> list[PlannedStep]:
    """The steps with what differs between the samples, and what the peak's level is worth."""
    hours = outlook.step_h
    levels = found.column("tier_value") if terms.has_peak else [0.0] * outlook.count
    low_wh, high_wh = found.column("grid_low_wh"), found.column("grid_high_wh")
    return [
        replace(step, cap_eur_per_wh=step.cap_eur_per_wh + level, grid_range_w=(low / hours, high / hours))
        for step, level, low, high in zip(steps, levels, low_wh, high_wh, strict=True)
    ]


def _find_shortfalls(battery: BatteryModel, outlook: Outlook, found: KernelPlan) -> list[Shortfall]:
    made = []
    hours = outlook.step_h
    last = outlook.count - 1
    short_wh = battery.target_wh - found.column("energy_wh")[last]
    if short_wh > _SHORTFALL_MIN_WH:
        made.append(Shortfall("target", short_wh, (last,)))
    if "excess_wh" in found.names:
        beyond = list(found.column("excess_wh"))
    else:
        beyond = [
            max(grid_wh - most_w * hours, -grid_wh - least_w * hours)
            for grid_wh, most_w, least_w in zip(
                found.column("grid_wh"), outlook.import_max_w, outlook.export_max_w, strict=True
            )
        ]
    over = [(number, wh) for number, wh in enumerate(beyond) if wh > _SHORTFALL_MIN_WH]
    if over:
        made.append(Shortfall("caps", sum(wh for _, wh in over), tuple(number for number, _ in over)))
    below = [
        (number, battery.reserve_wh - energy_wh)
        for number, energy_wh in enumerate(found.column("energy_wh"))
        if battery.reserve_wh - energy_wh > _SHORTFALL_MIN_WH
    ]
    if below:
        made.append(Shortfall("reserve", max(wh for _, wh in below), tuple(number for number, _ in below)))
    return made
