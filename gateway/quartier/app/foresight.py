"""What the planner is asked: from the site file, what control sees and what the district said."""

from collections.abc import Iterator, Mapping

from quartier.app import movable
from quartier.app.told import Said, told
from quartier.config.ahead import Planning
from quartier.config.model import Battery as Storage
from quartier.config.model import Pv, Site
from quartier.control.link import allowed
from quartier.control.link.allowed import LinkParameters
from quartier.control.link.state import LinkState
from quartier.control.observe import meter_clocks, observations
from quartier.control.orders.signals import Signals
from quartier.control.orders.timeline import find_edges
from quartier.control.state import ControlState
from quartier.house.assets import Battery, Ev, House
from quartier.house.assets import Pv as Sun
from quartier.house.now import Now
from quartier.planning import horizon
from quartier.planning.history import Premises
from quartier.planning.horizon import Contract, RefusedError
from quartier.planning.question import Question
from quartier.planning.tariff import Quote, Tariff, minutes
from quartier.planning.trial import Trial

GRAIN_S = 300
"""A plan begins with a whole five minutes, so that its steps stand still from plan to plan."""
VALID_S = 900.0
"""A plan that no newer one replaced is followed no longer."""


def question(
    site: Site,
    state: ControlState,
    linked: LinkState,
    params: LinkParameters,
    signals: Signals,
    now: Now,
    distrust: str = "",
    said: Said = lambda _: "",
) -> Question:
    """What is to be planned now; ``said`` gives what a point says in words.

    Raises RefusedError where something that it needs is not known, or with ``distrust`` where that is said.
    """
    wanted = site.planning
    if wanted is None or site.tariff is None:
        raise RefusedError("the site file has no [planning] and [tariff]")
    if not now.synced:
        raise RefusedError("the clock is not trusted")
    if why := meter_clocks.find_clock_doubt(state.clocks, now.ns) or distrust:
        raise RefusedError(why)
    house, memories, force = state.house, state.memories, state.force
    grid_w = observations.find_power_w(memories, house.grid, now.ns)
    if grid_w is None or force is None:
        raise RefusedError("the grid meter is silent")
    found = _batteries(state, now, wanted)
    suns = [
        observations.find_power_w(memories, one, now.ns) or 0.0
        for one in house.assets
        if isinstance(one, Sun)
    ]
    start_ms = now.utc_ms // (GRAIN_S * 1000) * GRAIN_S * 1000
    count = round(wanted.horizon_s / wanted.step_s)
    caps = allowed.find_limits_ahead(linked, params, force, now, start_ms, wanted.step_s * 1000, count)
    planned = movable.cars(state, now, start_ms / 1000, wanted.step_s)
    stores = movable.stores(state, now, start_ms / 1000, wanted)
    kept_apart = {*movable.apart(house), *(one.name for one in house.assets if isinstance(one, Ev))}
    taken_w = {
        one.name: movable.taken_w(state, one, now, wanted.step_s, count)
        for one in house.assets
        if one.name in kept_apart
    }
    if not (found or taken_w):
        raise RefusedError("there is no battery, and nothing else to plan")
    planned_w = {name: watts for name, watts in taken_w.items() if name in planned or name in stores.names}
    others_w = [watts for name, watts in taken_w.items() if name not in planned_w]
    modes = {
        one.name: movable.modes(one)
        for one in house.assets
        if isinstance(one, movable.Stored) and one.name in stores.names
    }
    net_w = (
        grid_w
        - sum(battery_w for _, battery_w in found.values())
        - sum(watts[0] for watts in planned_w.values())
    )
    import_max_w = [cap.import_w for cap in caps]
    return Question(
        start_utc_s=start_ms / 1000,
        start_ns=now.ns - (now.utc_ms - start_ms) * 1_000_000,
        expires_ns=now.ns + int(VALID_S * 1e9),
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
        batches=movable.going_on(state, stores.batches, now, net_w, import_max_w),
        modes=modes,
        unplanned_w=planned_w,
        import_max_w=import_max_w,
        export_max_w=[cap.export_w for cap in caps],
        tariff=tariff(site),
        told=told(state, now, said),
        quotes=tuple(quotes(signals)),
        target_w=house.grid_target_w,
        history_min_s=wanted.history_min_s,
    )


def trial(site: Site) -> Trial:
    """The back-test of plans, with the tariff of the site file and its batteries as one."""
    wanted, limits = site.planning, site.limits
    if wanted is None:
        raise RefusedError("the site file has no [planning]")
    return Trial(
        battery=_whole(site, wanted),
        tariff=tariff(site),
        import_max_w=limits.import_hard_w,
        export_max_w=limits.export_hard_w,
        target_w=site.control.grid_target_w,
    )


def _batteries(state: ControlState, now: Now, wanted: Planning) -> dict[str, tuple[horizon.Battery, float]]:
    """Each battery as it stands, and what it takes.  Raises RefusedError where one is silent."""
    found = {}
    for unit in (one for one in state.house.assets if isinstance(one, Battery)):
        battery_w = observations.find_power_w(state.memories, unit, now.ns)
        soc_pct = observations.find_fresh_value(
            state.memories, f"{unit.name}.soc_pct", unit.soc_period_s, now.ns
        )
        if battery_w is None or soc_pct is None:
            raise RefusedError(f"{unit.name} is silent")
        made = _battery(unit, soc_pct, wanted.round_trip_pct, wanted.wear_eur_per_wh)
        found[unit.name] = made, battery_w
    return found


def _whole(site: Site, wanted: Planning) -> horizon.Battery:
    """All batteries as one, at their reserve."""
    units = [one for one in site.assets.values() if isinstance(one, Storage)]
    terms = wanted.round_trip_pct, wanted.wear_eur_per_wh
    made = [_battery(unit, unit.reserve_soc_pct, *terms) for unit in units]
    share = (wanted.round_trip_pct / 100.0) ** 0.5
    return horizon.Battery(
        capacity_wh=sum(one.capacity_wh for one in made),
        reserve_wh=sum(one.reserve_wh for one in made),
        energy_wh=sum(one.energy_wh for one in made),
        charge_max_w=sum(one.charge_max_w for one in made),
        discharge_max_w=sum(one.discharge_max_w for one in made),
        charge_efficiency=share,
        discharge_efficiency=share,
        wear_eur_per_wh=wanted.wear_eur_per_wh,
    )


def _battery(
    unit: Battery | Storage, soc_pct: float, round_trip_pct: float, wear_eur_per_wh: float
) -> horizon.Battery:
    floor_pct = min(max(unit.soc_min_pct, unit.reserve_soc_pct), unit.soc_max_pct)
    share = (round_trip_pct / 100.0) ** 0.5
    return horizon.Battery(
        capacity_wh=unit.capacity_wh * unit.soc_max_pct / 100.0,
        reserve_wh=unit.capacity_wh * floor_pct / 100.0,
        energy_wh=unit.capacity_wh * min(max(soc_pct, 0.0), 100.0) / 100.0,
        charge_max_w=unit.rated_w if unit.charge_max_w is None else unit.charge_max_w,
        discharge_max_w=unit.rated_w if unit.discharge_max_w is None else unit.discharge_max_w,
        charge_efficiency=share,
        discharge_efficiency=share,
        wear_eur_per_wh=wear_eur_per_wh,
    )


def tariff(site: Site) -> Tariff:
    """The contract of the site file."""
    said = site.tariff
    if said is None:
        raise RefusedError("the site file has no [tariff]")
    return Tariff(
        kind=said.contract,
        zone=site.site.time_zone,
        prices_eur_per_wh=said.prices_eur_per_wh,
        off_peak=tuple(minutes(text) for text in said.off_peak),
        export_eur_per_wh=said.export_eur_per_wh,
        off_peak_weekend=said.off_peak_weekend,
        off_peak_index=said.off_peak_index,
    )


def quotes(signals: Signals) -> Iterator[Quote]:
    """What the district signals of prices and carbon, inside its validity."""
    for kind in ("price", "co2"):
        signal = signals.get(kind)
        if signal is None:
            continue
        for begin_ms, end_ms, span in find_edges(signal.start_utc_ms, signal.spans):
            begin_ms, end_ms = max(begin_ms, signal.nbf_utc_ms), min(end_ms, signal.exp_utc_ms)  # noqa: PLW2901 - what counts of it
            if begin_ms < end_ms:
                yield Quote(begin_ms / 1000, end_ms / 1000, _numbers(span.values))


def _numbers(values: Mapping[str, float | str]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if not isinstance(value, str)}


def premises(site: Site, house: House) -> Premises:
    """What the forecast is told of the building."""
    place, here = site.site, (site.site.latitude, site.site.longitude)
    return Premises(
        zone=place.time_zone,
        where=None if here[0] is None or here[1] is None else (here[0], here[1]),
        contract_w=site.limits.contract_import_w,
        pv_rated_w=sum(asset.rated_w for asset in site.assets.values() if isinstance(asset, Pv)),
        apart=movable.apart(house),
    )
