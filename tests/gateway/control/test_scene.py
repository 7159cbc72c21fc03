from dataclasses import replace

from quartier.control.failsafe import Judgement, Stage
from quartier.control.limits import Force
from quartier.control.scene import Scene
from quartier.control.state import State
from quartier.control.wishes import Wishes
from quartier.house.now import Now


def test_house_and_stage_are_those_of_the_state(drive, house):
    state = replace(State.fresh(house), judgement=Judgement(Stage.FREEZE))
    scene = Scene(
        state=state,
        wishes=Wishes(caps=drive().start().caps),
        force=Force(import_w=1, export_w=1),
        grid_w=None,
        grid_age_s=4,
        lost=False,
        dt_s=1,
        running_s=9,
        now=Now(0, 0, synced=True),
        common=False,
    )

    assert (house, Stage.FREEZE) == (scene.house, scene.stage)
