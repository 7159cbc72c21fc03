"""A battery gives nothing for what a cap keeps from running: it would flow out of the building."""

from dataclasses import replace

import pytest

from quartier.control.allocate import generation, tree
from quartier.control.events.effects import GridEffects
from quartier.control.observe.health import ControlStage, StageDecision
from quartier.control.participants import Participant
from quartier.control.records import Override
from quartier.control.requests import Requests
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import Battery, Load, OperationMode, OperationModeAsset
from quartier.site.site_layout import Node
from quartier_drivers.contract import Origin

BATTERY = Battery(
    name="bat1",
    rated_w=5_000,
    capacity_wh=10_000,
    charge_max_w=5_000,
    discharge_max_w=5_000,
    ramp_max_w_per_s=2_500,
)
WASTE = OperationModeAsset(
    name="waste",
    rated_w=3_000,
    tier="B",
    quantity="run_on",
    modes=(OperationMode("runs", 1, 3_000), OperationMode("waits", 0, 0)),
)
FLAT = tree.ConnectionTree(topology=None, caps=None)


def battery(before_w=-5_000.0, asset=BATTERY):
    participant = Participant(asset, before_w, before_w, SwitchState())
    participant.before_w = before_w
    return participant


def waste(want_w=3_000.0):
    return Participant(WASTE, 0.0, want_w, SwitchState())


def spared(make_inputs, participants, setpoints_w, *, rest_w=4_400.0, target_w=0.0, site_tree=FLAT):
    return generation.withhold_discharge(
        make_inputs, site_tree, participants, setpoints_w, rest_w=rest_w, target_w=target_w
    )


def test_it_discharges_by_what_is_taken_and_not_by_what_waits(make_inputs):
    assert (-4_400.0, 0.0) == spared(make_inputs(), [battery(), waste()], (-5_000.0, 0.0))


def test_it_gives_up_no_more_than_was_kept_from_running(make_inputs):
    assert (-4_700.0, 0.0) == spared(make_inputs(), [battery(), waste(300.0)], (-5_000.0, 0.0))
    assert (-5_000.0, 3_000.0) == spared(make_inputs(), [battery(), waste()], (-5_000.0, 3_000.0))


def test_what_is_just_stopping_is_taken_still(make_inputs):
    running = Participant(WASTE, 3_000.0, 3_000.0, SwitchState())

    assert (-5_000.0, 0.0) == spared(make_inputs(), [battery(), running], (-5_000.0, 0.0))


def test_a_chp_that_is_asked_to_run_does_not_yet(make_inputs):
    chp = Participant(replace(WASTE, name="chp"), 0.0, 0.0, SwitchState())

    assert (-5_000.0, -3_000.0) == spared(make_inputs(), [battery(), chp], (-5_000.0, -3_000.0))


def test_what_is_imported_at_its_target_is_no_excess(make_inputs):
    assert (-5_000.0, 0.0) == spared(make_inputs(), [battery(), waste()], (-5_000.0, 0.0), rest_w=5_200.0)
    assert (-5_000.0, 0.0) == spared(make_inputs(), [battery(), waste()], (-5_000.0, 0.0), target_w=-600.0)


def test_it_gives_up_as_fast_as_its_ramp(make_inputs):
    slow = replace(BATTERY, ramp_max_w_per_s=100)

    assert (-4_900.0, 0.0) == spared(make_inputs(), [battery(asset=slow), waste()], (-5_000.0, 0.0))


def test_several_give_up_together_and_one_that_charges_does_not(make_inputs):
    participants = [battery(-200.0), battery(1_000.0), battery(-4_000.0), waste()]

    assert (0.0, 1_000.0, -3_600.0, 0.0) == spared(
        make_inputs(), participants, (-200.0, 1_000.0, -4_000.0, 0.0), rest_w=2_600.0
    )


@pytest.mark.parametrize("effects", [GridEffects(holds=True), GridEffects(discharges="the frequency is low")])
def test_in_an_event_it_goes_on(make_inputs, effects):
    assert (-5_000.0, 0.0) == spared(make_inputs(grid_effects=effects), [battery(), waste()], (-5_000.0, 0.0))


def test_on_stale_inputs_it_goes_on(make_inputs):
    stale = replace(make_inputs().state, judgement=StageDecision(stage=ControlStage.FREEZE))

    assert (-5_000.0, 0.0) == spared(make_inputs(state=stale), [battery(), waste()], (-5_000.0, 0.0))


def test_what_a_person_ordered_stays(make_inputs):
    anna = Override(
        asset="bat1", value=-5_000.0, until_ns=10**15, until_utc_ms=0, who=Origin("person", "anna", "1")
    )
    requests = Requests(caps=make_inputs().requests.caps, overrides={"bat1": anna})

    assert (-5_000.0, 0.0) == spared(make_inputs(requests=requests), [battery(), waste()], (-5_000.0, 0.0))


def test_what_relieves_a_fuse_is_given_on(make_inputs, board, house):
    unit = replace(house.assets[0], node="shed", phase="l1")
    heavy = Load(name="heavy", rated_w=5_000, node="shed", phase="l1")
    nodes = (Node(name="shed", fuse_a=16, unmeasured_w=0.0),)
    p = board(house=replace(house, assets=(unit, heavy), nodes=nodes))
    p.raw = {"bat1.power_w": -1_200.0, "bat1.soc_pct": 60.0}
    p.loads_w = {"heavy": 4_500}
    p.run(10)
    now = make_inputs(p.house, t=p.t, state=p.state)
    participants = [battery(-1_200.0, unit), waste()]
    site_tree = tree.build_tree(now, participants, p.state.window.base(participants[:1]))

    kept = spared(now, participants, (-1_200.0, 0.0), rest_w=600.0, site_tree=site_tree)

    assert (-1_200.0 + 0.9 * 16 * 230 - 3_300.0, 0.0) == pytest.approx(kept)
