"""Without a fallback that stands no cap, shed or setpoint is built on a point, and nothing is widened by that."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.gateway.control.stepping import are_all_on, step_until
from tests.gateway.control.test_cycle_properties import moved, moves

from quartier.control import participants
from quartier.control.observe.observations import LastGood

OFF, ON = 0.0, 1.0


def refused(house, *names, **changes):
    """The house where the devices of ``names`` have no fallback, and nothing accepts it."""
    keys = {"falls_back": False} | changes
    return replace(house, assets=tuple(replace(a, **keys) if a.name in names else a for a in house.assets))


def fresh(plant, house, **keys):
    made = plant(**keys)
    made.house = house
    made.__post_init__()
    return made


def test_what_is_declared_and_what_was_read_back_decide(house):
    bat, *_ = house.assets
    none = replace(bat, falls_back=False)
    lost = {"bat1.fallback_on": LastGood(OFF, 0)}

    assert participants.explain_no_order(bat, {}) is None
    assert participants.explain_no_order(bat, {"bat1.fallback_on": LastGood(ON, 0)}) is None
    assert participants.FALLBACK_LOST == participants.explain_no_order(bat, lost)
    assert participants.NO_FALLBACK == participants.explain_no_order(none, {})
    assert participants.explain_no_order(replace(none, accepts_no_fallback=True), lost) is None


def test_a_cap_is_taken_with_the_others_in_the_declared_order(plant, house):
    loads = {"heat": 1000, "pump": 1000, "cold": 1000}
    p = fresh(plant, refused(house, "heat"), base_w=200, soc_pct=15, loads_w=loads).cap(import_max_w=2500)
    p.run(40)

    assert [] == p.written("heat.relay_on")
    assert OFF == p.points["pump.relay_on"]
    assert p.grid_w <= 2500
    assert f"not ordered: {participants.NO_FALLBACK}" == p.view["assets"]["heat"]["state"]


def test_a_cap_that_nobody_else_can_keep_is_reported_as_broken(plant, house):
    every = [asset.name for asset in house.assets]
    p = fresh(plant, refused(house, *every), base_w=4000, sun_w=0).cap(import_max_w=2500).run(80)

    assert [] == p.log
    assert any(text.startswith("over the import cap 2500 W") for text in p.view["alarms"])
    assert any("may be exceeded" in text for text in p.view["alarms"])


def test_an_accepted_point_is_used_like_any_other(plant, house):
    accepted = refused(house, "heat", accepts_no_fallback=True)
    p = fresh(plant, accepted, base_w=200, soc_pct=15, loads_w={"heat": 3000}).cap(import_max_w=2500).run(30)

    assert OFF == p.points["heat.relay_on"]


def test_a_battery_without_fallback_gets_no_setpoint_at_all(plant, house):
    p = fresh(plant, refused(house, "bat1"), base_w=2000, soc_pct=80).run(60)

    assert [] == p.written("bat1.setpoint_w")
    assert str(participants.NO_FALLBACK) == p.view["assets"]["bat1"]["state"]
    assert [] == p.view["alarms"]


def test_a_battery_whose_fallback_is_lost_is_given_back_once_and_taken_again_when_it_stands(plant):
    p = plant(base_w=2000, soc_pct=80).run(30)
    before = p.points["bat1.setpoint_w"]
    p.raw["bat1.fallback_on"] = OFF
    lost_t = p.t
    p.run(60)
    given = p.written("bat1.setpoint_w", since=lost_t)
    alarm = f"bat1.setpoint_w: given back, {participants.FALLBACK_LOST}"
    alarmed = p.view["alarms"]
    p.raw["bat1.fallback_on"] = ON
    p.run(10)

    assert before < -1000
    assert [(lost_t, 0.0)] == given
    assert [alarm] == alarmed
    assert p.points["bat1.setpoint_w"] < -1000


@pytest.mark.long
def test_a_shed_load_whose_fallback_is_lost_stays_shed_and_comes_back_in_its_turn(plant):
    p = plant(base_w=200, soc_pct=15, loads_w={"heat": 3000}).cap(import_max_w=2500).run(30)
    p.raw["heat.fallback_on"] = OFF
    p.run(60)
    kept = p.points["heat.relay_on"]
    refreshed = p.written("heat.relay_on", since=30)
    alarms = p.view["alarms"]
    step_until(p.cap(import_max_w=10_000), lambda: are_all_on(p, "heat"), 900)

    assert OFF == kept
    assert {OFF} == {value for _, value in refreshed}
    assert [f"heat: not used for limits and sheds, {participants.FALLBACK_LOST}"] == alarms


def test_an_ev_whose_fallback_is_lost_is_neither_slowed_further_nor_freed_by_it(plant):
    p = plant(base_w=1000, ev_wants_w=11_040, soc_pct=15).cap(import_max_w=8000).run(30)
    slowed = p.points["ev1.current_max_a"]
    p.raw["ev1.fallback_on"] = OFF
    p.cap(import_max_w=4000).run(60)

    assert slowed == p.points["ev1.current_max_a"]
    assert any("may be exceeded" in text for text in p.view["alarms"])


@pytest.mark.parametrize("curtail", ["limit", "relay"])
def test_pv_without_fallback_is_not_curtailed_and_the_battery_takes_the_surplus_first(plant, house, curtail):
    p = fresh(plant, refused(house, "pv1", curtail=curtail), base_w=500, sun_w=5000, soc_pct=50)
    p.cap(export_max_w=1000).run(60)

    assert [] == [point for point in p.points if point.startswith("pv1")]
    assert p.bat_w > 3000
    assert -1000 <= p.grid_w


def test_a_limited_pv_whose_fallback_is_lost_keeps_its_limit_when_the_cap_tightens_or_the_grid_meter_goes(
    plant, with_house
):
    p = fresh(plant, with_house("pv1"), base_w=500, sun_w=5000)
    p.cap(export_max_w=1000).run(60)
    limit_w = p.points["pv1.generation_max_w"]
    p.raw["pv1.fallback_on"] = OFF
    p.cap(export_max_w=0, generation_max_w=500).run(30)
    tightened_w = p.points["pv1.generation_max_w"]
    p.silent.add("grid")
    p.run(60)

    assert 1000 <= limit_w <= 1500
    assert limit_w == tightened_w == p.points["pv1.generation_max_w"]


@pytest.mark.long
def test_a_lost_fallback_never_raises_what_stands(plant):
    """The same afternoon with and without the loss: no point is ever higher for it."""

    def run(*, lose: bool) -> list[dict[str, float]]:
        p = plant(base_w=1500, ev_wants_w=9000, soc_pct=15, loads_w={"heat": 1500, "pump": 2000})
        seen = []
        for second in range(240):
            if second == 60:
                p.cap(import_max_w=5000)
            if second == 90 and lose:
                p.raw |= {f"{name}.fallback_on": OFF for name in ("ev1", "heat", "pump")}
            p.step()
            seen.append(dict(p.points))
        return seen

    for plain, lost in zip(run(lose=False), run(lose=True), strict=True):
        for point in ("ev1.current_max_a", "heat.relay_on", "pump.relay_on"):
            assert lost.get(point, 99) <= plain.get(point, 99)


STEERED = ["ev1", "heat", "pump", "cold", "pv1", "bat1"]
flips = st.tuples(st.just("fallback"), st.sets(st.sampled_from(STEERED)))


def apply(p, move):
    if move[0] == "fallback":
        p.raw = {key: value for key, value in p.raw.items() if not key.endswith("fallback_on")}
        p.raw |= {f"{name}.fallback_on": float(name not in move[1]) for name in STEERED}
    else:
        moved(p, move)


def lost(p):
    """Of whom control was told that it is lost, and is not told otherwise."""
    told = ((name, p.state.last_good.get(f"{name}.fallback_on")) for name in STEERED)
    return {
        name
        for name, seen in told
        if seen is not None and not seen.value and p.raw.get(f"{name}.fallback_on") != ON
    }


@examples(20)
@given(st.lists(moves | flips, min_size=1, max_size=15))
def test_whatever_happens_nothing_is_lowered_further_where_the_fallback_is_lost(plant, sequence):
    """A command for such a point only repeats what stands, or brings it back."""
    p = plant(base_w=1000, sun_w=2000, loads_w={"pump": 2000, "heat": 1000, "cold": 700})
    for move in (*sequence, ("run", 5)):
        before, without, count = dict(p.points), lost(p) if move[0] == "run" else set(), len(p.log)
        apply(p, move)
        for _, command in p.log[count:]:
            name, quantity = command.point.split(".")
            if name not in without:
                continue
            if quantity == "setpoint_w":
                assert 0.0 == command.value, "given back"
            else:
                assert command.value >= before.get(command.point, 0.0)
                before[command.point] = command.value


@examples(20)
@given(st.lists(moves | flips, min_size=1, max_size=12))
def test_whatever_happens_what_has_no_fallback_is_never_written(plant, house, sequence):
    p = fresh(plant, refused(house, "ev1", "heat", "bat1"), base_w=1000, loads_w={"pump": 2000, "heat": 1000})
    for move in (*sequence, ("run", 5)):
        apply(p, move)

    assert {"ev1", "heat", "bat1"}.isdisjoint(command.point.split(".")[0] for _, command in p.log)


@pytest.mark.parametrize(("name", "point"), [("ev1", "ev1.current_max_a"), ("heat", "heat.relay_on")])
def test_what_its_device_ends_by_itself_is_written_every_third_of_that(plant, house, name, point):
    kept = replace(
        house, assets=tuple(replace(a, lease_s=9.0) if a.name == name else a for a in house.assets)
    )
    p = fresh(plant, kept, base_w=500, ev_wants_w=5000, loads_w={"heat": 1000}).run(40)
    written = [t for t, _ in p.written(point, since=10)]

    assert {3} == {after - before for before, after in pairwise(written)}
