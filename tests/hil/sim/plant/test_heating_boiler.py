import pytest

from quartier_sim.plant.asset_interface import Surroundings
from quartier_sim.plant.heating import Boiler

BOILER = Boiler(name="a", rated_w=3_500, tank_c=54.0)


def _run(boiler, seconds, draw_w=0.0, *, powered=True, **orders):
    """The boiler after so long, and which share of the time it took power."""
    ran_s = 0.0
    for now_s in range(0, seconds, 10):
        boiler = boiler.step(orders, Surroundings(now_s, now_s, draw_w=draw_w, powered=powered), 10.0)
        ran_s += 10.0 * boiler.running_on
    return boiler, ran_s / seconds


def test_by_itself_it_heats_from_below_its_start_to_its_stop_and_waits_there():
    boiler, share = _run(BOILER, 3_600)

    assert 61.5 < boiler.tank_c <= 62.1
    assert 0.75 < share < 0.9
    assert (0.0, 0.0) == (boiler.power_w, _run(boiler, 3_600)[1])


def test_what_its_thermostat_asked_for_it_asks_for_again_when_the_relay_lets_it():
    half, _ = _run(BOILER, 1_800)
    rested, share = _run(half, 600, relay_on=0)

    assert (0.0, 3_500.0) == (share, rested.step({}, Surroundings(0, 0), 10.0).power_w)
    assert 55.0 < rested.tank_c < half.tank_c


def test_people_draw_their_share_and_never_below_the_room():
    still, drawn = (_run(BOILER, 3_600, draw_w, relay_on=0)[0] for draw_w in (0.0, 3_500.0))
    half, _ = _run(Boiler(name="a", rated_w=3_500, tank_c=54.0, draw_share=0.5), 3_600, 3_500.0, relay_on=0)

    assert pytest.approx(10.0, abs=0.05) == still.tank_c - drawn.tank_c
    assert pytest.approx(5.0, abs=0.05) == still.tank_c - half.tank_c
    assert 20.0 == _run(BOILER, 36_000, 9_000.0, relay_on=0)[0].tank_c


def test_heat_that_is_stored_is_the_electricity_less_what_was_lost():
    boiler, share = _run(BOILER, 1_800)
    lost_wh = 0.5 * 1.8 * ((BOILER.tank_c + boiler.tank_c) / 2 - 20.0)

    assert pytest.approx(1_750.0 * share - lost_wh, abs=1.0) == boiler.stored_wh - BOILER.stored_wh
    assert {"tank_c": boiler.tank_c} == boiler.values()


def test_without_voltage_it_cools():
    assert 0.0 == _run(BOILER, 600, powered=False)[1]
