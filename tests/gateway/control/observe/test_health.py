import pytest

from quartier.control.observe.health import (
    ControlStage,
    InputHealth,
    StageDecision,
    decide_stage,
    find_dwell_left_s,
    find_lost_after_s,
    find_stale_after_s,
    is_slow_meter,
)
from quartier.site.asset_types import GridMeter

S = 1_000_000_000
GOOD = InputHealth(grid_age_s=0.5)


@pytest.mark.parametrize(
    ("period_s", "stale_s", "lost_s"), [(0.2, 3, 10), (1, 3, 10), (2, 5, 10), (2.5, 6.25, 10), (5, 12.5, 20)]
)
def test_stale_and_lost_follow_the_meters_period(period_s, stale_s, lost_s):
    assert (stale_s, lost_s) == (find_stale_after_s(period_s), find_lost_after_s(period_s))


@pytest.mark.parametrize(
    ("age_s", "stage"),
    [(2, ControlStage.NORMAL), (4, ControlStage.FREEZE), (9, ControlStage.FREEZE), (11, ControlStage.SAFE)],
)
def test_a_grid_meter_of_1_s_freezes_after_3_s_and_is_lost_after_10_s(age_s, stage):
    assert stage is decide_stage(StageDecision(), InputHealth(grid_age_s=age_s), 0).stage


@pytest.mark.parametrize(
    ("age_s", "stage"), [(11.5, ControlStage.NORMAL), (13.5, ControlStage.FREEZE), (21, ControlStage.SAFE)]
)
def test_a_grid_meter_of_5_s_has_more_time(age_s, stage):
    assert stage is decide_stage(StageDecision(), InputHealth(grid_age_s=age_s, grid_period_s=5), 0).stage


@pytest.mark.parametrize(("period_s", "margin"), [(1, False), (2, False), (2.1, True)])
def test_a_meter_slower_than_2_s_is_slow(period_s, margin):
    assert margin is is_slow_meter(GridMeter(name="grid", rated_w=1, period_s=period_s))


@pytest.mark.parametrize(("late", "stage"), [(2, ControlStage.NORMAL), (3, ControlStage.FREEZE)])
def test_three_late_cycles_freeze(late, stage):
    assert stage is decide_stage(StageDecision(), InputHealth(grid_age_s=0, late_count=late), 0).stage


def test_the_worst_rule_wins_and_lets_go_only_after_its_dwell():
    lost = decide_stage(StageDecision(), InputHealth(grid_age_s=11), 1 * S)
    dwelling = decide_stage(lost, GOOD, 30 * S)
    over = decide_stage(dwelling, GOOD, 31 * S)

    assert (ControlStage.SAFE, ("grid-meter-lost",)) == (lost.stage, lost.rules)
    assert (ControlStage.SAFE, ("grid-meter-lost",)) == (dwelling.stage, dwelling.rules)
    assert (ControlStage.NORMAL, ()) == (over.stage, over.rules)


def test_a_rule_whose_cause_is_over_says_how_long_it_stays():
    lost = decide_stage(StageDecision(), InputHealth(grid_age_s=11.0), 0)
    over = decide_stage(lost, InputHealth(grid_age_s=0.0), 4 * S)

    assert None is find_dwell_left_s(lost, "grid-meter-lost", 0)
    assert 26.0 == find_dwell_left_s(over, "grid-meter-lost", 4 * S)


def test_a_meter_never_read_is_named():
    assert ("starting",) == decide_stage(StageDecision(), InputHealth(grid_age_s=1, grid_ever=False), 0).rules
