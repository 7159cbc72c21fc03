from dataclasses import replace

from quartier.control.inputs import CycleInputs
from quartier.control.limits.active import ActiveLimits
from quartier.control.observe.health import ControlStage, StageDecision
from quartier.control.requests import Requests
from quartier.control.state import ControlState
from quartier.site.records import Now


def test_house_and_stage_are_those_of_the_state(drive, house):
    state = replace(ControlState.fresh(house), judgement=StageDecision(ControlStage.FREEZE))
    make_inputs = CycleInputs(
        state=state,
        requests=Requests(caps=drive().start().caps),
        active_limits=ActiveLimits(import_w=1, export_w=1),
        grid_w=None,
        grid_age_s=4,
        is_meter_lost=False,
        dt_s=1,
        running_s=9,
        now=Now(0, 0, synced=True),
        common=False,
    )

    assert (house, ControlStage.FREEZE) == (make_inputs.site, make_inputs.stage)
