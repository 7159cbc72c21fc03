"""Make the cheapest plan of one battery, proven optimal, and list what cannot be kept (pure)."""

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
"""A gap within this share of the money at the meter counts as zero."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """The plan of one step.

    Powers are in W; import and charging are positive, export and discharging negative. Where the outlook has
    scenarios, grid power, curtailment and cost are means over them.
    """

    battery_w: float
    grid_w: float
    curtailed_w: float
    energy_wh: float
    """Energy in the store at the end of the step."""
    cost_eur: float
    """Cost of this step's energy, CO2 and wear; with scenarios or surcharges also of import above a level."""
    value_eur_per_wh: float
    """Value of a Wh in the store in this step.

    The battery charges below this price and discharges above it.
    """
    cap_eur_per_wh: float
    """Value of one more Wh under the import limit, or under the peak."""
    grid_range_w: tuple[float, float] | None = None
    """Smallest and largest ``grid_w`` over the scenarios; None without scenarios."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A requirement that could not be kept.

    In the order in which they are given up: ``target``, ``caps``. ``reserve`` is reported where the battery
    is below it and cannot reach it by the end of the first step. With scenarios, the Wh beyond the limits are
    their mean.
    """

    what: str
    wh: float
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BatteryPlan:
    """The cheapest plan.

    ``gap_eur`` is by how much a better plan could be cheaper at most: 0 where it is proven optimal.
    """

    step_s: int
    steps: Sequence[PlannedStep]
    cost_eur: float
    """Cost with the peak price, without the value of the energy left in the battery."""
    left_eur: float
    """Value of the energy at the end."""
    peak_w: float
    """Largest import; with scenarios the largest of any scenario."""
    gap_eur: float
    given_up: Sequence[Shortfall]
    rounds_count: int
    """Number of plans made in the search for the peak."""
    level_w: float | None = None
    """With scenarios and a peak price: the import above which the peak price is paid."""


def plan_battery(battery: BatteryModel, outlook: Outlook, contract: Contract | None = None) -> BatteryPlan:
    """Return the cheapest plan of a battery.

    Raises RefusedError, which says what is wrong with the numbers.
    """
    terms = contract or Contract()
    check_horizon(battery, outlook, terms)
    if needs_scenario_kernel(outlook, terms):
        return _plan_scenarios(battery, outlook, terms)
    columns = KernelColumns(battery, outlook, terms)
    return complete_plan(battery, outlook, terms, columns, columns.solve())


def complete_plan(
    battery: BatteryModel, outlook: Outlook, terms: Contract, columns: KernelColumns, first: KernelPlan | None
) -> BatteryPlan:
    """Complete the kernel's first plan of the same numbers.

    The peak price and costs that are not convex are handled after the first plan.
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
        cost_eur=found.result.cost + price * max(0.0, peak_wh - free_wh),
        left_eur=found.result.cost - found.objective,
        peak_w=peak_wh / outlook.step_h,
        gap_eur=_round_gap(peak.cost(found) - peak.bound, columns) + columns.bonus,
        given_up=_find_shortfalls(battery, outlook, found),
        rounds_count=peak.rounds_count,
    )


def _prove_best(
    columns: KernelColumns, peak: PeakCapSearch, first: KernelPlan, *, priced: bool
) -> KernelPlan:
    """Return the plan where the cost of some steps is not convex."""
    found = peak.find_near(first)
    best, bound = prove_best_plan(columns, found)
    if not priced:
        peak.bound = bound
        return best
    # Within the bounds of this plan, costs are closer to convex, and another level may be better.
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
        cost_eur=found.result.cost + level.base_eur,
        left_eur=found.result.cost - found.objective,
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
    """Add the range over the scenarios and the value of the peak level to the steps."""
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
