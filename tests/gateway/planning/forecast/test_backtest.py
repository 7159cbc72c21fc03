import pytest

from quartier.planning.forecast import backtest, load_model
from quartier.planning.forecast.backtest import NetErrors
from quartier.planning.forecast.estimators import ErrorQuantiles
from quartier.planning.forecast.load_model import LoadModel
from quartier.planning.forecast.time_slots import SlotGrid

GRID = SlotGrid(3_600, "UTC")


def tried(load_w, days):
    found = backtest.make_backtest(
        GRID,
        ("ridge", "habit", "yesterday", "last week"),
        LoadModel(GRID, 500.0),
        load_model.make_load_prior,
        100.0,
        0.9997,
    )
    for slot in range(days * 24):
        found.learn(slot, load_w(slot))
    return found


@pytest.mark.parametrize(
    ("ahead", "place"), [(0, 0), (1, 1), (3, 2), (7, 3), (8, 4), (23, 5), (24, 6), (47, 7), (160, 7)]
)
def test_each_distance_has_its_trial(ahead, place):
    assert place == backtest.find_distance(GRID, ahead)
    assert place == backtest.find_distance(SlotGrid(900, "UTC"), 4 * ahead)


def test_where_each_week_is_the_same_last_week_is_chosen():
    found = tried(lambda slot: 100.0 + slot * 37 % 168, 60)

    assert "last week" == found.model([0, 12, 40])
    assert [100.0 + (60 * 24 + 5) * 37 % 168] == [found.predict_w(60 * 24 + 5, 5)]


def test_a_regression_is_not_chosen_before_its_third_day():
    assert "habit" == tried(lambda slot: 100.0 + slot % 24, 3).model([0])


def test_a_trial_judges_what_was_said_when_its_slot_is_over():
    found = tried(lambda slot: float(slot // 24), 20)  # a watt more each day
    trial, slot = found.trials[7], 20 * 24
    waiting = trial.rows[slot % len(trial.rows)]
    trial.squares, trial.tried = [0.0] * 4, 0.0

    trial.judge(slot, 0, 20.0, 1.0)

    # 42 hours before, the newest day was the last but one.
    assert [2.0**2, 7.0**2] == trial.squares[2:]
    assert slot == waiting[0]
    assert 1 == trial.tried


def test_scores_count_only_what_is_known():
    found = tried(lambda slot: None if slot >= 48 else 100.0, 4)

    assert [47.0, 46.0, 44.0, 41.0] == [score.tried for score in found.scores()[:4]]


def test_the_nets_errors_are_those_of_what_was_said_of_it():
    net = NetErrors(SlotGrid(3_600, "UTC"), 1, ErrorQuantiles(100.0))
    for slot in range(2, 200):
        net.wait(slot, 50.0)
        net.judge(slot, 80.0)

    assert (198, 30) == pytest.approx((net.score().tried, net.score().size_w))
    assert 900 == pytest.approx(net.score().square)


def test_a_slot_of_which_nothing_was_said_counts_for_nothing():
    net = NetErrors(SlotGrid(3_600, "UTC"), 3, ErrorQuantiles(100.0))
    net.wait(9, 50.0)
    net.judge(5, 80.0)  # the same place of the ring

    assert 0 == net.score().tried
