import pytest

from quartier_sim.plant.air_conditioning import Cooling, Ventilation
from quartier_sim.plant.asset_interface import Surroundings

HOUR_S = 3600


def _breathed(**orders):
    unit = Ventilation(name="a", rated_w=2_000)
    for now_s in range(0, 4 * HOUR_S, 10):
        unit = unit.step(orders, Surroundings(now_s, 9 * HOUR_S + now_s), 10.0)
    return unit


def test_co2_settles_where_breath_and_air_are_even():
    assert 420 + 60 * 0.020 / 3_000 * 1e6 == pytest.approx(_breathed().co2_ppm, rel=0.01)


def test_slower_fans_take_less_and_leave_more():
    slow = _breathed(speed_pct=50)

    assert 250 == slow.power_w
    assert 420 + 60 * 0.020 / 1_500 * 1e6 == pytest.approx(slow.co2_ppm, rel=0.02)


def _cooled(**orders):
    room = Cooling(name="a", rated_w=3_000)
    seen = []
    for now_s in range(0, 12 * HOUR_S, 10):
        room = room.step(orders, Surroundings(now_s, now_s, outdoor_c=32.0), 10.0)
        seen.append(room.room_c)
    return min(seen[720:]), max(seen[720:])


def test_a_room_stays_between_its_two_temperatures():
    low_c, high_c = _cooled()

    assert 23.9 < low_c < high_c < 25.4


def test_a_shift_moves_both():
    assert 25.9 < _cooled(setpoint_shift_k=2)[0]
