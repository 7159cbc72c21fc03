"""Minimum on-times against limits, fuses and breakers: who stays on, who does not, and what that can cost."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.gateway.control.stepping import are_all_on, step_until

from quartier.control import switch_state
from quartier.control.allocate import minimum_times
from quartier.control.allocate.minimum_times import MinimumTimeExcess
from quartier.site.asset_types import ChargePointAsset, ChpUnit, HeatAsset, Load, OperationMode, Pv
from quartier.site.site_layout import Node, SupplyMeter

S = 1_000_000_000
PUMPS = tuple(
    Load(name=name, rated_w=4_000, tier="C", switchable=True, min_on_s=300, min_off_s=180)
    for name in ("hp1", "hp2", "hp3")
)


def heat(name, node="grid", phase=None, **changes):
    return HeatAsset(
        name=name,
        rated_w=4_000,
        tier="C",
        quantity="sg_ready_state",
        modes=(
            OperationMode("boost", 3, 4_000),
            OperationMode("normal", 2, 3_500),
            OperationMode("blocked", 1, 0),
        ),
        normal=1,
        comfort_min_c=40,
        comfort_max_c=55,
        node=node,
        phase=phase,
        **{"min_on_s": 300.0, "min_off_s": 180.0, **changes},
    )


def starting(p):
    return switch_state.find_starting_machines(p.house.assets, p.state.switch_states, p.t * S)


def test_a_limit_after_a_loosening_finds_one_machine_at_most_that_has_to_stay_on(plant, house):
    p = plant(house=replace(house, assets=PUMPS[:2]), base_w=500, loads_w={"hp1": 4_000, "hp2": 4_000})
    p.cap(import_max_w=1_000).run(200).cap(import_max_w=9_500)
    step_until(p, lambda: starting(p), 900)
    p.run(42).cap(import_max_w=1_000)
    since = p.t
    p.run(300)

    over_w = [max(0.0, power_w - 1_100) for power_w in p.grid_log[since + 5 :]]
    assert max(over_w) <= 4_000 - 600, "one machine, not two"
    assert sum(watts > 0 for watts in over_w) <= 300 - 42
    assert p.grid_log[-1] <= 1_000


@pytest.mark.long
def test_machines_come_back_a_minimum_time_apart_and_others_as_before(plant, house):
    others = tuple(replace(one, name=f"l{n}", min_on_s=0.0, tier="D") for n, one in enumerate(PUMPS))
    loads_w = {one.name: 600 for one in (*PUMPS, *others)}
    p = plant(house=replace(house, assets=(*PUMPS, *others)), base_w=100, loads_w=loads_w)
    p.cap(import_max_w=150).run(200).cap(import_max_w=9_500)
    step_until(p, lambda: are_all_on(p, *loads_w), 1_400)
    back = {n: next(t for t, value in p.written(f"{n}.relay_on", 200) if value) for n in loads_w}

    machines = sorted(back[one.name] for one in PUMPS)
    assert all(later - sooner >= 300 for sooner, later in pairwise(machines))
    assert max(back[one.name] for one in others) - machines[0] <= 90


@pytest.mark.long
def test_machines_in_modes_rise_by_themselves_one_after_the_other_too(plant, house):
    machines = (heat("a"), heat("b", min_on_s=120.0))
    p = plant(house=replace(house, assets=machines), base_w=200, raw={"a.tank_c": 48, "b.tank_c": 48})
    p.cap(import_max_w=500).run(120)
    assert [1, 1] == [p.points[f"{name}.sg_ready_state"] for name in "ab"]
    p.cap(import_max_w=10_000)
    at_once = 0
    for _ in range(1_200):
        p.step()
        at_once = max(at_once, len(starting(p)))
        if all(p.points[f"{name}.sg_ready_state"] == 2 for name in "ab"):
            break  # from now on none is started

    assert 1 == at_once
    assert [2, 2] == [p.points[f"{name}.sg_ready_state"] for name in "ab"]


@examples(4, deep=40)
@given(st.integers(0, 10_000))
def test_however_limits_swing_one_machine_at_most_is_held_on_above_them(plant, house, seed):
    dice = Random(seed)
    p = plant(house=replace(house, assets=PUMPS), base_w=400, loads_w={one.name: 2_500 for one in PUMPS})
    p.run(30)
    for _ in range(6):
        p.cap(import_max_w=dice.choice([500, 3_200, 6_000, 9_500])).run(dice.randint(20, 400))
        assert len(starting(p)) <= 1


# Fuses and breakers do not wait


def on_a_board(house, machine, **node):
    oven = Load(name="oven", rated_w=6_000, node="shed", phase="l1")
    fuse = Node(**{"name": "shed", "fuse_a": 20.0, "phases_count": 1, "phase": "l1", "measured": True} | node)
    return replace(
        house,
        assets=(machine, oven),
        nodes=(fuse,),
        limits=replace(house.limits, import_hard_w=60_000),
    )


def just_started(p):
    """Run as if every machine had been started now."""
    p.cap(import_max_w=60_000).run(5)
    turns = {name: replace(turn, since_ns=p.t * S) for name, turn in p.state.switch_states.items()}
    p.state = replace(p.state, switch_states=turns)
    return p


def test_a_fuse_switches_a_relay_off_within_its_minimum_time(board, house):
    pump = replace(PUMPS[0], node="shed", phase="l1", min_on_s=3_000)
    p = board(house=on_a_board(house, pump))
    p.loads_w = {"hp1": 3_000, "oven": 500}
    just_started(p)
    p.loads_w["oven"] = 4_000
    p.run(3)

    assert 0.0 == p.points["hp1.relay_on"]
    reason = str(p.state.book.orders["hp1.relay_on"].reason)
    assert "shed, fuse 20 A, L1: switched off within its minimum on-time" == reason


@pytest.mark.parametrize("silent", [False, True])
def test_a_fuse_behind_a_silent_meter_switches_nothing_off_before_its_minimum_time(board, house, silent):
    """What was seen there before is its worst case; nobody sees an overload."""
    pump = replace(PUMPS[0], node="shed", phase="l1", min_on_s=300)
    p = board(house=on_a_board(house, pump))
    p.loads_w = {"hp1": 0, "oven": 0}
    p.base_w = {"shed": (4_000, 0, 0)}
    p.run(30)
    p.base_w = {"shed": (500, 0, 0)}
    just_started(p)
    p.loads_w["hp1"] = 3_000
    p.silent = {"shed"} if silent else set()
    p.run(60)

    assert 1.0 == p.points["hp1.relay_on"]


def test_a_limit_of_the_connection_waits_for_the_minimum_time_beside_a_board(board, house):
    pump = replace(PUMPS[0], node="shed", phase="l1", min_on_s=150)
    p = board(house=on_a_board(house, pump))
    p.loads_w = {"hp1": 3_000, "oven": 500}
    just_started(p)
    p.cap(import_max_w=1_000).run(60)
    assert 1.0 == p.points["hp1.relay_on"]

    p.run(150)
    assert 0.0 == p.points["hp1.relay_on"]


def test_the_declared_power_of_a_board_waits_as_a_limit_does(board, house):
    pump = replace(PUMPS[0], node="shed", phase="l1", min_on_s=150)
    p = board(house=on_a_board(house, pump, fuse_a=63.0, power_max_w=4_000))
    p.loads_w = {"hp1": 3_000, "oven": 500}
    just_started(p)
    p.loads_w["oven"] = 3_000
    p.run(60)
    assert 1.0 == p.points["hp1.relay_on"]

    p.run(150)
    assert 0.0 == p.points["hp1.relay_on"]


def test_a_fuse_blocks_a_heat_pump_within_its_minimum_time(board, house):
    p = board(house=on_a_board(house, heat("hp", "shed", "l1", min_on_s=3_000.0)))
    p.loads_w = {"oven": 500, "hp": 3_000}
    just_started(p)
    p.loads_w["oven"] = 4_500
    p.run(3)

    assert 1.0 == p.points["hp.sg_ready_state"]


def test_of_two_machines_a_fuse_takes_no_more_than_it_needs(board, house):
    machine = replace(PUMPS[0], node="shed", phase="l1", min_on_s=3_000)
    site = on_a_board(house, machine)
    site = replace(site, assets=(*site.assets, replace(machine, name="hp2", tier="B")))
    p = board(house=site)
    p.loads_w = {"hp1": 1_500, "hp2": 1_500, "oven": 200}
    just_started(p)
    p.loads_w["oven"] = 2_500
    p.run(3)

    assert [0.0, 1.0] == [p.points[f"{name}.relay_on"] for name in ("hp1", "hp2")]


def test_the_breaker_of_a_warning_meter_does_not_wait_either(plant, house):
    pump = replace(PUMPS[0], min_on_s=3_000)
    p = plant(
        house=replace(house, assets=(pump,), supplies=(SupplyMeter(name="linky", release_s=60.0),)),
        base_w=3_000,
        loads_w={"hp1": 4_000},
    )
    p.raw |= {"linky.subscribed_power_va": 9_000.0, "linky.over_power_on": 0.0}
    just_started(p).cap(import_max_w=5_000).run(20)
    kept = p.points["hp1.relay_on"]
    p.raw["linky.over_power_on"] = 1.0
    p.run(2)

    assert (1.0, 0.0) == (kept, p.points["hp1.relay_on"])


def test_the_reason_names_the_breaker_whose_meter_warns_and_no_fuse_that_is_not_declared(plant, house):
    pump = replace(PUMPS[0], min_on_s=3_000)
    board = Node(name="shed", fuse_a=20.0, phases_count=1, phase="l1", measured=True)
    site = replace(
        house, assets=(pump,), nodes=(board,), supplies=(SupplyMeter(name="linky", release_s=60.0),)
    )
    p = plant(house=site, base_w=3_000, loads_w={"hp1": 4_000})
    p.raw |= {"linky.subscribed_power_va": 9_000.0, "linky.over_power_on": 0.0}
    just_started(p).cap(import_max_w=5_000).run(20)
    p.raw["linky.over_power_on"] = 1.0
    p.run(2)

    assert 0.0 == p.points["hp1.relay_on"]
    reason = p.state.book.orders["hp1.relay_on"].reason
    assert "linky, over-power: switched off within its minimum on-time" == str(reason)


# Steps up for an export limit


@pytest.mark.parametrize(("curtail", "started_count"), [("limit", 1), ("none", 2)])
def test_an_export_limit_starts_machines_one_by_one_where_pv_can_wait(plant, house, curtail, started_count):
    roof = Pv(name="pv1", rated_w=9_000, curtail=curtail)
    p = plant(house=replace(house, assets=(*PUMPS[:2], roof)), base_w=500)
    p.points |= {"hp1.relay_on": 0.0, "hp2.relay_on": 0.0}
    p.loads_w = {"hp1": 3_000, "hp2": 3_000}
    p.run(5)
    p.state = replace(
        p.state, switch_states={n: replace(t, before_w=3_000.0) for n, t in p.state.switch_states.items()}
    )
    p.cap(export_max_w=0).run(185)
    p.sun_w = 6_500
    p.run(4)

    assert started_count == sum(p.points[f"{name}.relay_on"] for name in ("hp1", "hp2"))


# What it can cost


def test_the_largest_excess_is_that_of_the_largest_machine(house):
    car = ChargePointAsset(name="ev1", rated_w=11_040)
    small, large = replace(PUMPS[0], rated_w=2_000, min_on_s=900), PUMPS[1]
    site = replace(house, assets=(small, large, car, replace(PUMPS[2], switchable=False, rated_w=9_000)))

    assert [MinimumTimeExcess("import", 4_140.0, 60.0, ("ev1",))] == minimum_times.find_largest_excesses(site)
    site = replace(site, assets=(small, large))
    assert [MinimumTimeExcess("import", 4_000.0, 300.0, ("hp2",))] == minimum_times.find_largest_excesses(
        site
    )


def test_cars_that_share_start_together_and_count_together(house):
    cars = tuple(ChargePointAsset(name=f"ev{n}", rated_w=11_040) for n in (1, 2))
    site = replace(house, assets=(*cars, PUMPS[0]), main_fuse_a=63.0)

    assert [MinimumTimeExcess("import", 4_000 + 2 * 4_140, 300.0, ("ev1", "ev2", "hp1"))] == (
        minimum_times.find_largest_excesses(site)
    )


def test_what_generates_counts_for_the_export(house):
    modes = (OperationMode("stopped", 0, 0), OperationMode("asked to run", 1, -5_500))
    chp = ChpUnit(name="chp", rated_w=5_500, quantity="request_on", modes=modes, min_off_s=1_800)
    idle = replace(chp, name="other", min_off_s=0.0)

    assert [MinimumTimeExcess("export", 5_500.0, 1_800.0, ("chp",))] == (
        minimum_times.find_largest_excesses(replace(house, assets=(chp, idle)))
    )


def test_a_heat_pump_counts_with_what_blocking_takes_off(house):
    assert [MinimumTimeExcess("import", 4_000.0, 300.0, ("hp",))] == (
        minimum_times.find_largest_excesses(replace(house, assets=(heat("hp"),)))
    )
    assert [] == minimum_times.find_largest_excesses(replace(house, assets=(heat("hp", writable=False),)))
