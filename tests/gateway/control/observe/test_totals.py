from dataclasses import replace

import pytest

from quartier.control.observe import totals
from quartier.control.observe.observations import LastGood
from quartier.control.observe.residual_load import ResidualLoad
from quartier.control.participants import Participant
from quartier.control.state import ControlState
from quartier.control.switch_state import SwitchState


@pytest.mark.parametrize(("sun_w", "load_w"), [(0, 0), (4_000, 0), (4_000, 2_500)])
def test_consumption_is_what_runs_and_what_is_charged_whatever_is_generated(plant, sun_w, load_w):
    p = plant(base_w=700, sun_w=sun_w, loads_w={"pump": load_w})
    seen = []
    judge = totals.find_consumption_w

    def noted(make_inputs, participants):
        seen.append(judge(make_inputs, participants))
        return seen[-1]

    p.run(60)
    p.cap(consumption_max_w=50_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(totals, "find_consumption_w", noted)
        p.run(20)

    assert pytest.approx(700 + load_w + max(0.0, p.bat_w), abs=60) == seen[-1]


def test_without_a_fresh_grid_reading_what_is_generated_beside_the_participants_was_consumed_too(
    make_inputs, house
):
    memories = {"pv1.power_w": LastGood(-1_000.0, 0)}
    blind = make_inputs(t=0, state=replace(ControlState.fresh(house), last_good=memories), grid_w=None)
    steered = Participant(house.assets[1], -400.0, -400.0, SwitchState())

    assert 5_600 == totals.find_other_consumption_w(blind, [steered], ResidualLoad(1_000, 5_000, 0))
    assert 5_000 == totals.find_other_consumption_w(blind, [steered] * 3, ResidualLoad(1_000, 5_000, 0))
