"""Requests into the tree: what is handed to the kernel, and what comes of it."""

from dataclasses import replace

import pytest

from quartier.control.allocate import tree
from quartier.control.participants import Participant
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import ChargePointAsset, Load
from quartier.site.site_layout import Node


@pytest.fixture
def hall(board, house):
    """A building with the boards ``hall`` (63 A) and ``shed`` (16 A) below it."""

    def make(*assets, **changes):
        subs = (
            Node(name="hall", fuse_a=63, unmeasured_w=0.0),
            Node(name="shed", under="hall", fuse_a=16, unmeasured_w=0.0),
        )
        limits = replace(house.limits, import_hard_w=60_000)
        return board(house=replace(house, assets=assets, nodes=subs, limits=limits, **changes)).cap(
            import_max_w=60_000
        )

    return make


def test_the_nearest_fuse_acts_first_and_leaves_what_hangs_elsewhere(hall):
    near = Load(name="near", rated_w=5_000, tier="C", switchable=True, node="shed", phase="l1", min_on_s=0)
    far = replace(near, name="far", node="hall")
    p = hall(near, far)
    p.loads_w = {"near": 5_000, "far": 5_000}
    p.run(10)

    assert (0.0, 1.0) == (p.points["near.relay_on"], p.points["far.relay_on"])
    assert "shed, fuse 16 A, L1: shed, tier C" == p.reason("near")


def test_a_battery_of_unknown_phase_helps_the_total_but_no_phase(hall, house):
    unit = replace(house.assets[0], node="shed")
    heavy = Load(name="heavy", rated_w=5_000, node="shed", phase="l1")
    p = hall(unit, heavy)
    p.raw = {"bat1.power_w": 0.0, "bat1.soc_pct": 60.0}
    p.loads_w = {"heavy": 4_500}
    p.run(10)

    assert any("shed, fuse 16 A, L1 cannot be kept" in alarm for alarm in p.view["alarms"])


def test_a_battery_on_the_same_phase_helps_it(hall, house):
    unit = replace(house.assets[0], node="shed", phase="l1")
    heavy = Load(name="heavy", rated_w=5_000, node="shed", phase="l1")
    p = hall(unit, heavy, grid_target_w=60_000.0)
    p.raw = {"bat1.power_w": 0.0, "bat1.soc_pct": 60.0}
    p.loads_w = {"heavy": 4_500}
    p.run(10)

    assert -820 >= p.points["bat1.setpoint_w"] > -900
    assert "shed, fuse 16 A, L1: battery discharges" == p.reason("bat1")


def test_what_may_be_added_ends_at_nine_tenths_of_the_fuses_on_the_way(hall, house, make_inputs):
    unit = replace(house.assets[0], node="shed", phase="l1")
    p = hall(unit, Load(name="heavy", rated_w=5_000, node="shed", phase="l1"))
    p.raw = {"bat1.power_w": -1_200.0, "bat1.soc_pct": 60.0}
    p.loads_w = {"heavy": 4_500}
    p.run(10)
    now = make_inputs(p.house, t=p.t, state=p.state)
    participants = [Participant(unit, -1_200.0, -1_200.0, SwitchState())]
    site_tree = tree.build_tree(now, participants, p.state.window.base(participants))

    assert 0.9 * 16 * 230 - (4_500 - 1_200) == pytest.approx(
        tree.find_headroom_w(site_tree, participants, (-1_200.0,), 0)
    )
    assert float("inf") == tree.find_headroom_w(
        tree.ConnectionTree(site_tree.topology, site_tree.caps), participants, (-1_200.0,), 0
    )


def test_a_phase_that_feeds_back_over_its_fuse_curtails(hall, house):
    roof = replace(house.assets[1], node="shed", phase="l2", rated_w=6_000)
    p = hall(roof)
    p.loads_w = {"pv1": -6_000}
    p.cap(export_max_w=6_000).run(5)

    assert 3_680 == p.points["pv1.generation_max_w"]
    assert "shed, fuse 16 A, L2 feeding back: generation curtailed" == p.reason("pv1")


def test_nothing_below_a_meter_that_is_late_comes_back(board, car, house):
    ev = ChargePointAsset(name="ev1", rated_w=11_040, node="shed", tier="C")
    sub = Node(name="shed", fuse_a=32, measured=True)
    p = board(
        house=replace(house, assets=(ev,), nodes=(sub,), limits=replace(house.limits, import_hard_w=60_000))
    )
    p.cap(import_max_w=60_000)
    p.cars = {"ev1": car()}
    p.base_w = {"shed": (4_500, 0, 0)}
    p.run(60)
    slowed = p.points["ev1.current_max_a"]
    p.base_w = {"shed": (0, 0, 0)}
    p.silent = {"shed"}
    p.run(8)

    assert 16 > slowed >= p.points["ev1.current_max_a"]
