"""What is still written to a point that another master moves too, and what it counts at."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.gateway.control.conftest import CAPS

from quartier.control.allocate.results import AllocationResult
from quartier.control.events.effects import GridEffects
from quartier.control.limits.breach import Breach, WatchedRow
from quartier.control.observe.observations import LastGood
from quartier.control.orders import conflicts
from quartier.control.orders.conflicts import PointConflict
from quartier.control.participants import find_control_point
from quartier.control.reason import NO_REASON
from quartier.control.records import Order, OrderBook, Override
from quartier.control.requests import Requests
from quartier.control.state import ControlState
from quartier.control.supervise import conflict_response
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier.site.asset_types import (
    Battery,
    ChargePointAsset,
    ChpUnit,
    Load,
    OperationMode,
    Pv,
    VentilationUnit,
)
from quartier.site.site_layout import Node
from quartier_drivers.contract import Origin

S = 1_000_000_000


def fight(p, point, value, seconds, every_s=7):
    """Let another master write ``value`` again and again."""
    for _ in range(seconds):
        if p.t % every_s == 0:
            p.points[point] = value
        if point == "bat1.setpoint_w":
            p.raw[point] = p.points.get(point, 0.0)
        p.step()
    return p


def begins(p, point, value, every_s=7):
    """Fight until it is a conflict."""
    for _ in range(900):
        fight(p, point, value, 1, every_s)
        if conflicts.explain_no_raise(p.state.conflicts, point):
            return p
    raise AssertionError("no conflict")


def codes(p):
    return {(one.code, one.of) for one in p.view["alarms"] if one.ended_utc_ms is None}


def switched(values):
    return sum((before > 0) != (after > 0) for before, after in pairwise(values))


@pytest.mark.parametrize("silent", [set(), {"ev1.current_max_a"}])
def test_a_car_that_another_raises_is_lowered_once_a_minute_and_never_raised(plant, with_house, silent):
    p = plant(house=with_house("ev1", "pump"), base_w=800, ev_wants_w=11_040, silent=silent)
    p.loads_w = {"pump": 2_000}
    p.cap(import_max_w=6_000).run(60)
    begins(p, "ev1.current_max_a", 16.0)
    since = p.t
    contact = []
    for _ in range(400):
        fight(p, "ev1.current_max_a", 16.0, 1)
        contact.append(p.points["ev1.current_max_a"])

    written = [(t, value) for t, value in p.written("ev1.current_max_a", since)]
    assert ("output.second_master", "ev1.current_max_a") in codes(p)
    assert 5 <= len(written) <= 7
    assert all(later - sooner >= 60 for (sooner, _), (later, _) in pairwise(written))
    assert all(later <= sooner for (_, sooner), (_, later) in pairwise(written)), "nothing is raised"
    assert switched(contact) <= 6
    assert 0 == p.points["pump.relay_on"], "others make room for what the other master set"


def test_the_safe_value_is_written_last_and_nothing_more_where_no_limit_needs_it(plant, with_house):
    house = with_house("ev1")
    house = replace(house, release_values=house.release_values | {"ev1.current_max_a": 6.0})
    p = plant(house=house, base_w=300, ev_wants_w=4_000).run(60)
    begins(p, "ev1.current_max_a", 9.0)
    since = p.t - 1
    fight(p, "ev1.current_max_a", 9.0, 300)

    assert [(since, 6.0)] == p.written("ev1.current_max_a", since)


def test_a_relay_is_opened_no_faster_than_its_minimum_time_and_three_times_an_hour(plant, with_house):
    p = plant(house=with_house("pump"), base_w=2_500, loads_w={"pump": 3_000})
    p.cap(import_max_w=4_000).run(60)
    assert 0.0 == p.points["pump.relay_on"]
    begins(p, "pump.relay_on", 1.0)
    since = p.t
    fight(p, "pump.relay_on", 1.0, 650)

    offs = [t for t, value in p.written("pump.relay_on", since) if value == 0]
    assert 2 == len(offs)
    assert offs[0] - since >= 298
    assert all(later - sooner >= 300 for sooner, later in pairwise(offs))


def test_after_a_quarter_of_an_hour_it_is_ordered_again_and_comes_back_in_its_turn(plant, with_house):
    p = plant(house=with_house("pump"), base_w=500, loads_w={"pump": 3_000})
    p.cap(import_max_w=1_000).run(60)
    begins(p, "pump.relay_on", 1.0)
    p.run(70).cap(import_max_w=10_000).run(700)
    assert 0.0 == p.points["pump.relay_on"], "nothing is raised in a conflict"
    p.run(600)

    assert 1.0 == p.points["pump.relay_on"]
    assert not conflicts.explain_no_raise(p.state.conflicts, "pump.relay_on")
    assert ("output.second_master", "pump.relay_on") not in codes(p)


def test_pv_that_another_frees_is_limited_again_once_a_minute_for_an_export_cap(plant, with_house):
    p = plant(house=with_house("pv1"), base_w=500, sun_w=5_000).cap(export_max_w=1_000).run(60)
    begins(p, "pv1.generation_max_w", 6_000.0)
    since = p.t
    fight(p, "pv1.generation_max_w", 6_000.0, 300)

    written = p.written("pv1.generation_max_w", since)
    assert 4 <= len(written) <= 6
    assert max(value for _, value in written) <= 1_500
    p.run(70)
    assert p.pv_w >= -1_600, "who left has no last word"


def test_a_mode_that_another_raises_is_lowered_and_its_asset_counts_at_that(plant, house):
    modes = (OperationMode("100 % speed", 100, 3_000), OperationMode("40 % speed", 40, 500))
    fan = VentilationUnit(
        name="air", rated_w=3_000, tier="C", quantity="speed_pct", modes=modes, min_on_s=60, co2_max_ppm=1e9
    )
    p = plant(house=replace(house, assets=(fan, house.assets[4])), base_w=3_000)
    p.cap(import_max_w=4_000).run(60)
    assert 40 == p.points["air.speed_pct"]
    begins(p, "air.speed_pct", 100.0)
    since = p.t
    fight(p, "air.speed_pct", 100.0, 300)

    lowered = p.written("air.speed_pct", since)
    assert 4 <= len(lowered) <= 6
    assert all(later - sooner >= 60 for (sooner, _), (later, _) in pairwise(lowered))
    assert {40.0} == {value for _, value in lowered}


def test_a_battery_in_conflict_gets_its_safe_value_again_only_while_a_limit_needs_it(plant):
    p = plant(base_w=500, soc_pct=60).run(60)
    begins(p, "bat1.setpoint_w", 4_000.0)
    since = p.t
    fight(p, "bat1.setpoint_w", 4_000.0, 130)
    assert [] == p.written("bat1.setpoint_w", since)
    p.cap(import_max_w=2_000)
    fight(p, "bat1.setpoint_w", 4_000.0, 300)

    again = [t for t, value in p.written("bat1.setpoint_w", since) if value == 0.0]
    assert 4 <= len(again) <= 6
    assert all(later - sooner >= 60 for sooner, later in pairwise(again))


def test_a_fuse_opens_a_relay_of_a_conflict_before_its_minimum_time_is_over(board, house):
    node = Node(name="shed", phases_count=1, phase="l1", fuse_a=16.0, measured=True)
    pump = Load(
        name="pump", rated_w=3_000, tier="C", switchable=True, node="shed", phase="l1", min_on_s=3_000
    )
    lift = Load(name="lift", rated_w=5_000, node="shed", phase="l1")
    p = board(house=replace(house, assets=(pump, lift), nodes=(node,)))
    p.loads_w = {"pump": 3_000, "lift": 500}
    p.run(60)
    assert 1.0 == p.points.get("pump.relay_on", 1.0)
    begins(p, "pump.relay_on", 0.0)
    p.points["pump.relay_on"] = 1.0
    p.loads_w |= {"lift": 3_000}
    since = p.run(1).t
    p.run(90)

    opened = [c for t, c in p.log if t >= since and c.point == "pump.relay_on"]
    assert [0.0] == [c.value for c in opened]
    assert "shed, fuse 16 A, L1: switched off within its minimum on-time" in opened[0].reason


CONFLICT = PointConflict(rests_ns=S, last_foreign=16.0)
BATTERY = Battery(
    name="x",
    rated_w=5_000,
    capacity_wh=10_000,
    charge_max_w=5_000,
    discharge_max_w=5_000,
    ramp_max_w_per_s=5_000,
)
FAN_MODES = (
    OperationMode("100 % speed", 100, 3_000),
    OperationMode("70 % speed", 70, 1_500),
    OperationMode("40 % speed", 40, 500),
)
CHP_MODES = (OperationMode("rests", 0, 0.0), OperationMode("runs", 1, -5_500.0))
CHP = ChpUnit(name="x", rated_w=5_500, quantity="request_on", modes=CHP_MODES)
FAN = VentilationUnit(
    name="x", rated_w=3_000, tier="C", quantity="speed_pct", modes=FAN_MODES, co2_max_ppm=1e9
)


@pytest.mark.parametrize(
    ("asset", "value", "seen_w", "more"),
    [
        (ChargePointAsset(name="x", rated_w=11_040), 16.0, 4_000.0, (7_040.0, 0.0)),
        (ChargePointAsset(name="x", rated_w=11_040), 16.0, None, (11_040.0, 0.0)),
        (ChargePointAsset(name="x", rated_w=11_040), None, 4_000.0, (0.0, 0.0)),
        (Load(name="x", rated_w=3_000), 1.0, 0.0, (3_000.0, 0.0)),
        (Load(name="x", rated_w=3_000), 0.0, 0.0, (0.0, 0.0)),
        (Pv(name="x", rated_w=6_000, curtail="limit"), 5_000.0, -2_000.0, (0.0, 3_000.0)),
        (Pv(name="x", rated_w=6_000, curtail="relay"), 1.0, -2_000.0, (0.0, 4_000.0)),
        (Pv(name="x", rated_w=6_000, curtail="limit"), 5_000.0, None, (0.0, 6_000.0)),
        (BATTERY, 4_000.0, 500.0, (3_500.0, 0.0)),
        (BATTERY, -4_000.0, 500.0, (0.0, 4_000.0)),
        (BATTERY, 0.0, None, (5_000.0, 5_000.0)),
        (FAN, 100.0, 500.0, (2_500.0, 0.0)),
        (CHP, 1.0, None, (0.0, 5_500.0)),
        (CHP, 1.0, -2_000.0, (0.0, 3_500.0)),
    ],
)
def test_a_point_counts_at_the_larger_of_measured_and_last_foreign_value(house, asset, value, seen_w, more):
    small = replace(house, assets=(asset,))
    name = find_control_point(asset)
    memories = {} if seen_w is None else {"x.power_w": LastGood(seen_w, S)}
    state = replace(
        ControlState.fresh(small), conflicts={name: replace(CONFLICT, last_foreign=value)}, last_good=memories
    )

    assert more == conflict_response.find_conflict_power_w(small, state, S)
    assert (0.0, 0.0) == conflict_response.find_conflict_power_w(
        small, replace(state, conflicts={name: PointConflict()}), S
    )


@pytest.mark.parametrize(
    ("moves_s", "more_w"),
    [((), 0.0), ((90,), 0.0), ((41, 95), 11_040.0), ((40, 95), 0.0), ((50, 60, 70), 11_040.0)],
)
def test_value_that_another_sets_counts_from_its_second_time_in_a_minute(house, moves_s, more_w):
    ev = ChargePointAsset(name="x", rated_w=11_040)
    small = replace(house, assets=(ev,))
    one = PointConflict(last_foreign=16.0, moves_ns=tuple(s * S for s in moves_s))
    memories = {"x.power_w": LastGood(0.0, 99 * S)}
    state = replace(ControlState.fresh(small), conflicts={"x.current_max_a": one}, last_good=memories)

    assert (more_w, 0.0) == conflict_response.find_conflict_power_w(small, state, 100 * S)


CAR = ChargePointAsset(name="x", rated_w=11_040)
PUMP = Load(name="x", rated_w=3_000, tier="C", switchable=True)
ROOF = Pv(name="x", rated_w=6_000, curtail="limit")
RELAY_ROOF = replace(ROOF, curtail="relay")
T = 4_000
"""s; long after all minimum times."""
LATER = {"rests_ns": (T + 500) * S, "written_ns": (T - 60) * S, "moves_ns": ((T - 400) * S,)}


@pytest.fixture
def wants(make_inputs, house):
    """The values that are written at ``T`` to the point of one asset, and its turn after that."""

    def made(asset, foreign, *, order=None, turn=None, high_w=0.0, low_w=0.0, result=None, **changes):
        name = find_control_point(asset)
        orders = {} if order is None else {name: Order(order, (T - 400) * S, NO_REASON)}
        state = ControlState.fresh(replace(house, assets=(asset,), **changes.pop("house", {})))
        conflict = PointConflict(
            **({"foreign": foreign, "last_foreign": foreign} | LATER | changes.pop("conflict", {}))
        )
        state = replace(state, conflicts={name: conflict}, book=OrderBook(orders), **changes.pop("state", {}))
        generation_w = changes.pop("generation_w", None)
        at = make_inputs(t=T, state=state, grid_w=high_w, **changes)
        at = replace(at, active_limits=replace(at.active_limits, generation_w=generation_w))
        told = {"acted": {}, "is_met": True, "gate": RestoreGate()} | (result or {})
        found = AllocationResult((0.0,), high_w, low_w, **told)
        written, turns = conflict_response.find_conflict_writes(
            at, found, {asset.name: turn or SwitchState()}
        )
        made.reasons = [one.reason for one in written]
        return [one.value for one in written], turns[asset.name]

    return made


@pytest.mark.parametrize(
    ("asset", "foreign", "given", "value"),
    [
        (CAR, 16.0, {"high_w": 9_500}, 6.0),
        (CAR, 16.0, {"high_w": 9_500, "result": {"broken": (0,)}}, 0.0),
        (CAR, 16.0, {"result": {"acted": {0: "x"}}}, 6.0),
        (CAR, 16.0, {"grid_effects": GridEffects(off={"D": "f"})}, 0.0),
        (CAR, 16.0, {"turn": SwitchState(limit_w=6_900)}, 10.0),
        (CAR, 16.0, {"turn": SwitchState(on=False)}, 0.0),
        (CAR, 16.0, {"turn": SwitchState(on=False), "conflict": {"offs_ns": (T * S - S,) * 3}}, 6.0),
        (PUMP, 1.0, {"high_w": 9_500}, 0.0),
        (PUMP, 1.0, {"turn": SwitchState(on=False)}, 0.0),
        (
            ROOF,
            6_000.0,
            {"low_w": -7_000, "state": {"last_good": {"x.power_w": LastGood(-4_000, T * S)}}},
            3_000.0,
        ),
        (ROOF, 6_000.0, {"generation_w": 2_000.0}, 0.0),
        (ROOF, 6_000.0, {"turn": SwitchState(limit_w=1_000)}, 1_000.0),
        (RELAY_ROOF, 1.0, {"low_w": -7_000}, 0.0),
        (RELAY_ROOF, 1.0, {"turn": SwitchState(on=False)}, 0.0),
        (FAN, 100.0, {"high_w": 9_500}, 40.0),
        (FAN, 100.0, {"turn": SwitchState(mode=1, is_held=True)}, 70.0),
    ],
)
def test_what_a_limit_needs_is_written(wants, asset, foreign, given, value):
    assert [value] == wants(asset, foreign, **given)[0]


@pytest.mark.parametrize(
    ("asset", "foreign", "given"),
    [
        (CAR, 16.0, {"high_w": 5_000}),
        (CAR, 16.0, {"high_w": 9_500, "conflict": {"written_ns": (T - 59) * S}}),
        (CAR, 6.0, {"high_w": 9_500, "order": 10.0}),
        (CAR, 6.0, {"turn": SwitchState(limit_w=6_900), "order": 10.0}),
        (CAR, None, {"turn": SwitchState(limit_w=6_900), "order": 10.0}),
        (
            CAR,
            None,
            {"conflict": {"read": LastGood(8.0, T * S)}, "order": 10.0, "turn": SwitchState(limit_w=6_900)},
        ),
        (CAR, 6.0, {"turn": SwitchState(on=False), "conflict": {"offs_ns": (T * S - S,) * 3}}),
        (PUMP, 0.0, {"order": 1.0}),
        (PUMP, 1.0, {"turn": SwitchState(on=False), "conflict": {"offs_ns": (T * S - S,) * 3}}),
        (PUMP, 1.0, {"turn": SwitchState(on=False), "conflict": {"moves_ns": ((T - 299) * S,)}}),
        (ROOF, 6_000.0, {"high_w": 9_500}),
        (FAN, 40.0, {"high_w": 9_500, "order": 70.0}),
    ],
)
def test_nothing_is_raised_and_nothing_written_that_no_limit_needs_or_too_soon(wants, asset, foreign, given):
    assert [] == wants(asset, foreign, **given)[0]


ANN, DISTRICT, PLAN = Origin("person", "ann"), Origin("document", "command"), Origin("rule", "plan")


def ordered(value, who=ANN):
    return {"requests": Requests(caps=CAPS, overrides={"x": Override("x", value, (T + 600) * S, 0, who)})}


OPENED = {"offs_ns": (T * S - S,) * 3}
YOUNG = {"moves_ns": ((T - 20) * S,)}
STARTING = replace(CAR, min_on_s=60.0)


@pytest.mark.parametrize(
    ("asset", "foreign", "given", "written"),
    [
        (CAR, 16.0, {**ordered(0.0), "order": 0.0, "turn": SwitchState(on=False), "conflict": OPENED}, [0.0]),
        (
            CAR,
            16.0,
            {**ordered(0.0, DISTRICT), "order": 0.0, "turn": SwitchState(on=False), "conflict": OPENED},
            [0.0],
        ),
        (
            CAR,
            16.0,
            {**ordered(0.0, PLAN), "order": 0.0, "turn": SwitchState(on=False), "conflict": OPENED},
            [6.0],
        ),
        (
            STARTING,
            16.0,
            {**ordered(0.0), "order": 0.0, "turn": SwitchState(on=False), "conflict": YOUNG},
            [],
        ),
        (STARTING, 16.0, {**ordered(0.0), "order": 10.0, "conflict": YOUNG}, [6.0]),
        (CAR, 16.0, {**ordered(8.0), "order": 8.0}, [8.0]),
        (CAR, 16.0, {**ordered(8.0), "turn": SwitchState(limit_w=6_900)}, [8.0]),
        (CAR, 16.0, {**ordered(8.0), "high_w": 9_500}, [6.0]),
        (replace(CAR, lease_s=60.0), None, {**ordered(8.0), "order": 10.0}, [8.0]),
        (CAR, 6.0, {**ordered(8.0), "order": 8.0}, []),
        (ROOF, 6_000.0, {**ordered(1_800.0), "turn": SwitchState(limit_w=4_000)}, [1_800.0]),
    ],
)
def test_what_a_person_or_the_district_ordered_is_never_exceeded(wants, asset, foreign, given, written):
    assert written == wants(asset, foreign, **given)[0]


def test_what_a_person_ordered_bounds_the_safe_value_too(wants):
    safe = {"release_values": {"x.current_max_a": 10.0}}

    assert [8.0] == wants(CAR, 16.0, house=safe, conflict={"written_ns": None}, **ordered(8.0))[0]


@pytest.mark.parametrize(("value", "who"), [(8.0, ANN), (0.0, ANN), (0.0, PLAN)])
def test_who_ordered_it_is_named_in_a_conflict_too(wants, value, who):
    wants(CAR, 16.0, turn=SwitchState(on=value > 0), **ordered(value, who))
    (reason,) = wants.reasons

    assert (who == ANN) is (str(reason) == "by hand, ann, though another controller writes this point too")
    assert (who == ANN) is (reason.who == ANN)


def test_where_nothing_of_the_grid_is_known_nothing_is_needed(wants):
    assert [] == wants(CAR, 16.0, high_w=None, low_w=None)[0]
    assert [] == wants(ROOF, 6_000.0, high_w=None, low_w=None)[0]


def test_a_lease_is_kept_alive_once_a_minute_while_the_device_keeps_it(wants):
    leased = replace(CAR, lease_s=60.0)

    assert [10.0] == wants(leased, None, order=10.0, turn=SwitchState(limit_w=6_900))[0]
    assert (
        []
        == wants(
            leased, None, order=10.0, turn=SwitchState(limit_w=6_900), conflict={"read": LastGood(8.0, S)}
        )[0]
    )


def test_the_safe_value_is_written_first_of_all_where_it_takes_less(wants):
    first = {"conflict": {"written_ns": None}}

    assert [6.0] == wants(CAR, 16.0, house={"release_values": {"x.current_max_a": 6.0}}, **first)[0]
    assert [] == wants(CAR, 8.0, house={"release_values": {"x.current_max_a": 16.0}}, **first)[0]
    assert [] == wants(CAR, 8.0, house={"release_values": {"x.current_max_a": None}}, **first)[0]


@pytest.mark.parametrize(
    ("asset", "foreign", "given", "turn"),
    [
        (CAR, 16.0, {"high_w": 9_500}, SwitchState(limit_w=4_140.0)),
        (ROOF, 6_000.0, {"generation_w": 0.0}, SwitchState(limit_w=0.0)),
    ],
)
def test_what_was_lowered_comes_back_in_its_turn(wants, asset, foreign, given, turn):
    assert turn == wants(asset, foreign, **given)[1]


def test_what_was_switched_off_or_stepped_down_is_held(wants):
    off, stepped = wants(PUMP, 1.0, high_w=9_500)[1], wants(FAN, 100.0, high_w=9_500)[1]
    again = wants(PUMP, 1.0, turn=off)[1]

    assert (False, T * S, False, 2, True) == (off.on, off.since_ns, stepped.on, stepped.mode, stepped.is_held)
    assert off == again


def test_a_car_that_another_started_counts_as_on_from_when_it_was_slowed(wants):
    values, turn = wants(CAR, 16.0, order=0.0, turn=SwitchState(on=False, since_ns=S), conflict=OPENED)

    assert ([6.0], True, T * S, 4_140.0) == (values, turn.on, turn.since_ns, turn.limit_w)


def test_a_car_that_takes_nothing_is_not_given_a_current_because_its_point_shows_one(wants):
    off = {"order": 0.0, "turn": SwitchState(on=False), "conflict": OPENED}
    still = {"state": {"last_good": {"x.power_w": LastGood(40.0, T * S)}}}
    draws = {"state": {"last_good": {"x.power_w": LastGood(11_000.0, T * S)}}}

    assert [] == wants(CAR, 32_767.0, **off, **still)[0]
    assert [6.0] == wants(CAR, 32_767.0, **off, **draws)[0]


def test_a_fuse_opens_a_contactor_before_its_minimum_time_is_over(wants):
    node = Node(name="shed", fuse_a=16.0, measured=True)
    pump = replace(PUMP, node="shed")
    young = {"moves_ns": ((T - 20) * S,)}
    over = {WatchedRow("shed", 1, "import"): Breach(fast_over=True)}
    given = {"house": {"nodes": (node,)}, "conflict": young}

    assert [0.0] == wants(pump, 1.0, state={"overloads": over}, **given)[0]
    assert [] == wants(pump, 1.0, high_w=9_500, **given)[0]


def test_the_current_that_another_set_counts_where_cars_share(board, house):
    cars = tuple(ChargePointAsset(name=f"ev{n}", rated_w=11_040) for n in (1, 2))
    p = board(house=replace(house, assets=cars, main_fuse_a=32.0), cars={})
    p.cap(import_max_w=60_000).run(30)
    later_ns = (p.t + 900) * S
    conflict = PointConflict(rests_ns=later_ns, foreign=16.0, last_foreign=16.0, read=LastGood(16.0, p.t * S))
    p.state = replace(p.state, conflicts={"ev1.current_max_a": conflict})
    p.run(2)

    assert 16.0 == conflicts.find_foreign_value(p.state.conflicts, "ev1.current_max_a")
    assert 0.0 == conflicts.find_foreign_value(p.state.conflicts, "ev2.current_max_a")


def test_what_another_master_may_take_is_no_reason_for_a_battery_to_export(plant):
    p = plant(base_w=500, soc_pct=60).cap(import_max_w=6_000).run(60)
    conflict = PointConflict(
        rests_ns=(p.t + 900) * S, foreign=16.0, last_foreign=16.0, read=LastGood(16.0, p.t * S)
    )
    p.state = replace(p.state, conflicts={"ev1.current_max_a": conflict})
    since = p.t
    p.run(30)

    assert conflict_response.find_conflict_power_w(p.state.site, p.state, p.t * S)[0] > 6_000
    assert 0 == p.longest_over_s(0, since, export=True)


@examples(4, deep=60)
@given(
    every_s=st.integers(1, 25),
    value=st.sampled_from([6.0, 10.0, 16.0]),
    cap_w=st.sampled_from([1_000, 3_000, 6_000, 9_000]),
    late_s=st.integers(0, 8),
    silent=st.booleans(),
)
def test_whoever_fights_for_a_car_it_is_switched_a_bounded_number_of_times(
    plant, with_house, every_s, value, cap_w, late_s, silent
):
    p = plant(house=with_house("ev1", "heat"), base_w=600, ev_wants_w=11_040, loads_w={"heat": 1_500})
    p.silent = {"ev1.current_max_a"} if silent else set()
    p.cap(import_max_w=cap_w).run(40)
    shows, raised = [], []
    for _ in range(700):
        before = p.points.get("ev1.current_max_a", 16.0)
        rests = conflicts.explain_no_raise(p.state.conflicts, "ev1.current_max_a")
        if (p.t + late_s) % every_s == 0:
            p.points["ev1.current_max_a"] = value
        p.step()
        if rests and p.written("ev1.current_max_a", p.t - 1):
            raised.append(p.points["ev1.current_max_a"] > max(before, value))
        shows.append(p.points["ev1.current_max_a"])

    assert not any(raised)
    assert switched(shows) <= 30
