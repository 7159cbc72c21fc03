import pytest

from quartier_sim.plant.asset_interface import Surroundings
from quartier_sim.plant.heating import SgReadyHeatPump


def _run(heating, seconds, outdoor_c=5.0, **orders):
    running = []
    for now_s in range(0, seconds, 10):
        heating = heating.step(orders, Surroundings(now_s, now_s, outdoor_c=outdoor_c), 10.0)
        running.append(heating.running_on)
    return heating, running


def test_a_day_keeps_room_and_tank_in_their_bands():
    heating, running = _run(SgReadyHeatPump(name="a", rated_w=4_000), 86_400)

    assert 19.5 < heating.room_c < 21.5
    assert 40 < heating.tank_c < 50
    assert {True, False} == set(running)


def test_blocked_it_stays_off_and_the_tank_cools():
    heating, running = _run(SgReadyHeatPump(name="a", rated_w=4_000), 14_400, sg_ready_state=1)

    assert not any(running)
    assert heating.tank_c < 43
    assert not any(_run(SgReadyHeatPump(name="a", rated_w=4_000), 14_400, relay_on=0)[1])


def test_recommended_on_it_heats_further():
    assert _run(SgReadyHeatPump(name="a", rated_w=4_000), 43_200, sg_ready_state=3)[0].tank_c > 44
    assert _run(SgReadyHeatPump(name="a", rated_w=4_000, tank_c=44), 600, sg_ready_state=3)[1][-1]
    assert not _run(SgReadyHeatPump(name="a", rated_w=4_000, tank_c=44), 600, sg_ready_state=2)[1][-1]


def test_heat_that_goes_in_is_heat_that_stays_or_goes_out():
    heating = (
        SgReadyHeatPump(name="a", rated_w=4_000, running_on=True, room_c=30.0, outdoor_c=0)
        if False
        else SgReadyHeatPump(name="a", rated_w=4_000, tank_c=40, room_c=21.5)
    )
    after = heating.step({}, Surroundings(0, 0, outdoor_c=7.0), 3_600.0)

    made_wh = 4_000 * 3.5
    stored_wh = (after.tank_c - 40) * 600 + (after.room_c - 21.5) * 6_000
    assert made_wh - (21.5 - 7.0) * 120 == pytest.approx(stored_wh)
