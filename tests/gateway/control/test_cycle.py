from dataclasses import replace
from itertools import pairwise

import pytest

from quartier.site.asset_types import Pv

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


def test_the_target_of_the_house_and_of_the_wishes_are_aimed_at(plant, house):
    p = plant(house=replace(house, grid_target_w=400.0), base_w=2000).run(60)

    assert abs(p.grid_w - 400) < 50


def test_ramp_holds_for_wishes_and_yields_to_caps(plant, house):
    slow = replace(house, assets=(replace(house.assets[0], ramp_max_w_per_s=100), *house.assets[1:]))
    wish = plant(house=slow, base_w=3000).run(6)
    cap = plant(house=slow, base_w=6000).cap(import_max_w=4000).run(1)

    steps = [w for _, w in wish.written("bat1.setpoint_w")]
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
    [(20.0, 3000, 0, "down to 20 %, which is kept"), (95.0, 200, 3000, "full at 95 %")],
)
def test_a_battery_at_the_edge_of_its_band_says_so(plant, soc_pct, base_w, sun_w, why):
    p = plant(soc_pct=soc_pct, base_w=base_w, sun_w=sun_w).run(60)

    assert f"self-consumption: {why}" == str(p.state.book.orders["bat1.setpoint_w"].reason)


def test_a_relay_found_open_is_no_shed_and_says_so(plant):
    p = plant(base_w=500)
    p.raw["heat.relay_on"] = 0.0
    p.run(20)

    assert "found off: comes back in its turn" == str(p.state.book.orders["heat.relay_on"].reason)


def test_the_reserve_is_not_used_for_an_import_cap_either(plant):
    p = plant(soc_pct=19, base_w=9000).cap(import_max_w=4000).run(60)

    assert 0 == p.bat_w
    assert "the caps cannot be met: all that may be moved was moved" in p.view["alarms"]


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
    assert any("kept over it" in c.reason or "generation curtailed" in c.reason for _, c in p.log)


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
