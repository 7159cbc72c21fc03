"""The linear program of an optimiser input, and the plans in its solution (pure).

Inside, powers are kW and energies kWh: numbers near one.  Soft limits are columns of their own, sorted
into
levels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf

from quartier_district.optimiser.plan_records import (
    Battery,
    Building,
    BuildingPlan,
    Car,
    Heat,
    OptimiserInput,
    SoftLimit,
)

Terms = list[tuple[int, float]]


@dataclass
class ProgramMatrix:
    """Columns and rows with their bounds; ``starts``, ``indices`` and ``values`` are the rows, compressed."""

    column_low: list[float] = field(default_factory=list)
    column_high: list[float] = field(default_factory=list)
    row_low: list[float] = field(default_factory=list)
    row_high: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    indices: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def column(self, low: float = 0.0, high: float = inf) -> int:
        """One more variable; returns its number."""
        self.column_low.append(low)
        self.column_high.append(high)
        return len(self.column_low) - 1

    def columns(self, count: int, low: float = 0.0, high: float = inf) -> list[int]:
        """Several with the same bounds."""
        return [self.column(low, high) for _ in range(count)]

    def row(self, low: float, high: float, terms: Terms) -> int:
        """``low <= sum of terms <= high``; returns the row's number."""
        self.row_low.append(low)
        self.row_high.append(high)
        self.indices += [column for column, _ in terms]
        self.values += [value for _, value in terms]
        self.starts.append(len(self.indices))
        return len(self.row_low) - 1

    @property
    def columns_count(self) -> int:
        """Number of variables."""
        return len(self.column_low)

    @property
    def rows_count(self) -> int:
        """Number of rows."""
        return len(self.row_low)


KILO = 1_000.0
# Among plans of one price the one that wastes no sun is taken.
_CURTAILED_EUR_PER_KWH = 1e-4
# What a building's own highest step counts beside that of all.
_OWN_PEAK = 0.2


@dataclass
class BuildingColumns:
    """The columns of one building, a list with one for each step."""

    bought: list[int]
    bought_over: list[int]
    sold: list[int]
    sold_over: list[int]
    curtailed: list[int]
    charged: list[int] = field(default_factory=list)
    discharged: list[int] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    cars: dict[str, list[int | None]] = field(default_factory=dict)
    heated: list[int] = field(default_factory=list)


class DistrictModel:
    """``levels`` are the soft limits' columns with their weights, the dearest first; ``cost_eur`` comes
    last.
    """

    def __init__(self, asked: OptimiserInput) -> None:
        self.asked = asked
        self.matrix = ProgramMatrix()
        self._one = self.matrix.column(1.0, 1.0)
        self.levels: dict[SoftLimit, dict[int, float]] = {level: {} for level in SoftLimit}
        self.cost_eur: dict[int, float] = {}
        self.columns = {building.name: self._building(building) for building in asked.buildings}
        self._transformer()

    def _add_soft_column(self, level: SoftLimit, weight: float) -> int:
        column = self.matrix.column()
        self.levels[level][column] = weight
        return column

    def _building(self, building: Building) -> BuildingColumns:
        asked, matrix, hours = self.asked, self.matrix, self.asked.step_h
        steps = range(asked.steps_count)
        mine = BuildingColumns(
            bought=matrix.columns(asked.steps_count, high=building.import_max_w / KILO),
            bought_over=[self._add_soft_column(SoftLimit.CONTRACT, hours) for _ in steps],
            sold=matrix.columns(asked.steps_count, high=building.export_max_w / KILO),
            sold_over=[self._add_soft_column(SoftLimit.CONTRACT, hours) for _ in steps],
            curtailed=[matrix.column(high=building.pv_w[step] / KILO) for step in steps],
        )
        if building.battery is not None:
            self._battery(mine, building.battery)
        for car in building.cars:
            self._car(mine, car)
        if building.heat is not None:
            self._heat(mine, building.heat)
        for step in steps:
            self._balance(mine, building, step)
            self._price(mine, step)
        self._flatten(mine)
        return mine

    def _flatten(self, mine: BuildingColumns) -> None:
        """Among plans of nearly one price the even one: cars side by side, not one after the other."""
        price_eur = self.asked.prices.peak_eur_per_w * KILO * _OWN_PEAK
        if price_eur > 0 and (mine.cars or mine.charged or mine.heated):
            peak = self.matrix.column()
            self.cost_eur[peak] = price_eur
            for column in mine.bought:
                self.matrix.row(float("-inf"), 0.0, [(column, 1.0), (peak, -1.0)])

    def _battery(self, mine: BuildingColumns, battery: Battery) -> None:
        count, hours = self.asked.steps_count, self.asked.step_h
        low = min(battery.stored_min_wh, battery.stored_wh) / KILO
        high = max(battery.stored_max_wh, battery.stored_wh) / KILO
        mine.charged = self.matrix.columns(count, high=battery.charge_max_w / KILO)
        mine.discharged = self.matrix.columns(count, high=battery.discharge_max_w / KILO)
        mine.stored = self.matrix.columns(count, low, high)
        into, out_of = hours * battery.charge_pct / 100.0, hours * 100.0 / battery.discharge_pct
        for step in range(count):
            terms = [(mine.charged[step], -into), (mine.discharged[step], out_of)]
            self._add_store_row(mine.stored, step, battery.stored_wh / KILO, terms)
        worth = self.asked.prices.storage_eur_per_wh * KILO * battery.discharge_pct / 100.0
        self.cost_eur[mine.stored[-1]] = -worth
        wear = self.asked.prices.wear_eur_per_wh * KILO * hours
        self.cost_eur |= dict.fromkeys(mine.discharged, wear)

    def _add_store_row(
        self, stored: list[int], step: int, first: float, terms: Terms, kept: float = 1.0
    ) -> None:
        """Add the row of a store: stored energy is the kept part of the step before, plus or minus ``terms``.

        ``first`` is the energy at the start.
        """
        before = [] if step == 0 else [(stored[step - 1], -kept)]
        start = first * kept if step == 0 else 0.0
        self.matrix.row(start, start, [(stored[step], 1.0), *before, *terms])

    def _car(self, mine: BuildingColumns, car: Car) -> None:
        steps = range(self.asked.steps_count)
        here = [car.from_step <= step < car.until_step for step in steps]
        mine.cars[car.name] = [
            self.matrix.column(high=car.power_max_w / KILO) if is_here else None for is_here in here
        ]
        missing = self._add_soft_column(SoftLimit.CARS, 1.0)
        taken = [(column, self.asked.step_h) for column in mine.cars[car.name] if column is not None]
        need = car.need_wh / KILO
        self.matrix.row(need, need, [*taken, (missing, 1.0)])

    def _heat(self, mine: BuildingColumns, heat: Heat) -> None:
        count, hours = self.asked.steps_count, self.asked.step_h
        mine.heated = self.matrix.columns(count, high=heat.power_max_w / KILO)
        high = max(heat.stored_max_wh, heat.stored_wh) / KILO
        stored = self.matrix.columns(count, float("-inf"), high)
        kept = 1.0 - min(heat.loss_pct_per_h / 100.0 * hours, 1.0)
        for step in range(count):
            drawn = heat.demand_w[step] / KILO * hours
            terms = [(mine.heated[step], -heat.cop * hours), (self._one, drawn)]
            self._add_store_row(stored, step, heat.stored_wh / KILO, terms, kept)
            short = self._add_soft_column(SoftLimit.COMFORT, hours)
            self.matrix.row(heat.stored_min_wh / KILO, float("inf"), [(stored[step], 1.0), (short, 1.0)])
        worth = self.asked.prices.storage_eur_per_wh * KILO / max(heat.cop, 1e-9)
        self.cost_eur[stored[-1]] = -worth

    def _balance(self, mine: BuildingColumns, building: Building, step: int) -> None:
        """Add the row of the power balance of a building in a step."""
        terms: Terms = [
            (mine.bought[step], 1.0),
            (mine.bought_over[step], 1.0),
            (mine.sold[step], -1.0),
            (mine.sold_over[step], -1.0),
            (mine.curtailed[step], -1.0),
        ]
        if mine.charged:
            terms += [(mine.charged[step], -1.0), (mine.discharged[step], 1.0)]
        terms += [(column, -1.0) for car in mine.cars.values() if (column := car[step]) is not None]
        if mine.heated:
            terms.append((mine.heated[step], -1.0))
        needed = (building.base_w[step] - building.pv_w[step]) / KILO
        self.matrix.row(needed, needed, terms)

    def _price(self, mine: BuildingColumns, step: int) -> None:
        prices, hours = self.asked.prices, self.asked.step_h
        bought, sold = (
            price * KILO * hours for price in (prices.bought_eur_per_wh(step), prices.sold_eur_per_wh(step))
        )
        self.cost_eur |= {mine.bought[step]: bought, mine.bought_over[step]: bought}
        self.cost_eur |= {mine.sold[step]: -sold, mine.sold_over[step]: -sold}
        self.cost_eur[mine.curtailed[step]] = _CURTAILED_EUR_PER_KWH * hours

    def _transformer(self) -> None:
        """All imports stay within its limit, all exports too; nobody's sun is counted on for another's
        import.
        """
        asked, peak = self.asked, self.matrix.column()
        self.cost_eur[peak] = asked.prices.peak_eur_per_w * KILO
        every = self.columns.values()
        for step in range(asked.steps_count):
            bought = [(column, 1.0) for one in every for column in (one.bought[step], one.bought_over[step])]
            sold = [(column, 1.0) for one in every for column in (one.sold[step], one.sold_over[step])]
            for terms, limit_w in ((bought, asked.limit_import_w[step]), (sold, asked.limit_export_w[step])):
                over = self._add_soft_column(SoftLimit.TRANSFORMER, asked.step_h)
                self.matrix.row(float("-inf"), limit_w / KILO, [*terms, (over, -1.0)])
            if asked.prices.peak_eur_per_w > 0:
                self.matrix.row(float("-inf"), 0.0, [*bought, (peak, -1.0)])

    def lots(self, values: Sequence[float]) -> dict[str, BuildingPlan]:
        """Return the plan of each building from the solver's columns."""
        return {
            name: _make_building_plan(mine, values, self.asked.steps_count)
            for name, mine in self.columns.items()
        }


def _make_building_plan(mine: BuildingColumns, values: Sequence[float], count: int) -> BuildingPlan:
    def watts(power_kw: Callable[[int], float]) -> tuple[float, ...]:
        return tuple(round(power_kw(step) * KILO, 3) + 0.0 for step in range(count))

    def grid_kw(step: int) -> float:
        taken = values[mine.bought[step]] + values[mine.bought_over[step]]
        return taken - values[mine.sold[step]] - values[mine.sold_over[step]]

    def car_kw(columns: list[int | None]) -> Callable[[int], float]:
        return lambda step: 0.0 if (column := columns[step]) is None else values[column]

    return BuildingPlan(
        grid_w=watts(grid_kw),
        curtailed_w=watts(lambda step: values[mine.curtailed[step]]),
        battery_w=watts(lambda step: values[mine.charged[step]] - values[mine.discharged[step]])
        if mine.charged
        else None,
        stored_wh=watts(lambda step: values[mine.stored[step]]) if mine.stored else None,
        cars_w={name: watts(car_kw(columns)) for name, columns in mine.cars.items()},
        heat_w=watts(lambda step: values[mine.heated[step]]) if mine.heated else None,
    )
