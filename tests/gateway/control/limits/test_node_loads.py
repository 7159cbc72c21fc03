"""What flows at each node beside the participants: measured, reckoned, or at its worst."""

from dataclasses import replace

import pytest

from quartier.control.limits import node_loads
from quartier.control.observe import phases
from quartier.control.participants import Participant
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import Battery, Load, Pv
from quartier.site.site_layout import Node

UNIT = Battery(
    name="bat1",
    rated_w=5_000,
    capacity_wh=1,
    charge_max_w=4_000,
    discharge_max_w=3_000,
    ramp_max_w_per_s=1,
    node="shed",
    writable=False,
)


@pytest.fixture
def reckoned(board, house):
    """The branches of a house with the node ``shed`` after some seconds, and what the board was told."""

    def make(*assets, base_w=None, loads_w=None, silent=(), **node):
        sub = Node(**{"name": "shed", "fuse_a": 32.0, **node})
        limits = replace(house.limits, import_hard_w=60_000)
        p = board(house=replace(house, assets=assets, nodes=(sub,), limits=limits)).cap(import_max_w=60_000)
        p.base_w, p.loads_w = base_w or {}, loads_w or {}
        p.run(3)
        p.silent = set(silent)
        p.run(20 if silent else 1)
        return {one["name"]: one for one in p.view["nodes"]}

    return make


def test_a_node_without_a_meter_is_the_sum_of_what_is_known_below_it(reckoned):
    one = Load(name="one", rated_w=3_000, node="shed", phase="l1")
    two = Load(name="two", rated_w=3_000, node="shed", phase="all")
    found = reckoned(one, two, loads_w={"one": 1_000, "two": 1_500}, unmeasured_w=100.0)

    assert ("reckoned", [2_600, 1_600, 600, 600]) == (found["shed"]["basis"], found["shed"]["load_w"])


def test_a_silent_asset_counts_at_its_worst_and_generation_relieves_nothing(reckoned):
    one = Load(name="one", rated_w=3_000, node="shed", phase="l1")
    roof = Pv(name="roof", rated_w=5_000, node="shed", phase="l1")
    found = reckoned(
        one, roof, loads_w={"one": 1_000, "roof": -2_000}, unmeasured_w=0.0, silent=("one", "roof")
    )

    assert [3_000, 3_000, 0, 0] == found["shed"]["load_w"]


def test_a_meter_of_totals_leaves_what_is_not_known_on_each_phase(reckoned):
    one = Load(name="one", rated_w=3_000, node="shed", phase="l1")
    found = reckoned(
        one,
        base_w={"shed": (500, 0, 0)},
        loads_w={"one": 1_000},
        measured=True,
        silent=[
            f"shed.{kind}_l{k}_{unit}" for k in (1, 2, 3) for kind, unit in (("power", "w"), ("current", "a"))
        ],
    )

    assert [1_500, 1_500, 500, 500] == found["shed"]["load_w"]


def test_behind_a_silent_meter_all_is_at_its_worst_and_the_most_that_was_seen_comes_to_it(reckoned):
    one = Load(name="one", rated_w=3_000, node="shed", phase="l1")
    found = reckoned(
        one, UNIT, base_w={"shed": (0, 700, 0)}, loads_w={"one": 1_000}, measured=True, silent=("shed",)
    )

    assert "silent" == found["shed"]["basis"]
    assert [pytest.approx(w, abs=1) for w in (7_700, 7_000, 4_700, 4_000)] == found["shed"]["load_w"]


@pytest.mark.parametrize(("seen_s", "rest_w"), [(3, 400), (0, 5_000)])
def test_without_the_grid_meter_what_nothing_measures_may_be_on_any_phase(board, house, seen_s, rest_w):
    one = Load(name="one", rated_w=3_000, node="shed", phase="l1")
    nodes = (Node(name="shed", fuse_a=32.0, unmeasured_w=0.0),)
    p = board(house=replace(house, assets=(one,), nodes=nodes))
    p.base_w, p.loads_w = {"grid": (400, 0, 0)}, {"one": 1_000}
    p.run(seen_s)
    p.silent = {"grid"}
    p.run(20)
    grid = next(node for node in p.view["nodes"] if node["name"] == "grid")

    assert "silent" == grid["basis"]
    assert [1_000 + rest_w, 1_000 + rest_w, rest_w, rest_w] == grid["load_w"]


def test_a_node_of_one_phase_is_seen_on_its_phase_above(board, house):
    sub = Node(name="shed", fuse_a=32.0, phases_count=1, phase="l3", unmeasured_w=0.0)
    hall = Node(name="hall", fuse_a=63.0, unmeasured_w=0.0)
    one = Load(name="one", rated_w=3_000, node="shed")
    p = board(house=replace(house, assets=(one,), nodes=(replace(sub, under="hall"), hall)))
    p.loads_w = {"one": 900}
    p.run(3)
    found = {node["name"]: node["load_w"] for node in p.view["nodes"]}

    assert [900, 0, 0, 900] == found["hall"]


@pytest.mark.parametrize(("period_s", "basis"), [(5.0, "silent"), (10.0, "measured")])
def test_a_slow_meter_of_a_board_is_silent_after_15_s_or_three_polls_as_every_device(
    reckoned, period_s, basis
):
    """Seen 20 s after its last word."""
    found = reckoned(UNIT, measured=True, period_s=period_s, silent=("shed",))

    assert basis == found["shed"]["basis"]


def test_the_least_of_what_is_silent_is_all_it_may_generate():
    assert -3_000 == node_loads.find_least_power_w(UNIT)
    assert -5_000 == node_loads.find_least_power_w(Pv(name="pv", rated_w=5_000))
    assert 0 == node_loads.find_least_power_w(Load(name="a", rated_w=5))


def test_a_participant_of_unknown_phase_neither_relieves_a_phase_nor_hides_an_export():
    leaf = node_loads.PlacedAsset(UNIT, 1, phases.ANY_PHASE, 0)
    branch = node_loads.NodeLoad((1.0,) * 4, (1.0,) * 4, (0.0,) * 4, "reckoned")

    assert ((1.0, 11.0, 11.0, 11.0), (1.0,) * 4) == node_loads.bound_node_load(branch, [leaf], [], [-10.0])
    assert ((1.0,) * 4, (1.0, -9.0, -9.0, -9.0)) == node_loads.bound_node_load(branch, [leaf], [], [10.0])


@pytest.mark.parametrize(
    ("turn", "allowed_w", "worst_w"),
    [(SwitchState(), None, 3_000.0), (SwitchState(on=False), None, 0.0), (SwitchState(), 800.0, 0.0)],
)
def test_behind_a_silent_meter_a_participant_counts_with_what_its_order_allows(turn, allowed_w, worst_w):
    load = Load(name="one", rated_w=3_000, tier="C", switchable=True)
    participant = Participant(load, 0.0, 0.0, turn)
    participant.allowed_w = allowed_w  # of one that shares this counts already, as what is wanted
    leaf = node_loads.PlacedAsset(load, 1, phases.make_single_phase("l1"), 0)
    branch = node_loads.NodeLoad((5.0,) * 4, (1.0,) * 4, (0.0,) * 4, "silent")

    assert ((5.0 + worst_w, 5.0 + worst_w, 5.0, 5.0), (1.0,) * 4) == node_loads.bound_node_load(
        branch, [leaf], [participant], [0.0]
    )
