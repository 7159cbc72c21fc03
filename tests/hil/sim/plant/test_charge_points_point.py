from quartier_sim.plant.asset_interface import Surroundings
from quartier_sim.plant.charge_points import CarVisit, ChargePoint

VISIT = CarVisit(from_s=10, until_s=1_000, need_wh=2_000)


def _run(point, until_s, **orders):
    for now_s in range(until_s):
        point = point.step(orders, Surroundings(now_s, now_s), 1.0)
    return point


def test_a_car_charges_from_its_arrival_on():
    assert 0 == _run(ChargePoint(name="a", visits=(VISIT,)), 10).power_w
    assert 11_040 == _run(ChargePoint(name="a", visits=(VISIT,)), 30).power_w


def test_a_single_phase_car_takes_all_from_its_phase():
    point = _run(ChargePoint(name="a", phase=3, visits=(VISIT,)), 30)

    assert (3_680, (0, 0, 1)) == (point.power_w, point.shares)


def test_below_six_amperes_it_pauses():
    assert 0 == _run(ChargePoint(name="a", visits=(VISIT,)), 30, current_max_a=5.9).power_w


def test_what_a_car_lacks_when_it_leaves_is_counted():
    point = _run(ChargePoint(name="a", visits=(VISIT,)), 1_001, current_max_a=0)

    assert (2_000, 0) == (point.missed_wh, point.values()["plugged_on"])


def test_a_session_ends_when_the_car_is_full():
    point = _run(ChargePoint(name="a", visits=(VISIT,)), 990)

    assert 2_000 == round(point.values()["session_energy_wh"])
    assert 0 == point.power_w
