import json
from dataclasses import replace
from itertools import pairwise
from math import inf, nan

import pytest
from tests.gateway.control.stepping import step_until

from quartier.control.cycle import run_cycle
from quartier.control.records import LinkLimits
from quartier.control.requests import Requests
from quartier.control.state import ControlState
from quartier.site.asset_types import Battery, ChargePointAsset, Load, Pv
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now
from quartier.site.site_layout import LimitContact, Site
from quartier_drivers.readings import Quality, Reading, make_readings

# --- self-consumption ------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("delay_s", [1, 2, 3])
@pytest.mark.parametrize("lag_s", [0, 1, 2, 3])
def test_self_consumption_settles_at_its_target_and_does_not_hunt(plant, delay_s, lag_s):
    p = plant(delay_s=delay_s, lag_s=lag_s, base_w=500).run(60)
    p.base_w = 3000
    p.run(90)
    p.base_w = 500
    p.run(90)
    up, down = p.grid_log[100:150], p.grid_log[190:]

    assert max(abs(w) for w in up + down) < 150
    assert min(p.grid_log[60:150]) > -150  # no overshoot worth the name after a step of 2.5 kW
    assert len(p.written("bat1.setpoint_w", since=130)) <= 50


def test_self_consumption_follows_the_sun(plant):
    p = plant(base_w=500, sun_w=3000).run(60)

    assert abs(p.bat_w - 2500) < 50
    assert "self-consumption: grid target 0 W" == str(p.state.book.orders["bat1.setpoint_w"].reason)


def test_the_target_of_the_house_and_of_the_requests_are_aimed_at(plant, house):
    p = plant(house=replace(house, grid_target_w=400.0), base_w=2000).run(60)

    assert abs(p.grid_w - 400) < 50


def test_ramp_holds_for_requests_and_yields_to_caps(plant, house):
    slow = replace(house, assets=(replace(house.assets[0], ramp_max_w_per_s=100), *house.assets[1:]))
    request = plant(house=slow, base_w=3000).run(6)
    cap = plant(house=slow, base_w=6000).cap(import_max_w=4000).run(1)

    steps = [w for _, w in request.written("bat1.setpoint_w")]
    assert max(abs(b - a) for a, b in zip([0, *steps], steps, strict=False)) <= 100
    assert -2000 == cap.points["bat1.setpoint_w"]


@pytest.mark.long
@pytest.mark.parametrize(("soc_pct", "base_w", "sun_w"), [(21.0, 6000, 0), (94.0, 200, 6000)])
def test_the_battery_never_leaves_its_band_and_keeps_its_reserve(plant, soc_pct, base_w, sun_w):
    p = plant(soc_pct=soc_pct, base_w=base_w, sun_w=sun_w).run(400)

    assert 20.0 <= p.soc_pct <= 95.0
    assert abs(p.bat_w) <= 300


@pytest.mark.parametrize(
    ("soc_pct", "base_w", "sun_w", "why"),
    [(20.0, 3000, 0, "at its lower bound of 20 %"), (95.0, 200, 3000, "full at 95 %")],
)
def test_a_battery_at_the_edge_of_its_band_says_so(plant, soc_pct, base_w, sun_w, why):
    p = plant(soc_pct=soc_pct, base_w=base_w, sun_w=sun_w).run(60)

    assert f"self-consumption: {why}" == str(p.state.book.orders["bat1.setpoint_w"].reason)


def test_a_relay_found_open_is_no_shed_and_says_so(plant):
    p = plant(base_w=500)
    p.raw["heat.relay_on"] = 0.0
    p.run(20)

    assert "was already off: comes back in its turn" == str(p.state.book.orders["heat.relay_on"].reason)


def test_the_reserve_is_not_used_for_an_import_cap_either(plant):
    p = plant(soc_pct=19, base_w=9000).cap(import_max_w=4000).run(60)

    assert 0 == p.bat_w
    assert (
        "import cap 4000 W (envelope dso 1) may be exceeded: every asset that may change its power has done so"
        in p.view["alarms"]
    )


# --- fail-safe flags -------------------------------------------------------------------------


def test_no_battery_export_means_the_battery_serves_the_house_only(plant, house):
    p = plant(house=replace(house, grid_target_w=-3000.0), base_w=1000, soc_pct=80)
    p.cap(no_battery_export=True).run(60)

    assert min(p.grid_log) > -50
    assert abs(p.bat_w + 1000) < 50


@pytest.mark.parametrize(("soc_pct", "charged_w"), [(50, 0), (10, 2000)])
def test_no_grid_charging_above_the_reserve(plant, house, soc_pct, charged_w):
    p = plant(house=replace(house, grid_target_w=3000.0), base_w=1000, soc_pct=soc_pct)
    p.cap(no_grid_charge_above_reserve=True).run(60)

    assert abs(p.bat_w - charged_w) < 60


def test_surplus_may_still_charge_above_the_reserve(plant):
    p = plant(base_w=500, sun_w=2500, soc_pct=50).cap(no_grid_charge_above_reserve=True).run(60)

    assert abs(p.bat_w - 2000) < 60


# --- breaches --------------------------------------------------------------------------------


def test_a_device_that_ignores_its_command_makes_the_next_step_follow(plant):
    p = plant(base_w=1000, soc_pct=10, ev_wants_w=4140, loads_w={"heat": 500, "pump": 500})
    p.deaf = {"ev1"}
    p.cap(import_max_w=5800).run(40)
    p.cap(import_max_w=5400).run(100)

    assert "60 s mean over the import cap 5400 W (envelope dso 1)" in p.view["alarms"] or p.grid_w <= 5400
    assert 0.0 == p.points["heat.relay_on"]


def test_far_over_the_cap_for_5_s_takes_all_of_c_and_d(plant):
    p = plant(base_w=-1700, soc_pct=10, ev_wants_w=11_040, loads_w={"heat": 800, "pump": 800, "cold": 300})
    p.deaf = {"ev1"}
    p.run(6)

    assert (0.0, 0.0, 1.0) == tuple(p.points[f"{n}.relay_on"] for n in ("heat", "pump", "cold"))
    assert "over the import cap 10000 W (hard limit) by 10 % for 5 s" in p.view["alarms"]


def test_export_over_its_cap_stops_what_discharges_and_what_generates(plant, house):
    p = plant(house=replace(house, grid_target_w=-6000.0), base_w=500, sun_w=3000, soc_pct=80).run(60)
    p.deaf = {"pv1"}
    p.sun_w = 6000
    p.cap(export_max_w=0).run(60)

    assert p.points["bat1.setpoint_w"] >= 0
    assert any("still above it" in c.reason or "generation curtailed" in c.reason for _, c in p.log)


# --- writing ---------------------------------------------------------------------------------


def test_leases_are_refreshed_every_20_s_by_writing(plant):
    p = plant(base_w=2000).run(200)
    times = [t for t, _ in p.written("bat1.setpoint_w", since=60)]

    assert max(b - a for a, b in pairwise(times)) <= 20


def test_a_free_pv_limit_is_written_once(plant):
    p = plant(base_w=2000, sun_w=500).run(200)

    assert 1 == len(p.written("pv1.generation_max_w"))


@pytest.mark.long
def test_a_limit_that_its_device_ends_by_itself_is_kept_alive_also_where_it_is_none(plant, house):
    leased = tuple(replace(a, lease_s=45.0) if isinstance(a, Pv) else a for a in house.assets)
    p = plant(house=replace(house, assets=leased), base_w=2000, sun_w=500).run(200)
    times = [t for t, _ in p.written("pv1.generation_max_w", since=60)]

    assert max(b - a for a, b in pairwise(times)) <= 15


def test_an_ignored_write_is_repeated(plant):
    p = plant(base_w=2000, soc_pct=10, loads_w={"pump": 500})
    p.raw["pump.relay_on"] = 1.0
    p.cap(import_max_w=1800).run(30)
    times = [t for t, on in p.written("pump.relay_on") if on == 0.0]

    assert len(times) >= 4


# --- whatever the building lacks -------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [(), ("bat1",), ("ev1",), ("pv1",), ("pump",), ("lift",), ("bat1", "pv1"), ("ev1", "cold")],
    ids=lambda names: "+".join(names) or "nothing",
)
@pytest.mark.parametrize("silent", [set(), {"grid"}, {"bat1", "ev1", "pv1", "pump"}])
def test_any_building_works_and_names_its_state(plant, with_house, names, silent):
    p = plant(house=with_house(*names), base_w=2000, sun_w=3000, ev_wants_w=7000, silent=silent)
    p.loads_w = {name: 1000 for name in ("pump", "lift", "cold") if name in names}
    p.cap(import_max_w=3000, export_max_w=500, consumption_max_w=4000, generation_max_w=2000).run(90)

    assert set(names) == set(p.view["assets"])
    assert all(asset["state"] for asset in p.view["assets"].values())
    json.dumps(p.view, allow_nan=False)


def test_assets_that_cannot_be_steered_are_measured_only(plant, house):
    fixed = (
        replace(house.assets[0], writable=False),
        Pv(name="pv1", rated_w=6000),
        ChargePointAsset(name="ev1", rated_w=11_040, writable=False),
        Load(name="pump", rated_w=3000, tier="C"),
    )
    p = plant(house=replace(house, assets=fixed), base_w=5000, sun_w=3000).cap(import_max_w=1000).run(60)

    assert [] == p.log
    assert "it takes no setpoint" == p.view["assets"]["bat1"]["state"]
    assert "measured only" == p.view["assets"]["pv1"]["state"]


def test_two_batteries_share_by_their_room(plant, house):
    second = replace(house.assets[0], name="bat2", discharge_max_w=2500, charge_max_w=2500)
    p = plant(house=replace(house, assets=(house.assets[0], second)), base_w=3000, soc_pct=60)
    p.raw |= {"bat2.soc_pct": 60.0, "bat2.power_w": 0.0}
    p.run(3)

    first_w, second_w = p.points["bat1.setpoint_w"], p.points["bat2.setpoint_w"]
    assert first_w < second_w < 0
    assert abs(first_w - 2 * second_w) < 5


def test_an_unmeasured_load_counts_at_its_rating(plant, house):
    dark = Load(name="oven", rated_w=2500, tier="D", switchable=True, measured=False)
    p = plant(house=replace(house, assets=(dark,)), base_w=1000, loads_w={"oven": 2500})
    p.silent = {"oven.power_w"}
    p.cap(import_max_w=3000).run(30)

    assert 0.0 == p.points["oven.relay_on"]
    assert "not measured" == p.view["assets"]["oven"]["quality"]


@pytest.mark.long
@pytest.mark.parametrize("value", [nan, inf, -inf, 1e300, "text", True])
@pytest.mark.parametrize(
    "point", ["grid.power_w", "bat1.power_w", "bat1.soc_pct", "ev1.power_w", "pv1.power_w"]
)
def test_no_nonsense_reaches_the_kernel(plant, point, value):
    p = plant(base_w=9000, sun_w=1000, ev_wants_w=7000)
    p.raw[point] = value

    p.run(40)


def test_bad_readings_do_not_erase_the_good_one_before(house):
    image, state = ProcessImage(), ControlState.fresh(house)
    caps = LinkLimits(mode="X", why="", since_ns=0, import_max_w=9000, export_max_w=0)
    image.put(make_readings([Reading("grid.power_w", 800.0, Quality.GOOD, 0)], 0))
    state = run_cycle(image.freeze(0), Requests(caps=caps), state, Now(0, 0, synced=True)).state
    image.put(make_readings([Reading("grid.power_w", 99.0, Quality.BAD, 0)], 10**9))
    decision = run_cycle(image.freeze(10**9), Requests(caps=caps), state, Now(10**9, 1000, synced=True))

    shown = {"power_w": 800.0, "age_s": 1.0, "state": "good", "lag_s": None, "unit": "W"}
    assert shown | {"verdict": "good", "causes": []} == decision.view["grid"]


def test_a_restart_takes_sheds_and_limits_as_they_stand_and_restores_them_staged(plant):
    p = plant(base_w=500, soc_pct=10, sun_w=0, loads_w={"pump": 2000})
    p.raw |= {
        "pump.relay_on": 0.0,
        "ev1.current_max_a": 0.0,
        "pv1.generation_max_w": 1500.0,
        "heat.relay_on": 1.0,
    }
    p.points |= {"pump.relay_on": 0.0, "ev1.current_max_a": 0.0, "pv1.generation_max_w": 1500.0}
    p.run(1)
    held = p.view["restore"]["held"]

    assert ["ev1", "pump", "pv1"] == held


def test_a_restart_takes_a_slowed_ev_as_it_stands(plant):
    p = plant(base_w=500, ev_wants_w=11_040)
    p.raw["ev1.current_max_a"] = 8.0
    p.run(1)

    assert 8.0 == p.points["ev1.current_max_a"]


def test_a_new_site_file_keeps_what_is_still_there(plant, house):
    p = plant(base_w=1000, soc_pct=10, loads_w={"pump": 3000}).cap(import_max_w=2000).run(30)
    smaller = replace(house, assets=tuple(a for a in house.assets if a.name in {"pump", "ev1"}))
    p.state = p.state.adopt(smaller)
    p.house = smaller
    p.run(5)

    assert {"pump", "ev1"} == set(p.state.switch_states)
    assert "shed" == p.view["assets"]["pump"]["state"]
    assert "bat1.setpoint_w" not in p.state.book.orders


def test_every_command_has_a_reason_an_expiry_and_the_view_its_words(plant):
    p = plant(base_w=6000, ev_wants_w=7000, loads_w={"pump": 2000}).cap(import_max_w=5000).run(5)

    assert all(c.reason and 0 < c.expires_ns - t * 10**9 <= 20 * 10**9 for t, c in p.log)
    assert {
        "mode",
        "why",
        "stage",
        "rules",
        "caps",
        "grid",
        "losses",
        "alarms",
        "acted",
        "contacts",
        "supplies",
        "events",
        "restore",
        "assets",
        "mode_age_s",
    } == set(p.view)
    assert "envelope dso 1" == p.view["caps"]["import"]["whose"]
    assert isinstance(p.house, Site)
    assert isinstance(p.house.assets[0], Battery)


@pytest.mark.long
def test_a_contact_that_closes_is_kept_named_and_let_go_staged(plant, house):
    contact = LimitContact(name="dso1", import_max_w=6000.0, release_s=30.0)
    p = plant(house=replace(house, contacts=(contact,)), base_w=1000, soc_pct=10, ev_wants_w=7000)
    p.raw["dso1.input_on"] = 0.0
    p.run(60)
    assert ("hard limit", 7000) == (p.view["caps"]["import"]["whose"], p.ev_w)

    p.raw["dso1.input_on"] = 1.0
    p.step()
    assert "contact dso1" == p.view["caps"]["import"]["whose"]
    assert "import cap 6000 W (contact dso1): charging slowed" == p.view["assets"]["ev1"]["command"]["reason"]
    p.run(60)
    assert p.grid_w <= 6000 + 250

    p.raw["dso1.input_on"] = 0.0
    p.run(31)
    assert (10_000, "rests") == (p.view["caps"]["import"]["max_w"], p.view["contacts"]["dso1"]["why"])
    p.run(115)
    assert p.ev_w < 7000, "what was slowed waits its 120 s and more"
    step_until(p, lambda: p.ev_w == 7000, 420)


def test_a_contact_that_falls_silent_acts_and_alarms(plant, house):
    contact = LimitContact(name="dso1", import_max_w=4200.0)
    p = plant(house=replace(house, contacts=(contact,)), base_w=1000)
    p.raw["dso1.input_on"] = 0.0
    p.run(30)
    p.silent = {"dso1"}
    p.run(15)
    assert 10_000 == p.view["caps"]["import"]["max_w"]
    p.run(2)

    cap = p.view["caps"]["import"]
    assert (4200.0, "contact dso1, cannot be read") == (cap["max_w"], cap["whose"])
    assert ["contact dso1 cannot be read: it counts as acting"] == p.view["alarms"]


@pytest.mark.parametrize("every_s", [2, 5, 10])
def test_a_slow_grid_meter_does_not_make_the_battery_hunt(plant, house, every_s):
    slow = replace(house, grid=replace(house.grid, period_s=float(every_s)))
    p = plant(house=slow, base_w=500, grid_every_s=every_s, delay_s=3, lag_s=1).run(60)
    p.base_w = 3000
    p.run(120)

    assert max(abs(w) for w in p.grid_log[-40:]) < 100
    assert min(p.grid_log[60:]) > -150
