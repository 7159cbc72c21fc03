"""The fixed order in which requests and limits give way, in code and on its page."""

from dataclasses import replace
from pathlib import Path

import pytest

from quartier.control.allocate.results import AllocationResult
from quartier.control.limits.active import ActiveLimits
from quartier.control.limits.node_loads import PlacedAsset
from quartier.control.observe import phases
from quartier.control.observe.health import ControlStage, StageDecision
from quartier.control.observe.observations import LastGood
from quartier.control.participants import Participant
from quartier.control.records import PowerRange
from quartier.control.supervise import relaxation_order, status
from quartier.control.supervise.relaxation_order import RELAXATION_NAMES, RELAXATION_ORDER
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier.site.asset_types import Battery, Load, OperationModeAsset
from quartier.site.site_layout import Node

PAGE = Path(__file__).parents[4] / "gateway/docs/precedence.md"


def test_the_page_says_what_the_code_does_in_the_same_order():
    lines = PAGE.read_text(encoding="utf-8").split("| --- | --- |\n")[1].split("\n\n")[0].splitlines()
    told = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]

    assert [(rule.name, rule.gives) for rule in RELAXATION_ORDER] == told
    assert len(set(RELAXATION_NAMES)) == len(RELAXATION_NAMES)


@pytest.mark.long
def test_a_cap_that_cannot_be_met_names_what_stands_in_the_way(board, house):
    node = Node(name="shed", fuse_a=16.0, measured=True)
    lift = Load(name="lift", rated_w=5_000, node="shed", phase="l1")
    pump = Load(
        name="pump",
        rated_w=1_500,
        tier="C",
        switchable=True,
        node="shed",
        phase="l1",
        min_off_s=0,
        min_on_s=600,
    )
    other = replace(pump, name="other", phase="l2")
    p = board(
        house=replace(
            house,
            assets=(lift, pump, other),
            nodes=(node,),
            limits=replace(house.limits, import_hard_w=60_000),
        )
    )
    p.cap(import_max_w=60_000)
    p.loads_w = {"pump": 1_000}
    p.points["pump.relay_on"] = 0.0
    p.raw["pump.relay_on"] = 0.0
    p.run(2)
    del p.raw["pump.relay_on"]
    p.run(700)
    assert 1.0 == p.points["pump.relay_on"]
    p.loads_w |= {"lift": 5_000}
    p.run(5)

    (alarm,) = [one for one in p.view["alarms"] if one.startswith("shed, fuse 16 A, L1 cannot be kept")]
    assert "lift (tier A)" in alarm
    assert "other" not in alarm
    assert 0.0 == p.points["pump.relay_on"], "a fuse waits for no minimum time"
    assert p.view["assets"]["pump"]["command"]["reason"].endswith("switched off within its minimum on-time")


CELLS = Battery(
    name="bat1", rated_w=1, capacity_wh=1, charge_max_w=1, discharge_max_w=1, ramp_max_w_per_s=1, tier="D"
)
PUMP = Load(name="pump", rated_w=1_500, tier="C", switchable=True, min_on_s=600)
FAN = OperationModeAsset(
    name="fan", rated_w=900, tier="C", quantity="q", modes=(), min_on_s=600, min_off_s=600
)


@pytest.mark.parametrize(
    ("present_w", "want_w", "turn", "usable", "why"),
    [
        (900.0, 0.0, SwitchState(since_ns=0), True, ["pump (least times)"]),
        (0.0, 900.0, SwitchState(since_ns=0), True, ["pump (least times)"]),
        (900.0, 900.0, SwitchState(since_ns=0), False, ["pump (no fallback)"]),
        (900.0, 900.0, SwitchState(), True, []),
        (0.0, 0.0, SwitchState(since_ns=0), False, []),
    ],
)
def test_what_takes_power_and_is_not_moved_names_the_rule_that_protects_it(
    present_w, want_w, turn, usable, why, make_inputs
):
    participant = Participant(PUMP, present_w, want_w, turn, usable=usable)
    leaf = PlacedAsset(PUMP, 1, phases.make_single_phase("l1"), 0)

    assert why == list(relaxation_order.find_unmoved_power(make_inputs(), [participant], [leaf], 1))
    assert [] == list(relaxation_order.find_unmoved_power(make_inputs(), [participant], [leaf], 2)), (
        "it is not on that phase"
    )


@pytest.mark.parametrize(
    ("asset", "turn", "deaf", "why"),
    [
        (PUMP, SwitchState(on=False), True, ["pump (does not follow its order)"]),
        (FAN, SwitchState(since_ns=0), False, ["fan (least times)"]),
        (FAN, SwitchState(on=False, since_ns=0), False, []),  # further down it may go at once
    ],
)
def test_what_does_not_obey_or_just_went_up_stands_in_the_way(asset, turn, deaf, why, make_inputs):
    participant = Participant(asset, 900.0, 900.0, turn, is_unresponsive=deaf)

    assert why == list(
        relaxation_order.find_unmoved_power(
            make_inputs(), [participant], [PlacedAsset(asset, 1, phases.ALL_PHASES, 0)], 0
        )
    )


def test_beside_those_that_are_steered_loads_stand_in_the_way_and_batteries_do_not(make_inputs):
    others = [replace(PUMP, name="lift", tier="A"), replace(PUMP, name="fixed", switchable=False), CELLS]
    inside = [PlacedAsset(asset, 1, phases.ALL_PHASES, None) for asset in others]

    assert ["lift (tier A)", "fixed (takes no order)"] == list(
        relaxation_order.find_unmoved_power(make_inputs(), [], inside, 0)
    )


def test_a_building_without_nodes_says_too_who_is_in_the_way_of_its_limit(plant, house):
    """A car in its minimum time draws on: then not all was moved that may be."""
    p = plant(base_w=500, ev_wants_w=11_040, soc_pct=10).run(40)
    p.house = replace(
        house, assets=tuple(replace(a, min_on_s=600) if a.name == "ev1" else a for a in house.assets)
    )
    p.state = replace(
        p.state.adopt(p.house),
        switch_states={**p.state.switch_states, "ev1": SwitchState(since_ns=p.t * 10**9)},
    )
    p.cap(import_max_w=1_000).run(20)

    words = "every asset that may change its power has done so; in the way: ev1 (least times)"
    assert 4_140 == p.ev_w
    assert f"import cap 1000 W (envelope dso 1) may be exceeded: {words}" in p.view["alarms"]


def test_a_battery_that_could_do_more_is_named_with_the_rule_that_holds_it(plant, with_house):
    """More sun is a surplus only after some seconds: above its reserve the battery waits that long."""
    p = plant(house=with_house("bat1"), base_w=-1_600).cap(
        export_max_w=0.0, mode="INIT", no_grid_charge_above_reserve=True
    )
    p.run(20)
    p.base_w = -3_200
    told = [one for one in p.run(1).view["alarms"] if one.code == "cap.unmet"]
    rises = 0.0 < p.points["bat1.setpoint_w"] < 3_000
    p.run(20)
    p.base_w = -9_000
    full = [one for one in p.run(30).view["alarms"] if one.code == "cap.unmet"]

    assert rises
    assert [("export", True)] == [(one.of, one.startswith("export cap 0 W (envelope dso 1)")) for one in told]
    assert "bat1 stays at 1800 of 5000 W (INIT: above its reserve it charges with own generation" in told[0]
    assert "every asset that may change its power has done so" not in told[0]
    assert [True] == ["every asset that may change its power has done so" in one for one in full]


@pytest.mark.parametrize(
    ("direction", "setpoint_w", "more", "words"),
    [
        ("export", 5e3, {}, "every asset that may change its power has done so"),
        (
            "export",
            1e3,
            {},
            "bat1 stays at 1000 of 5000 W (it waits until other assets have followed their orders)",
        ),
        (
            "export",
            1e3,
            {"stage": ControlStage.FREEZE},
            "bat1 stays at 1000 of 5000 W (not raised: inputs are stale)",
        ),
        ("import", -5e3, {}, "every asset that may change its power has done so"),
        (
            "import",
            -1e3,
            {"stage": ControlStage.FREEZE},
            "bat1 stays at -1000 of -5000 W (it waits until other assets have followed their orders)",
        ),
        ("import", -1e3, {"indices": {7}}, "every asset that may change its power has done so"),
    ],
)
def test_all_was_done_for_a_limit_only_once_each_battery_is_at_its_bound(
    direction, setpoint_w, more, words, make_inputs, house
):
    here = make_inputs()
    stage = more.pop("stage", ControlStage.NORMAL)
    battery = next(one for one in house.assets if one.name == "bat1")
    state = replace(
        here.state,
        last_good={"bat1.soc_pct": LastGood(50.0, here.now_ns)},
        judgement=StageDecision(stage),
    )
    unit = Participant(battery, 0.0, 0.0, SwitchState(), headroom=PowerRange(-5e3, 5e3))
    pump = Participant(PUMP, 0.0, 0.0, SwitchState())

    assert words == relaxation_order.explain_unmet(
        make_inputs(state=state), [pump, unit], [0.0, setpoint_w], direction, **more
    )


def test_an_excess_that_waiting_orders_hide_is_that_of_the_nearer_limit(make_inputs):
    def find(high_w, low_w, broken=(0,)):
        result = AllocationResult((), high_w, low_w, {}, is_met=False, gate=RestoreGate(), broken=broken)
        return status._find_unmet_directions(
            make_inputs(active_limits=ActiveLimits(import_w=5e3, export_w=1e3)), result
        )

    assert ["import"] == find(6e3, 0.0)
    assert ["export"] == find(0.0, -2e3)
    assert ["import", "export"] == find(6e3, -2e3)
    assert ["export"] == find(0.0, -900.0)
    assert [] == find(6e3, 0.0, broken=(4,))
    assert [] == find(None, None)


def test_who_takes_nothing_or_may_be_moved_is_not_in_the_way(make_inputs):
    pump = Load(name="pump", rated_w=3_000, tier="C", switchable=True, min_on_s=600)
    runs = SwitchState(since_ns=0)
    participants = [
        Participant(pump, 2_000.0, 2_000.0, SwitchState()),
        Participant(replace(pump, name="idle"), 0.0, 0.0, runs),
    ]
    assert "" == relaxation_order.find_obstacles(make_inputs(t=60), participants)

    participants += [Participant(replace(pump, name="new"), 2_000.0, 2_000.0, runs)]
    participants += [
        Participant(replace(pump, name="deaf"), 2_000.0, 2_000.0, SwitchState(on=False), is_unresponsive=True)
    ]
    assert "new (least times), deaf (does not follow its order)" == relaxation_order.find_obstacles(
        make_inputs(t=60), participants
    )


@pytest.mark.parametrize("cap_w", [4_500, 2_000, 1_000])
def test_a_load_that_has_ended_leaves_no_limit_in_doubt(plant, cap_w):
    """The load of 5 s ago bounds the orders, but the grid meter already exports."""
    p = plant(base_w=12_000).cap(mode="INIT", import_max_w=cap_w, export_max_w=0.0, no_battery_export=True)
    before = [one for one in p.run(40).view["alarms"] if one.code == "cap.unmet"]
    p.base_w = 800
    shown = [one for _ in range(12) for one in p.run(1).view["alarms"] if one.code == "cap.unmet"]

    words = "may be exceeded: every asset that may change its power has done so"
    assert [f"import cap {cap_w} W (envelope dso 1) {words}"] == before
    assert {f"{before[0]}; ended 16:14:00"} == set(shown)


def test_a_load_that_fell_and_is_still_too_high_keeps_its_limit_in_doubt(plant):
    p = plant(base_w=12_000).cap(import_max_w=4_500).run(40)
    p.base_w = 10_000
    shown = [[one.of for one in p.run(1).view["alarms"] if one.code == "cap.unmet"] for _ in range(12)]
    p.base_w = 9_400
    after = [one for one in p.run(12).view["alarms"] if one.code == "cap.unmet"]

    assert [["import"]] * 12 == shown
    assert [True] == ["ended" in one for one in after]


def test_generation_that_has_ended_leaves_no_limit_in_doubt(plant, with_house):
    p = plant(house=with_house("bat1"), base_w=-12_000).cap(export_max_w=1_000.0)
    before = [one for one in p.run(40).view["alarms"] if one.code == "cap.unmet"]
    p.base_w = 100
    shown = [one for _ in range(9) for one in p.run(1).view["alarms"] if one.code == "cap.unmet"]

    assert ["export"] == [one.of for one in before]
    assert {f"{before[0]}; ended 16:14:00"} == set(shown)


@pytest.mark.parametrize(
    ("high_w", "low_w", "past_high_w", "past_low_w", "ways"),
    [
        (6e3, 0.0, 999.0, 0.0, []),
        (6e3, 0.0, 998.0, 0.0, ["import"]),
        (6e3, -2e3, 2e3, 0.0, ["export"]),
        (6e3, -2e3, 0.0, 1e3, ["import"]),
        (5_001.0, 0.0, 0.0, 0.0, []),
        (5_001.5, 0.0, 0.0, 0.0, ["import"]),
    ],
)
def test_a_limit_is_in_doubt_exactly_if_what_is_not_past_exceeds_it(
    high_w, low_w, past_high_w, past_low_w, ways, make_inputs
):
    result = AllocationResult(
        (), high_w, low_w, {}, is_met=False, gate=RestoreGate(), broken=(0,),
        past_high_w=past_high_w, past_low_w=past_low_w,
    )  # fmt: skip

    assert ways == status._find_unmet_directions(
        make_inputs(active_limits=ActiveLimits(import_w=5e3, export_w=1e3)), result
    )
