"""The whole pure controller under anything that may happen, in every kind of house; and that the judge would see."""

from dataclasses import replace
from math import nan
from random import Random

import pytest
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.effort import examples
from tests.gateway.control.walk import driver, moves, sites
from tests.gateway.control.walk.judge import weigh
from tests.gateway.control.walk.world import World

from quartier.control.requests import Interval
from quartier.site.asset_types import Battery, Lights, Load
from quartier_drivers.contract import Command, Origin

S = 1_000_000_000
cycles = st.sampled_from([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 5, 12])


class Anything(RuleBasedStateMachine):
    """A step draws the name of a move and a seed of its arguments: what is left after shrinking is short."""

    @initialize(number=st.integers(0, 10_000))
    def a_house_is_built(self, number):
        self.world = World(number)

    @rule(name=st.sampled_from(moves.NAMES), seed=st.integers(0, 1_000), count=cycles)
    def something_happens(self, name, seed, count):
        move = moves.drawn(self.world, Random(seed), name)
        note(repr((move, count)))
        moves.made(self.world, move, count)


Anything.TestCase.settings = settings(parent=examples(14, deep=1000), stateful_step_count=100)
TestAnything = Anything.TestCase


@pytest.mark.long
def test_a_seeded_walk_of_a_thousand_moves_breaks_nothing():
    assert 0 == driver.run(1_000, 20_261_127)


def test_a_walk_is_cut_down_to_the_moves_that_it_needs(monkeypatch):
    weight, drawn, late = moves.TABLE["late"]
    breaks = weight, drawn, lambda world, s: late(world, s) if s < 90 else 1 / 0
    monkeypatch.setitem(moves.TABLE, "late", breaks)
    taken = [(("beat", ()), 1), (("late", (2.0,)), 1), (("late", (90.0,)), 1), (("beat", ()), 1)]

    assert [(("late", (90.0,)), 1)] == driver.shrunk(3, taken)


def test_hundreds_of_houses_hold_every_class_of_asset_and_every_kind_of_meter():
    built = [sites.made(number) for number in range(300)]
    roles = {asset.role for house in built for asset in house.assets}

    assert roles == {
        *("battery", "pv", "ev", "load", "lights", "heat", "cooling"),
        *("substation", "chp", "waste", "run", "ventilation"),
    }
    assert (
        {True, False} == {house.has_connection_tree for house in built} == {bool(h.contacts) for h in built}
    )
    assert {True, False} == {h.grid.is_apparent for h in built} == {bool(h.supplies) for h in built}
    assert {None, 0.2, 1.0} == {house.grid.frequency_period_s for house in built}


# --- the judge would see it ----------------------------------------------------------------------


def world_with(kind, **fields):
    """A house with an asset of a kind that takes orders, and that asset; it has run for a minute."""
    for number in range(2_000):
        for asset in sites.made(number).assets:
            able = getattr(asset, "writable", True) and getattr(asset, "switchable", True)
            guarded = asset.falls_back and not asset.accepts_no_fallback
            wanted = isinstance(asset, kind) and all(getattr(asset, n) == v for n, v in fields.items())
            if wanted and able and guarded:
                world = World(number)
                world.cycles(60)
                return world, asset
    raise AssertionError("no such house")


def command(world, point, value, reason="free", life_s=5.0, who=None):
    return Command(point, value, world.now().ns + round(life_s * S), reason, *([who] if who else []))


def taken(world, *commands):
    """Have the judge look at commands of the next cycle."""
    world.decision = replace(world.decision, commands=commands, releases=())
    world.judge.look(world.image.freeze(world.now().ns), dict(world.simulated_site.orders), world.now())


def seen(world, *commands):
    """Whether the judge objects to commands of the next cycle."""
    with pytest.raises(AssertionError):
        taken(world, *commands)
    return True


def raises(judged):
    """Whether the judge objects."""
    try:
        judged()
    except AssertionError:
        return True
    return False


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "quantity", "value", "more"),
    [
        (Lights, "dim_pct", 40.0, {}),
        (Load, "relay_on", 0.5, {"tier": "C"}),
        (Load, "relay_on", 0.0, {"tier": "A"}),
        (Battery, "setpoint_w", 5_001.0, {}),
        (Battery, "setpoint_w", nan, {}),
    ],
)
def test_the_walk_would_see_a_value_that_no_asset_may_have(kind, quantity, value, more):
    world, asset = world_with(kind, **more)

    assert seen(world, command(world, f"{asset.name}.{quantity}", value))


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"life_s": 0.0}, {"life_s": 6.0}])
def test_the_walk_would_see_a_command_without_a_reason_or_an_end(wrong):
    world, battery = world_with(Battery)

    assert seen(world, command(world, f"{battery.name}.setpoint_w", 0.0, **wrong))


def test_the_walk_would_see_a_minimum_time_that_a_restart_forgot():
    world, load = world_with(Load, tier="C", min_on_s=300.0)
    point, t = f"{load.name}.relay_on", world.t
    world.judge.history[point] = [(t - 400, 0.0, False), (t - 200, 1.0, False)]
    world.simulated_site.orders[point] = 1.0
    world.judge.interrupted(anew=True)

    assert seen(world, command(world, point, 0.0))


@pytest.mark.parametrize(
    ("stood", "ago_s", "is_seen"), [(True, 10, False), (True, 301, True), (False, 10, True)]
)
def test_the_walk_lets_off_go_on_after_a_restart_where_a_second_master_just_switched_it_on(
    stood, ago_s, is_seen
):
    world, load = world_with(Load, tier="C", min_on_s=300.0)
    point, t = f"{load.name}.relay_on", world.t
    world.judge.history[point] = [(t - 400, 0.0, False), (t - 200, 1.0, stood)]
    world.judge.foreign_t[point] = t - ago_s
    world.simulated_site.orders[point] = 1.0
    world.judge.interrupted(anew=True)

    assert is_seen is raises(lambda: taken(world, command(world, point, 0.0)))


def test_the_walk_does_not_mind_that_a_device_is_told_what_it_does_already():
    world, load = world_with(Load, tier="C", min_on_s=300.0)
    point, t = f"{load.name}.relay_on", world.t
    world.judge.history[point] = [(t - 400, 0.0, False), (t - 200, 1.0, False)]
    world.simulated_site.orders[point] = 0.0

    taken(world, command(world, point, 0.0))
    assert [(t - 200, 1.0, False), (t, 0.0, True)] == world.judge.history[point][1:]


def test_the_walk_would_see_a_load_that_is_switched_too_often():
    world, load = world_with(Load, tier="C", min_on_s=300.0)
    point, t = f"{load.name}.relay_on", world.t
    told = [(t - 3_500 + 500 * n, float(n % 2), False) for n in range(7)]
    world.simulated_site.orders[point] = 1.0
    world.judge.history[point] = [*told, (t - 301, 1.0, False)]

    assert seen(world, command(world, point, 0.0))


def test_the_walk_would_see_a_battery_that_leaves_its_band():
    world, battery = world_with(Battery)
    world.simulated_site.soc_pct[battery.name] = battery.soc_min_pct - 1
    for told in world.simulated_site.told(world.now().ns):
        world.image.put(told)

    assert seen(world, command(world, f"{battery.name}.setpoint_w", -10.0))


def test_the_walk_would_see_an_order_in_maintenance():
    world, load = world_with(Load, tier="C")
    world.by_hand(load.name, None, 600.0)

    assert seen(world, command(world, f"{load.name}.relay_on", 1.0))


def test_the_walk_would_see_a_load_that_comes_back_while_the_grid_meter_is_silent():
    world, load = world_with(Load, tier="C")
    world.judge.history[f"{load.name}.relay_on"] = []
    person = Origin("person", "ann")

    world.simulated_site.orders[f"{load.name}.relay_on"] = 0.0
    world.simulated_site.silent = {"grid"}
    world.cycles(60)
    world.simulated_site.orders[f"{load.name}.relay_on"] = 0.0

    assert seen(world, command(world, f"{load.name}.relay_on", 1.0, who=person))


def test_the_walk_would_see_a_cap_above_the_fail_safe_value():
    world, _ = world_with(Battery)
    assert "INIT" == world.link.mode
    force = replace(world.state.active_limits, import_w=world.built.limits.import_failsafe_w + 1)
    world.state = replace(world.state, active_limits=force)

    assert seen(world)


def test_the_walk_would_see_a_document_that_is_left_out():
    world, _ = world_with(Battery)
    world.document("dso", 1, [1_000.0, 0.0, None, None], 0.0, 3_600.0)
    document = world.documents["dso"]
    world.documents["dso"] = replace(document, intervals=(Interval(1_800.0, 900.0),))
    world.cycles(0)
    world.state = replace(world.state, active_limits=replace(world.state.active_limits, import_w=1_000.0))

    assert seen(world)


def test_the_walk_would_see_a_fuse_that_stays_over_while_somebody_could_give_way(monkeypatch):
    world, load = world_with(Load, tier="C", min_on_s=0.0)
    monkeypatch.setattr(world.judge.flows, "_rows", lambda: iter([("grid", 0, 9_000.0, 1_000.0)]))
    monkeypatch.setattr(world.judge.flows, "_lower", lambda *_: [load.name])
    world.judge.clean_t = -100.0

    with pytest.raises(AssertionError, match="grid row 0"):
        world.cycles(200)


@pytest.mark.parametrize(("ago_s", "is_seen"), [(19.0, False), (27.0, True)])
def test_the_walk_would_see_a_load_that_a_second_master_left_on_longer_than_our_refresh_takes(ago_s, is_seen):
    world, load = world_with(Load, tier="D", min_on_s=0.0)
    world.simulated_site.orders[f"{load.name}.relay_on"] = 1.0
    world.judge.overruled_t[f"{load.name}.relay_on"] = world.t - ago_s
    world.judge.low_s = dict.fromkeys(world.judge.low_s, 100.0)

    assert is_seen is raises(world.judge._taken_by_events)


def test_the_walk_counts_a_load_as_overruled_until_our_first_order_after_a_second_master_ceased():
    world, load = world_with(Load, tier="D", min_on_s=0.0)
    point = f"{load.name}.relay_on"
    world.simulated_site.other_writers[point] = 1.0
    taken(world, command(world, point, 0.0))
    assert world.t == world.judge.overruled_t[point]

    world.simulated_site.other_writers.clear()
    taken(world, command(world, point, 0.0))
    assert point not in world.judge.overruled_t


def test_the_walk_lets_our_order_go_on_after_a_restart_where_a_second_master_wrote_last():
    world, load = world_with(Load, tier="C")
    point = f"{load.name}.relay_on"
    on = command(world, point, 1.0)
    world.judge.sent.clear()
    assert world.judge._rises(load, on, {point: 0.0})

    world.judge.overruled_t[point] = world.t
    assert not world.judge._rises(load, on, {point: 0.0})

    world.judge.sent[point] = 0.0
    assert world.judge._rises(load, on, {point: 0.0})


@pytest.mark.parametrize(("is_safe", "is_seen"), [(True, True), (False, False)])
def test_the_walk_would_see_a_battery_that_charges_from_the_grid_if_it_may_be_given_orders(is_safe, is_seen):
    world, battery = world_with(Battery)
    assert "INIT" == world.link.mode
    only = replace(battery, falls_back=is_safe, accepts_no_fallback=False)
    world.house = replace(world.house, assets=(only,))
    world.simulated_site.power_w[battery.name] = 500.0
    world.simulated_site.flows_w["grid"] = [500.0, 0.0, 0.0]

    assert is_seen is raises(lambda: world.judge.flows._batteries(100.0, synced=True))


def test_the_walk_expects_no_battery_to_give_what_a_board_must_not_feed_back():
    """Three phases of 1.8 kW are most of a board's 6 kW, though little of each phase."""
    boards = ((n, b) for n in range(2_000) for b in sites.made(n).nodes)
    number, board = next((n, b) for n, b in boards if b.power_max_w == 6_000 and b.fuse_a > 32)
    flows = World(number).judge.flows
    found = []
    for watts in (-1_000.0, -1_001.0, 1_800.0, -1_800.0):
        flows.judge.world.simulated_site.flows_w[board.name] = [watts] * 3
        found.append(flows._feeds_back())

    assert [False, True, False, True] == found


def test_the_walk_would_see_what_is_no_number_in_the_state():
    with pytest.raises(AssertionError):
        weigh({"a": (1.0, [nan])})
