from itertools import pairwise

import pytest

from quartier.control.limits.breach import Breach, update_breach

S = 1_000_000_000


def run(powers, cap_w=10_000.0, breach=None, start=0):
    breach = breach or Breach()
    for t, power_w in enumerate(powers, start):
        breach = update_breach(breach, power_w, cap_w, t * S)
    return breach


@pytest.mark.parametrize(
    ("cap_w", "power_w", "over"),
    [
        (10_000.0, 10_199.0, False),
        (10_000.0, 10_201.0, True),
        (20_000.0, 20_399.0, False),
        (20_000.0, 20_401.0, True),
        (0.0, 199.0, False),
        (0.0, 201.0, True),
    ],
)
def test_the_60_s_mean_may_pass_the_cap_by_2_percent_or_200_w(cap_w, power_w, over):
    assert over is run([power_w] * 62, cap_w).mean_over


@pytest.mark.parametrize(("seconds", "over"), [(58, False), (60, True)])
def test_the_mean_needs_60_s(seconds, over):
    assert over is run([10_500.0] * seconds).mean_over


def test_the_next_step_comes_every_10_s_while_it_is_over():
    breach, steps = Breach(), []
    for t in range(100):
        breach = update_breach(breach, 10_500.0, 10_000.0, t * S)
        steps += [t] if breach.next_step else []

    assert [10] * (len(steps) - 1) == [b - a for a, b in pairwise(steps)]
    assert 5 == len(steps)


def test_a_mean_that_is_over_takes_no_step_once_the_power_is_below():
    breach = run([14_000.0] * 62)
    breach = run([9_000.0] * 15, breach=breach, start=62)

    assert breach.mean_over
    assert not breach.next_step


@pytest.mark.parametrize(("seconds", "over"), [(5, False), (6, True)])
def test_10_percent_over_for_5_s_is_fast(seconds, over):
    assert over is run([11_001.0] * seconds).fast_over


def test_one_second_below_starts_the_5_s_anew():
    assert not run([11_001.0] * 5 + [10_999.0] + [11_001.0] * 5).fast_over


@pytest.mark.parametrize(("wait_s", "over"), [(29, False), (37, True)])
def test_a_cap_that_tightened_is_judged_30_s_later(wait_s, over):
    before = run([9_000.0] * 10)
    after = run([9_000.0] * wait_s, 5_000.0, before, start=10)

    assert over is after.fast_over


def test_an_unknown_power_breaks_the_observation():
    assert not run([12_000.0] * 61 + [None] + [12_000.0] * 5).mean_over
    assert not run([12_000.0] * 5 + [None] + [12_000.0] * 3).fast_over
