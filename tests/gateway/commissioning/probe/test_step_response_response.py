import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.commissioning.probe import step_response
from quartier.commissioning.probe.probe_trace import CommandedChange, TimeSeries


def edges(count=6, hold_s=12.0, size_w=500.0):
    return [
        CommandedChange(
            n * hold_s, (n + 1) * hold_s, (n + 2) * hold_s, size_w * (n % 2), size_w * ((n + 1) % 2)
        )
        for n in range(count)
    ]


def followed(steps, delay_s, ramp_w_per_s, period_s=0.5, phase_s=0.13):
    """What a device shows that goes to its newest order in a straight line."""
    times_s, values = [], []
    power_w, dt_s = 0.0, 0.01
    place = 0
    for tick in range(int(steps[-1].until_s / dt_s)):
        now_s = tick * dt_s
        target_w = next((e.after_w for e in reversed(steps) if e.at_s + delay_s <= now_s), 0.0)
        way_w = ramp_w_per_s * dt_s
        power_w = min(max(target_w, power_w - way_w), power_w + way_w)
        if now_s >= phase_s + place * period_s:
            place += 1
            times_s.append(now_s)
            values.append(power_w)
    return TimeSeries(times_s, values)


def test_delay_and_ramp_of_a_slow_device():
    found = step_response.find_response(edges(), followed(edges(), 2.1, 200.0), 1.0)

    assert 2.1 == pytest.approx(found.delay_s, abs=0.2)
    assert 200 == pytest.approx(found.ramp_w_per_s, rel=0.1)
    assert 4.6 == pytest.approx(found.find_settling_time_s(500), abs=0.5)


def test_what_is_faster_than_the_samples_has_no_ramp_but_a_least_one():
    found = step_response.find_response(edges(), followed(edges(), 0.8, 5000.0, period_s=1.0), 1.0)

    assert found.ramp_w_per_s is None
    assert found.at_least_w_per_s >= 250
    assert 0.8 == pytest.approx(found.delay_s, abs=0.6)


def test_edges_that_something_else_spoilt_do_not_count():
    series = followed(edges(), 1.0, 500.0)
    values = [value + 3000.0 * (at_s > 30) for at_s, value in zip(series.times_s, series.values, strict=True)]

    found = step_response.find_response(edges(), TimeSeries(series.times_s, values), 1.0)

    assert 1.0 == pytest.approx(found.delay_s, abs=0.3)


def test_no_answer_has_no_response():
    still = TimeSeries([0.5 * n for n in range(160)], [0.0] * 160)

    assert step_response.find_response(edges(), still, 1.0) is None
    assert step_response.find_response([], still, 1.0) is None


@examples(20)
@given(
    delay_s=st.floats(0.0, 5.0),
    ramp=st.sampled_from([150.0, 400.0, 2000.0]),
    period_s=st.sampled_from([0.25, 1.0]),
    phase_s=st.floats(0, 1),
)
def test_the_delay_is_found_within_a_sample(delay_s, ramp, period_s, phase_s):
    steps = edges(4)

    found = step_response.find_response(steps, followed(steps, delay_s, ramp, period_s, phase_s), 1.0)

    assert delay_s == pytest.approx(found.delay_s, abs=max(period_s, 0.3))
