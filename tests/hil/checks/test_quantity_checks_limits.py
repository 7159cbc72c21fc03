import pytest

from quartier_hil.checks.promised_values import PromisedLimit
from quartier_hil.checks.quantity_checks import ArrivalCheck, LimitCheck, RangeCheck
from quartier_hil.checks.verdicts import RunData
from quartier_hil.scenario import expectations as asked

CAPS = (PromisedLimit(0, 12_000, 6_000, "contract"), PromisedLimit(100, 3_000, 6_000, "district"))


def _cap_kept(powers):
    judge = LimitCheck(asked.LimitExpectation(check="cap-kept"), CAPS)
    for now_s, power_w in powers:
        judge.step(now_s, 1, {"grid.power_w": power_w})
    return judge.verdict(RunData())


def test_nothing_is_judged_until_the_deadline_after_a_change():
    assert _cap_kept([(129, 9_000)]).holds
    assert "0 s over" == _cap_kept([(129, 9_000)]).measured


def test_five_seconds_over_are_allowed_and_six_are_not():
    assert _cap_kept([(200 + second, 3_301 + 10) for second in range(5)]).holds
    assert not _cap_kept([(200 + second, 3_301 + 10) for second in range(6)]).holds


def test_many_short_times_over_may_be_allowed_where_none_is_long():
    wanted = asked.LimitExpectation(check="cap-kept", over_max_s=100, row_max_s=3)
    short, long = LimitCheck(wanted, CAPS), LimitCheck(wanted, CAPS)
    for second in range(40):
        short.step(200 + second, 1, {"grid.power_w": 9_000 if second % 5 < 3 else 100})
        long.step(200 + second, 1, {"grid.power_w": 9_000 if second % 5 < 4 else 100})

    assert (True, False) == (short.verdict(RunData()).holds, long.verdict(RunData()).holds)
    assert short.verdict(RunData()).measured.endswith("3 s in a row at most")


def test_ten_percent_over_is_not_over():
    assert _cap_kept([(second, 3_300) for second in range(200, 300)]).holds


def test_export_is_judged_too():
    assert not _cap_kept([(second, -6_700) for second in range(200, 210)]).holds


def test_a_range_counts_only_in_its_time():
    judge = RangeCheck(
        asked.RangeExpectation(check="within", point="bat1.soc_pct", low=10, high=90, from_s=50, until_s=60)
    )
    for now_s, value in ((49, 0), (55, 20), (61, 100)):
        judge.step(now_s, 1, {"bat1.soc_pct": value})
    assert judge.verdict(RunData()).holds

    judge.step(58, 1, {"bat1.soc_pct": 9})
    assert not judge.verdict(RunData()).holds


def test_a_range_of_something_never_seen_does_not_hold():
    judge = RangeCheck(asked.RangeExpectation(check="within", point="bat1.soc_pct"))

    assert not judge.verdict(RunData()).holds


@pytest.mark.parametrize(("seen", "measured"), [(5, "at 20 s"), (4, "never, last 4")])
def test_a_quantity_comes_into_its_range_once_or_never(seen, measured):
    judge = ArrivalCheck(asked.ArrivalExpectation(check="reached", point="x.left_s", low=5, from_s=15))
    for now_s, value in ((10, 9), (20, seen), (30, 4)):
        judge.step(now_s, 1, {"x.left_s": value})

    assert (measured, seen == 5) == (judge.verdict(RunData()).measured, judge.verdict(RunData()).holds)


def _result(spans, *, caps=CAPS, **more):
    """The result of a run whose import is ``grid_w`` from one second until another."""
    judge = LimitCheck(asked.LimitExpectation(check="cap-kept", **more), caps)
    for begin_s, end_s, grid_w in spans:
        for now_s in range(begin_s, end_s):
            judge.step(now_s, 1, {"grid.power_w": grid_w})
    return judge.verdict(RunData())


@pytest.mark.parametrize(
    ("spans", "result"),
    [
        ([(0, 100, 1_790), (100, 300, 1_790)], "not shown"),  # an idle building
        ([(0, 100, 1_810), (100, 300, 1_810)], "kept"),  # 60 % of the tighter limit
        ([(0, 100, 1_000), (100, 109, 2_900), (109, 300, 0)], "not shown"),  # near for 9 s
        ([(0, 100, 7_000), (100, 102, 7_000), (102, 300, 0)], "kept"),  # it was taken back
        ([(0, 100, 11_000), (100, 300, 900)], "not shown"),  # near the wider limit alone
        ([(0, 100, 0), (100, 300, 3_400)], "broken"),  # over is never "not shown"
    ],
)
def test_a_limit_in_whose_time_nothing_had_to_be_limited_is_not_shown(spans, result):
    assert result == _result(spans).result


@pytest.mark.parametrize(("early_s", "result"), [(30, "kept"), (0, "not shown")])
def test_a_power_that_the_gateway_takes_back_before_the_limit_is_due_shows_the_limit(early_s, result):
    check = LimitCheck(asked.LimitExpectation(check="cap-kept"), CAPS)
    for now_s in range(300):
        limit_w = CAPS[1].import_w if now_s >= CAPS[1].from_s - early_s else CAPS[0].import_w
        grid_w = 7_000 if now_s <= CAPS[1].from_s - 30 else 0
        check.step(
            now_s, 1, {"grid.power_w": grid_w, "limit.import_w": limit_w, "limit.export_w": CAPS[1].export_w}
        )

    assert result == check.verdict(RunData()).result


def test_what_limited_nothing_is_named_with_how_near_it_came():
    assert (
        "no power came near its limit while it was promised: import at 50% of 3 kW at most (district)"
        == _result([(0, 20, 0), (100, 300, 1_500)]).unshown
    )


def test_each_tighter_limit_counts_and_a_guard_says_why_it_need_not():
    caps = (*CAPS, PromisedLimit(200, 2_000, 6_000, "fail-safe"))
    spans = [(0, 100, 0), (100, 200, 2_900), (200, 400, 100)]

    assert "(fail-safe)" in _result(spans, caps=caps).unshown
    assert "kept" == _result(spans, caps=caps, guard="the house is empty").result


def test_a_limit_of_export_is_shown_by_export():
    caps = (PromisedLimit(0, 12_000, 6_000, "contract"), PromisedLimit(100, 12_000, 1_000, "district"))

    assert "not shown" == _result([(0, 100, 0), (100, 200, 11_000)], caps=caps).result
    assert "kept" == _result([(0, 100, 0), (100, 200, -700)], caps=caps).result


def test_without_a_tighter_limit_the_contract_itself_must_be_near():
    contract = CAPS[:1]

    assert ["not shown", "kept"] == [
        _result([(0, 100, watts)], caps=contract).result for watts in (1_800, 8_000)
    ]
    assert "not shown" == _result([], caps=contract).result


def _range(values, **more):
    judge = RangeCheck(
        asked.RangeExpectation(check="within", from_s=10, until_s=20, **{"point": "grid.power_w", **more})
    )
    for now_s, value in values:
        judge.step(now_s, 1, {judge.asked.point: value})
    return judge.verdict(RunData()).result


@pytest.mark.parametrize(
    ("values", "keys", "result"),
    [
        ([(15, 640)], {"high": 8_500}, "not shown"),
        ([(15, 5_200)], {"high": 8_500}, "kept"),  # near the limit
        ([(5, 9_000), (15, 640)], {"high": 8_500}, "kept"),  # it was outside before
        ([(15, 9_000)], {"high": 8_500}, "broken"),
        ([(15, 5_000)], {"low": 4_000, "high": 5_200}, "kept"),  # away from rest
        ([(15, 0)], {"low": 0, "high": 0}, "not shown"),  # off all the time
        ([(5, 1), (15, 0)], {"low": 0, "high": 0}, "kept"),
        ([(15, 50)], {"low": 9.5, "high": 95.5, "point": "bat1.soc_pct"}, "not shown"),
        ([(15, 12)], {"low": 9.5, "high": 95.5, "point": "bat1.soc_pct"}, "kept"),
        ([(15, -600)], {"low": -800}, "kept"),
        ([(15, -300)], {"low": -800}, "not shown"),
        ([(15, 30)], {"low": 18, "point": "heat1.room_c"}, "kept"),
        ([(15, 0)], {"high": 0}, "not shown"),
        ([(15, 0)], {"high": 0, "guard": "it was early"}, "kept"),
        ([], {"high": 1}, "not shown"),
    ],
)
def test_a_range_is_shown_near_its_ends_or_by_a_time_outside_of_it(values, keys, result):
    assert result == _range(values, **keys)


def test_a_quantity_that_is_there_from_the_beginning_on_comes_nowhere():
    judge = ArrivalCheck(asked.ArrivalExpectation(check="reached", point="x.left_s", low=5, from_s=15))
    for now_s in (10, 20):
        judge.step(now_s, 1, {"x.left_s": 9})

    assert "not shown" == judge.verdict(RunData()).result
