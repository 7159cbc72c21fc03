"""Question and answer of the planner, as data for a thread (pure)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from quartier.control.reason import Reason
from quartier.control.requests import LocalPlan, PlanAim
from quartier.planning.forecast.forecast_series import Forecast
from quartier.planning.forecast.learning import Learner
from quartier.planning.forecast.predictions import make_forecast
from quartier.planning.forecast.scenarios import make_scenarios
from quartier.planning.horizon import BatteryModel, Contract, Outlook, RefusedError, Scenario
from quartier.planning.service.plan_backtest import KNOWN_PRICES_MIN_H, LEFT_ENERGY_SHARE
from quartier.planning.site.other_assets import OtherAssets, PowerModes, plan_other_assets
from quartier.planning.site.site_model import BatchModel, CarModel, SiteModel, TankModel
from quartier.planning.storage.battery_plan import BatteryPlan, plan_battery
from quartier.planning.storage.plan_aims import add_peak_reasons, make_aims, replace_surcharges_by_peak
from quartier.planning.storage.plan_reasons import make_plan_reasons
from quartier.planning.tariffs.carbon_forecast import fill_carbon
from quartier.planning.tariffs.energy_prices import (
    MeterTariffState,
    Prices,
    PriceSignal,
    Tariff,
    find_prices,
)
from quartier.site.records import replace

_NO_BATTERY = BatteryModel(0.0, 0.0, 0.0, 0.0, 0.0)
KNOWN_PRICES_MIN_S = KNOWN_PRICES_MIN_H * 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """Facts known at ``start_utc_s``, which is ``start_ns`` by the monotonic clock.

    Sequences have one number per step. The requests of the plan expire at ``expires_ns``. ``net_w`` is the
    grid power without ``batteries``, ``cars``, ``tanks`` and ``batches``. ``sun_w`` is the generation
    included in it (positive). ``cars_w`` is the power of other cars, for the steps ahead too. Cars, tanks and
    batches are planned together with the batteries; ``unplanned_w`` is the power of each where this is not
    possible. ``quotes`` are the signals of the district.
    """

    start_utc_s: float
    step_s: int
    start_ns: int
    expires_ns: int
    batteries: Mapping[str, BatteryModel]
    contract: Contract
    net_w: float
    sun_w: float
    cars_w: Sequence[float]
    import_max_w: Sequence[float]
    export_max_w: Sequence[float]
    tariff: Tariff
    meter_tariff: MeterTariffState = field(default_factory=MeterTariffState)
    quotes: Sequence[PriceSignal] = ()
    target_w: float = 0.0
    history_min_s: float = 0.0
    co2_g_per_wh: Sequence[float] = ()
    """Expected emission of a Wh from the grid where nobody signals it, per step; empty: unknown."""
    cars: Mapping[str, CarModel] = field(default_factory=dict)
    tanks: Mapping[str, TankModel] = field(default_factory=dict)
    batches: Mapping[str, BatchModel] = field(default_factory=dict)
    modes: Mapping[str, PowerModes] = field(default_factory=dict)
    """Operation modes of each tank and batch."""
    unplanned_w: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def asset(self) -> str:
        """Return the first battery; empty if there is none."""
        return next(iter(self.batteries), "")

    @property
    def count(self) -> int:
        """Return the number of steps."""
        return len(self.import_max_w)


@dataclass(frozen=True, slots=True)
class PlannedBattery:
    """Plan of one battery with the reasons of its steps; ``outlook`` counts the other assets as load."""

    plan: BatteryPlan
    outlook: Outlook
    why: Sequence[Reason]
    aims: tuple[PlanAim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAnswer:
    """Plans of the batteries of a question, with their inputs.

    Without a battery it holds one plan of a battery of size zero. ``others`` is what the other assets do.
    """

    question: PlanRequest
    batteries: Mapping[str, PlannedBattery]
    forecast: Forecast
    local_plan: LocalPlan
    others: OtherAssets

    @property
    def plan(self) -> BatteryPlan:
        """Return the plan of the first battery."""
        return self.batteries[self.question.asset].plan

    @property
    def outlook(self) -> Outlook:
        """Return the outlook of the first battery's plan."""
        return self.batteries[self.question.asset].outlook

    @property
    def why(self) -> Sequence[Reason]:
        """Return the reasons of the steps of the first battery."""
        return self.batteries[self.question.asset].why


def answer_request(question: PlanRequest, learner: Learner) -> PlanAnswer:
    """Return the cheapest plan from here on. Raises RefusedError, which says what is missing or wrong."""
    check_forecast_trust(question, learner)
    known = find_prices(
        question.tariff,
        question.meter_tariff,
        question.quotes,
        question.start_utc_s,
        question.step_s,
        question.count,
    )
    if known.count * question.step_s < min(KNOWN_PRICES_MIN_S, question.count * question.step_s):
        raise RefusedError(f"prices are known for {known.count * question.step_s / 3600:g} h only")
    forecast = make_forecast(learner, question.start_utc_s, known.count * question.step_s, question.step_s)
    batteries = {
        name: replace(one, worth_eur_per_wh=_find_energy_worth(one, known))
        for name, one in question.batteries.items()
    }
    bare = replace(_make_outlook(question, known, forecast, [0.0] * known.count), samples=())
    site = SiteModel(
        bare,
        replace_surcharges_by_peak(question.contract),
        batteries,
        question.cars,
        {name: _value_tank(one, known) for name, one in question.tanks.items()},
        {name: one for name, one in question.batches.items() if one.until_step <= known.count},
    )
    others = plan_other_assets(site, question.unplanned_w, question.modes, _make_clock(question))
    led = {}
    for name, battery in (batteries or {"": _NO_BATTERY}).items():
        outlook = _make_outlook(question, known, forecast, others.find_load_without(name))
        led[name] = _plan_one_battery(question, battery, outlook)
        if others.why_not:
            break  # only one battery is planned, the others follow the rule
    request = LocalPlan(
        start_ns=question.start_ns,
        expires_ns=question.expires_ns,
        offset_ms=round(question.start_utc_s * 1000) - question.start_ns // 1_000_000,
        aims={name: one.aims for name, one in led.items() if name},
        legs=others.legs,
    )
    return PlanAnswer(question=question, batteries=led, forecast=forecast, local_plan=request, others=others)


def _plan_one_battery(question: PlanRequest, battery: BatteryModel, outlook: Outlook) -> PlannedBattery:
    contract = question.contract
    plan = plan_battery(battery, outlook, contract)
    why = add_peak_reasons(
        plan, battery, outlook, contract, make_plan_reasons(plan, outlook, _make_clock(question))
    )
    return PlannedBattery(
        plan, outlook, why, make_aims(plan, battery, outlook, contract, why, question.target_w)
    )


def check_forecast_trust(question: PlanRequest, learner: Learner) -> None:
    """Raise RefusedError if the forecast has not proven itself yet."""
    tried_s = max(net.tried for net in learner.nets) * learner.grid.slot_s
    if tried_s < question.history_min_s:
        raise RefusedError(
            f"the forecast was held against {tried_s / 3600:g} h of what happened, "
            f"{question.history_min_s / 3600:g} h are wanted"
        )


def _make_outlook(
    question: PlanRequest, known: Prices, forecast: Forecast, others_w: Sequence[float]
) -> Outlook:
    """Return the outlook: measured values for the first step, scenarios of the forecast for all others.

    ``others_w`` is the planned power of the other assets.
    """
    count = known.count
    more_w = [planned_w + car_w for planned_w, car_w in zip(others_w, question.cars_w, strict=False)]
    load_w = [watts + other_w for watts, other_w in zip(forecast.load.mean_w, more_w, strict=False)]
    sun_w = list(forecast.generated.mean_w)
    load_w[0], sun_w[0] = question.net_w + question.sun_w + others_w[0], question.sun_w
    samples = [
        [Scenario(one.load_w + other_w, one.pv_w) for one in step]
        for step, other_w in zip(make_scenarios(forecast), more_w, strict=False)
    ]
    samples[0] = []
    return Outlook(
        step_s=question.step_s,
        load_w=load_w,
        pv_w=sun_w,
        import_eur_per_wh=known.import_eur_per_wh,
        export_eur_per_wh=known.export_eur_per_wh,
        import_max_w=question.import_max_w[:count],
        export_max_w=question.export_max_w[:count],
        import_g_per_wh=fill_carbon(known.import_g_per_wh, question.co2_g_per_wh),
        samples=samples,
    )


def _value_tank(tank: TankModel, known: Prices) -> TankModel:
    """Cut a tank to the known prices; value the heat left at its cost at the cheapest price."""
    least_eur = LEFT_ENERGY_SHARE * max(0.0, min(known.import_eur_per_wh))
    return replace(tank, draw_w=tank.draw_w[: known.count], worth_eur_per_wh=least_eur / tank.heat_per_wh)


def _find_energy_worth(battery: BatteryModel, known: Prices) -> float:
    return LEFT_ENERGY_SHARE * battery.discharge_efficiency * max(0.0, min(known.import_eur_per_wh))


def _make_clock(question: PlanRequest) -> Callable[[int], str]:
    zone = ZoneInfo(question.tariff.zone)

    def when(number: int) -> str:
        local = datetime.fromtimestamp(question.start_utc_s + number * question.step_s, zone)
        return f"{local:%H:%M}"

    return when
