"""What an order is expected to bring is believed for the time that its device may take, and no longer."""

from dataclasses import replace

from quartier.site.asset_types import ChargePointAsset, Load
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
    assert "limited to 4140 W; does not obey" == p.view["assets"]["ev1"]["state"]


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
