from dataclasses import replace

from quartier_sim.plant.charge_points import CarSpec, CarState, plug_car, step_car

SPEC = CarSpec(start_s=0)
PLUGGED = plug_car(CarState(), on=True, need_wh=1000)


def test_below_six_ampere_the_car_pauses():
    assert 0 == step_car(SPEC, PLUGGED, 5.9, dt_s=1).power_w
    assert 6 * 230 * 3 == step_car(SPEC, PLUGGED, 6.0, dt_s=1).power_w


def test_the_cable_bounds_the_current():
    assert 16 * 230 * 3 == step_car(SPEC, PLUGGED, 32, dt_s=1).power_w


def test_a_car_may_use_one_phase_and_less_current_than_it_is_offered():
    slow = plug_car(CarState(), on=True, need_wh=1000, phases_count=1, takes_max_a=10.0)

    assert 10 * 230 == step_car(SPEC, slow, 16, dt_s=1).power_w
    assert 6 * 230 == step_car(SPEC, slow, 6, dt_s=1).power_w
    assert (
        10 * 230
        == step_car(CarSpec(start_s=0, phases_count=1), replace(slow, phases_count=3), 16, dt_s=1).power_w
    )


def test_charging_starts_only_after_the_car_got_ready():
    slow = CarSpec(start_s=5)
    state = step_car(slow, PLUGGED, 16, dt_s=5)

    assert 0 == state.power_w
    assert step_car(slow, state, 16, dt_s=1).power_w > 0


def test_a_session_ends_with_the_need_and_counts_what_was_given():
    state = PLUGGED
    for _ in range(120):
        state = step_car(SPEC, state, 16, dt_s=5)

    assert 0 == state.power_w
    assert abs(1000 - state.session_wh) < 1e-6


def test_without_a_car_nothing_flows():
    assert 0 == step_car(SPEC, plug_car(PLUGGED, on=False), 16, dt_s=1).power_w
