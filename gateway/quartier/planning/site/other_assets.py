"""Plan the assets other than one battery: cars, tanks, batches and other batteries (pure).

The plan of the whole site decides what each asset does. Then each battery is planned again, exactly and over
the scenarios, with the power of the others added to the load.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from quartier.control.reason import Reason, make_reason
from quartier.control.requests import PlanLeg
from quartier.planning.horizon import RefusedError
from quartier.planning.site.plan_segments import find_marginal_prices
from quartier.planning.site.site_model import BatchModel, CarModel, SiteModel
from quartier.planning.site.site_plan import plan_site
from quartier.site.records import replace

_EARLY_EUR_PER_WH = 1e-9
"""Price added with each step, so that of equal hours the earlier one is chosen each time."""
_PER_KWH = 1000.0
_StepTime = Callable[[int], str]
_HEATED_REASON = make_reason("plan.heated")
_CAR_FULL_REASON = make_reason("plan.car_has_all")


@dataclass(frozen=True, slots=True)
class PowerModes:
    """Operation modes (by number) in which a tank or a batch takes power, and in which it waits.

    It takes power in a step with a planned power of ``from_w`` or more. ``code`` is the reason code of such a
    step. ``after`` is the reason after the last such step.
    """

    takes: int
    waits: int
    from_w: float
    code: str = "plan.heats"
    after: Reason = _HEATED_REASON


@dataclass(frozen=True, slots=True)
class OtherAssets:
    """The planned powers of the other assets.

    ``load_w`` is the sum of all but the batteries per step, ``powers_w`` the power of each. ``batteries_w``
    is the power of the batteries in the plan of the site, where there are several. ``why_not`` says why they
    are not planned; they then take their power by the rule.
    """

    load_w: Sequence[float]
    powers_w: Mapping[str, Sequence[float]] = field(default_factory=dict)
    legs: Mapping[str, tuple[PlanLeg, ...]] = field(default_factory=dict)
    batteries_w: Mapping[str, Sequence[float]] = field(default_factory=dict)
    why_not: str = ""

    def find_load_without(self, battery: str) -> list[float]:
        """Return the power of all assets but one battery, in W per step."""
        others = [self.load_w, *(watts for name, watts in self.batteries_w.items() if name != battery)]
        return [sum(step) for step in zip(*others, strict=True)]


def plan_other_assets(
    site: SiteModel,
    unplanned_w: Mapping[str, Sequence[float]],
    modes: Mapping[str, PowerModes],
    when: _StepTime,
) -> OtherAssets:
    """Plan all assets but one battery.

    ``unplanned_w`` is the power of each where no plan can be made. ``modes`` are those of tanks and batches.
    ``when`` formats the start of a step for a person.
    """
    count = site.outlook.count
    if not (site.cars or site.tanks or site.batches) and len(site.batteries) < 2:
        return OtherAssets(_sum_powers(unplanned_w, count), unplanned_w)
    early = [price + step * _EARLY_EUR_PER_WH for step, price in enumerate(site.outlook.import_eur_per_wh)]
    try:
        plan = plan_site(replace(site, outlook=replace(site.outlook, import_eur_per_wh=early)))
    except RefusedError as refused:
        return OtherAssets(_sum_powers(unplanned_w, count), unplanned_w, why_not=str(refused))
    idle = [0.0] * count
    powers_w = {
        name: plan.parts[name].power_w if name in plan.parts else unplanned_w.get(name, idle)[:count]
        for name in (*site.cars, *modes)
    }
    cars = {name: car for name, car in site.cars.items() if name in plan.parts}
    context = _ReasonContext(plan.step_s, find_marginal_prices(site, plan), when)
    legs = {name: _make_current_legs(context, car, powers_w[name]) for name, car in cars.items()}
    for name in modes.keys() & plan.parts.keys():
        legs[name] = _make_mode_legs(context, modes[name], powers_w[name], site.batches.get(name))
    batteries_w = {name: plan.parts[name].power_w for name in site.batteries}
    return OtherAssets(_sum_powers(powers_w, count), powers_w, legs, batteries_w)


def _sum_powers(powers_w: Mapping[str, Sequence[float]], count: int) -> list[float]:
    return [sum(watts[step] for watts in powers_w.values()) for step in range(count)]


@dataclass(frozen=True, slots=True)
class _ReasonContext:
    """Data for reasons; the price of a step is the cost of one more Wh for the site, in EUR."""

    step_s: int
    prices: Sequence[float]
    when: _StepTime

    def find_price(self, step: int) -> float:
        return round(self.prices[step] * _PER_KWH, 3)


def _make_mode_legs(
    context: _ReasonContext, modes: PowerModes, power_w: Sequence[float], batch: BatchModel | None
) -> tuple[PlanLeg, ...]:
    """Return a mode with its reason per step; a batch stays in its run from start to end."""
    found: list[PlanLeg] = []
    begins = ""
    span = _find_run_steps(batch, power_w)
    for step in range(len(power_w) - 1, -1, -1):
        takes = step in span if batch is not None else power_w[step] >= modes.from_w
        if takes:
            begins = context.when(step)
            why = make_reason(modes.code, price_eur_per_kwh=context.find_price(step))
        else:
            why = make_reason("plan.waits_until", at=begins) if begins else modes.after
        found.append(PlanLeg(context.step_s, float(modes.takes if takes else modes.waits), why))
    return tuple(reversed(found))


def _find_run_steps(batch: BatchModel | None, power_w: Sequence[float]) -> range:
    """Return the steps in which a batch runs, located by its first step with power."""
    first = next((step for step, watts in enumerate(power_w) if watts > 0.0), len(power_w))
    if batch is None or first == len(power_w):
        return range(0)
    start = first - next(step for step, watts in enumerate(batch.powers_w) if watts > 0.0)
    return range(start, start + len(batch.powers_w))


def _make_current_legs(
    context: _ReasonContext, car: CarModel, power_w: Sequence[float]
) -> tuple[PlanLeg, ...]:
    """Return a current with its reason per step."""
    found: list[PlanLeg] = []
    per_a, begins = car.voltage_v * car.phases, ""
    ready = context.when(min(car.until_step, len(power_w)))
    for step in range(len(power_w) - 1, -1, -1):
        amperes = round(power_w[step] / per_a, 1)
        if amperes > 0.0:
            begins = context.when(step)
            why = make_reason("plan.charges_car", price_eur_per_kwh=context.find_price(step), ready=ready)
        else:
            why = make_reason("plan.car_waits", at=begins, ready=ready) if begins else _CAR_FULL_REASON
        found.append(PlanLeg(context.step_s, amperes, why))
    return tuple(reversed(found))
