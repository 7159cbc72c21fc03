import numpy as np
import pytest

from quartier_bench.fleet.district_limits import (
    StagedRelease,
    compute_allowed_levels,
    compute_minute_means,
)

HOLD_S, LET_GO_S = 1200, 2400
HOURS = 6 * 3600


def followed(plain_w, load, *, share=0.4, hears=None, rests=None, seconds=HOURS):
    """The shares by second, of a district whose load is a function of second and share."""
    easing = StagedRelease(np.full(HOURS, plain_w) if np.isscalar(plain_w) else plain_w)
    total_w, shares = np.zeros(seconds), []
    for second in range(seconds):
        linked = share if HOLD_S <= second < LET_GO_S else 1.0
        away = rests is not None and rests(second)
        hear = hears is None or hears(second)
        shares.append(easing.follow(second, total_w, linked, rests=away, hears=hear and not away))
        total_w[second] = load(second, shares[-1])
    return np.array(shares), total_w


def test_the_mean_of_a_minute_ends_with_its_second():
    assert [29.5, 30.5] == list(compute_minute_means(np.arange(61.0)))[59:]
    assert np.isnan(compute_minute_means(np.arange(61.0))[:59]).all()
    assert np.isnan(compute_minute_means(np.arange(10.0))).all()


def test_the_level_is_what_was_before_or_what_is_taken_anyhow_within_half_an_hour():
    plain_w = np.full(7200, 100.0)
    plain_w[3600] = 900.0
    level = compute_allowed_levels(plain_w, 300.0)

    assert [300.0, 900.0, 900.0, 900.0, 300.0] == [level[at] for at in (1740, 1800, 3600, 5400, 5460)]


def test_a_hold_is_let_go_in_steps_while_there_is_room():
    shares, _ = followed(1000.0, lambda _, share: 800.0 * share)
    raised = np.flatnonzero(np.diff(shares[LET_GO_S:]) > 0)

    assert 0.4 == shares[LET_GO_S]
    assert 0 < len(raised) < 9
    assert min(np.diff(raised)) >= 420
    assert 1.0 == shares[-1]


def test_what_was_held_comes_back_no_faster_than_the_level_allows():
    """A district that would take half as much again, for hours, than it takes by itself."""
    shares, total_w = followed(1000.0, lambda at, share: 1000.0 if at < HOLD_S else 1500.0 * share)

    assert total_w[LET_GO_S + 60 :].max() <= 1000.0
    assert total_w[-3600:].mean() > 900.0
    assert shares[-1] < 0.7


def test_a_level_that_will_fall_is_met_before_it_falls():
    plain_w = np.full(HOURS, 1000.0)
    plain_w[10_000:] = 800.0
    _, total_w = followed(plain_w, lambda at, share: 700.0 if at < HOLD_S else 1500.0 * share)

    assert total_w[10_000 + 1860 :].max() <= 800.0


def test_a_load_without_steering_brings_no_building_below_the_least_share():
    shares, _ = followed(1000.0, lambda _, __: 1000.0)

    assert 0.3 == pytest.approx(shares[LET_GO_S:].min())


def test_without_the_district_its_last_word_counts_a_quarter_of_an_hour():
    shares, _ = followed(1000.0, lambda _, share: 1500.0 * share, hears=lambda at: at < 5000)
    last = 4980  # the last look before the district is gone

    assert shares[last + 899] < 1.0
    assert {1.0} == set(shares[last + 900 :])


def test_a_restart_holds_nothing_but_what_comes_back_is_looked_at():
    load = {True: 1000.0, False: 1300.0}
    shares, _ = followed(
        1000.0,
        lambda at, share: load[at < HOLD_S] * share,
        share=1.0,
        rests=lambda at: HOLD_S <= at < HOLD_S + 30,
    )

    assert {1.0} == set(shares[:HOLD_S])
    assert shares[HOLD_S + 300] < 1.0


def test_after_an_hour_of_calm_the_hold_is_over():
    shares, _ = followed(1000.0, lambda at, share: (600.0 if at < 15_000 else 1200.0) * share, share=0.9)

    assert {1.0} == set(shares[12_000:])
