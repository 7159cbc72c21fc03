import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
