"""Make the planner's question from site file, control state, meter and signals (pure)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from quartier.config.sections.asset_sections import BatterySection as Storage
from quartier.config.sections.asset_sections import PvSection
from quartier.config.sections.planning_sections import PlanningSection
from quartier.config.sections.site_file import SiteFile
from quartier.control.limits import supplies
from quartier.control.link import allowed
from quartier.control.link.allowed import LinkParameters
from quartier.control.link.state import LinkState
from quartier.control.observe import meter_clocks, observations
from quartier.control.observe.observations import LastGoodValues
from quartier.control.orders.signals import Signals
from quartier.control.orders.timeline import find_edges
from quartier.control.state import ControlState
from quartier.planning import horizon
from quartier.planning.forecast.site_history import SiteFacts
from quartier.planning.horizon import Contract, RefusedError
from quartier.planning.service import plannable_assets
from quartier.planning.service.plan_backtest import PlanBacktest
from quartier.planning.service.plan_request import PlanRequest
from quartier.planning.tariffs.energy_prices import (
    MeterTariffState,
    PriceSignal,
    Tariff,
    parse_day_profile,
    parse_time_span,
)
from quartier.site.asset_types import Battery, ChargePointAsset
from quartier.site.asset_types import Pv as Sun
from quartier.site.records import Now
from quartier.site.site_layout import MOBILE_PEAKS, Site

PLAN_GRID_S = 300
"""A plan starts at a whole multiple of five minutes, so that steps stay aligned from plan to plan."""


PLAN_VALID_S = 900.0
"""A plan that was not replaced is followed no longer than this, in s."""


ReadText = Callable[[str], str]
"""Function that returns the text of a point; empty if it has none."""


def make_question(
    site: SiteFile,
    state: ControlState,
    linked: LinkState,
    params: LinkParameters,
    signals: Signals,
    now: Now,
    *,
    distrust: str = "",
    read_text: ReadText = lambda _: "",
) -> PlanRequest:
    """Return what is to be planned now; ``read_text`` returns the text of a point.

    Raises RefusedError if a required value is not known, or with the text of ``distrust`` if that is given.
    """
    wanted = site.planning
    if wanted is None or site.tariff is None:
        raise RefusedError("the site file has no [planning] and [tariff]")
    if not now.synced:
        raise RefusedError("the clock is not trusted")
    if why := meter_clocks.find_clock_doubt(state.clocks, now.ns) or distrust:
        raise RefusedError(why)
    model, memories, force = state.site, state.last_good, state.active_limits
    grid_w = observations.find_power_w(memories, model.grid, now.ns)
    if grid_w is None or force is None:
        raise RefusedError("the grid meter is silent")
    found = _read_batteries(state, now, wanted)
    suns = [
        observations.find_power_w(memories, one, now.ns) or 0.0
        for one in model.assets
        if isinstance(one, Sun)
    ]
    start_ms = now.utc_ms // (PLAN_GRID_S * 1000) * PLAN_GRID_S * 1000
    count = round(wanted.horizon_s / wanted.step_s)
    caps = allowed.find_limits_ahead(linked, params, force, now, start_ms, wanted.step_s * 1000, count)
    planned = plannable_assets.find_plannable_cars(state, now, start_ms / 1000, wanted.step_s)
    stores = plannable_assets.find_plannable_stores(state, now, start_ms / 1000, wanted)
    kept_apart = {
        *plannable_assets.list_plannable_stores(model),
        *(one.name for one in model.assets if isinstance(one, ChargePointAsset)),
    }
    taken_w = {
        one.name: plannable_assets.estimate_rule_power_w(state, one, now, wanted.step_s, count)
        for one in model.assets
        if one.name in kept_apart
    }
    if not (found or taken_w):
        raise RefusedError("there is no battery, and nothing else to plan")
    planned_w = {name: watts for name, watts in taken_w.items() if name in planned or name in stores.names}
    others_w = [watts for name, watts in taken_w.items() if name not in planned_w]
    modes = {
        one.name: plannable_assets.find_plan_modes(one)
        for one in model.assets
        if isinstance(one, plannable_assets.PlannableStore) and one.name in stores.names
    }
    net_w = (
        grid_w
        - sum(battery_w for _, battery_w in found.values())
        - sum(watts[0] for watts in planned_w.values())
    )
    import_max_w = [cap.import_w for cap in caps]
    return PlanRequest(
        start_utc_s=start_ms / 1000,
        start_ns=now.ns - (now.utc_ms - start_ms) * 1_000_000,
        expires_ns=now.ns + int(PLAN_VALID_S * 1e9),
        step_s=wanted.step_s,
        batteries={name: battery for name, (battery, _) in found.items()},
        contract=Contract(
            peak_eur_per_w=wanted.peak_eur_per_w,
            peak_free_w=wanted.peak_free_w,
            co2_eur_per_g=wanted.co2_eur_per_g,
        ),
        net_w=net_w,
        sun_w=max(0.0, -sum(suns)),
        cars_w=[sum(each) for each in zip(*others_w, strict=True)] or [0.0] * count,
        cars=planned,
        tanks=stores.tanks,
        batches=plannable_assets.continue_running_batches(state, stores.batches, now, net_w, import_max_w),
        modes=modes,
        unplanned_w=planned_w,
        import_max_w=import_max_w,
        export_max_w=[cap.export_w for cap in caps],
        tariff=make_tariff(site),
        meter_tariff=read_meter_tariff(state, now, read_text),
        quotes=tuple(find_signal_quotes(signals)),
        target_w=model.grid_target_w,
        history_min_s=wanted.history_min_s,
    )


def make_plan_backtest(site: SiteFile) -> PlanBacktest:
    """Make the back-test of plans, with the tariff of the site file and all batteries as one.

    Raises RefusedError without a [planning] section.
    """
    wanted, limits = site.planning, site.limits
    if wanted is None:
        raise RefusedError("the site file has no [planning]")
    return PlanBacktest(
        battery=_combine_batteries(site, wanted),
        tariff=make_tariff(site),
        import_max_w=limits.import_hard_w,
        export_max_w=limits.export_hard_w,
        target_w=site.control.grid_target_w,
    )


def _read_batteries(
    state: ControlState, now: Now, wanted: PlanningSection
) -> dict[str, tuple[horizon.BatteryModel, float]]:
    """Return each battery in its present state, and its power in W. Raises RefusedError if one is silent."""
    found = {}
    for unit in (one for one in state.site.assets if isinstance(one, Battery)):
        battery_w = observations.find_power_w(state.last_good, unit, now.ns)
        soc_pct = observations.find_fresh_value(
            state.last_good, f"{unit.name}.soc_pct", unit.soc_period_s, now.ns
        )
        if battery_w is None or soc_pct is None:
            raise RefusedError(f"{unit.name} is silent")
        made = _make_battery(unit, soc_pct, wanted.round_trip_pct, wanted.wear_eur_per_wh)
        found[unit.name] = made, battery_w
    return found


def _combine_batteries(site: SiteFile, wanted: PlanningSection) -> horizon.BatteryModel:
    """Return all batteries as one, at their reserve."""
    units = [one for one in site.assets.values() if isinstance(one, Storage)]
    made = [
        _make_battery(unit, unit.reserve_soc_pct, wanted.round_trip_pct, wanted.wear_eur_per_wh)
        for unit in units
    ]
    share = (wanted.round_trip_pct / 100.0) ** 0.5
    return horizon.BatteryModel(
        capacity_wh=sum(one.capacity_wh for one in made),
        reserve_wh=sum(one.reserve_wh for one in made),
        energy_wh=sum(one.energy_wh for one in made),
        charge_max_w=sum(one.charge_max_w for one in made),
        discharge_max_w=sum(one.discharge_max_w for one in made),
        charge_efficiency=share,
        discharge_efficiency=share,
        wear_eur_per_wh=wanted.wear_eur_per_wh,
    )


def _make_battery(
    unit: Battery | Storage, soc_pct: float, round_trip_pct: float, wear_eur_per_wh: float
) -> horizon.BatteryModel:
    floor_pct = min(max(unit.soc_min_pct, unit.reserve_soc_pct), unit.soc_max_pct)
    share = (round_trip_pct / 100.0) ** 0.5
    return horizon.BatteryModel(
        capacity_wh=unit.capacity_wh * unit.soc_max_pct / 100.0,
        reserve_wh=unit.capacity_wh * floor_pct / 100.0,
        energy_wh=unit.capacity_wh * min(max(soc_pct, 0.0), 100.0) / 100.0,
        charge_max_w=unit.rated_w if unit.charge_max_w is None else unit.charge_max_w,
        discharge_max_w=unit.rated_w if unit.discharge_max_w is None else unit.discharge_max_w,
        charge_efficiency=share,
        discharge_efficiency=share,
        wear_eur_per_wh=wear_eur_per_wh,
    )


def make_tariff(site: SiteFile) -> Tariff:
    """Return the contract of the site file. Raises RefusedError without a [tariff] section."""
    section = site.tariff
    if section is None:
        raise RefusedError("the site file has no [tariff]")
    return Tariff(
        kind=section.contract,
        zone=site.site.time_zone,
        prices_eur_per_wh=section.prices_eur_per_wh,
        off_peak=tuple(parse_time_span(text) for text in section.off_peak),
        export_eur_per_wh=section.export_eur_per_wh,
        off_peak_weekend=section.off_peak_weekend,
        off_peak_index=section.off_peak_index,
    )


def find_signal_quotes(signals: Signals) -> Iterator[PriceSignal]:
    """Yield the price and carbon signals of the district, cut to their validity."""
    for kind in ("price", "co2"):
        signal = signals.get(kind)
        if signal is None:
            continue
        for begin_ms, end_ms, span in find_edges(signal.start_utc_ms, signal.spans):
            begin_ms, end_ms = max(begin_ms, signal.nbf_utc_ms), min(end_ms, signal.exp_utc_ms)  # noqa: PLW2901 - what counts of it
            if begin_ms < end_ms:
                yield PriceSignal(begin_ms / 1000, end_ms / 1000, _select_numbers(span.values))


def _select_numbers(values: Mapping[str, float | str]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if not isinstance(value, str)}


def make_premises(site: SiteFile, model: Site) -> SiteFacts:
    """Return the facts of the building that the forecast uses."""
    place, here = site.site, (site.site.latitude, site.site.longitude)
    return SiteFacts(
        zone=place.time_zone,
        where=None if here[0] is None or here[1] is None else (here[0], here[1]),
        contract_w=site.limits.contract_import_w,
        pv_rated_w=sum(asset.rated_w for asset in site.assets.values() if isinstance(asset, PvSection)),
        apart=plannable_assets.list_plannable_stores(model),
    )


_MINUTE_S = 60


def read_meter_tariff(state: ControlState, now: Now, read_text: ReadText = lambda _: "") -> MeterTariffState:
    """Return the tariff state of the first meter that reports an index, grid operator meters first."""
    for supply in state.site.supplies:
        meter = _TariffMeter(state.last_good, now, supply.name, supply.period_s)
        index = meter.number("tariff_index")
        if index is not None:
            return MeterTariffState(
                index=index,
                today=meter.number("today_colour_state", "today_colour_index"),
                tomorrow=meter.number("tomorrow_colour_state", "tomorrow_colour_index"),
                notice=meter.notice(),
                peaks=tuple(meter.peaks()),
                profile=parse_day_profile(read_text(f"{supply.name}.tomorrow_profile_text")),
                profile_from=meter.profile_from(),
            )
    for one in state.site.clock_sources:
        if one.tariff_s is not None:
            index = _TariffMeter(state.last_good, now, one.name, one.tariff_s).number("tariff_index")
            if index is not None:
                return MeterTariffState(index=index)
    return MeterTariffState()


@dataclass(frozen=True, slots=True)
class _TariffMeter:
    """Present tariff values of one meter."""

    last_good: LastGoodValues
    now: Now
    name: str
    period_s: float

    def fresh(self, name: str) -> float | None:
        return observations.find_fresh_value(
            self.last_good, f"{self.name}.{name}", self.period_s, self.now.ns
        )

    def number(self, *names: str) -> int | None:
        """Return the first reported of some numbers; 0 means not reported."""
        return next((int(value) for name in names if (value := self.fresh(name))), None)

    def notice(self) -> bool | None:
        """Return whether a mobile peak is announced; None if the meter reports no such notices."""
        heard = [value for name in supplies.NOTICES if (value := self.fresh(name)) is not None]
        return any(heard) if heard else None

    def peaks(self) -> Iterator[tuple[float, float]]:
        """Yield begin and end of each announced peak, rounded to the minute: times arrive seconds late."""
        for peak in MOBILE_PEAKS:
            begin_s, end_s = (self._find_time_s(f"{peak}_{edge}_in_s") for edge in ("begin", "end"))
            if begin_s is not None and end_s is not None:
                yield begin_s, end_s

    def profile_from(self) -> int:
        """Return from which day tomorrow's calendar applies: 0 (today) if both days are alike, else 1."""
        today, tomorrow = self.fresh("today_day_index"), self.fresh("tomorrow_day_index")
        return 0 if today is not None and today == tomorrow else 1

    def _find_time_s(self, name: str) -> float | None:
        left_s, memory = self.fresh(name), self.last_good.get(f"{self.name}.{name}")
        if left_s is None or memory is None:
            return None
        taken_s = self.now.utc_ms / 1000 - observations.find_reading_age_s(memory, self.now.ns)
        return float(round((taken_s + left_s) / _MINUTE_S) * _MINUTE_S)
