from hypothesis import given
from hypothesis import strategies as st

from quartier_sim.plant.generation import SolarSpec, step_pv

SPEC = SolarSpec(rated_w=5000, ramp_max_w_per_s=1000)


def test_a_limit_is_reached_by_the_ramp():
    assert -3000 == step_pv(SPEC, -4000, available_w=4500, generation_max_w=500, dt_s=1)


def test_power_falls_at_once_when_the_sun_does():
    assert -300 == step_pv(SPEC, -4000, available_w=300, generation_max_w=float("inf"), dt_s=1)


@given(st.floats(-5000, 0), st.floats(0, 9000), st.floats(0, 9000), st.floats(0.1, 60))
def test_never_takes_and_never_gives_more_than_sun_and_modules_allow(power_w, available_w, limit_w, dt_s):
    after = step_pv(SPEC, power_w, available_w, limit_w, dt_s)

    assert -min(available_w, SPEC.rated_w) <= after <= 0
