import pytest

from quartier.control.failsafe import Health, Judgement, Stage, judge, lost_after_s, slow, stale_after_s
from quartier.house.assets import Grid

S = 1_000_000_000
WELL = Health(grid_age_s=0.5)


@pytest.mark.parametrize(
    ("period_s", "stale_s", "lost_s"), [(0.2, 3, 10), (1, 3, 10), (2, 5, 10), (2.5, 6.25, 10), (5, 12.5, 20)]
)
def test_stale_and_lost_follow_the_meters_period(period_s, stale_s, lost_s):
    assert (stale_s, lost_s) == (stale_after_s(period_s), lost_after_s(period_s))


@pytest.mark.parametrize(
    ("age_s", "stage"), [(2, Stage.WELL), (4, Stage.FREEZE), (9, Stage.FREEZE), (11, Stage.SAFE)]
)
def test_a_grid_meter_of_1_s_freezes_after_3_s_and_is_lost_after_10_s(age_s, stage):
    assert stage is judge(Judgement(), Health(grid_age_s=age_s), 0).stage


@pytest.mark.parametrize(("age_s", "stage"), [(11.5, Stage.WELL), (13.5, Stage.FREEZE), (21, Stage.SAFE)])
def test_a_grid_meter_of_5_s_has_more_time(age_s, stage):
    assert stage is judge(Judgement(), Health(grid_age_s=age_s, grid_period_s=5), 0).stage


@pytest.mark.parametrize(("period_s", "margin"), [(1, False), (2, False), (2.1, True)])
def test_a_meter_slower_than_2_s_is_slow(period_s, margin):
    assert margin is slow(Grid(name="grid", rated_w=1, period_s=period_s))


@pytest.mark.parametrize(("late", "stage"), [(2, Stage.WELL), (3, Stage.FREEZE)])
def test_three_late_cycles_freeze(late, stage):
    assert stage is judge(Judgement(), Health(grid_age_s=0, late_count=late), 0).stage


def test_the_worst_rule_wins_and_lets_go_only_after_its_dwell():
    lost = judge(Judgement(), Health(grid_age_s=11), 1 * S)
    dwelling = judge(lost, WELL, 30 * S)
    over = judge(dwelling, WELL, 31 * S)

    assert (Stage.SAFE, ("grid-meter-lost",)) == (lost.stage, lost.rules)
    assert (Stage.SAFE, ("grid-meter-lost",)) == (dwelling.stage, dwelling.rules)
    assert (Stage.WELL, ()) == (over.stage, over.rules)


def test_a_meter_never_read_is_named():
    assert ("starting",) == judge(Judgement(), Health(grid_age_s=1, grid_ever=False), 0).rules
