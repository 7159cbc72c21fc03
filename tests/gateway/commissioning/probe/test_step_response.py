import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.commissioning.probe import step_response
from quartier.commissioning.probe.probe_trace import CommandedChange, TimeSeries
from quartier.commissioning.probe.step_response import Gain, find_differences, fit_gain

HOLD_S = 10.0


def steps(count, size_w=500.0):
    edges, level_w = [], 0.0
    for number in range(count):
        after_w = (size_w, 0.0, -size_w, 0.0)[number % 4]
        edges.append(
            CommandedChange(number * HOLD_S, (number + 1) * HOLD_S, (number + 2) * HOLD_S, level_w, after_w)
        )
        level_w = after_w
    return edges


def seen(edges, gain, *, house=lambda _at_s: 0.0, noise_w=0.0, seed=1, delay_s=1.0):
    rng = random.Random(seed)
    times_s = [0.5 * place for place in range(int(edges[-1].until_s * 2))]
    values = []
    for at_s in times_s:
        level_w = next((e.after_w for e in reversed(edges) if e.at_s + delay_s <= at_s), 0.0)
        values.append(gain * level_w + house(at_s) + rng.gauss(0, noise_w))
    return TimeSeries(times_s, values)


def settled(_edge):
    return 3.0


def test_a_still_house_gives_the_gain_itself():
    edges = steps(8)

    found = fit_gain(find_differences(edges, seen(edges, 0.97), settled))

    assert 0.97 == pytest.approx(found.value)
    assert 8 == found.edges_count
    assert found.is_significant()


def test_a_kettle_spoils_one_difference_and_not_the_gain():
    edges = steps(12)
    series = seen(edges, 1.0, house=lambda at_s: 2000.0 * (33 < at_s < 71), noise_w=10)

    assert 1.0 == pytest.approx(fit_gain(find_differences(edges, series, settled)).value, abs=0.05)


def test_a_house_that_drifts_is_told_apart_from_the_answer():
    edges = steps(8)
    found = fit_gain(find_differences(edges, seen(edges, 1.0, house=lambda at_s: 20 * at_s), settled))

    assert 1.0 == pytest.approx(found.value, abs=0.02)
    assert 20.0 == pytest.approx(found.drift_w_per_s, rel=0.05)


def test_nothing_seen_is_not_sure_of_anything():
    assert not Gain().is_significant()
    assert Gain() == fit_gain([])


def test_edges_without_samples_are_left_out():
    edges = steps(4)
    series = seen(edges, 1.0).part(0.0, 25.0)

    assert 2 == len(find_differences(edges, series, settled))


@given(
    gain=st.one_of(st.floats(-1.5, -0.5), st.floats(0.5, 1.5), st.sampled_from([10.0, 0.1, 0.0])),
    noise_w=st.floats(0, 100),
    seed=st.integers(0, 1000),
)
def test_the_gain_lies_within_a_few_of_its_errors(gain, noise_w, seed):
    edges = steps(12)
    found = fit_gain(find_differences(edges, seen(edges, gain, noise_w=noise_w, seed=seed), settled))

    assert abs(found.value - gain) <= 6 * found.error + 0.02 * abs(gain) + 1e-9


@given(seed=st.integers(0, 200), kettle_w=st.sampled_from([-3000.0, 2000.0]), at_s=st.floats(5, 120))
def test_one_switched_load_never_turns_a_sign(seed, kettle_w, at_s):
    edges = steps(12)
    series = seen(edges, 1.0, house=lambda now_s: kettle_w * (now_s > at_s), noise_w=30, seed=seed)

    assert 0.8 < fit_gain(find_differences(edges, series, settled)).value < 1.2


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
