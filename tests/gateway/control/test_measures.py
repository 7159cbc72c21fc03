from dataclasses import replace

import pytest

from quartier.control import measures
from quartier.control.balance import Base
from quartier.control.players import Player
from quartier.control.shed import Turn
from quartier.control.sight import Memory
from quartier.control.state import State


@pytest.mark.parametrize(("sun_w", "load_w"), [(0, 0), (4_000, 0), (4_000, 2_500)])
def test_consumption_is_what_runs_and_what_is_charged_whatever_is_generated(plant, sun_w, load_w):
    p = plant(base_w=700, sun_w=sun_w, loads_w={"pump": load_w})
    seen = []
    judge = measures.consumed_w

    def noted(scene, players):
        seen.append(judge(scene, players))
        return seen[-1]

    p.run(60)
    p.cap(consumption_max_w=50_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measures, "consumed_w", noted)
        p.run(20)

    assert pytest.approx(700 + load_w + max(0.0, p.bat_w), abs=60) == seen[-1]


def test_without_a_fresh_grid_reading_what_is_generated_beside_the_players_was_consumed_too(scene, house):
    memories = {"pv1.power_w": Memory(-1_000.0, 0)}
    blind = scene(t=0, state=replace(State.fresh(house), memories=memories), grid_w=None)
    steered = Player(house.assets[1], -400.0, -400.0, Turn())

    assert 5_600 == measures.consumed_beside_w(blind, [steered], Base(1_000, 5_000, 0))
    assert 5_000 == measures.consumed_beside_w(blind, [steered] * 3, Base(1_000, 5_000, 0))
