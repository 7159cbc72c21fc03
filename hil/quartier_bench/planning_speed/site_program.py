"""A whole site as a mixed-integer linear program for HiGHS: reference and peer of the joint planner.

It shares no code with the planner: it reads the numbers of the site, in kWh and kW, and writes the model
of
``gateway/docs/planning.md`` a second time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from highspy._core import _Highs as Highs  # its wrapper says hello on stdout, where our figures go

from quartier.planning.site.site_model import SiteModel
from quartier_bench.planning_speed.storage_program import INF, LinearProgram

KILO = 1000.0
_PENALTY_FACTORS = {"target": 5.0, "comfort": 25.0, "car": 125.0, "caps": 625.0}
"""In highest prices of the horizon."""
_SLACK_KWH = 1e-5
"""Tolerance within which two values of a level are equal."""


@dataclass(frozen=True, slots=True)
class SiteOptimum:
    """Result of HiGHS: best cost and lower bound in EUR; ``ways_w`` has the power of each part by step."""

    cost_eur: float
    bound_eur: float
    part_powers_w: Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class StagedOptimum:
    """Result of HiGHS level by level: energy given up in Wh, the last to give up first, and the cost of the
    rest; ``is_closed`` if each level was solved to its end.
    """

    given_up_wh: Mapping[str, float]
    cost_eur: float
    is_closed: bool


class SiteProgram(LinearProgram):
    """A site as HiGHS takes it.  ``fixed_w`` are ways of parts that are set: what is left is their cost."""

    def __init__(self, site: SiteModel, fixed_w: Mapping[str, Sequence[float]] | None = None) -> None:
        super().__init__()
        self.site = site
        self._constant = 0.0
        self._ways: dict[str, list[dict[int, float]]] = {}
        self._missing: dict[str, dict[int, float]] = {name: {} for name in reversed(_PENALTY_FACTORS)}
        count = site.outlook.count
        hours = self._hours = site.outlook.step_s / 3600.0
        outlook, terms = site.outlook, site.contract
        grams = outlook.import_g_per_wh or [0.0] * count
        self._imports = [
            (price + terms.co2_eur_per_g * co2) * KILO
            for price, co2 in zip(outlook.import_eur_per_wh, grams, strict=True)
        ]
        self._exports = [price * KILO for price in outlook.export_eur_per_wh]
        highest = max(1e-3, *map(abs, self._imports), *map(abs, self._exports))
        highest += (terms.over_eur_per_wh + terms.peak_eur_per_w / hours) * KILO
        self._price = {name: times * highest for name, times in _PENALTY_FACTORS.items()}
        for name in site.batteries:
            self._battery(name)
        for name in site.cars:
            self._car(name)
        for name in site.tanks:
            self._tank(name)
        for name in site.batches:
            self._batch(name)
        for name, way_w in (fixed_w or {}).items():
            for step, weights in enumerate(self._ways[name]):
                if weights:
                    way_kwh = way_w[step] * hours / KILO
                    self.row(weights, way_kwh - 1e-6, way_kwh + 1e-6)
        self._meter()

    def solve(
        self, *, within: float = 1e-6, nodes: int = 1_000_000, seconds: float = math.inf
    ) -> SiteOptimum:
        """Solve it to a relative gap, or as far as it comes in so many nodes and seconds."""
        highs = Highs()
        for name, value in {
            "output_flag": False,
            "threads": 1,
            "mip_rel_gap": within,
            "time_limit": seconds,
            "mip_max_nodes": nodes,
            "mip_feasibility_tolerance": 1e-7,
        }.items():
            highs.setOptionValue(name, value)
        highs.passModel(self.model())
        highs.run()
        info = highs.getInfo()
        values = list(highs.getSolution().col_value)
        if not values:
            return SiteOptimum(math.inf, info.mip_dual_bound + self._constant, {})
        cost = info.objective_function_value + self._constant
        bound = info.mip_dual_bound + self._constant if self.is_whole else cost
        return SiteOptimum(
            cost,
            bound,
            {
                name: [
                    sum(values[column] * weight for column, weight in weights.items()) * KILO / self._hours
                    for weights in way
                ]
                for name, way in self._ways.items()
            },
        )

    def solve_staged(self, *, within: float = 1e-6, seconds: float = math.inf) -> StagedOptimum:
        """Solve it level by level: the least that is given up last, then of that what is given up before, at
        last what it costs.  Each time within some seconds; what was found stands as a row of the next.
        """
        money = self.cost[:]
        for weights in self._missing.values():
            for column in weights:
                money[column] = 0.0
        given_up_wh, is_closed = {}, True
        for name, weights in self._missing.items():
            self.cost = [weights.get(column, 0.0) for column in range(self.count)]
            found, constant = 0.0, self._constant
            if weights:
                self._constant = 0.0
                optimum = self.solve(within=within, seconds=seconds)
                self._constant, found = constant, max(0.0, optimum.cost_eur)
                is_closed &= optimum.cost_eur - optimum.bound_eur <= max(1e-4, within * found)
                self.row(weights, -INF, found + _SLACK_KWH)
            given_up_wh[name] = found * KILO
        self.cost = money
        optimum = self.solve(within=within, seconds=seconds)
        is_closed &= optimum.cost_eur - optimum.bound_eur <= max(within * abs(optimum.cost_eur), 1e-6)
        return StagedOptimum(given_up_wh, optimum.cost_eur, is_closed)

    def _battery(self, name: str) -> None:
        battery, hours = self.site.batteries[name], self._hours
        into, out = battery.charge_efficiency, battery.discharge_efficiency
        wear = battery.wear_eur_per_wh * KILO
        charge_max, discharge_max = (
            battery.charge_max_w * hours / KILO,
            battery.discharge_max_w * hours / KILO,
        )
        high = max(battery.capacity_wh, battery.energy_wh) / KILO
        before, way = -1, []
        for step in range(self.site.outlook.count):
            charge = self.new(0.0, charge_max, wear * into)
            discharge = self.new(0.0, discharge_max, wear / out)
            energy = self.new(battery.reserve_wh / KILO, high)
            row = {energy: 1.0, charge: -into, discharge: 1.0 / out}
            if before < 0:
                self.row(row, battery.energy_wh / KILO, battery.energy_wh / KILO)
            else:
                self.row({**row, before: -1.0}, 0.0, 0.0)
            if self._imports[step] < 0.0 or self._exports[step] < 0.0:
                charges = self.new(0.0, 1.0, whole=True)
                self.row({charge: 1.0, charges: -charge_max}, -INF, 0.0)
                self.row({discharge: 1.0, charges: discharge_max}, -INF, discharge_max)
            before = energy
            way.append({charge: 1.0, discharge: -1.0})
        self._ways[name] = way
        self.cost[before] -= battery.worth_eur_per_wh * KILO
        short = self._short("target", INF)
        self.row({before: 1.0, short: 1.0}, min(battery.target_wh, battery.capacity_wh) / KILO, INF)

    def _car(self, name: str) -> None:
        car, count = self.site.cars[name], self.site.outlook.count
        unit = car.current_step_a * car.phases * car.voltage_v * self._hours / KILO
        least, most = (
            round(car.current_min_a / car.current_step_a),
            int(car.current_max_a / car.current_step_a + 1e-9),
        )
        need = math.ceil(car.need_wh / KILO / (unit * car.efficiency) - 1e-9)
        room = max(need, int(car.room_wh / KILO / (unit * car.efficiency) + 1e-9))
        way: list[dict[int, float]] = [{} for _ in range(count)]
        taken = {}
        for step in range(car.from_step, min(car.until_step, count)):
            on = self.new(0.0, 1.0, whole=True)
            units = self.new(0.0, float(most), whole=True)
            self.row({units: 1.0, on: -float(least)}, 0.0, INF)
            self.row({units: 1.0, on: -float(most)}, -INF, 0.0)
            way[step] = {units: unit}
            taken[units] = 1.0
        short = self._short("car", float(need), unit * car.efficiency)
        self.row({**taken, short: 1.0}, float(need), INF)
        if taken:
            self.row(taken, 0.0, float(room))
        self._ways[name] = way

    def _tank(self, name: str) -> None:
        tank, hours = self.site.tanks[name], self._hours
        keep = math.exp(-hours / tank.time_constant_h)
        standing, before, way = tank.energy_wh / KILO, -1, []
        for draw_w in tank.draw_w:
            standing *= keep
            power = self.new(0.0, tank.power_max_w * hours / KILO)
            energy = self.new(-INF, max(tank.high_wh / KILO, standing))
            short = self._short("comfort", INF)
            row, draw = {energy: 1.0, power: -tank.heat_per_wh}, draw_w * hours / KILO
            if before < 0:
                self.row(row, keep * tank.energy_wh / KILO - draw, keep * tank.energy_wh / KILO - draw)
            else:
                self.row({**row, before: -keep}, -draw, -draw)
            self.row({energy: 1.0, short: 1.0}, tank.low_wh / KILO, INF)
            before = energy
            way.append({power: 1.0})
        self.cost[before] -= tank.worth_eur_per_wh * KILO
        self._ways[name] = way

    def _batch(self, name: str) -> None:
        batch = self.site.batches[name]
        way: list[dict[int, float]] = [{} for _ in range(self.site.outlook.count)]
        begins = {}
        for start in range(batch.from_step, batch.until_step - len(batch.powers_w) + 1):
            begin = self.new(0.0, 1.0, whole=True)
            begins[begin] = 1.0
            for at, power_w in enumerate(batch.powers_w):
                way[start + at][begin] = power_w * self._hours / KILO
        self.row(begins, 1.0, 1.0)
        self._ways[name] = way

    def _meter(self) -> None:
        outlook, terms, hours = self.site.outlook, self.site.contract, self._hours
        peak = -1
        if terms.peak_eur_per_w:
            peak = self.new(0.0, INF, terms.peak_eur_per_w / hours * KILO)
        for step in range(outlook.count):
            sun = outlook.pv_w[step] * hours / KILO
            bought = self.new(0.0, INF, self._imports[step])
            sold = self.new(0.0, INF, -self._exports[step])
            curtailed = self.new(0.0, sun)
            over = self.new(0.0, INF, terms.over_eur_per_wh * KILO)
            excess = [self._short("caps", INF) for _ in range(2)]
            row = {bought: 1.0, sold: -1.0, curtailed: -1.0}
            most = outlook.load_w[step] * hours / KILO + sun
            for way in self._ways.values():
                for column, weight in way[step].items():
                    row[column] = row.get(column, 0.0) - weight
                    most += abs(weight) * min(self._high[column], 1e3)
            net = (outlook.load_w[step] - outlook.pv_w[step]) * hours / KILO
            self.row(row, net, net)
            self.row(
                {bought: 1.0, excess[0]: -1.0}, -INF, _convert_limit_kwh(outlook.import_max_w[step] * hours)
            )
            self.row(
                {sold: 1.0, excess[1]: -1.0}, -INF, _convert_limit_kwh(outlook.export_max_w[step] * hours)
            )
            if terms.over_eur_per_wh > 0.0:
                self.row({bought: 1.0, over: -1.0}, -INF, _convert_limit_kwh(terms.contract_w * hours))
            if peak >= 0:
                self.row({bought: 1.0, peak: -1.0}, -INF, terms.peak_free_w * hours / KILO)
            if self._imports[step] < max(0.0, self._exports[step]):
                imports = self.new(0.0, 1.0, whole=True)
                self.row({bought: 1.0, imports: -most}, -INF, 0.0)
                self.row({sold: 1.0, imports: most}, -INF, most)

    def _short(self, name: str, most: float, each_kwh: float = 1.0) -> int:
        """A further column of what is given up."""
        made = self.new(0.0, most, self._price[name] * each_kwh)
        self._missing[name][made] = each_kwh
        return made


def _convert_limit_kwh(wh: float) -> float:
    return INF if math.isinf(wh) else wh / KILO
