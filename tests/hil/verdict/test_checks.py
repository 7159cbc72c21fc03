import pytest

from quartier_hil import wanted as asked
from quartier_hil.verdict.checks import (
    Accounted,
    Alive,
    Balance,
    CapKept,
    Delivered,
    Ending,
    FallsBack,
    Heard,
    Memory,
    Mode,
    NothingLost,
    OnTime,
    Reached,
    Refused,
    Release,
    Released,
    Told,
    Within,
)
from quartier_hil.verdict.promise import Cap

CAPS = (Cap(0, 12_000, 6_000, "contract"), Cap(100, 3_000, 6_000, "district"))


def _cap_kept(powers):
    judge = CapKept(asked.CapKept(check="cap-kept"), CAPS)
    for now_s, power_w in powers:
        judge.step(now_s, 1, {"grid.power_w": power_w})
    return judge.verdict(Ending())


def test_nothing_is_judged_until_the_deadline_after_a_change():
    assert _cap_kept([(129, 9_000)]).holds
    assert "0 s over" == _cap_kept([(129, 9_000)]).measured


def test_five_seconds_over_are_allowed_and_six_are_not():
    assert _cap_kept([(200 + second, 3_301 + 10) for second in range(5)]).holds
    assert not _cap_kept([(200 + second, 3_301 + 10) for second in range(6)]).holds


def test_many_short_times_over_may_be_allowed_where_none_is_long():
    wanted = asked.CapKept(check="cap-kept", over_max_s=100, row_max_s=3)
    short, long = CapKept(wanted, CAPS), CapKept(wanted, CAPS)
    for second in range(40):
        short.step(200 + second, 1, {"grid.power_w": 9_000 if second % 5 < 3 else 100})
        long.step(200 + second, 1, {"grid.power_w": 9_000 if second % 5 < 4 else 100})

    assert (True, False) == (short.verdict(Ending()).holds, long.verdict(Ending()).holds)
    assert short.verdict(Ending()).measured.endswith("3 s in a row at most")


def test_ten_percent_over_is_not_over():
    assert _cap_kept([(second, 3_300) for second in range(200, 300)]).holds


def test_export_is_judged_too():
    assert not _cap_kept([(second, -6_700) for second in range(200, 210)]).holds


def test_a_range_counts_only_in_its_time():
    judge = Within(asked.Within(check="within", point="bat1.soc_pct", low=10, high=90, from_s=50, until_s=60))
    for now_s, value in ((49, 0), (55, 20), (61, 100)):
        judge.step(now_s, 1, {"bat1.soc_pct": value})
    assert judge.verdict(Ending()).holds

    judge.step(58, 1, {"bat1.soc_pct": 9})
    assert not judge.verdict(Ending()).holds


def test_a_range_of_something_never_seen_does_not_hold():
    judge = Within(asked.Within(check="within", point="bat1.soc_pct"))

    assert not judge.verdict(Ending()).holds


@pytest.mark.parametrize(("at_s", "holds"), [(9, False), (10, True), (30, False)])
def test_the_mode_is_the_last_one_heard(at_s, holds):
    judge = Mode(asked.Status(check="mode", at_s=at_s, expected="CONTROLLED"))

    assert holds == judge.verdict(Ending(modes=[(0, "INIT"), (10, "CONTROLLED"), (20, "FAILSAFE")])).holds


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
    judge = Delivered(asked.Delivered(check="delivered"))

    assert holds == judge.verdict(Ending(district=district, missing=missing)).holds


def test_a_pause_is_excused_only_by_the_absence_of_the_daemon():
    judge = NothingLost(asked.NothingLost(check="nothing-lost", point="x", gap_max_s=20))
    times = {"x": [0, 10, 20, 100, 110]}

    assert not judge.verdict(Ending(series=times)).holds
    assert not judge.verdict(Ending(series=times, downs=[(40, 60)])).holds
    assert judge.verdict(Ending(series=times, downs=[(25, 90)])).holds
    assert not judge.verdict(Ending()).holds


@pytest.mark.parametrize(
    ("quality", "first"), [("good", "2 samples, the first at 12 s"), ("bad", "1 samples, the first at 11 s")]
)
def test_what_was_told_counts_within_its_span_and_by_its_quality(quality, first):
    judge = Told(asked.Told(check="told", point="x", from_s=10, until_s=20, quality=quality))
    told = {"x": [(9, True), (9, False), (11, False), (12, True), (20, True), (21, False)]}

    assert first == judge.verdict(Ending(told=told)).measured
    assert not judge.verdict(Ending()).holds


def test_each_stop_must_leave_the_outputs_released():
    judge = Released(asked.Released(check="released"))

    assert judge.verdict(Ending(releases=[Release(1, 0, ())])).holds
    assert not judge.verdict(Ending(releases=[Release(1, 0, ()), Release(2, 0, ("gx is 5",))])).holds
    assert not judge.verdict(Ending(releases=[Release(1, 1, ())])).holds
    assert not judge.verdict(Ending()).holds


def test_skipped_cycles_are_counted_by_the_daemon():
    judge = OnTime(asked.OnTime(check="on-time"))

    assert judge.verdict(Ending(skipped_count=0, cycles_count=10)).holds
    assert not judge.verdict(Ending(skipped_count=1, cycles_count=10)).holds
    assert not judge.verdict(Ending()).holds


def test_the_balance_is_that_of_all_assets():
    judge = Balance()
    powers = {f"{name}.power_w": 1.0 for name in ("bat1", "pv1", "ev1", "hp1", "base")}
    judge.step(0, 1, {**powers, "grid.power_w": 5.0})
    assert judge.verdict(Ending()).holds

    judge.step(1, 1, {**powers, "grid.power_w": 6.0})
    assert not judge.verdict(Ending()).holds


def test_a_daemon_that_ends_by_itself_breaks_every_run():
    assert Alive().verdict(Ending()).holds
    assert not Alive().verdict(Ending(crashes=[(5.0, 70)])).holds


@pytest.mark.parametrize(
    ("heard", "holds"),
    [
        (Heard(100, 0, 100, 0), True),
        (Heard(100, 5, 103, 2), True),
        (Heard(100, 5, 99, 6), False),
        (Heard(0, 0, 0, 0), False),
    ],
)
def test_every_sound_group_of_a_smart_meter_is_counted(heard, holds):
    judge = Accounted(asked.Accounted(check="accounted"))

    assert holds == judge.verdict(Ending(heard={"tic": heard, "p1": Heard(1, 0, 1, 0)})).holds
    assert not judge.verdict(Ending()).holds


def test_memory_is_held_against_what_it_was_when_it_counts():
    judge = Memory(asked.Memory(check="memory", from_s=100, growth_max_mb=1))
    flat = [(at_s, 50.0 if at_s < 100 else 60.0) for at_s in range(200)]
    grown = [(at_s, 60.0 + at_s / 50) for at_s in range(200)]

    assert judge.verdict(Ending(memory=flat)).holds
    assert not judge.verdict(Ending(memory=grown)).holds
    assert not judge.verdict(Ending(memory=flat[:103])).holds


def _falls(orders, **keys):
    told = {"point": "order.battery_w", "at_s": 100, "until_s": 300, **keys}
    judge = FallsBack(asked.FallsBack(check="falls-back", **told))
    for now_s, order_w in orders:
        judge.step(now_s, 1, {"order.battery_w": order_w})
    return judge.verdict(Ending())


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
    assert holds == Refused(asked.Refused(check="refused")).verdict(Ending(answers=answers)).holds


def test_the_balance_takes_in_what_stands_beside_the_usual():
    judge = Balance(("bat1", "lamps1"))
    judge.step(1, 1, {"bat1.power_w": -500, "lamps1.power_w": 700, "grid.power_w": 200})

    assert judge.verdict(Ending()).holds


@pytest.mark.parametrize(("seen", "measured"), [(5, "at 20 s"), (4, "never, last 4")])
def test_a_quantity_comes_into_its_range_once_or_never(seen, measured):
    judge = Reached(asked.Reached(check="reached", point="x.left_s", low=5, from_s=15))
    for now_s, value in ((10, 9), (20, seen), (30, 4)):
        judge.step(now_s, 1, {"x.left_s": value})

    assert (measured, seen == 5) == (judge.verdict(Ending()).measured, judge.verdict(Ending()).holds)
