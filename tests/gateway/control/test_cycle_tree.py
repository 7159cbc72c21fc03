"""Whole cycles in a building with a connection tree: each fuse is kept, on each phase, and named."""

from dataclasses import replace

import pytest
from tests.gateway.control.stepping import are_all_on, step_until

from quartier.site.asset_types import ChargePointAsset, Load, Pv
from quartier.site.site_layout import Node


def loads(*names, node="shed", phase=None, tier="C", **more):
    return tuple(
        Load(name=n, rated_w=3000, tier=tier, switchable=True, node=node, phase=phase, min_on_s=0, **more)
        for n in names
    )


@pytest.fixture
def shed(board, house):
    """A building with one sub-board of 32 A and what hangs there; ``measured``: it has a meter."""

    def make(*assets, **node):
        sub = Node(**{"name": "shed", "fuse_a": 32.0, "unmeasured_w": 0.0, **node})
        limits = replace(house.limits, import_hard_w=60_000)
        return board(house=replace(house, assets=assets, nodes=(sub,), limits=limits)).cap(
            import_max_w=60_000
        )

    return make


def test_what_hangs_behind_a_fuse_is_shed_for_it_and_for_nothing_else(shed):
    p = shed(*loads("heat"), *loads("yard", node="grid"), power_max_w=4_000.0)
    p.base_w = {"grid": (3000, 3000, 3000)}
    p.loads_w = {"heat": 5_000, "yard": 9_000}
    p.run(20)

    assert 0.0 == p.points["heat.relay_on"]
    assert 1.0 == p.points["yard.relay_on"]
    assert "shed, 4000 W: shed, tier C" == p.reason("heat")


def test_a_phase_over_its_fuse_sheds_what_hangs_on_that_phase(shed):
    p = shed(*loads("one", phase="l1"), *loads("two", phase="l2"), measured=True)
    p.base_w = {"shed": (5_000, 1_000, 1_000)}
    p.loads_w = {"one": 3_000, "two": 3_000}
    p.run(20)

    assert (0.0, 1.0) == (p.points["one.relay_on"], p.points["two.relay_on"])
    assert "shed, fuse 32 A, L1: shed, tier C" == p.reason("one")
    assert max(p.longest_s.values()) <= 5


def test_one_of_unknown_phase_counts_wholly_on_each(shed):
    p = shed(*loads("one", "two", "three"))
    p.loads_w = {"one": 3_000, "two": 3_000, "three": 3_000}
    p.run(20)

    shed_ones = [name for name in ("one", "two", "three") if p.points[f"{name}.relay_on"] == 0.0]
    assert 1 == len(shed_ones), "two of 3 kW fit on one phase of 32 A, three do not"


def test_without_a_meter_or_a_word_all_that_nothing_measures_counts_at_the_node(shed):
    p = shed(*loads("heat", phase="l1"), unmeasured_w=None)
    p.base_w, p.loads_w = {"grid": (2_000, 2_000, 2_000)}, {"heat": 2_000}
    p.run(20)
    assert "shed, fuse 32 A, L1: shed, tier C" == p.reason("heat")

    said = shed(*loads("heat", phase="l1"), unmeasured_w=1_000.0)
    said.base_w, said.loads_w = {"grid": (2_000, 2_000, 2_000)}, {"heat": 2_000}
    assert 1.0 == said.run(20).points["heat.relay_on"]


def test_a_meter_that_falls_silent_leaves_all_below_it_at_its_worst(shed):
    p = shed(*loads("heat", phase="l1"), *loads("stove", phase="l1", tier="A"), measured=True)
    p.base_w, p.loads_w = {"shed": (2_500, 0, 0)}, {"heat": 1_000, "stove": 200}
    p.run(30)
    assert 1.0 == p.points["heat.relay_on"]

    p.silent = {"shed"}
    p.run(9)
    assert 1.0 == p.points["heat.relay_on"]
    p.run(5)
    assert 0.0 == p.points["heat.relay_on"], "2500 W seen, 3000 W the stove, 3000 W the heat: over 7360 W"
    assert any("the meter of shed is silent" in alarm for alarm in p.view["alarms"])


@pytest.mark.long
def test_what_a_fuse_took_comes_back_when_its_board_has_been_calm(shed):
    p = shed(*loads("heat", phase="l1"), measured=True)
    p.base_w, p.loads_w = {"shed": (5_000, 0, 0)}, {"heat": 3_000}
    p.run(60)
    assert 0.0 == p.points["heat.relay_on"]

    p.base_w = {"shed": (1_000, 0, 0)}
    p.run(115)
    assert 0.0 == p.points["heat.relay_on"]
    step_until(p, lambda: are_all_on(p, "heat"), 600)


@pytest.mark.long
def test_what_a_fuse_took_stays_while_it_would_not_fit(shed):
    p = shed(*loads("heat", phase="l1"), measured=True)
    p.base_w, p.loads_w = {"shed": (5_000, 0, 0)}, {"heat": 3_000}
    p.run(500)  # enough for what would fit to be back

    assert [0.0] == sorted({value for t, value in p.written("heat.relay_on") if t > 5})


def test_a_car_that_pauses_behind_a_measured_board_lets_nothing_feed_back_there(shed, car):
    """For some seconds it counts as there while the board's meter shows it gone; PV beside it makes 8 kW."""
    roof = Pv(name="roof", rated_w=8_000, curtail="limit", node="shed", phase="all")
    ev = ChargePointAsset(name="ev1", rated_w=11_040, node="shed")
    p = shed(roof, ev, fuse_a=25.0, measured=True)
    p.delay_s, p.cars = 2, {"ev1": car()}
    p.base_w, p.loads_w = {"grid": (3_000, 3_000, 3_000)}, {"roof": -8_000}
    p.run(60)
    assert (16.0, -8_000) == (p.points["ev1.current_max_a"], p.loads_w["roof"])
    p.cap(import_max_w=4_000).run(20)

    assert (0.0, 0.0) == (p.points["ev1.current_max_a"], p.amperes(ev))
    assert {8_000.0} == {value for _, value in p.written("roof.generation_max_w")}


def test_a_main_fuse_is_kept_on_each_phase(board, car, house):
    ev = ChargePointAsset(name="ev1", rated_w=7_360, phases_count=1, phase="l2", current_max_a=32.0)
    limits = replace(house.limits, import_hard_w=60_000)
    p = board(house=replace(house, assets=(ev,), main_fuse_a=40.0, limits=limits)).cap(import_max_w=60_000)
    p.cars = {"ev1": car(phases=1)}
    p.base_w = {"grid": (0, 5_000, 0)}
    p.run(20)

    assert p.reason("ev1").startswith("main fuse 40 A, L2: ")
    assert 9_200 >= p.flows_w["grid"][1] > 8_500


def test_a_load_that_does_not_obey_is_made_room_for(shed):
    p = shed(*loads("one", "two", phase="l1"), measured=True)
    p.base_w, p.loads_w = {"shed": (1_000, 0, 0)}, {"one": 2_900, "two": 2_900}
    p.run(20)
    p.deaf = {"one"}
    p.base_w = {"shed": (2_500, 0, 0)}
    p.run(60)

    assert [0.0, 0.0] == [p.decision.state.book.orders[f"{name}.relay_on"].value for name in ("one", "two")]
    assert p.flows_w["shed"][0] <= 7_360
    assert max(p.longest_s.values()) <= 15


def test_the_status_shows_load_and_room_of_each_node(shed):
    p = shed(*loads("heat", phase="l1"), measured=True)
    p.base_w, p.loads_w = {"shed": (1_000, 0, 0)}, {"heat": 3_000}
    p.run(5)

    root, sub = p.view["nodes"]
    assert ("grid", None, "measured") == (root["name"], root["under"], root["basis"])
    assert ("shed", "grid", 32.0) == (sub["name"], sub["under"], sub["fuse_a"])
    assert [4_000, 4_000, 0, 0] == sub["load_w"]
    assert [22_080, 7_360, 7_360, 7_360] == sub["import_max_w"]
    assert [18_080, 3_360, 7_360, 7_360] == sub["headroom_w"]
    assert [None, None, None] == root["import_max_w"][1:]
    assert [[], []] == [node["holds"] for node in p.view["nodes"]]


def test_the_status_says_whom_each_node_holds_back(shed):
    p = shed(*loads("one", phase="l1"), *loads("two", phase="l2"), measured=True)
    p.base_w = {"shed": (5_000, 1_000, 1_000)}
    p.loads_w = {"one": 3_000, "two": 3_000}
    p.run(20)

    assert {"grid": [], "shed": ["one"]} == {node["name"]: node["holds"] for node in p.view["nodes"]}
