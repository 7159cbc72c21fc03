"""A generation cap is kept with what is seen; who is silent is held at its share, and counts at its worst."""

from dataclasses import replace

import pytest

from quartier.control import generation
from quartier.control.players import Player
from quartier.control.shed import Turn
from quartier.control.sight import Memory
from quartier.control.state import State
from quartier.house.assets import Load, Mode, Pv
from quartier.house.modes import Chp

PV = Pv(name="pv1", rated_w=6_000, curtail="limit")
ROOF = Pv(name="roof", rated_w=3_000, curtail="limit")


@pytest.fixture
def sunny(plant, house):
    """A building of PVs alone, in the sun."""

    def make(*pvs):
        return plant(house=replace(house, assets=pvs), base_w=500, sun_w=5_000)

    return make


def limits(p, point, since):
    return {value for _, value in p.written(point, since=since)}


@pytest.mark.parametrize("seen_s", [0, 30])
def test_a_silent_pv_is_held_steadily_at_its_share_of_the_cap_with_that_reason(sunny, seen_s):
    p = sunny(PV).run(seen_s)
    p.silent = {"pv1"}
    p.run(40).cap(generation_max_w=1_500).run(200)
    told = {c.reason for t, c in p.log if c.point == "pv1.generation_max_w" and t >= seen_s + 45}

    assert {1_500.0} == limits(p, "pv1.generation_max_w", since=seen_s + 41)
    assert {"generation cap 1500 W (link): held at its share, its power is not known"} == told


@pytest.mark.long
@pytest.mark.parametrize("seen_s", [0, 30])
@pytest.mark.parametrize(("cap_w", "left_w"), [(4_500, 0.0), (7_500, 1_500.0)])
def test_seen_pv_is_curtailed_against_the_worst_of_a_silent_one_without_flapping(
    sunny, seen_s, cap_w, left_w
):
    p = sunny(PV, ROOF)
    p.raw["roof.power_w"] = -2_500.0
    p.run(seen_s)
    p.silent = {"pv1"}
    p.run(40).cap(generation_max_w=cap_w).run(10)
    p.raw["roof.power_w"] = -left_w
    p.run(200)

    assert {left_w} == limits(p, "roof.generation_max_w", since=seen_s + 50)
    assert {cap_w * 6 / 9} == limits(p, "pv1.generation_max_w", since=seen_s + 50)


@pytest.mark.parametrize("seen_s", [0, 30])
def test_a_silent_pv_that_takes_no_order_narrows_what_the_others_may(sunny, seen_s):
    p = sunny(PV, replace(ROOF, curtail="none"))
    p.raw["roof.power_w"] = -500.0
    p.run(seen_s)
    p.silent = {"roof"}
    p.run(40).cap(generation_max_w=4_000).run(200)

    assert {1_000.0} == limits(p, "pv1.generation_max_w", since=seen_s + 50)


def test_a_pv_that_is_seen_again_has_its_share_of_what_is_left(sunny):
    p = sunny(PV, ROOF)
    p.raw["roof.power_w"] = -2_500.0
    p.run(30)
    p.silent = {"pv1"}
    p.run(40).cap(generation_max_w=6_000).run(60)
    p.raw["roof.power_w"] = 0.0
    p.silent = set()
    p.run(60)

    assert {"pv1.generation_max_w": 4_000.0, "roof.generation_max_w": 2_000.0} == p.points


@pytest.mark.long
def test_a_silent_relay_that_could_break_the_cap_is_switched_off_and_stays_so(sunny):
    p = sunny(replace(PV, curtail="relay")).run(30)
    p.silent = {"pv1"}
    p.run(40).cap(generation_max_w=5_500).run(400)

    assert [0.0] == sorted(limits(p, "pv1.relay_on", since=75))


CHP = Chp(
    name="chp", rated_w=4_000, quantity="request_on", modes=(Mode("rest", 0, 0.0), Mode("run", 1, -4_000.0))
)


@pytest.mark.parametrize(
    ("age_s", "want_w"),
    [(0, -3_000.0), (16, -1_000.0), (None, -5_000.0)],
    ids=["what it makes", "its rating once it is silent", "nothing where it never told"],
)
def test_what_a_chp_makes_is_never_stopped_and_leaves_less_to_the_sun(scene, house, age_s, want_w):
    now_s = 100
    memories = {"pv1.power_w": Memory(-5_000.0, now_s * 10**9)}
    if age_s is not None:
        memories["chp.power_w"] = Memory(-2_000.0, (now_s - age_s) * 10**9)
    state = replace(State.fresh(replace(house, assets=(PV, CHP))), memories=memories)
    plain = scene(t=now_s, state=state)
    capped = replace(plain, force=replace(plain.force, generation_w=5_000.0, whose={"generation": "link"}))
    wants, acted = [-5_000.0], {}
    generation.capped(capped, [Player(PV, -5_000.0, -5_000.0, Turn())], wants, acted)

    assert [want_w] == wants
    assert ({0} if want_w > -5_000 else set()) == set(acted)


@pytest.mark.parametrize(
    ("asset", "turn", "most_w"),
    [
        (ROOF, Turn(), 1_500.0),
        (ROOF, Turn(on=False), 0.0),
        (replace(ROOF, curtail="none"), Turn(), 3_000.0),
        (replace(ROOF, curtail="relay"), Turn(on=False), 0.0),
    ],
)
def test_a_pv_that_nobody_measures_counts_as_it_was_ordered(scene, house, asset, turn, most_w):
    hidden = replace(asset, measured=False)
    state = replace(State.fresh(replace(house, assets=(hidden,))), turns={"roof": turn})

    assert most_w == generation._most_w(scene(state=state), hidden, 1_500.0)


@pytest.mark.parametrize(
    ("asset", "want_w", "known", "after_w"),
    [
        (PV, -6_000.0, {}, -3_000.0),
        (PV, -6_000.0, {"usable": False}, -6_000.0),
        (PV, 0.0, {}, 0.0),
        (PV, -6_000.0, {"seen": False}, -3_000.0),
        (PV, -2_000.0, {"seen": False}, -2_000.0),
        (replace(PV, curtail="relay"), -6_000.0, {}, 0.0),
        (replace(PV, curtail="relay"), -6_000.0, {"seen": False}, 0.0),
        (Load(name="pv1", rated_w=900), -900.0, {}, -900.0),
    ],
)
def test_only_pv_that_generates_and_takes_orders_is_lowered_into_the_cap(
    scene, house, asset, want_w, known, after_w
):
    memories = {"pv1.power_w": Memory(want_w, 0 if known == {"seen": False} else 60 * 10**9)}
    state = replace(State.fresh(replace(house, assets=(asset,))), memories=memories)
    plain = scene(state=state)
    capped = replace(plain, force=replace(plain.force, generation_w=3_000.0, whose={"generation": "link"}))
    wants, acted = [want_w], {}
    generation.capped(capped, [Player(asset, want_w, want_w, Turn(), **known)], wants, acted)

    assert [after_w] == wants
    assert ({0} if after_w != want_w else set()) == set(acted)
