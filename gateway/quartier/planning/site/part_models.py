"""Plan one part (storage, car or batch) exactly around all others (pure)."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from quartier.planning.horizon import BatteryModel, RefusedError
from quartier.planning.site.energy_chain import EnergyChain
from quartier.planning.site.site_meter import SiteMeter
from quartier.planning.site.site_model import BatchModel, CarModel, TankModel
from quartier_native.storages import (
    PLAN_COLUMNS,
    STEP_COLUMNS,
    UNITS_MAX,
    plan_levels,
    plan_storage,
    tell_flows,
)

_ENERGY_COLUMNS = ("net_wh", "curtailable_wh", "contract_wh", "import_max_wh", "export_max_wh")
_PRICE_COLUMNS = ("import_price", "export_price", "over_price")
_TIME_CONSTANTS_MAX = 12.0
"""Largest horizon in time constants of a tank: e^-12 is left, which numbers can still hold."""


@dataclass(frozen=True, slots=True)
class StoragePart:
    """A battery or a tank, planned by the kernel of one storage.

    A tank that keeps r of its heat from step to step is a storage without losses whose energy is counted in
    r^t: with e' = r·e + h − d, e / r^t plus the heat drawn so far rises by h / r^(t + 1) alone. All energies
    of a step are divided by ``scales``, and its prices multiplied.
    """

    chain: EnergyChain
    efficiencies: tuple[float, float]
    wear_price: float
    scales: Sequence[float]
    """Electric Wh for one Wh of the kernel, per step: 1 for a battery."""
    keeps: Sequence[float]
    """Share of a Wh at the beginning of the horizon that is left at the end of a step."""
    lifts: Sequence[float]
    """Heat drawn until then, in Wh of the kernel."""
    target_wh: float = 0.0
    relaxation_name: str = "comfort"
    """Level of the relaxation order that is given up where the lows cannot be kept."""

    @property
    def work(self) -> int:
        """Return the approximate work of a plan, in columns times rounds of a linear program."""
        return 10 * self.chain.count

    def plan(self, steps: "array[float]") -> "array[float] | None":
        """Return the energy on the bus that makes ``steps`` cost least; None if it is infeasible."""
        chain, count = self.chain, self.chain.count
        columns = {name: steps[at * count : (at + 1) * count] for at, name in enumerate(STEP_COLUMNS)}
        floors = self._find_floors_wh(columns)
        for name in _ENERGY_COLUMNS:
            columns[name] = array("d", [wh / s for wh, s in zip(columns[name], self.scales, strict=True)])
        for name in _PRICE_COLUMNS:
            columns[name] = array("d", [p * s for p, s in zip(columns[name], self.scales, strict=True)])
        into, out = self.efficiencies
        columns["low_wh"] = array("d", [-chain.discharge_max_wh / out / s for s in self.scales])
        columns["high_wh"] = array("d", [chain.charge_max_wh * into / s for s in self.scales])
        columns["floor_wh"] = array("d", self._scale_energies(floors))
        columns["ceiling_wh"] = array("d", self._scale_energies(chain.highs_wh))
        flat = array("d")
        for name in STEP_COLUMNS:
            flat += columns[name]
        worth = chain.worth_price * self.keeps[-1]
        store = array("d", (into, out, self.wear_price, chain.energy_wh, self.target_wh, worth))
        plan = array("d", bytes(8 * len(PLAN_COLUMNS) * count))
        if not plan_storage(flat, store, plan).feasible:
            return None
        return array(
            "d",
            [
                (moved / into if moved > 0.0 else moved * out) * scale
                for moved, scale in zip(plan[:count], self.scales, strict=True)
            ],
        )

    def cost(self, bus_wh: "array[float]") -> float:
        """Return its cost apart from the meter, in EUR."""
        return self.chain.cost(bus_wh)

    def _scale_energies(self, energies_wh: Sequence[float]) -> list[float]:
        return [wh / k + lift for wh, k, lift in zip(energies_wh, self.keeps, self.lifts, strict=True)]

    def _find_floors_wh(self, columns: "dict[str, array[float]]") -> list[float]:
        """Return the lows as far as power and the import limit allow them."""
        chain, most_wh, made = self.chain, self.chain.energy_wh, []
        for at, (net_wh, cap_wh) in enumerate(zip(columns["net_wh"], columns["import_max_wh"], strict=True)):
            room_wh = max(0.0, min(chain.charge_max_wh, cap_wh - net_wh))
            most_wh = min(
                chain.highs_wh[at], chain.keep * most_wh + chain.gain * room_wh - chain.draws_wh[at]
            )
            made.append(min(chain.lows_wh[at] - self._find_target_part_wh(at), most_wh))
        return made

    def _find_target_part_wh(self, at: int) -> float:
        """Return the target's share of the last low, which the kernel weighs itself."""
        return self.chain.shorts_wh[at] if self.target_wh > 0.0 and at == self.chain.count - 1 else 0.0


@dataclass(frozen=True, slots=True)
class CarPart:
    """A car, planned by the kernel of levels."""

    chain: EnergyChain
    amounts_wh: "array[float]"
    units: "array[int]"
    need: "array[float]"
    relaxation_name: str = "car"

    @property
    def work(self) -> int:
        """Return the approximate work of a plan, in columns times rounds of a linear program."""
        return self.chain.count * len(self.units) * (int(self.need[1]) + 1) // 400

    def plan(self, steps: "array[float]") -> "array[float] | None":
        """Return the energy on the bus that makes ``steps`` cost least."""
        chain = self.chain
        whole, count = len(steps) // len(STEP_COLUMNS), chain.count
        if count == 0:
            return array("d", bytes(8 * whole))
        window = array("d")
        for at in range(len(STEP_COLUMNS)):
            window += steps[at * whole + chain.first : at * whole + chain.first + count]
        made = array("i", bytes(4 * count))
        plan_levels(window, self.amounts_wh, self.units, self.need, made)
        bus_wh = array("d", bytes(8 * whole))
        for at, level in enumerate(made):
            bus_wh[chain.first + at] = self.amounts_wh[level]
        return bus_wh

    def cost(self, bus_wh: "array[float]") -> float:
        """Return its cost apart from the meter, in EUR."""
        return self.chain.cost(bus_wh[self.chain.first : self.chain.first + self.chain.count])

    def lowest(self, prices: "array[float]") -> float:
        """Return the cost of its cheapest course, where a Wh on the bus costs ``prices``."""
        bus_wh = self.plan(_make_priced_steps(prices))
        if bus_wh is None:
            raise RuntimeError("a car that does not charge keeps all")
        return self.cost(bus_wh) + sum(a * b for a, b in zip(bus_wh, prices, strict=True))


@dataclass(frozen=True, slots=True)
class BatchPart:
    """A batch: every start is tried."""

    batch: BatchModel
    amounts_wh: "array[float]"
    excess_price: float

    @property
    def work(self) -> int:
        """Return the approximate work of a plan, in columns times rounds of a linear program."""
        return 2 * len(self.amounts_wh) * len(self.batch.starts)

    def list_ways(self, count: int) -> "list[array[float]]":
        """Return the energy on the bus for each start."""
        made = []
        for start in self.batch.starts:
            bus_wh = array("d", bytes(8 * count))
            bus_wh[start : start + len(self.amounts_wh)] = self.amounts_wh
            made.append(bus_wh)
        return made

    def plan(self, steps: "array[float]") -> "array[float] | None":
        """Return the energy on the bus that makes ``steps`` cost least."""
        count = len(steps) // len(STEP_COLUMNS)
        idle = self._find_costs_eur(steps, array("d", bytes(8 * count)))
        best, best_cost = None, math.inf
        # Cost of a step with each number of the profile; the cost of a run is a sum along a diagonal.
        table = [self._find_costs_eur(steps, array("d", [wh]) * count) for wh in self.amounts_wh]
        for start in self.batch.starts:
            cost = sum(row[start + at] - idle[start + at] for at, row in enumerate(table))
            if cost < best_cost:
                best, best_cost = start, cost
        bus_wh = array("d", bytes(8 * count))
        if best is not None:
            bus_wh[best : best + len(self.amounts_wh)] = self.amounts_wh
        return bus_wh

    def _find_costs_eur(self, steps: "array[float]", moved_wh: "array[float]") -> list[float]:
        count = len(moved_wh)
        flows = array("d", bytes(8 * 4 * count))
        tell_flows(steps, moved_wh, flows)
        return [
            cost + self.excess_price * excess_wh
            for cost, excess_wh in zip(flows[2 * count : 3 * count], flows[3 * count :], strict=True)
        ]

    def cost(self, bus_wh: "array[float]") -> float:  # noqa: ARG002 - as the other parts
        """Return its cost apart from the meter: zero."""
        return 0.0

    def lowest(self, prices: "array[float]") -> float:
        """Return the cost of the cheapest start, where a Wh on the bus costs ``prices``."""
        return min(
            sum(prices[start + at] * wh for at, wh in enumerate(self.amounts_wh))
            for start in self.batch.starts
        )


Part = StoragePart | CarPart | BatchPart


def make_battery_part(meter: SiteMeter, battery: BatteryModel) -> StoragePart:
    """Make the part of a battery."""
    hours, count = meter.step_h, meter.count
    into, out = battery.charge_efficiency, battery.discharge_efficiency
    charge_wh, discharge_wh = battery.charge_max_w * hours, battery.discharge_max_w * hours
    target_wh = min(battery.target_wh, battery.capacity_wh)
    most_wh, lows = battery.energy_wh, []
    caps, nets = meter.column("import_max_wh"), meter.column("net_wh")
    for cap_wh, net_wh in zip(caps, nets, strict=True):
        most_wh += max(0.0, min(charge_wh, cap_wh - net_wh)) * into
        lows.append(min(battery.reserve_wh, most_wh))
    short_wh = max(0.0, target_wh - lows[-1])
    lows[-1] += short_wh
    chain = EnergyChain(
        first=0,
        energy_wh=battery.energy_wh,
        keep=1.0,
        gain=into,
        out=1.0 / out,
        charge_max_wh=charge_wh,
        discharge_max_wh=discharge_wh,
        charge_price=battery.wear_eur_per_wh * into,
        discharge_price=battery.wear_eur_per_wh / out,
        draws_wh=[0.0] * count,
        lows_wh=lows,
        highs_wh=[max(battery.capacity_wh, battery.energy_wh)] * count,
        shorts_wh=[*[0.0] * (count - 1), short_wh],
        short_price=meter.relaxation.target * meter.price_max,
        worth_price=battery.worth_eur_per_wh,
    )
    ones = [1.0] * count
    return StoragePart(
        chain, (into, out), battery.wear_eur_per_wh, ones, ones, [0.0] * count, target_wh, "target"
    )


def make_tank_part(meter: SiteMeter, name: str, tank: TankModel) -> StoragePart:
    """Make the part of a tank. Raises RefusedError if its time constant is too short for the horizon."""
    hours, count = meter.step_h, meter.count
    if hours * count > _TIME_CONSTANTS_MAX * tank.time_constant_h:
        raise RefusedError(f"{name}.time_constant_h {tank.time_constant_h}: too short for {count} steps")
    keep = math.exp(-hours / tank.time_constant_h)
    draws = [draw_w * hours for draw_w in tank.draw_w]
    left, natural_wh, lift, keeps, lifts, highs = 1.0, tank.energy_wh, 0.0, [], [], []
    for draw_wh in draws:
        left *= keep
        lift += draw_wh / left
        natural_wh *= keep
        keeps.append(left)
        lifts.append(lift)
        highs.append(max(tank.high_wh, natural_wh))  # heat above the band may stay
    chain = EnergyChain(
        first=0,
        energy_wh=tank.energy_wh,
        keep=keep,
        gain=tank.heat_per_wh,
        out=1.0,
        charge_max_wh=tank.power_max_w * hours,
        discharge_max_wh=0.0,
        charge_price=0.0,
        discharge_price=0.0,
        draws_wh=draws,
        lows_wh=[tank.low_wh] * count,
        highs_wh=highs,
        shorts_wh=[tank.low_wh + sum(draws)] * count,
        short_price=meter.relaxation.comfort * meter.price_max,
        worth_price=tank.worth_eur_per_wh,
    )
    return StoragePart(chain, (1.0, 1.0), 0.0, [k / tank.heat_per_wh for k in keeps], keeps, lifts)


def make_car_part(meter: SiteMeter, name: str, car: CarModel) -> CarPart:
    """Make the part of a car. Raises RefusedError if its energy needs too many steps of current."""
    unit_wh = car.current_step_a * car.phases * car.voltage_v * meter.step_h
    stored_wh = unit_wh * car.efficiency
    need = math.ceil(car.need_wh / stored_wh - 1e-9)
    most = max(need, int(car.room_wh / stored_wh + 1e-9))
    if most > UNITS_MAX:
        raise RefusedError(f"{name}: {most} steps of {unit_wh:.0f} Wh, expected at most {UNITS_MAX}")
    amounts = [power_w * meter.step_h for power_w in car.powers_w]
    count = max(0, min(car.until_step, meter.count) - car.from_step)
    short_price = meter.relaxation.car * meter.price_max
    lows = [0.0] * count
    shorts = [0.0] * count
    if count:
        lows[-1] = shorts[-1] = need * stored_wh
    chain = EnergyChain(
        first=car.from_step,
        energy_wh=0.0,
        keep=1.0,
        gain=car.efficiency,
        out=1.0,
        charge_max_wh=amounts[-1],
        discharge_max_wh=0.0,
        charge_price=0.0,
        discharge_price=0.0,
        draws_wh=[0.0] * count,
        lows_wh=lows,
        highs_wh=[most * stored_wh] * count,
        shorts_wh=shorts,
        short_price=short_price,
        worth_price=0.0,
    )
    units = array("i", [round(amount / unit_wh) for amount in amounts])
    need_numbers = array("d", (need, most, short_price * stored_wh, meter.whole_price))
    return CarPart(chain, array("d", amounts), units, need_numbers)


def make_batch_part(meter: SiteMeter, batch: BatchModel) -> BatchPart:
    """Make the part of a batch."""
    amounts = array("d", [power_w * meter.step_h for power_w in batch.powers_w])
    return BatchPart(batch, amounts, meter.whole_price)


def _make_priced_steps(prices: "array[float]") -> "array[float]":
    """Return steps without limits in which the bus buys and sells at ``prices``."""
    count = len(prices)
    steps = array("d")
    for name in STEP_COLUMNS:
        if name in {"import_price", "export_price"}:
            steps += prices
        elif name in {"contract_wh", "import_max_wh", "export_max_wh"}:
            steps += array("d", [math.inf]) * count
        else:
            steps += array("d", bytes(8 * count))
    return steps
