"""Describe what each part of a site plan does from when to when, and why (pure)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from quartier.planning.site.site_model import BatchModel, CarModel, SiteModel, TankModel
from quartier.planning.site.site_plan import PartPlan, SitePlan

_IDLE_W = 0.5
_SAME_EUR_PER_WH = 1e-7
"""Prices within this difference are equal, in EUR/Wh."""
_ALIKE_SHARE = 0.99
"""The prices that brought the parts together are no more exact than this share."""
_KILO = 1000.0
_FULL_MARGIN_WH = 1.0
StepTime = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class PlanSegment:
    """Consecutive steps in which a part does one thing; ``until_step`` is the first step after them."""

    from_step: int
    until_step: int
    mean_w: float
    why: str


def describe_segments(site: SiteModel, plan: SitePlan, when: StepTime = str) -> dict[str, list[PlanSegment]]:
    """Return the segments of each part from the first step to the last.

    ``when`` formats the start of a step, and is also called for the end of the last one. Prices are in EUR
    per kWh, those of ``find_marginal_prices``.
    """
    prices = find_marginal_prices(site, plan)
    return {
        name: list(_iterate_segments(_DescribedPart(site, plan, name, when, prices))) for name in plan.parts
    }


def find_marginal_prices(site: SiteModel, plan: SitePlan) -> list[float]:
    """Return the cost of one more Wh for the site in each step, in EUR.

    It is the price of an import, of a lost export, or zero where PV is curtailed. Between import and export
    it is the price that brought the parts together.
    """
    outlook, made = site.outlook, []
    grams = outlook.import_g_per_wh or [0.0] * outlook.count
    for step, grid_w in enumerate(plan.grid_w):
        bought = outlook.import_eur_per_wh[step] + site.contract.co2_eur_per_g * grams[step]
        sold = 0.0 if plan.curtailed_w[step] > _IDLE_W else outlook.export_eur_per_wh[step]
        between = min(max(plan.bus_eur_per_wh[step], min(sold, bought)), max(sold, bought))
        made.append(bought if grid_w > _IDLE_W else sold if grid_w < -_IDLE_W else between)
    return made


@dataclass(frozen=True, slots=True)
class _DescribedPart:
    site: SiteModel
    whole: SitePlan
    name: str
    when: StepTime
    prices: Sequence[float]

    @property
    def plan(self) -> PartPlan:
        return self.whole.parts[self.name]

    @property
    def runs(self) -> list[tuple[int, int]]:
        """Return the segments in which it takes, gives or rests; an idle car is split by presence."""
        car, made, begin = self.site.cars.get(self.name), [], 0

        def state(step: int) -> tuple[int, bool]:
            return _find_sign(self.plan.power_w[step]), car is None or car.from_step <= step < car.until_step

        for _, run in groupby(range(len(self.plan.power_w)), state):
            end = begin + len(list(run))
            made.append((begin, end))
            begin = end
        return made

    def run(self, step: int) -> tuple[int, int]:
        """Return the segment that contains a step."""
        return next(run for run in self.runs if run[0] <= step < run[1])

    def mean_w(self, begin: int, end: int) -> float:
        return sum(self.plan.power_w[begin:end]) / (end - begin)

    def find_price(self, begin: int, end: int) -> float:
        """Return the mean price weighted by the moved energy, in EUR/Wh; unweighted where nothing moves."""
        prices = self.prices[begin:end]
        weights = [abs(power_w) for power_w in self.plan.power_w[begin:end]]
        if sum(weights) <= _IDLE_W:
            return sum(prices) / len(prices)
        return sum(p * w for p, w in zip(prices, weights, strict=True)) / sum(weights)

    def later(self, end: int, sign: int) -> int | None:
        """Return the next step in which it takes (1) or gives (-1)."""
        powers = self.plan.power_w
        return next((step for step in range(end, len(powers)) if _find_sign(powers[step]) == sign), None)


def _iterate_segments(part: _DescribedPart) -> Iterator[PlanSegment]:
    say = _EXPLAINERS[part.plan.kind]
    for begin, end in part.runs:
        mean_w = part.mean_w(begin, end)
        yield PlanSegment(begin, end, mean_w, say(part, begin, end, _find_sign(mean_w)))


def _explain_battery(part: _DescribedPart, begin: int, end: int, sign: int) -> str:
    price, other = part.find_price(begin, end), part.later(end, -sign) if sign else None
    if sign == 0:
        return f"waits: {_explain_battery_rest(part, begin, price)}"
    if sign < 0:
        after = (
            f"; charges again from {part.when(other)}, at {_format_price(_find_run_price(part, other))}"
            if other
            else ""
        )
        return f"gives: {_explain_gain(part, begin, end)}{after}"
    battery = part.site.batteries[part.name]
    if other is None:
        worth = battery.worth_eur_per_wh
        worth_text = f", where it is worth {_format_price(worth)}" if worth > 0.0 else ""
        return f"charges at {_format_price(price)}: kept for the time after the plan{worth_text}"
    kept = battery.charge_efficiency * battery.discharge_efficiency
    # Where a store has room for more, a kWh is worth the cost of the next one. That does not count against
    # it.
    if _find_run_price(part, other) * kept < price * _ALIKE_SHARE - _SAME_EUR_PER_WH:
        return f"charges at {_format_price(price)}: takes what the others leave over until {part.when(end)}"
    gain = _explain_gain(part, *part.run(other))
    return f"charges at {_format_price(price)}: gives from {part.when(other)}, where {gain}"


def _explain_battery_rest(part: _DescribedPart, begin: int, price: float) -> str:
    battery, energy_wh = part.site.batteries[part.name], part.plan.energy_wh[begin]
    if energy_wh >= battery.capacity_wh - _FULL_MARGIN_WH:
        return "it is full"
    if energy_wh <= battery.reserve_wh + _FULL_MARGIN_WH:
        return "it is at its reserve"
    return f"{_format_price(price)} is too dear to charge by and too cheap to give for"


def _explain_gain(part: _DescribedPart, begin: int, end: int) -> str:
    """Return the benefit of its discharge: an avoided import, or an export."""
    outlook, grid_w = part.site.outlook, part.whole.grid_w[begin:end]
    weights = [-power_w for power_w in part.plan.power_w[begin:end]]
    sold = sum(weight for weight, power_w in zip(weights, grid_w, strict=True) if power_w < -_IDLE_W)
    is_sold = sold > sum(weights) / 2.0
    prices = (outlook.export_eur_per_wh if is_sold else outlook.import_eur_per_wh)[begin:end]
    mean = sum(price * weight for price, weight in zip(prices, weights, strict=True)) / sum(weights)
    return (
        f"an export earns {_format_price(mean)}"
        if is_sold
        else f"it avoids an import at {_format_price(mean)}"
    )


def _find_run_price(part: _DescribedPart, step: int) -> float:
    """Return the price of the segment that begins with ``step``."""
    return part.find_price(*part.run(step))


def _explain_car(part: _DescribedPart, begin: int, end: int, sign: int) -> str:
    car = part.site.cars[part.name]
    until = min(car.until_step, len(part.plan.power_w))
    leaves = f"it leaves at {part.when(until)}" if until < len(part.plan.power_w) else "the last step"
    if sign == 0:
        return _explain_car_rest(part, car, begin, end)
    got_wh = part.plan.energy_wh[-1]
    missing = part.mean_w(begin, end) > 0.0 and got_wh < car.need_wh - _IDLE_W
    if missing:
        return f"charges all it can before {leaves}: {car.need_wh - got_wh:.0f} Wh are missing"
    price = part.find_price(begin, end)
    idle = [
        part.prices[step] for step in range(car.from_step, until) if not _find_sign(part.plan.power_w[step])
    ]
    if not idle:
        return f"charges at {_format_price(price)}: it needs all its time before {leaves}"
    if max(part.prices[begin:end]) <= min(idle) + _SAME_EUR_PER_WH:
        return f"charges at {_format_price(price)}: the cheapest steps before {leaves}"
    others = _format_price(sum(idle) / len(idle))
    return f"charges at {_format_price(price)}: {others} in its other steps before {leaves}"


def _explain_car_rest(part: _DescribedPart, car: CarModel, begin: int, end: int) -> str:
    if end <= car.from_step:
        return "is not there yet"
    if begin >= car.until_step:
        return "has left"
    later = part.later(end, 1)
    price = _format_price(part.find_price(begin, end))
    if later is None:
        return "has all the energy that it wants"
    then = _format_price(_find_run_price(part, later))
    if then == price:
        return f"waits: as cheap from {part.when(later)}, at {then}"
    return f"waits: {price} now, {then} from {part.when(later)}"


def _explain_tank(part: _DescribedPart, begin: int, end: int, sign: int) -> str:
    tank = part.site.tanks[part.name]
    price, later = _format_price(part.find_price(begin, end)), part.later(end, 1)
    if sign == 0:
        if later is None:
            return "is warm enough to the last step"
        return f"is warm enough until {part.when(later)}"
    if _is_at_low_end(part, tank, begin, end):
        return f"heats at {price}: as much as holds the comfort band's lower end"
    if later is None:
        return f"heats at {price}: enough to the last step"
    later_price = _format_price(_find_run_price(part, later))
    return f"heats at {price}: enough until {part.when(later)}, then at {later_price}"


def _is_at_low_end(part: _DescribedPart, tank: TankModel, begin: int, end: int) -> bool:
    edge_wh = max(1.0, 0.01 * (tank.high_wh - tank.low_wh))
    return all(wh <= tank.low_wh + edge_wh for wh in part.plan.energy_wh[begin:end])


def _explain_batch(part: _DescribedPart, _: int, end: int, sign: int) -> str:
    if sign == 0:
        return "waits for its run" if part.later(end, 1) is not None else "is done"
    batch = part.site.batches[part.name]
    costs = {start: _find_start_cost_eur(part, batch, start) for start in batch.starts}
    first = next(step for step, power_w in enumerate(part.plan.power_w) if power_w > _IDLE_W)
    here, hours = costs.get(first, costs[batch.starts[0]]), f"by {part.when(batch.until_step)}"
    if len(costs) == 1:
        return f"runs for {here:.3f} EUR: there is no other time {hours}"
    least, most = min(costs.values()), max(costs.values())
    if here <= least + _SAME_EUR_PER_WH * _KILO:
        return f"runs for {here:.3f} EUR: its cheapest time {hours}, {most:.3f} at the dearest"
    return f"runs for {here:.3f} EUR: {least:.3f} to {most:.3f} at other times {hours}"


def _find_start_cost_eur(part: _DescribedPart, batch: BatchModel, start: int) -> float:
    hours = part.whole.step_s / 3600.0
    prices = part.prices[start : start + len(batch.powers_w)]
    return sum(p * w for p, w in zip(prices, batch.powers_w, strict=True)) * hours


_EXPLAINERS: dict[str, Callable[[_DescribedPart, int, int, int], str]] = {
    "battery": _explain_battery,
    "car": _explain_car,
    "tank": _explain_tank,
    "batch": _explain_batch,
}


def _format_price(eur_per_wh: float) -> str:
    return f"{eur_per_wh * _KILO:z.3f}"


def _find_sign(power_w: float) -> int:
    return 0 if abs(power_w) <= _IDLE_W else 1 if power_w > 0.0 else -1
