"""The gateway's own forecast and planner as a policy: hour by hour, with nothing from the future.

It knows the prices of its supply contract ahead.  Load, sun and carbon of the hours to come are its own
forecasts, from past hours.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from quartier.planning.forecast.learning import Learner
from quartier.planning.forecast.predictions import make_forecast
from quartier.planning.forecast.scenarios import make_scenarios, shift_scenarios
from quartier.planning.forecast.site_history import SiteFacts
from quartier.planning.horizon import BatteryModel, Contract, Outlook, Scenario
from quartier.planning.storage.battery_plan import plan_battery
from quartier.planning.tariffs.carbon_forecast import CarbonForecast
from quartier.planning.tariffs.peak_history import PeakHistory
from quartier.planning.tariffs.rule_baseline import RuleBaseline, RuleBattery
from quartier.site.records import replace
from quartier_bench.forecast_score.forecast_errors import HOUR_S, RecordsPlace
from quartier_bench.home_years.year_records import Home, YearRecords
from quartier_bench.home_years.year_records import HomeBattery as Cell

AHEAD_H, DAY_H = 25, 24
"""The running hour and a day; longer plans of a year of homes were no better."""
_W_PER_KW = 1000.0


@dataclass(frozen=True, slots=True)
class PlanAims:
    """Aims of a plan in addition to money; the same for every home.  Both rise in a home whose plans emit
    more, or whose days reach higher, than by the rule, and ease where they do not.
    """

    co2_eur_per_kg: float = 2.0
    """Makes the carbon of a mean kWh weigh as much as its price where it emits some 150 g and costs 0.3."""
    day_peak_eur_per_kw: float = 0.1
    """For each day's largest import: 36 a year and kW, as network tariffs with a price for power have it."""
    day_peak_factor_min: float = 0.25
    """To what share that of the day's peak eases where days are lower than by the rule: it is a request here,
    no bill.
    """


@dataclass(frozen=True, slots=True)
class HourInput:
    """Data of an hour as it begins.  ``load_kwh`` and ``pv_kwh`` are None where its meter is not
    followed within it; ``prices_per_kwh`` are those of this hour and the next ones.
    """

    held_kwh: float
    prices_per_kwh: Sequence[float]
    co2_kg_per_kwh: float
    load_kwh: float | None = None
    pv_kwh: float | None = None


def iterate_slots(home: Home, place: RecordsPlace, count: int) -> Iterator[int]:
    """The whole hours since 1970 of a home's rows, which go by the wall of its place."""
    month, day, hour = home.begins
    begin = dt.datetime(place.year, month, day, hour - 1, tzinfo=ZoneInfo(place.zone))
    for row in range(count):
        yield int((begin + dt.timedelta(hours=row)).timestamp() // HOUR_S)


@dataclass(slots=True)
class HomePlanner:
    """One home's.  ``sizes`` is its battery, in kWh and kW."""

    home: Home
    place: RecordsPlace = field(default_factory=RecordsPlace)
    aims: PlanAims = field(default_factory=PlanAims)
    learner: Learner = field(init=False)
    peaks: PeakHistory = field(init=False)
    carbon: CarbonForecast = field(init=False)
    account: RuleBaseline = field(init=False)
    shadow: RuleBattery = field(init=False)
    slots: list[int] = field(init=False)
    newest_kg_per_kwh: float = 0.0
    """Carbon of the hour that was decided last."""

    def __post_init__(self) -> None:
        home, place = self.home, self.place
        rated_w = home.pv_rated_kw * _W_PER_KW
        self.learner = Learner(SiteFacts(zone=place.zone, where=place.where, pv_rated_w=rated_w))
        self.peaks, self.carbon = PeakHistory(), CarbonForecast()
        self.account, self.shadow = RuleBaseline(), RuleBattery(make_battery_model(home.battery, 0.0))
        self.account.day_peak.least = self.aims.day_peak_factor_min
        self.slots = list(iterate_slots(home, place, len(home.load_kwh) + AHEAD_H))

    def learn(self, row: int, load_kwh: float, pv_kwh: float, grid_kwh: float) -> None:
        """Take in an hour that is over: of the hour that comes twice in autumn, the records have one."""
        self.learner.step(self.slots[row], load_kwh * _W_PER_KW, pv_kwh * _W_PER_KW)
        self.peaks.learn(row // DAY_H, grid_kwh * _W_PER_KW)
        bare_w = (load_kwh - pv_kwh) * _W_PER_KW
        grids_w = grid_kwh * _W_PER_KW, self.shadow.grid_w(bare_w, 1.0), bare_w
        self.account.learn(row // DAY_H, grids_w, self.newest_kg_per_kwh, 1.0)

    def decide(self, row: int, now: HourInput) -> float:
        """Return the energy to charge (above zero) or discharge in that hour, kWh at its terminals."""
        count = min(AHEAD_H, len(now.prices_per_kwh))
        self.carbon.learn(self.slots[row], now.co2_kg_per_kwh)
        self.newest_kg_per_kwh = now.co2_kg_per_kwh
        found = self._expected(row, count)
        if now.load_kwh is not None and now.pv_kwh is not None:
            load_w, pv_w = now.load_kwh * _W_PER_KW, now.pv_kwh * _W_PER_KW
            found = [(Scenario(load_w, pv_w),), *self._adapt_scenarios(found, load_w - pv_w)[1:]]
        return self._first(row, now, found, self.carbon.ahead(count))

    def _adapt_scenarios(
        self, found: Sequence[tuple[Scenario, ...]], net_w: float
    ) -> Sequence[tuple[Scenario, ...]]:
        return shift_scenarios(found, net_w, HOUR_S)

    def _expected(self, row: int, count: int) -> list[tuple[Scenario, ...]]:
        first = self.slots[row]
        # By the wall an hour of spring does not exist, and one of autumn is two.
        places = [max(slot - first, 0) for slot in self.slots[row : row + count]]
        expected = make_forecast(self.learner, first * HOUR_S, (max(places) + 1) * HOUR_S, HOUR_S)
        samples = make_scenarios(expected)
        return [samples[at] for at in places]

    def _first(
        self, row: int, now: HourInput, found: Sequence[tuple[Scenario, ...]], co2_kg_per_kwh: Sequence[float]
    ) -> float:
        count = len(found)
        outlook = Outlook(
            step_s=HOUR_S,
            load_w=[_compute_mean([one.load_w for one in step]) for step in found],
            pv_w=[_compute_mean([one.pv_w for one in step]) for step in found],
            import_eur_per_wh=[price / _W_PER_KW for price in now.prices_per_kwh[:count]],
            export_eur_per_wh=[0.0] * count,
            import_max_w=[math.inf] * count,
            export_max_w=[math.inf] * count,
            import_g_per_wh=co2_kg_per_kwh,
            samples=found,
        )
        days = [at // DAY_H for at in range(row, row + count)]
        contract = Contract(
            co2_eur_per_g=self.account.co2.factor * self.aims.co2_eur_per_kg / _W_PER_KW,
            surcharges=self.peaks.surcharges(
                days, self.account.day_peak.factor * self.aims.day_peak_eur_per_kw / _W_PER_KW
            ),
        )
        # Less than what is bought again at the cheapest: the plan ends a day later than it is used.
        worth = min(now.prices_per_kwh) * self.home.battery.efficiency / _W_PER_KW
        unit = replace(make_battery_model(self.home.battery, now.held_kwh), worth_eur_per_wh=worth)
        return plan_battery(unit, outlook, contract).steps[0].battery_w / _W_PER_KW


def make_battery_model(cell: Cell, held_kwh: float) -> BatteryModel:
    """A home's battery as the planner has it."""
    return BatteryModel(
        capacity_wh=cell.capacity_kwh * _W_PER_KW,
        reserve_wh=0.0,
        energy_wh=min(max(held_kwh, 0.0), cell.capacity_kwh) * _W_PER_KW,
        charge_max_w=cell.power_kw * _W_PER_KW,
        discharge_max_w=cell.power_kw * _W_PER_KW,
        charge_efficiency=cell.efficiency,
        discharge_efficiency=cell.efficiency,
    )


@dataclass(slots=True)
class PerfectForecastPlanner(HomePlanner):
    """The same planner with a perfect forecast of load, sun and carbon: what the forecast's errors cost."""

    year: YearRecords = field(kw_only=True)

    def _expected(self, row: int, count: int) -> list[tuple[Scenario, ...]]:
        home = self.home
        pairs = zip(home.load_kwh[row : row + count], home.pv_kwh[row : row + count], strict=True)
        return [(Scenario(float(load) * _W_PER_KW, float(pv) * _W_PER_KW),) for load, pv in pairs]

    def _adapt_scenarios(
        self, found: Sequence[tuple[Scenario, ...]], net_w: float
    ) -> Sequence[tuple[Scenario, ...]]:
        del net_w  # it is as it was known to be
        return found

    def _first(
        self, row: int, now: HourInput, found: Sequence[tuple[Scenario, ...]], co2_kg_per_kwh: Sequence[float]
    ) -> float:
        known = [float(value) for value in self.year.co2_kg_per_kwh[row : row + len(co2_kg_per_kwh)]]
        return HomePlanner._first(self, row, now, found, known)  # noqa: SLF001 - its own class


def make_policy(planner: HomePlanner, year: YearRecords) -> Callable[[int, float], float]:
    """Hour by hour as a gateway lives it: the running hour is as its meter shows it, second by second."""
    home = planner.home
    done: list[tuple[int, float]] = []

    def decide(hour: int, held_kwh: float) -> float:
        load_kwh, pv_kwh = float(home.load_kwh[hour]), float(home.pv_kwh[hour])
        for row, into_kwh in done:
            load, pv = float(home.load_kwh[row]), float(home.pv_kwh[row])
            planner.learn(row, load, pv, load - pv + into_kwh)
        now = HourInput(
            held_kwh=held_kwh,
            prices_per_kwh=[float(price) for price in year.price_per_kwh[hour : hour + AHEAD_H]],
            co2_kg_per_kwh=float(year.co2_kg_per_kwh[hour]),
            load_kwh=load_kwh,
            pv_kwh=pv_kwh,
        )
        done[:] = [(hour, home.battery.find_possible_charge(held_kwh, planner.decide(hour, now))[0])]
        return done[0][1]

    return decide


def make_gateway_policy(home: Home, year: YearRecords) -> Callable[[int, float], float]:
    """With its own forecast."""
    return make_policy(HomePlanner(home), year)


def make_perfect_forecast_policy(home: Home, year: YearRecords) -> Callable[[int, float], float]:
    """With a perfect one."""
    return make_policy(PerfectForecastPlanner(home, year=year), year)


def _compute_mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
