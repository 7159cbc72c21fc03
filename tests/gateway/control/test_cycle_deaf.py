"""What an order is expected to bring is believed for the time that its device may take, and no longer."""

from dataclasses import replace

import pytest
from tests.gateway.control.stepping import are_all_on, step_until

from quartier.site.asset_types import ChargePointAsset, Load, Pv
from quartier.site.site_layout import Node


def orders_of(p, seconds: int, meanwhile=lambda: None) -> list[float]:
    """What the battery is ordered, each second."""
    told = []
    for _ in range(seconds):
        meanwhile()
        p.step()
        told.append(p.points["bat1.setpoint_w"])
    return told


def test_a_paused_car_that_somebody_else_lets_charge_is_answered_by_the_battery_at_once(plant):
    """The plant's car follows its current after 3 s; from its first reading on nobody believes in the pause."""
    p = plant(base_w=4_000, ev_wants_w=11_040, soc_pct=80).cap(import_max_w=3_000).run(60)
    p.base_w = 500
    p.run(30)
    assert (0.0, 0.0) == (p.points["ev1.current_max_a"], p.ev_w)
    p.deaf = {"ev1"}
    told = orders_of(p, 40, lambda: p.points.update({"ev1.current_max_a": 16.0}))

    assert 11_040 == p.ev_w
    assert [-5_000.0] * 36 == told[4:]
    # A point that is written so often is in conflict: its car is slowed to its least current, not paused again.
    assert 6.0 == p.state.book.orders["ev1.current_max_a"].value
    assert "limited to 4140 W; does not follow its order" == p.view["assets"]["ev1"]["state"]


def test_a_car_that_ignores_a_lower_current_is_believed_for_six_seconds(plant):
    p = plant(base_w=-10_000, ev_wants_w=11_040, soc_pct=80).run(60)
    p.deaf, p.base_w = {"ev1"}, -4_500
    p.cap(import_max_w=500)
    told = orders_of(p, 40)

    assert [(60, 10.1)] == p.written("ev1.current_max_a", since=60)[:1]
    assert told[5] > -4_000, "as long as it may take to obey the car counts as lowered"
    assert [-5_000.0] * 20 == told[7:27]


def test_a_battery_gives_what_it_gave_until_a_paused_car_has_stopped(plant):
    p = plant(base_w=-9_000, ev_wants_w=11_040, soc_pct=80).run(60)
    p.deaf, p.base_w = {"ev1"}, 2_000
    p.cap(import_max_w=1_000)

    assert [-5_000.0] * 40 == orders_of(p, 40)


def test_paused_car_whose_meter_is_read_late_moves_no_battery(plant):
    """The grid meter shows the pause at once, the car reads old for 15 s: nothing was exported."""
    p = plant(base_w=2_000, ev_wants_w=11_040, soc_pct=80).cap(import_max_w=12_000).run(60)
    assert 9_000 < p.ev_w
    p.silent = {"ev1.power_w"}
    p.cap(import_max_w=1_000).run(10)
    assert 0.0 == p.ev_w
    told = orders_of(p, 5)

    assert max(told) <= -1_500, told
    p.silent = set()
    assert max(orders_of(p, 30)) <= -1_500


def test_a_car_that_takes_more_than_it_may_is_told_its_floor_and_the_battery_helps(plant, house):
    p = plant(
        house=replace(house, unlisted_generation_w=5_000.0), base_w=-3_000, ev_wants_w=11_040, soc_pct=80
    )
    p.points["ev1.current_max_a"] = p.raw["ev1.current_max_a"] = 8.0
    p.run(60)
    del p.raw["ev1.current_max_a"]
    p.silent, p.deaf, p.points["ev1.current_max_a"] = {"ev1.current_max_a"}, {"ev1"}, 11.5
    p.cap(import_max_w=500).run(30)

    told = [(63, 6.0), (68, 6.0), (73, 6.0), (78, 6.0), (83, 6.0), (88, 6.0)]
    assert told == p.written("ev1.current_max_a", since=61), "it is told again, and no less"
    assert [(64, -4_435.0)] == p.written("bat1.setpoint_w", since=64)[:1]
    assert max(p.grid_log[68:]) <= 500
    assert 11.5 * 690 == p.ev_w


def test_a_car_that_shares_and_does_not_obey_leaves_the_fuse_to_the_others(board, car, house):
    """Nothing measures the board: that the car would be slower was believed for ever."""
    park = Node(name="park", under="grid", fuse_a=25.0, measured=False, unmeasured_w=0.0)
    ev = ChargePointAsset(name="ev1", rated_w=3_680, phases_count=1, phase="l1", node="park", tier="C")
    heat = Load(name="heat", rated_w=3_000, tier="C", switchable=True, phase="l1", node="park")
    p = board(house=replace(house, assets=(ev, heat), nodes=(park,)))
    p.loads_w, p.cars = {"heat": 1_500}, {"ev1": car(phases=1)}
    p.run(30)
    assert 16.0 == p.points["ev1.current_max_a"]
    p.deaf, p.loads_w = {"ev1"}, {"heat": 3_000}
    p.run(30)

    assert p.points["ev1.current_max_a"] == 16.0
    assert 0.0 == p.points["heat.relay_on"]
    assert p.flows_w["park"][0] <= 25 * 230


def test_pv_that_ignores_its_limit_is_taken_up_by_the_battery(plant, house):
    p = plant(house=replace(house, grid_target_w=-6_000.0), base_w=0, sun_w=6_000, soc_pct=95)
    p.cap(export_max_w=1_000).run(60)
    assert 1_000 >= p.points["pv1.generation_max_w"]
    p.deaf, p.soc_pct = {"pv1"}, 50.0
    p.points["pv1.generation_max_w"] = 6_000.0
    p.run(30)

    assert 5_000 == p.points["bat1.setpoint_w"]
    assert 0.0 == p.written("pv1.generation_max_w")[-1][1]


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
    assert full.longest_over_s(cap_w, export=True) <= 5


@pytest.mark.long
def test_curtailed_sun_finds_its_way_into_the_battery_and_back(plant):
    p = plant(base_w=500, sun_w=5500, soc_pct=95).cap(export_max_w=0).run(60)
    p.soc_pct = 60
    p.run(200)
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
    assert str(p.state.book.orders["pump.relay_on"].reason).endswith("switched on again")


def test_a_slowed_ev_goes_faster_before_pv_is_curtailed(plant, with_house):
    p = plant(house=with_house("ev1", "pv1"), base_w=200, ev_wants_w=11_040).cap(import_max_w=4500).run(30)
    p.sun_w = 6000
    p.cap(import_max_w=9000, export_max_w=0).run(5)

    assert p.points["ev1.current_max_a"] > 8.0
    assert 6000.0 == p.points["pv1.generation_max_w"]
    assert any(c.reason.endswith("charging faster") for _, c in p.log)


def test_an_export_cap_never_lowers_what_a_car_may_take(plant, with_house):
    p = plant(house=with_house("ev1", "pv1"), base_w=200, ev_wants_w=11_040).cap(import_max_w=8_000).run(30)
    allowed_a = p.points["ev1.current_max_a"]
    p.ev_wants_w = 3_000  # its battery is nearly full: it takes less than it may
    p.run(10)
    p.sun_w = 4_500
    p.cap(export_max_w=500).run(10)

    assert (
        10 < allowed_a <= min(p.points["ev1.current_max_a"], *(a for _, a in p.written("ev1.current_max_a")))
    )


def test_an_export_cap_is_not_kept_by_a_car_that_takes_less_than_it_may(plant, with_house):
    p = plant(house=with_house("ev1", "pv1"), base_w=200, ev_wants_w=11_040).cap(import_max_w=8_000).run(30)
    p.ev_wants_w = 3_000  # it may take 7.6 kW
    p.run(10)
    p.sun_w = 6_000
    p.cap(export_max_w=500).run(5)

    assert -520 <= p.grid_w
    assert 3_700 == p.points["pv1.generation_max_w"]


def test_a_car_that_does_not_take_what_it_is_given_leaves_an_export_cap_to_the_next(plant, with_house):
    p = plant(house=with_house("ev1", "pv1"), base_w=200, ev_wants_w=11_040).cap(import_max_w=4_500).run(30)
    p.ev_wants_w = 4_140  # as much as it may, and no more
    p.sun_w = 6_000
    p.cap(import_max_w=9_000, export_max_w=500).run(30)

    assert [True] == sorted({amperes > 6 for t, amperes in p.written("ev1.current_max_a", since=30)})
    assert 4 <= p.longest_over_s(500, export=True) <= 5  # so long it had to answer
    assert -520 <= p.grid_w


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
    cap = p.view["caps"]["generation"]
    assert (2000, "link") == (cap["max_w"], cap["whose"])


def test_a_generation_cap_switches_off_a_relay_and_lets_it_back(plant, house):
    pvs = (Pv(name="pv1", rated_w=3000, curtail="relay"), Pv(name="roof", rated_w=2000))
    p = plant(house=replace(house, assets=pvs), base_w=500, sun_w=2500)
    p.raw["roof.power_w"] = -500.0
    p.cap(generation_max_w=2500).run(5)
    off = p.points["pv1.relay_on"]
    assert off == 0.0
    step_until(p.cap(generation_max_w=None), lambda: are_all_on(p, "pv1"), 400)


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
    p.cap(generation_max_w=2000).run(330)
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


@pytest.mark.long
def test_a_consumption_cap_holds_back_what_would_be_restored(plant):
    p = plant(base_w=500, soc_pct=10, loads_w={"pump": 2000}).cap(consumption_max_w=2000).run(450)
    held = p.points["pump.relay_on"]
    assert held == 0.0
    step_until(p.cap(consumption_max_w=None), lambda: are_all_on(p, "pump"), 600)
