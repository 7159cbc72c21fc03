import json
from dataclasses import replace
from itertools import pairwise
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quartier.control.caps import LinkCaps
from quartier.control.cycle import State, step
from quartier.control.wishes import Wishes
from quartier.house.assets import Battery, Contact, Ev, House, Load, Pv
from quartier.house.image import Image
from quartier.house.now import Now
from quartier_drivers.contract import Quality, Reading, columns


def longest_over(powers, cap_w):
    longest = here = 0
    for power_w in powers:
        here = here + 1 if power_w > cap_w + max(0.1 * cap_w, 200) else 0
        longest = max(longest, here)
    return longest


# --- self-consumption ------------------------------------------------------------------------


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
    assert "self-consumption: grid at 0 W" == p.state.book.orders["bat1.setpoint_w"].reason


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


@pytest.mark.parametrize(("soc_pct", "base_w", "sun_w"), [(21.0, 6000, 0), (94.0, 200, 6000)])
def test_the_battery_never_leaves_its_band_and_keeps_its_reserve(plant, soc_pct, base_w, sun_w):
    p = plant(soc_pct=soc_pct, base_w=base_w, sun_w=sun_w).run(1800)

    assert 20.0 <= p.soc_pct <= 95.0
    assert abs(p.bat_w) <= 300


@pytest.mark.parametrize(
    ("soc_pct", "base_w", "sun_w", "why"),
    [(20.0, 3000, 0, "down to 20 %, which is kept"), (95.0, 200, 3000, "full at 95 %")],
)
def test_a_battery_at_the_edge_of_its_band_says_so(plant, soc_pct, base_w, sun_w, why):
    p = plant(soc_pct=soc_pct, base_w=base_w, sun_w=sun_w).run(60)

    assert f"self-consumption: {why}" == p.state.book.orders["bat1.setpoint_w"].reason


def test_a_relay_found_open_is_no_shed_and_says_so(plant):
    p = plant(base_w=500)
    p.raw["heat.relay_on"] = 0.0
    p.run(20)

    assert "found off: comes back in its turn" == p.state.book.orders["heat.relay_on"].reason


def test_the_reserve_is_not_used_for_an_import_cap_either(plant):
    p = plant(soc_pct=19, base_w=9000).cap(import_max_w=4000).run(60)

    assert 0 == p.bat_w
    assert "the caps cannot be met: all that may be moved was moved" in p.view["alarms"]


# --- import cap ------------------------------------------------------------------------------


def test_an_import_cap_is_taken_in_the_one_order(plant):
    """Charging stops, EV to 6 A, battery discharges, EV pauses, then D, C, B; never A."""
    loads = {"heat": 1000, "pump": 1000, "cold": 1000, "lift": 1000}
    taken = []
    for cap_w in (14_000, 9_300, 5_000, 3_100, 2_100, 1_100, 100):
        p = plant(base_w=200, ev_wants_w=11_040, soc_pct=50, loads_w=loads)
        p.house = replace(
            p.house,
            grid_target_w=20_000.0,
            limits=replace(p.house.limits, import_hard_w=20_000),
            assets=(replace(p.house.assets[0], discharge_max_w=1000), *p.house.assets[1:]),
        )
        p.__post_init__()
        p.cap(import_max_w=cap_w).run(1)
        off = {name for name in ("heat", "pump", "cold", "lift") if p.points.get(f"{name}.relay_on") == 0}
        taken.append((p.points["ev1.current_max_a"], p.points["bat1.setpoint_w"] < 0, off))

    assert [
        (14.2, False, set()),
        (7.3, False, set()),
        (0.0, True, set()),
        (0.0, True, {"heat"}),
        (0.0, True, {"heat", "pump"}),
        (0.0, True, {"heat", "pump", "cold"}),
        (0.0, True, {"heat", "pump", "cold"}),
    ] == taken


def test_battery_charging_stops_first(plant):
    p = plant(base_w=5500, sun_w=0, soc_pct=50)
    p.house = replace(p.house, grid_target_w=12_000.0)
    p.__post_init__()
    p.run(20).cap(import_max_w=5900)
    p.run(3)

    assert 0 <= p.points["bat1.setpoint_w"] <= 400
    assert p.state.book.orders["bat1.setpoint_w"].reason.endswith("battery stops charging")


@pytest.mark.parametrize("lag_s", [0, 2])
def test_a_tightened_cap_is_commanded_within_2_s_and_kept_within_30_s(plant, lag_s):
    p = plant(base_w=1500, ev_wants_w=7000, soc_pct=15, lag_s=lag_s, loads_w={"pump": 1500, "lift": 500})
    p.run(60)
    p.cap(import_max_w=5000).run(2)
    commanded = p.points["ev1.current_max_a"]
    p.run(120)

    assert 0.0 == commanded
    assert max(p.grid_log[90:]) <= 5000
    assert longest_over(p.grid_log[60:], 5000) <= 5


def test_an_ev_is_slowed_to_what_fits_before_it_is_paused(plant):
    p = plant(base_w=1000, ev_wants_w=11_040, soc_pct=15).cap(import_max_w=8000).run(30)

    assert 10.1 == p.points["ev1.current_max_a"]
    assert (
        "import cap 8000 W (envelope dso 1): charging slowed"
        == p.state.book.orders["ev1.current_max_a"].reason
    )


def test_an_idle_car_may_not_jump_over_the_cap(plant):
    p = plant(base_w=3000, ev_wants_w=0, soc_pct=15).cap(import_max_w=8000)
    p.raw["ev1.plugged_on"] = 1.0
    p.run(30)

    assert 7.0 == p.points["ev1.current_max_a"]
    assert p.state.book.orders["ev1.current_max_a"].reason.startswith("limited to fit import cap")


def test_tier_a_is_never_commanded(plant):
    p = plant(base_w=9000, soc_pct=10, loads_w={"lift": 4000, "pump": 2000}).cap(import_max_w=0).run(100)

    assert [] == p.written("lift.relay_on")


def test_minimum_times_are_kept(plant, house):
    p = plant(base_w=1000, soc_pct=10, loads_w={"pump": 3000}).cap(import_max_w=3000)
    p.run(200).cap(import_max_w=9000)
    p.run(1000)
    back = p.written("pump.relay_on")
    p.cap(import_max_w=3000).run(400)
    changes = [t for (t, on), (_, was) in zip(back[1:], back, strict=False) if on != was]
    again = [t for t, on in p.written("pump.relay_on", since=1200) if on == 0]

    assert 0.0 == back[0][1]
    assert changes[0] >= 180
    assert again[0] - changes[0] >= 300
    del house


def test_a_minimum_on_time_makes_the_next_load_take_the_turn(plant, house):
    ready = replace(house.assets[5], min_on_s=0)
    p = plant(
        house=replace(house, assets=(*house.assets[:5], ready)),
        base_w=500,
        soc_pct=10,
        loads_w={"pump": 2000, "cold": 1500},
    ).cap(import_max_w=500)
    p.run(2)
    p.cap(import_max_w=9000).run(700)
    p.cap(import_max_w=500).run(200)
    p.cap(import_max_w=9000)
    while p.points["pump.relay_on"] == 0:
        p.step()
    p.run(60)
    p.cap(import_max_w=2600).run(3)

    assert (1.0, 0.0) == (p.points["pump.relay_on"], p.points["cold.relay_on"])


def test_the_load_with_the_fewest_sheds_goes_first_inside_a_tier(plant, house):
    twins = tuple(
        Load(name=name, rated_w=1000, tier="C", switchable=True, min_on_s=0, min_off_s=0)
        for name in ("l1", "l2")
    )
    p = plant(house=replace(house, assets=twins), base_w=500, loads_w={"l1": 1000, "l2": 1000})
    shed = []
    for _ in range(2):
        p.cap(import_max_w=1700).run(5)
        shed.append({n for n in ("l1", "l2") if p.points[f"{n}.relay_on"] == 0})
        p.cap(import_max_w=9000).run(800)

    assert [{"l1"}, {"l2"}] == shed


# --- restore ---------------------------------------------------------------------------------


def test_restore_waits_for_120_s_then_takes_one_load_each_30_s_in_reverse(plant):
    p = plant(base_w=290, soc_pct=10, loads_w={"heat": 1500, "pump": 1500, "cold": 1000})
    p.cap(import_max_w=300).run(400)
    p.cap(import_max_w=9000).run(900)
    on = {
        name: next(t for t, v in p.written(f"{name}.relay_on", since=400) if v)
        for name in ("cold", "pump", "heat")
    }

    assert on["cold"] >= 400 + 120
    assert on["cold"] <= 400 + 421
    assert (30, 30) == (on["pump"] - on["cold"], on["heat"] - on["pump"])
    assert "restored: below the cap by 10 % for 120 s" in {c.reason for _, c in p.log}


def test_nothing_is_restored_that_does_not_fit_below_90_percent(plant):
    p = plant(base_w=3000, soc_pct=10, loads_w={"pump": 1500}).cap(import_max_w=4000).run(600)

    assert 0.0 == p.points["pump.relay_on"]
    assert ["pump"] == p.view["restore"]["held"]


def test_buildings_restore_at_different_times_after_a_common_event(plant, house):
    def restored_at(seed):
        p = plant(house=replace(house, seed=seed), base_w=290, soc_pct=10, loads_w={"heat": 1500})
        p.cap(import_max_w=300).run(400)
        p.cap(import_max_w=9000).run(500)
        return next(t for t, v in p.written("heat.relay_on", since=400) if v)

    times = [restored_at(seed) for seed in range(6)]

    assert len(set(times)) > 4
    assert all(520 <= t <= 821 for t in times)


def test_an_ev_comes_back_at_its_floor_and_then_as_fast_as_fits(plant):
    p = plant(base_w=500, soc_pct=10, ev_wants_w=11_040).cap(import_max_w=3000).run(400)
    paused = p.points["ev1.current_max_a"]
    p.cap(import_max_w=9000).run(800)
    amperes = [a for _, a in p.written("ev1.current_max_a", since=400)]

    assert 0.0 == paused
    assert [0.0, 6.0] == sorted(set(amperes))[:2]
    assert 11.0 == amperes[-1]
    assert max(p.grid_log[400:]) <= 9000


def test_a_silent_asset_counts_at_its_worst_where_something_would_come_back(plant, house):
    more = Load(name="oven", rated_w=6000, tier="A")
    p = plant(
        house=replace(house, assets=(*house.assets, more)), soc_pct=10, base_w=500, loads_w={"pump": 2000}
    )
    p.cap(import_max_w=1000).run(180)
    p.silent = {"oven"}
    p.run(20)
    p.cap(import_max_w=8000).run(700)
    waiting = p.points["pump.relay_on"]
    p.silent = set()
    p.run(60)

    assert (0.0, 1.0) == (waiting, p.points["pump.relay_on"])


# --- export, generation, consumption ---------------------------------------------------------


@pytest.mark.parametrize("silent_s", [0, 40])
def test_a_device_that_begins_to_answer_or_falls_silent_moves_no_battery(plant, silent_s):
    building = plant(base_w=500, silent={"ev1"} if silent_s == 0 else set()).run(60)
    since = building.t
    building.silent = {"ev1"} - building.silent
    building.run(40 if silent_s else 20)
    if silent_s:
        building.silent = set()
        building.run(20)

    moved = [value for _, value in building.written("bat1.setpoint_w", since=since)]
    assert moved
    assert all(abs(value + 500) <= 30 for value in moved)
    assert [] == [t for t, value in building.written("heat.relay_on", since=since) if not value]


@pytest.mark.parametrize("cap_w", [0, 1000])
def test_an_export_cap_charges_the_battery_then_curtails(plant, cap_w):
    room = plant(base_w=500, sun_w=5500, soc_pct=50).cap(export_max_w=cap_w).run(60)
    full = plant(base_w=500, sun_w=5500, soc_pct=95).cap(export_max_w=cap_w).run(60)

    assert (5500, 6000.0) == (-room.pv_w, room.points["pv1.generation_max_w"])
    assert -cap_w - 20 <= min(full.grid_log[10:]) <= max(full.grid_log[10:]) < 50
    assert longest_over([-w for w in full.grid_log], cap_w) <= 5


def test_curtailed_sun_finds_its_way_into_the_battery_and_back(plant):
    p = plant(base_w=500, sun_w=5500, soc_pct=95).cap(export_max_w=0).run(60)
    p.soc_pct = 60
    p.run(300)
    uncurtailed = p.bat_w
    p.cap(export_max_w=6000).run(120)

    assert uncurtailed > 4500
    assert 6000.0 == p.points["pv1.generation_max_w"]


def test_shed_loads_come_on_before_pv_is_curtailed(plant, with_house):
    p = (
        plant(house=with_house("heat", "pump", "pv1"), base_w=200, loads_w={"heat": 1800, "pump": 2500})
        .cap(import_max_w=300)
        .run(200)
    )
    p.sun_w = 4000
    p.cap(import_max_w=9000, export_max_w=500).run(2)

    assert (1.0, 1.0) == (p.points["heat.relay_on"], p.points["pump.relay_on"])
    assert p.state.book.orders["pump.relay_on"].reason.endswith("switched on again")


def test_a_slowed_ev_goes_faster_before_pv_is_curtailed(plant, with_house):
    p = plant(house=with_house("ev1", "pv1"), base_w=200, ev_wants_w=11_040).cap(import_max_w=4500).run(30)
    p.sun_w = 6000
    p.cap(import_max_w=9000, export_max_w=0).run(5)

    assert p.points["ev1.current_max_a"] > 8.0
    assert 6000.0 == p.points["pv1.generation_max_w"]
    assert any(c.reason.endswith("charging faster") for _, c in p.log)


def test_a_paused_ev_resumes_before_pv_is_curtailed(plant, with_house):
    p = plant(house=with_house("ev1", "pv1"), base_w=200, ev_wants_w=11_040).cap(import_max_w=500).run(200)
    p.sun_w = 5500
    p.cap(import_max_w=9000, export_max_w=0).run(2)

    assert p.points["ev1.current_max_a"] >= 6.0


def test_pv_behind_a_relay_is_switched_off_and_comes_back_when_it_fits(plant, house):
    relay = Pv(name="pv1", rated_w=3000, curtail="relay")
    p = plant(house=replace(house, assets=(relay,)), base_w=500, sun_w=3000).cap(export_max_w=1000).run(10)
    off = p.points["pv1.relay_on"]
    p.base_w = 4000
    p.run(200)
    early = p.points["pv1.relay_on"]
    p.run(200)

    assert (0.0, 0.0, 1.0) == (off, early, p.points["pv1.relay_on"])


def test_a_generation_cap_limits_pv_and_the_battery_together(plant):
    p = plant(base_w=6000, sun_w=5000, soc_pct=80).cap(generation_max_w=2000).run(30)

    assert -2000 == p.pv_w
    assert p.bat_w >= -10
    assert {"max_w": 2000, "whose": "link"} == p.view["caps"]["generation"]


def test_a_generation_cap_switches_off_a_relay_and_lets_it_back(plant, house):
    pvs = (Pv(name="pv1", rated_w=3000, curtail="relay"), Pv(name="roof", rated_w=2000))
    p = plant(house=replace(house, assets=pvs), base_w=500, sun_w=2500)
    p.raw["roof.power_w"] = -500.0
    p.cap(generation_max_w=2500).run(5)
    off = p.points["pv1.relay_on"]
    p.cap(generation_max_w=None).run(400)

    assert (0.0, 1.0) == (off, p.points["pv1.relay_on"])


@pytest.mark.parametrize("curtail", ["relay", "limit"])
def test_a_generation_cap_binds_who_was_never_seen_generating(plant, house, curtail):
    pv = Pv(name="pv1", rated_w=3000, curtail=curtail)
    p = plant(house=replace(house, assets=(pv,)), base_w=500, sun_w=2500, silent={"pv1"}).run(30)
    before_w = p.pv_w
    p.cap(generation_max_w=0).run(30)

    assert (-2500, 0) == (before_w, p.pv_w)


@pytest.mark.parametrize("curtail", ["relay", "limit"])
def test_a_generation_cap_binds_without_a_grid_meter(plant, house, curtail):
    pv = Pv(name="pv1", rated_w=3000, curtail=curtail)
    limits = replace(house.limits, export_failsafe_w=6_000)
    p = plant(house=replace(house, limits=limits, assets=(pv,)), base_w=500, sun_w=2500).run(30)
    p.silent = {"grid"}
    p.run(40)
    before_w = p.pv_w
    p.cap(generation_max_w=0).run(30)

    assert (-2500, 0) == (before_w, p.pv_w)


def test_a_generation_cap_that_is_eased_lets_a_relay_back_only_when_it_fits(plant, house):
    p = plant(
        house=replace(house, assets=(Pv(name="pv1", rated_w=3000, curtail="relay"),)), base_w=500, sun_w=2500
    )
    p.cap(generation_max_w=2000).run(400)
    held = p.points["pv1.relay_on"]
    p.cap(generation_max_w=3000).run(10)

    assert (0.0, 1.0) == (held, p.points["pv1.relay_on"])


def test_a_consumption_cap_binds_whatever_is_generated(plant):
    p = plant(base_w=500, sun_w=5000, soc_pct=50, loads_w={"heat": 1500, "pump": 2000})
    p.cap(consumption_max_w=3000).run(30)
    used_w = p.grid_w - p.pv_w - min(0, p.bat_w)

    assert used_w <= 3000
    assert "consumption" in p.view["caps"]
    assert any(c.reason.startswith("consumption cap 3000 W") for _, c in p.log)


@pytest.mark.parametrize("silent_s", [5, 40])
def test_a_consumption_cap_binds_without_a_grid_meter(plant, house, silent_s):
    limits = replace(house.limits, import_failsafe_w=9_000)
    p = plant(house=replace(house, limits=limits), base_w=500, sun_w=0, soc_pct=50)
    p.loads_w = {"heat": 1500, "pump": 2000}
    p.run(30)
    p.silent = {"grid"}
    p.run(silent_s)
    before = p.points["heat.relay_on"], p.points["pump.relay_on"]
    p.cap(consumption_max_w=2500).run(30)

    assert (1.0, 1.0) == before
    assert p.grid_w - p.pv_w - min(0, p.bat_w) <= 2500


def test_a_consumption_cap_holds_back_what_would_be_restored(plant):
    p = plant(base_w=500, soc_pct=10, loads_w={"pump": 2000}).cap(consumption_max_w=2000).run(600)
    held = p.points["pump.relay_on"]
    p.cap(consumption_max_w=None).run(600)

    assert (0.0, 1.0) == (held, p.points["pump.relay_on"])


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


# --- inputs that age -------------------------------------------------------------------------


def test_a_stale_grid_meter_freezes_increases_and_refreshes_nothing(plant):
    p = plant(base_w=2000).run(40)
    p.silent = {"grid"}
    p.run(3)
    fresh = p.view["stage"]
    p.run(5)

    assert ("WELL", "FREEZE", "stale") == (fresh, p.view["stage"], p.view["grid"]["state"])
    assert [] == p.written("bat1.setpoint_w", since=43)


def test_a_cap_that_tightens_while_the_meter_is_stale_still_sheds(plant):
    p = plant(base_w=1000, soc_pct=10, loads_w={"pump": 3000}).run(40)
    p.silent = {"grid"}
    p.run(5)
    p.cap(import_max_w=2000).run(1)

    assert 0.0 == p.points["pump.relay_on"]


def test_a_lost_grid_meter_gives_the_battery_back_once_and_sheds_to_the_failsafe_cap(plant):
    p = plant(
        base_w=1500, ev_wants_w=7000, soc_pct=50, loads_w={"heat": 1500, "pump": 2000, "cold": 1000}
    ).run(60)
    p.silent = {"grid"}
    p.run(60)
    given = [(t, c.value, c.reason) for t, c in p.log if c.point == "bat1.setpoint_w" and t >= 63]

    assert [(70, 0.0, "given back: grid meter lost")] == given
    assert ("SAFE", "lost") == (p.view["stage"], p.view["grid"]["state"])
    assert p.grid_w <= 5000
    assert {"max_w": 5000, "whose": "fail-safe value, grid meter lost"} == p.view["caps"]["import"]
    assert 0.0 == p.points["ev1.current_max_a"]


def test_caps_and_sheds_go_on_being_written_while_the_meter_is_lost(plant):
    p = plant(base_w=1500, ev_wants_w=7000, soc_pct=50).run(60)
    p.silent = {"grid"}
    p.run(100)

    assert len(p.written("ev1.current_max_a", since=80)) >= 3


def test_without_the_grid_meter_generation_keeps_to_the_export_cap_and_what_surely_runs(plant):
    p = plant(base_w=500, sun_w=5000, soc_pct=95, loads_w={"lift": 1200}).run(60)
    p.silent = {"grid"}
    p.run(20)

    assert 1200.0 == p.points["pv1.generation_max_w"]


def test_without_the_grid_meter_a_pv_relay_opens_where_it_could_export(plant, house):
    relay = (Pv(name="pv1", rated_w=3000, curtail="relay"),)
    p = plant(house=replace(house, assets=relay), base_w=5000, sun_w=2000).run(30)
    p.silent = {"grid"}
    p.run(20)

    assert 0.0 == p.points["pv1.relay_on"]


def test_the_meter_that_comes_back_gives_control_back_after_its_dwell(plant):
    p = plant(base_w=2000).run(60)
    p.silent = {"grid"}
    p.run(30)
    p.silent = set()
    p.run(25)
    dwelling = p.view["stage"], p.view["assets"]["bat1"]["state"]
    p.run(60)

    assert ("SAFE", "grid meter was lost until now") == dwelling
    assert ("WELL", "steered") == (p.view["stage"], p.view["assets"]["bat1"]["state"])
    assert abs(p.grid_w) < 50


def test_a_grid_meter_dead_from_the_start_is_a_named_state(plant):
    p = plant(base_w=1000, ev_wants_w=7000, loads_w={"pump": 2000}, silent={"grid"}).run(1)
    first = p.view["grid"]["state"], p.view["stage"], list(p.log)
    p.run(30)

    assert ("starting", "FREEZE", []) == first
    assert ("never read", "SAFE") == (p.view["grid"]["state"], p.view["stage"])
    assert (0.0, 0.0) == (p.points["ev1.current_max_a"], p.points["pump.relay_on"])
    assert 0.0 == p.points["bat1.setpoint_w"]


def test_a_declared_remainder_is_used_while_blind(plant, house):
    p = plant(
        house=replace(house, unmeasured_w=500.0), base_w=500, loads_w={"pump": 2000}, silent={"grid"}
    ).run(30)

    assert 1.0 == p.points["pump.relay_on"]


@pytest.mark.parametrize("kind", ["bat1.soc_pct", "bat1.power_w"])
def test_a_battery_without_its_own_readings_is_given_back(plant, kind):
    p = plant(base_w=2000).run(40)
    p.silent = {kind}
    p.run(40)
    given = [c for t, c in p.log if t >= 40 and c.reason.startswith("given back")]

    assert 1 == len(given)
    assert p.view["assets"]["bat1"]["state"].endswith("is not known")


def test_a_battery_whose_readings_never_came_is_given_back_after_its_chance(plant):
    p = plant(base_w=2000, silent={"bat1"}).run(10)
    early = p.view["assets"]["bat1"]["state"], p.written("bat1.setpoint_w")
    p.run(10)

    assert ("waiting for its first reading", []) == early
    assert [0.0] == [w for _, w in p.written("bat1.setpoint_w")]


def test_a_point_without_a_release_value_is_named_for_its_driver_once(plant, house):
    p = plant(house=replace(house, release_values={}), base_w=2000).run(30)
    p.silent = {"grid"}
    releases = [r for _ in range(60) if (r := p.step().releases)]

    assert [("bat1.setpoint_w",)] == releases


def test_a_slow_grid_meter_costs_10_percent_of_every_cap(plant, house):
    slow = replace(house, grid=replace(house.grid, period_s=5.0))
    p = plant(house=slow, base_w=9000, soc_pct=60, grid_every_s=5).cap(import_max_w=6000).run(60)

    assert 5400 == p.view["caps"]["import"]["max_w"]
    assert "WELL" == p.view["stage"]
    assert max(p.grid_log[20:]) <= 5410


def test_late_cycles_freeze_increases(plant):
    p = plant(base_w=2000).run(20)
    for _ in range(3):
        p.t += 2
        p.step()

    assert ("FREEZE", ["cycle-late"]) == (p.view["stage"], [r["name"] for r in p.view["rules"]])


# --- breaches --------------------------------------------------------------------------------


def test_a_device_that_ignores_its_command_makes_the_next_step_follow(plant):
    p = plant(base_w=1000, soc_pct=10, ev_wants_w=4140, loads_w={"heat": 500, "pump": 500})
    p.deaf = {"ev1"}
    p.cap(import_max_w=5800).run(40)
    p.cap(import_max_w=5400).run(150)

    assert "60 s mean over the import cap 5400 W (envelope dso 1)" in p.view["alarms"] or p.grid_w <= 5400
    assert 0.0 == p.points["heat.relay_on"]


def test_far_over_the_cap_for_5_s_takes_all_of_c_and_d(plant):
    p = plant(base_w=1000, soc_pct=10, ev_wants_w=11_040, loads_w={"heat": 500, "pump": 500, "cold": 300})
    p.deaf = {"ev1"}
    p.run(60)

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
        Ev(name="ev1", rated_w=11_040, writable=False),
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


@pytest.mark.parametrize("value", [nan, inf, -inf, 1e300, "text", True])
@pytest.mark.parametrize(
    "point", ["grid.power_w", "bat1.power_w", "bat1.soc_pct", "ev1.power_w", "pv1.power_w"]
)
def test_no_nonsense_reaches_the_kernel(plant, point, value):
    p = plant(base_w=9000, sun_w=1000, ev_wants_w=7000)
    p.raw[point] = value

    p.run(40)


def test_bad_readings_do_not_erase_the_good_one_before(house):
    image, state = Image(), State.fresh(house)
    caps = LinkCaps(mode="X", why="", since_ns=0, import_max_w=9000, export_max_w=0)
    image.put(columns([Reading("grid.power_w", 800.0, Quality.GOOD, 0)], 0))
    state = step(image.freeze(0), Wishes(caps=caps), state, Now(0, 0, synced=True)).state
    image.put(columns([Reading("grid.power_w", 99.0, Quality.BAD, 0)], 10**9))
    decision = step(image.freeze(10**9), Wishes(caps=caps), state, Now(10**9, 1000, synced=True))

    assert {"power_w": 800.0, "age_s": 1.0, "state": "good"} == decision.view["grid"]


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

    assert {"pump", "ev1"} == set(p.state.turns)
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
        "alarms",
        "acted",
        "contacts",
        "restore",
        "assets",
        "mode_age_s",
    } == set(p.view)
    assert "envelope dso 1" == p.view["caps"]["import"]["whose"]
    assert isinstance(p.house, House)
    assert isinstance(p.house.assets[0], Battery)


def test_a_contact_that_closes_is_kept_named_and_let_go_staged(plant, house):
    contact = Contact(name="dso1", import_max_w=6000.0, release_s=30.0)
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
    p.run(420)
    assert 7000 == p.ev_w


def test_a_contact_that_falls_silent_acts_and_alarms(plant, house):
    contact = Contact(name="dso1", import_max_w=4200.0)
    p = plant(house=replace(house, contacts=(contact,)), base_w=1000)
    p.raw["dso1.input_on"] = 0.0
    p.run(30)
    p.silent = {"dso1"}
    p.run(15)
    assert 10_000 == p.view["caps"]["import"]["max_w"]
    p.run(2)

    assert {"max_w": 4200.0, "whose": "contact dso1, cannot be read"} == p.view["caps"]["import"]
    assert ["contact dso1 cannot be read: it counts as acting"] == p.view["alarms"]


@pytest.mark.parametrize("every_s", [2, 5, 10])
def test_a_slow_grid_meter_does_not_make_the_battery_hunt(plant, house, every_s):
    slow = replace(house, grid=replace(house.grid, period_s=float(every_s)))
    p = plant(house=slow, base_w=500, grid_every_s=every_s, delay_s=3, lag_s=1).run(60)
    p.base_w = 3000
    p.run(120)

    assert max(abs(w) for w in p.grid_log[-40:]) < 100
    assert min(p.grid_log[60:]) > -150


# --- property: whatever is read, lost, capped or delayed ---------------------------------------

values = st.sampled_from(
    [0.0, -1.0, 50.0, 300.0, -3000.0, 8000.0, 99_999.0, nan, inf, -inf, 1e300, "text", True]
)
names = ["grid.power_w", "bat1.power_w", "bat1.soc_pct", "ev1.power_w", "ev1.plugged_on", "pv1.power_w"]
names += ["pump.power_w", "pump.relay_on", "ev1.current_max_a", "pv1.generation_max_w", "bat1.setpoint_w"]
watts = st.sampled_from([0.0, 500.0, 3000.0, 5001.0, 10_000.0, 1e6])
moves = st.one_of(
    st.tuples(st.just("run"), st.sampled_from([1, 2, 5, 11, 35, 130, 400])),
    st.tuples(st.just("late"), st.sampled_from([2, 7, 3600])),
    st.tuples(st.just("raw"), st.sampled_from(names), values),
    st.tuples(st.just("clear")),
    st.tuples(
        st.just("silent"), st.sets(st.sampled_from(["grid", "bat1", "ev1", "pv1", "pump", "bat1.soc_pct"]))
    ),
    st.tuples(st.just("cap"), watts, watts, st.none() | watts, st.none() | watts, st.booleans()),
    st.tuples(st.just("base"), st.sampled_from([-2000.0, 200.0, 2500.0, 9000.0, 40_000.0])),
    st.tuples(st.just("sun"), st.sampled_from([0.0, 900.0, 6000.0])),
    st.tuples(st.just("ev"), st.sampled_from([0.0, 1000.0, 11_040.0])),
    st.tuples(st.just("soc"), st.sampled_from([0.0, 9.9, 20.1, 50.0, 94.9, 100.0])),
)


def moved(p, move):
    kind, *args = move
    if kind == "run":
        p.run(args[0])
    elif kind == "late":
        p.t += args[0]
        p.step()
    elif kind == "raw":
        p.raw[args[0]] = args[1]
    elif kind == "clear":
        p.raw, p.silent = {}, set()
    elif kind == "silent":
        p.silent = args[0]
    elif kind == "cap":
        import_w, export_w, generation_w, consumption_w, careful = args
        p.cap(
            import_max_w=import_w,
            export_max_w=export_w,
            generation_max_w=generation_w,
            consumption_max_w=consumption_w,
            no_battery_export=careful,
            no_grid_charge_above_reserve=careful,
        )
    else:
        setattr(p, {"base": "base_w", "sun": "sun_w", "ev": "ev_wants_w", "soc": "soc_pct"}[kind], args[0])


def switchings(p, point):
    written = p.written(point)
    return [(t, on) for (_, was), (t, on) in pairwise(written) if on != was]


@settings(max_examples=100)
@given(st.lists(moves, min_size=1, max_size=15))
def test_no_sequence_of_readings_losses_and_caps_breaks_a_device_limit(plant, sequence):
    p = plant(base_w=1000, sun_w=2000, loads_w={"pump": 2000, "heat": 1000, "lift": 500})
    for move in sequence:
        moved(p, move)
    p.run(3)

    for _, command in p.log:
        low, high = {"w": (-5000, 6000), "a": (0, 16), "on": (0, 1)}[command.point.rsplit("_", 1)[-1]]
        assert low <= command.value <= high
        assert command.reason
        assert command.point != "lift.relay_on"
        assert not (command.point == "ev1.current_max_a" and 0 < command.value < 6)
    for on_s, off_s, point in ((300, 180, "pump.relay_on"), (0, 60, "heat.relay_on")):
        for (first, on), (second, _) in pairwise(switchings(p, point)):
            assert second - first >= (on_s if on else off_s)
    assert p.view["caps"]["import"]["max_w"] <= 10_000
    assert p.view["caps"]["export"]["max_w"] <= 6_000
    json.dumps(p.view, allow_nan=False)


def test_a_pv_rated_at_nothing_divides_by_nothing(plant, house):
    nothing = replace(house, assets=(Pv(name="pv1", rated_w=0, curtail="limit"),))

    assert "pv1" in plant(house=nothing, sun_w=10).cap(generation_max_w=0).run(20).view["assets"]
