import pytest

from quartier_hil.checks.daemon_checks import (
    BalanceCheck,
    ContinuityCheck,
    CyclePeriodCheck,
    DaemonAliveCheck,
    DeliveryCheck,
    FallbackCheck,
    LinkStateCheck,
    MemoryCheck,
    MeterCountCheck,
    RejectionCheck,
    ReleaseCheck,
    ReportCheck,
)
from quartier_hil.checks.verdicts import GroupCounts, ReleaseResult, RunData
from quartier_hil.scenario import expectations as asked


@pytest.mark.parametrize(("at_s", "holds"), [(9, False), (10, True), (30, False)])
def test_the_mode_is_the_last_one_heard(at_s, holds):
    judge = LinkStateCheck(asked.LinkStateExpectation(check="mode", at_s=at_s, expected="CONTROLLED"))

    assert holds == judge.verdict(RunData(modes=[(0, "INIT"), (10, "CONTROLLED"), (20, "FAILSAFE")])).holds


@pytest.mark.parametrize(
    ("district", "missing", "holds"),
    [
        ({"samples_count": 5, "holes": {}}, 0, True),
        ({"samples_count": 5, "holes": {}}, None, True),
        ({"samples_count": 0, "holes": {}}, 0, False),
        ({"samples_count": 5, "holes": {"grid/1": [(3, 4)]}}, 0, False),
        ({"samples_count": 5, "holes": {}}, 1, False),
    ],
)
def test_delivered_means_samples_no_holes_and_nothing_of_the_history_missing(district, missing, holds):
    judge = DeliveryCheck(asked.DeliveryExpectation(check="delivered"))

    assert holds == judge.verdict(RunData(district=district, missing=missing)).holds


def test_a_pause_is_excused_only_by_the_absence_of_the_daemon():
    judge = ContinuityCheck(asked.ContinuityExpectation(check="nothing-lost", point="x", gap_max_s=20))
    times = {"x": [0, 10, 20, 100, 110]}

    assert not judge.verdict(RunData(series=times)).holds
    assert not judge.verdict(RunData(series=times, downs=[(40, 60)])).holds
    assert judge.verdict(RunData(series=times, downs=[(25, 90)])).holds
    assert not judge.verdict(RunData()).holds


@pytest.mark.parametrize(
    ("quality", "first"), [("good", "2 samples, the first at 12 s"), ("bad", "1 sample, the first at 11 s")]
)
def test_what_was_told_counts_within_its_span_and_by_its_quality(quality, first):
    judge = ReportCheck(
        asked.ReportExpectation(check="told", point="x", from_s=10, until_s=20, quality=quality)
    )
    told = {"x": [(9, True), (9, False), (11, False), (12, True), (20, True), (21, False)]}

    assert first == judge.verdict(RunData(told=told)).measured
    assert not judge.verdict(RunData()).holds


def test_each_stop_must_leave_the_outputs_released():
    judge = ReleaseCheck(asked.ReleaseExpectation(check="released"))

    assert judge.verdict(RunData(releases=[ReleaseResult(1, 0, ())])).holds
    assert not judge.verdict(
        RunData(releases=[ReleaseResult(1, 0, ()), ReleaseResult(2, 0, ("gx is 5",))])
    ).holds
    assert not judge.verdict(RunData(releases=[ReleaseResult(1, 1, ())])).holds
    assert not judge.verdict(RunData()).holds


def test_skipped_cycles_are_counted_by_the_daemon():
    judge = CyclePeriodCheck(asked.CyclePeriodExpectation(check="on-time"))

    assert judge.verdict(RunData(skipped_count=0, cycles_count=10)).holds
    assert not judge.verdict(RunData(skipped_count=1, cycles_count=10)).holds
    assert not judge.verdict(RunData()).holds


def test_the_balance_is_that_of_all_assets():
    judge = BalanceCheck()
    powers = {f"{name}.power_w": 1.0 for name in ("bat1", "pv1", "ev1", "hp1", "base")}
    judge.step(0, 1, {**powers, "grid.power_w": 5.0})
    assert judge.verdict(RunData()).holds

    judge.step(1, 1, {**powers, "grid.power_w": 6.0})
    assert not judge.verdict(RunData()).holds


def test_a_daemon_that_ends_by_itself_breaks_every_run():
    assert DaemonAliveCheck().verdict(RunData()).holds
    assert not DaemonAliveCheck().verdict(RunData(crashes=[(5.0, 70)])).holds


@pytest.mark.parametrize(
    ("heard", "holds"),
    [
        (GroupCounts(100, 0, 100, 0), True),
        (GroupCounts(100, 5, 103, 2), True),
        (GroupCounts(100, 5, 99, 6), False),
        (GroupCounts(0, 0, 0, 0), False),
    ],
)
def test_every_sound_group_of_a_smart_meter_is_counted(heard, holds):
    judge = MeterCountCheck(asked.MeterCountExpectation(check="accounted"))

    assert holds == judge.verdict(RunData(heard={"tic": heard, "p1": GroupCounts(1, 0, 1, 0)})).holds
    assert not judge.verdict(RunData()).holds


def test_memory_is_held_against_what_it_was_when_it_counts():
    judge = MemoryCheck(asked.MemoryExpectation(check="memory", from_s=100, growth_max_mb=1))
    flat = [(at_s, 50.0 if at_s < 100 else 60.0) for at_s in range(200)]
    grown = [(at_s, 60.0 + at_s / 50) for at_s in range(200)]

    assert judge.verdict(RunData(memory=flat)).holds
    assert not judge.verdict(RunData(memory=grown)).holds
    assert not judge.verdict(RunData(memory=flat[:103])).holds


def _falls(orders, **keys):
    told = {"point": "order.battery_w", "at_s": 100, "until_s": 300, **keys}
    judge = FallbackCheck(asked.FallbackExpectation(check="falls-back", **told))
    for now_s, order_w in orders:
        judge.step(now_s, 1, {"order.battery_w": order_w})
    return judge.verdict(RunData())


def test_an_order_that_falls_back_in_its_time_and_stays_there_holds():
    verdict = _falls([(99, -3000), (100, -3000), (155, 0), (300, 0), (400, -3000)], not_before_s=40)

    assert verdict.holds
    assert "from -3000 after 55.0 s, until 300 s" == verdict.measured


@pytest.mark.parametrize(
    ("orders", "keys"),
    [
        ([(99, -3000), (161, 0)], {}),  # too late
        ([(99, -3000), (120, 0)], {"not_before_s": 40}),  # too early: another hand than the timer's
        ([(99, -3000), (150, 0), (200, -3000)], {}),  # not for good
        ([(99, -3000), (150, -2000)], {}),  # elsewhere
        ([(99, 3), (150, 0)], {}),  # no order stood
        ([(150, 0)], {}),  # nobody saw one
    ],
)
def test_what_does_not_fall_back_as_declared_does_not_hold(orders, keys):
    assert not _falls(orders, **keys).holds


def test_a_fall_back_value_may_be_another_than_zero():
    assert _falls([(99, 6000), (130, 1500)], value=1500).holds


@pytest.mark.parametrize(
    ("answers", "holds"),
    [
        ((("nan", "REJECTED", "BOUNDS"), ("huge", "ACCEPTED", "")), True),
        ((("nan", "ACCEPTED", ""),), False),
        ((("late", "REJECTED", ""),), False),
        ((), False),
    ],
)
def test_nonsense_is_rejected_with_a_reason(answers, holds):
    assert (
        holds
        == RejectionCheck(asked.RejectionExpectation(check="refused")).verdict(RunData(answers=answers)).holds
    )


def test_the_balance_takes_in_what_stands_beside_the_usual():
    judge = BalanceCheck(("bat1", "lamps1"))
    judge.step(1, 1, {"bat1.power_w": -500, "lamps1.power_w": 700, "grid.power_w": 200})

    assert judge.verdict(RunData()).holds
