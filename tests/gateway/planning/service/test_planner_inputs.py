"""What the planner is asked: from what control sees, the site file, and the district's signals."""

from dataclasses import replace

import pytest
from tests.gateway.daemon import ahead
from tests.gateway.daemon.ahead import planning

from quartier.config.sections.planning_sections import TariffSection
from quartier.control.observe.charging_sessions import ChargingSession, Uptake
from quartier.control.observe.meter_clocks import ClockComparison
from quartier.control.observe.observations import LastGood
from quartier.control.reason import make_text_reason
from quartier.control.records import Order, OrderBook
from quartier.control.requests import Signal, SignalInterval
from quartier.planning.horizon import RefusedError
from quartier.planning.service import plannable_assets, planner_inputs
from quartier.planning.tariffs.energy_prices import PriceSignal
from quartier.site.asset_types import ChargePointAsset, Pv
from quartier_drivers.contract import Origin


@pytest.fixture
async def seen(yard, tmp_path):
    """(site, state, link, params, now) of a house after some turns, and how to ask of it."""
    async with ahead.ahead(yard, tmp_path)(planning(round_trip_pct=81.0, wear_eur_per_wh=1e-5)) as house:
        await house.well()
        yield house


def ask(house, state=None, signals=None, now=None):
    turn = house.turn
    around = turn.link, turn.params, signals or {}, now or house.yard.clock.now()
    return planner_inputs.make_question(house.loaded.site, state or turn.state, *around)


def with_memories(house, **values):
    """The state with points as they were read just now."""
    now_ns = house.yard.clock.now_ns()
    state = house.turn.state
    known = {name.replace("__", "."): LastGood(value, now_ns) for name, value in values.items()}
    return replace(state, last_good={**state.last_good, **known})


FRESH = {"grid__power_w": 3000.0, "bat1__power_w": 1200.0, "bat1__soc_pct": 60.0}


async def test_the_net_is_the_grid_without_the_battery_and_the_battery_is_that_of_the_site(seen):
    now = seen.yard.clock.now()
    found = ask(seen, with_memories(seen, **FRESH), now=now)

    assert (1800.0, 0.0, "bat1") == (found.net_w, found.sun_w, found.asset)
    battery = found.batteries["bat1"]
    assert (9500.0, 2000.0, 6000.0) == (battery.capacity_wh, battery.reserve_wh, battery.energy_wh)
    assert (0.9, 1e-5) == (pytest.approx(battery.charge_efficiency), battery.wear_eur_per_wh)
    assert 96 == found.count == len(found.cars_w)
    assert 0 == found.start_utc_s % 300
    assert round(found.start_utc_s * 1000) - found.start_ns // 10**6 == pytest.approx(
        now.utc_ms - now.ns // 10**6, abs=2
    )
    assert now.ns + 900 * 10**9 == found.expires_ns
    force = seen.turn.state.active_limits
    assert (force.import_w, force.export_w) == (found.import_max_w[0], found.export_max_w[0])


async def test_several_batteries_are_planned_each_and_tried_as_one(seen):
    state = with_memories(seen, **FRESH, bat2__power_w=-500.0, bat2__soc_pct=50.0)
    one = next(asset for asset in state.site.assets if asset.name == "bat1")
    house = replace(state.site, assets=(*state.site.assets, replace(one, name="bat2")))
    found = ask(seen, replace(state, site=house))

    assert (["bat1", "bat2"], 2300.0) == ([*found.batteries], found.net_w)
    assert 5000.0 == found.batteries["bat2"].energy_wh
    with pytest.raises(RefusedError, match="bat2 is silent"):
        ask(seen, replace(with_memories(seen, **FRESH), site=house))
    site = seen.loaded.site
    twice = site.model_copy(update={"assets": {**site.assets, "bat2": site.assets["bat1"]}})
    whole = planner_inputs.make_plan_backtest(twice).battery
    assert (19_000.0, 4_000.0, 10_000.0) == (whole.capacity_wh, whole.energy_wh, whole.charge_max_w)


async def test_a_house_without_a_battery_plans_its_cars(seen):
    state = with_memories(seen, grid__power_w=3000.0)
    car = ChargePointAsset(name="ev1", rated_w=11_040)
    found = ask(seen, replace(state, site=replace(state.site, assets=(car,))))

    assert ({}, "", 3000.0) == (found.batteries, found.asset, found.net_w)
    bare = seen.loaded.site.model_copy(update={"assets": {}})
    assert 0.0 == planner_inputs.make_plan_backtest(bare).battery.capacity_wh


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        ("grid.power_w", "the grid meter is silent"),
        ("bat1.soc_pct", "bat1 is silent"),
        ("bat1.power_w", "bat1 is silent"),
    ],
)
async def test_what_is_not_known_is_refused_by_name(seen, missing, why):
    state = with_memories(seen, **FRESH)
    memories = {name: one for name, one in state.last_good.items() if name != missing}
    with pytest.raises(RefusedError, match=why):
        ask(seen, replace(state, last_good=memories))


async def test_without_a_clock_a_battery_or_prices_nothing_is_planned(seen):
    state = with_memories(seen, **FRESH)
    with pytest.raises(RefusedError, match="the clock is not trusted"):
        ask(seen, state, now=seen.yard.clock.now()._replace(synced=False))
    with pytest.raises(RefusedError, match="there is no battery, and nothing else"):
        ask(seen, replace(state, site=replace(state.site, assets=())))
    bare = seen.loaded.site.model_copy(update={"tariff": None})
    around = seen.turn.link, seen.turn.params, {}, seen.yard.clock.now()
    with pytest.raises(RefusedError, match=r"no \[planning\] and \[tariff\]"):
        planner_inputs.make_question(bare, state, *around)
    with pytest.raises(RefusedError, match=r"no \[tariff\]"):
        planner_inputs.make_tariff(bare)


async def test_sun_counts_plus_and_a_car_is_taken_to_charge_for_an_hour(seen):
    state = with_memories(seen, **FRESH, pv1__power_w=-2500.0, ev1__power_w=7000.0)
    house = replace(
        state.site,
        assets=(
            *state.site.assets,
            Pv(name="pv1", rated_w=6000),
            ChargePointAsset(name="ev1", rated_w=11_000),
        ),
    )
    found = ask(seen, replace(state, site=house))

    assert 2500.0 == found.sun_w
    assert [7000.0] * 4 + [0.0] * 2 == found.cars_w[:6]


async def test_a_clock_that_a_meter_contradicts_is_planned_by_no_more(seen):
    state = with_memories(seen, **FRESH)
    since_ns = seen.yard.clock.now_ns() - 61 * 10**9
    with pytest.raises(RefusedError, match="the clock contradicts linky"):
        ask(seen, replace(state, clocks={"linky": ClockComparison(3_600.0, since_ns)}))


CAR = ChargePointAsset(name="ev1", rated_w=11_040, energy_wanted_wh=20_000, current_min_a=6.5)


@pytest.fixture
def parked(seen):
    """``parked(ev, **points)``: the question of a house with a car that leaves in twelve hours and charges."""

    def make(ev=CAR, stay=None, reason="", **points):
        known = {"ev1__plugged_on": 1.0, "ev1__power_w": 7000.0, "ev1__departure_in_s": 43_200.0, **points}
        state = with_memories(seen, **FRESH, **{name: one for name, one in known.items() if one is not None})
        now_ns = seen.yard.clock.now_ns()
        orders = {"ev1.current_max_a": Order(16.0, now_ns, reason)} if reason else {}
        house = replace(state.site, assets=(*state.site.assets, ev))
        seen_to_take = Uptake(
            sure_w=ev.phases_count * ev.current_max_a * ev.voltage_v, phases_count=ev.phases_count
        )
        stays = {"ev1": stay or ChargingSession(0, charged_wh=5_000.0, uptake=seen_to_take)}
        return ask(seen, replace(state, site=house, charging_sessions=stays, book=OrderBook(orders)))

    return make


async def test_a_car_of_which_all_is_known_is_planned_and_no_longer_part_of_the_net(parked):
    found = parked()
    car = found.cars["ev1"]

    assert (15_000.0, 15_000.0, 7.0, 16.0) == (car.need_wh, car.room_wh, car.current_min_a, car.current_max_a)
    assert 45 <= car.until_step + 1 <= 46, "three quarters of an hour before it leaves"
    assert (1800.0 - 7000.0, [0.0] * 96) == (found.net_w, found.cars_w)
    assert [7000.0] * 4 + [0.0] * 92 == found.unplanned_w["ev1"]


@pytest.mark.parametrize(
    ("uptake", "phases", "most_a"),
    [
        (Uptake(sure_w=3_680.0, phases_count=1), 1, 16.0),
        (Uptake(sure_w=6_900.0, is_all=True, phases_count=3), 3, 10.0),
        (Uptake(), 1, 7.0),
    ],
)
async def test_a_car_is_planned_with_what_it_was_seen_to_take_else_with_the_least(
    parked, uptake, phases, most_a
):
    car = parked(stay=ChargingSession(0, charged_wh=15_000.0, uptake=uptake)).cars["ev1"]

    assert (phases, most_a) == (car.phases, car.current_max_a)


async def test_a_car_that_nobody_saw_charge_and_that_cannot_wait_with_the_least_is_not_planned(parked):
    found = parked(stay=ChargingSession(0, charged_wh=5_000.0), ev1__departure_in_s=36_000.0)

    assert ({}, 7000.0) == (found.cars, found.cars_w[0])


async def test_what_cars_take_makes_a_new_plan_due_where_it_changes_by_an_ampere(seen):
    state = seen.turn.state
    state = replace(state, site=replace(state.site, assets=(CAR, replace(CAR, name="away"))))

    def told(watts):
        uptake = Uptake(sure_w=watts, is_all=True, phases_count=1)
        return plannable_assets.find_planned_uptakes(
            replace(state, charging_sessions={"ev1": ChargingSession(0, uptake=uptake)})
        )

    assert ((1, 10),) == told(2_300.0) == told(2_400.0)
    assert ((1, 11),) == told(2_530.0)
    assert () == plannable_assets.find_planned_uptakes(replace(state, charging_sessions={}))


@pytest.mark.parametrize(("least_a", "steps_a"), [(6.0, {2.0}), (7.0, set())])
async def test_a_car_that_wants_very_much_is_planned_in_more_amperes_or_keeps_no_other_from_it(
    parked, least_a, steps_a
):
    # An ampere of one phase for a quarter of an hour is 57.5 Wh, of which 4096 can be counted.
    van = replace(CAR, phases_count=1, current_min_a=least_a, current_max_a=32.0, energy_wanted_wh=250_000)
    found = parked(van, ev1__departure_in_s=160_000.0, ev1__power_w=7000.0)

    assert steps_a == {one.current_step_a for one in found.cars.values()}


@pytest.mark.parametrize(
    "how",
    [
        {"ev1__departure_in_s": None},
        {"ev1__plugged_on": None},
        {"ev1__departure_in_s": 2_800.0},
        {"ev1__departure_in_s": 2_750.0, "stay": ChargingSession(0, charged_wh=21_000.0)},
        {"ev": replace(CAR, energy_wanted_wh=None)},
        {"ev": replace(CAR, writable=False)},
        {"ev": replace(CAR, current_min_a=6.5, current_max_a=6.9)},
        {"stay": ChargingSession(0, idle_ns=-(10**12))},
        {"reason": make_text_reason("by hand", Origin("person", "anna"))},
        {"reason": make_text_reason("schedule", Origin("document", "market"))},
    ],
)
async def test_a_car_that_cannot_be_planned_counts_with_what_it_takes(parked, how):
    found = parked(**how)

    assert ({}, {}) == (found.cars, found.unplanned_w)
    assert (1800.0, 7000.0) == (found.net_w, found.cars_w[0])


async def test_signals_become_quotes_inside_their_validity(seen):
    now_ms = seen.yard.clock.utc_ms() // 1000 * 1000
    price = Signal(
        kind="price",
        id="p1",
        seq=1,
        nbf_utc_ms=now_ms + 600_000,
        exp_utc_ms=now_ms + 5_400_000,
        start_utc_ms=now_ms,
        spans=(
            SignalInterval(300, {"import_eur_per_wh": 9e-4}),
            SignalInterval(3300, {"import_eur_per_wh": 1e-4, "export_eur_per_wh": 5e-5}),
            SignalInterval(3600, {"import_eur_per_wh": 2e-4, "text": "late"}),
        ),
    )
    found = ask(seen, with_memories(seen, **FRESH), {"price": price, "level": price}).quotes
    at_s = now_ms / 1000

    assert (
        PriceSignal(at_s + 600, at_s + 3600, {"import_eur_per_wh": 1e-4, "export_eur_per_wh": 5e-5}),
        PriceSignal(at_s + 3600, at_s + 5400, {"import_eur_per_wh": 2e-4}),
    ) == found


async def test_the_contract_and_the_premises_are_those_of_the_site_file(seen):
    site = seen.loaded.site
    base = TariffSection.model_validate(
        {"contract": "base", "base_eur_per_wh": 0.0003, "off_peak": ["12:30-14:00"]}
    )
    found = planner_inputs.make_tariff(site.model_copy(update={"tariff": base}))

    assert ("base", (0.0003,), ((750, 840),)) == (found.kind, found.prices_eur_per_wh, found.off_peak)
    assert ("Europe/Paris", None, 12_000.0, 0.0) == (
        planner_inputs.make_premises(site, seen.turn.site).zone,
        planner_inputs.make_premises(site, seen.turn.site).where,
        planner_inputs.make_premises(site, seen.turn.site).contract_w,
        planner_inputs.make_premises(site, seen.turn.site).pv_rated_w,
    )
    here = site.site.model_copy(update={"latitude": 48.8, "longitude": 2.3})
    assert (48.8, 2.3) == planner_inputs.make_premises(
        site.model_copy(update={"site": here}), seen.turn.site
    ).where


async def test_what_speaks_against_plans_refuses_them_and_their_back_test_has_the_sites_battery(seen):
    around = seen.turn.link, seen.turn.params, {}, seen.yard.clock.now()
    with pytest.raises(RefusedError, match="dearer"):
        planner_inputs.make_question(
            seen.loaded.site, with_memories(seen, **FRESH), *around, distrust="dearer"
        )
    found = planner_inputs.make_plan_backtest(seen.loaded.site)

    assert (9500.0, 2000.0, 2000.0, 5000.0) == (
        found.battery.capacity_wh,
        found.battery.reserve_wh,
        found.battery.energy_wh,
        found.battery.charge_max_w,
    )
    assert ("hchp", 12_000.0, 6_000.0) == (found.tariff.kind, found.import_max_w, found.export_max_w)
    with pytest.raises(RefusedError, match=r"no \[planning\]"):
        planner_inputs.make_plan_backtest(seen.loaded.site.model_copy(update={"planning": None}))
