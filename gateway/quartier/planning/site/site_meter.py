"""Cost of energy at the connection, and the prices of what is given up (pure)."""

import math
from array import array
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

from quartier.planning.site.site_model import SiteModel
from quartier_native.storages import FLOW_COLUMNS, STEP_COLUMNS, Step, Wiring, flow, pieces, tell_flows

_PRICE_STEP = 5.0
_LOSSES_MAX = 3.0
_PRICE_MARGIN = 2.0
_WHOLE_FACTOR = 1e4


class RelaxationPrices(NamedTuple):
    """Prices of what is given up, as multiples of the highest price of the horizon.

    They apply to a Wh missing to a battery's target, below a tank's band in a step, missing to a car, and
    beyond a limit.
    """

    target: float
    comfort: float
    car: float
    caps: float
    whole: float = 1.0
    """Factor on the price of a limit where whole amperes and starts are chosen."""

    @property
    def prices_by_rank(self) -> tuple[tuple[str, float], ...]:
        """Return name and price of each level, first given up first."""
        return (("target", self.target), ("comfort", self.comfort), ("car", self.car), ("caps", self.caps))

    @property
    def is_strict(self) -> bool:
        """Return whether no amount of a lower level outweighs a higher one."""
        return self.whole > 1.0


PLAIN_PRICES = RelaxationPrices(_PRICE_STEP, _PRICE_STEP**2, _PRICE_STEP**3, _PRICE_STEP**4)
"""Prices for sites that need not give up anything: no Wh costs so much that a level is given up for money."""


def make_strict_prices(site: SiteModel, price: float) -> RelaxationPrices:
    """Return prices at which no lower level outweighs a higher one; ``price`` is the highest of the horizon.

    A Wh in a store costs at most the highest price divided by efficiencies, plus wear and the value of its
    other uses. A Wh below the band in one step frees the heat that would have been needed for it, with the
    losses until then. A Wh of a car heats for all steps in which the tank keeps it. A Wh beyond a limit does
    all of these. With whole amperes and starts a small breach of a limit can free many Wh: there it counts
    ``whole`` times.
    """
    hours, count = site.outlook.step_h, site.outlook.count
    target = _PRICE_STEP
    for battery in site.batteries.values():
        worth = 2.0 * battery.wear_eur_per_wh + abs(battery.worth_eur_per_wh)
        target = max(target, _PRICE_STEP * (1.0 / battery.charge_efficiency + worth / price))
    lasting, losses, heats = 1.0, 1.0, 1.0
    for tank in site.tanks.values():
        constant = tank.time_constant_h
        lasting = max(lasting, tank.heat_per_wh * min(count, 1.0 / -math.expm1(-hours / constant)))
        losses = max(losses, math.exp(min(_LOSSES_MAX, hours * count / constant)) / tank.heat_per_wh)
        heats = max(heats, tank.heat_per_wh * abs(tank.worth_eur_per_wh) / price)
    target = max(target, _PRICE_STEP * heats)
    comfort = target * max(_PRICE_STEP, _PRICE_MARGIN * losses)
    least = min((car.efficiency for car in site.cars.values()), default=1.0)
    car_price = comfort * max(_PRICE_STEP, _PRICE_MARGIN * lasting / least)
    return RelaxationPrices(target, comfort, car_price, car_price * _PRICE_STEP, _WHOLE_FACTOR)


_DISTANCE_PRICE_SHARE = 0.01
_LOSSLESS = Wiring(1.0, 1.0, 0.0)
_COLUMN_NUMBERS = {name: number for number, name in enumerate(STEP_COLUMNS)}


@dataclass(frozen=True, slots=True)
class MeterFlows:
    """Flows and cost at the meter of a joint course."""

    cost_eur: float
    """Cost of energy, CO2 and the peak."""
    excess_wh: float
    """Energy beyond the limits."""
    peak_wh: float
    """Largest import of a step."""
    flows: "array[float]"

    def column(self, name: str) -> "array[float]":
        """Return one of FLOW_COLUMNS."""
        count = len(self.flows) // len(FLOW_COLUMNS)
        at = FLOW_COLUMNS.index(name)
        return self.flows[at * count : (at + 1) * count]


class CostSlope(NamedTuple):
    """A range over which each Wh taken costs the same."""

    length_wh: float
    price: float
    """EUR/Wh, including energy beyond the limits at its price."""


class SiteMeter:
    """The steps of a site in the form of the kernels. Energies in Wh, prices in EUR/Wh."""

    def __init__(self, site: SiteModel, relaxation: RelaxationPrices = PLAIN_PRICES) -> None:
        outlook, terms, hours = site.outlook, site.contract, site.outlook.step_h
        self.count = count = outlook.count
        self.step_h = hours
        co2_g_per_wh = outlook.import_g_per_wh or [0.0] * count
        self.peak_price = terms.peak_eur_per_w / hours
        self.level_wh = 0.0
        self._hulls: dict[tuple[int, float, float, float, float], list[CostSlope]] = {}
        """Cached results of ``find_slopes``: the programs of a plan ask for the same ones many times."""
        self.free_wh = terms.peak_free_w * hours
        columns = {
            "net_wh": [(load - sun) * hours for load, sun in zip(outlook.load_w, outlook.pv_w, strict=True)],
            "curtailable_wh": [sun * hours for sun in outlook.pv_w],
            "import_price": [
                price + terms.co2_eur_per_g * grams
                for price, grams in zip(outlook.import_eur_per_wh, co2_g_per_wh, strict=True)
            ],
            "export_price": list(outlook.export_eur_per_wh),
            "over_price": [terms.over_eur_per_wh] * count,
            "contract_wh": [terms.contract_w * hours] * count,
            "import_max_wh": [cap * hours for cap in outlook.import_max_w],
            "export_max_wh": [cap * hours for cap in outlook.export_max_w],
            **dict.fromkeys(("low_wh", "high_wh", "floor_wh", "ceiling_wh"), [0.0] * count),
        }
        self.paid_imports: dict[int, float] = {}
        """Steps in which a paid import counts as free, with its price, below 0."""
        for number in range(count):  # where both pay, an import counts as free, as for a single battery
            twice = columns["import_price"][number] < 0.0 < columns["export_price"][number]
            if twice and min(columns["curtailable_wh"][number], columns["export_max_wh"][number]) > 0.0:
                self.paid_imports[number] = columns["import_price"][number]
                columns["import_price"][number] = 0.0
        self.steps = array("d", [value for name in STEP_COLUMNS for value in columns[name]])
        self.price_max = (
            max(1e-6, *(abs(price) for name in ("import_price", "export_price") for price in columns[name]))
            + terms.over_eur_per_wh
            + self.peak_price
        )
        """Highest possible cost of a Wh, in EUR/Wh."""
        self.relaxation = relaxation
        self.excess_price = relaxation.caps * self.price_max
        """Price of a Wh beyond the limits, in EUR/Wh."""
        self.whole_price = self.excess_price * relaxation.whole
        """The same where whole amperes and starts are chosen."""

    def apply_peak_level(self, level_wh: float) -> "SiteMeter":
        """Return a copy in which each step pays the peak price for import above a level."""
        made = copy(self)
        made.steps = self.make_steps_around(array("d", bytes(8 * self.count)), level_wh)
        made.peak_price, made.level_wh, made._hulls = 0.0, level_wh, {}  # noqa: SLF001 - its own copy
        return made

    def find_peak_eur(self, levelled: "SiteMeter") -> float:
        """Return the peak cost that is free in the levelled copy, in EUR."""
        return self.peak_price * max(0.0, levelled.level_wh - self.free_wh) if self.peak_price > 0.0 else 0.0

    def column(self, name: str) -> "array[float]":
        """Return one of STEP_COLUMNS."""
        at = _COLUMN_NUMBERS[name]
        return self.steps[at * self.count : (at + 1) * self.count]

    def make_steps_around(self, others_wh: "array[float]", level_wh: float) -> "array[float]":
        """Return the steps for a part that is planned around ``others_wh``.

        With a peak price, import above ``level_wh`` costs that price too.
        """
        steps, count = self.steps[:], self.count
        for number in range(count):
            steps[number] += others_wh[number]
        if self.peak_price > 0.0:
            contract, over = _COLUMN_NUMBERS["contract_wh"] * count, _COLUMN_NUMBERS["over_price"] * count
            for number in range(count):
                if level_wh <= steps[contract + number]:
                    steps[contract + number] = level_wh
                    steps[over + number] += self.peak_price
        return steps

    def make_elastic_steps(
        self,
        linear_wh: "array[float]",
        others_wh: "array[float]",
        prices: "array[float]",
        spare_wh: "array[float]",
        level_wh: float,
    ) -> "array[float]":
        """Return the steps for a part around which all others yield at these prices.

        ``linear_wh`` is the course of the linear program. A larger distance costs a little more, so that of
        equal choices the nearest is taken. The import limit and the peak level lie ``spare_wh`` higher.
        """
        steps, count = self.make_steps_around(others_wh, level_wh), self.count
        near = _DISTANCE_PRICE_SHARE * self.price_max
        for number in range(count):
            base_wh = steps[number] + linear_wh[number]
            row = {
                "net_wh": -linear_wh[number],
                "curtailable_wh": 0.0,
                "import_price": prices[number] + near,
                "export_price": prices[number] - near,
                "export_max_wh": math.inf,
            }
            for name in ("import_max_wh", "contract_wh"):
                there = _COLUMN_NUMBERS[name] * count + number
                row[name] = max(0.0, steps[there] + spare_wh[number] - base_wh)
            for name, value in row.items():
                steps[_COLUMN_NUMBERS[name] * count + number] = value
        return steps

    def tell(self, moved_wh: "array[float]") -> MeterFlows:
        """Return flows and cost when ``moved_wh`` is taken on the bus in addition to what is not planned."""
        flows = array("d", bytes(8 * len(FLOW_COLUMNS) * self.count))
        tell_flows(self.steps, moved_wh, flows)
        grid_wh = flows[: self.count]
        peak_wh = max(0.0, *grid_wh, 0.0)
        cost = sum(flows[2 * self.count : 3 * self.count]) + self.peak_price * max(
            0.0, peak_wh - self.free_wh
        )
        return MeterFlows(cost, sum(flows[3 * self.count :]), peak_wh, flows)

    def find_slopes(
        self, number: int, base_wh: float, least_wh: float, most_wh: float, surcharge: float = 0.0
    ) -> Sequence[CostSlope]:
        """Return the convex hull of a step's cost over the planned energy, from ``least_wh`` on.

        ``base_wh`` of the planned energy is fixed. ``surcharge`` is added to the import price.
        """
        asked = (number, base_wh, least_wh, most_wh, surcharge)
        found = self._hulls.get(asked)
        if found is None:
            found = self._hulls[asked] = self._find_slopes(*asked)
        return found

    def _find_slopes(
        self, number: int, base_wh: float, least_wh: float, most_wh: float, surcharge: float
    ) -> list[CostSlope]:
        step = self._step(number, base_wh, surcharge)._replace(low_wh=least_wh, high_wh=most_wh)
        return [
            CostSlope(piece.length_wh, piece.price + self.excess_price * piece.breach)
            for piece in pieces(step, _LOSSLESS)
        ]

    def lowest(
        self, prices: Sequence[float], surcharges: Sequence[float], ranges: Sequence[tuple[float, float]]
    ) -> float:
        """Return a lower bound of the cost at the meter within the ranges.

        Planned energy is paid at ``prices``. ``surcharges`` are the share of the peak price in each step.
        """
        total = 0.0
        for number, (price, surcharge, (least_wh, most_wh)) in enumerate(
            zip(prices, surcharges, ranges, strict=True)
        ):
            there = flow(self._step(number, 0.0, surcharge), _LOSSLESS, least_wh)
            total += there.cost + self.excess_price * there.excess_wh - price * least_wh
            total -= surcharge * self.free_wh
            for slope in self.find_slopes(number, 0.0, least_wh, most_wh, surcharge):
                total += slope.length_wh * min(0.0, slope.price - price)
        return total

    def _step(self, number: int, base_wh: float, surcharge: float) -> Step:
        step = Step(*self.steps[number :: self.count])
        return step._replace(net_wh=step.net_wh + base_wh, import_price=step.import_price + surcharge)
