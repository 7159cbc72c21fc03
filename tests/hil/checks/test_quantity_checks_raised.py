import pytest

from quartier_hil.checks.quantity_checks import NoRaiseCheck, SpacingCheck
from quartier_hil.checks.verdicts import RunData
from quartier_hil.scenario import expectations as asked

A, B = "order.a.relay_on", "order.b.relay_on"


def _spaced(ups, **more):
    """The verdict where each output of ``ups`` is raised at its second: seen one step later."""
    wanted = {"check": "spaced", "points": (A, B), "from_s": 10, "until_s": 200} | more
    judge = SpacingCheck(asked.SpacingExpectation(**wanted))
    for now_s in range(250):
        judge.step(now_s, 1, {point: float(now_s > at_s) for point, at_s in ups.items()})
    return judge.verdict(RunData())


@pytest.mark.parametrize(
    ("ups", "holds"),
    [
        ({A: 50, B: 80}, True),
        ({A: 50, B: 79}, False),
        ({A: 50, B: 50}, False),
        ({A: 50, B: 240}, False),
        ({A: 5, B: 50}, False),
    ],
)
def test_what_comes_back_comes_one_by_one_and_as_often_as_was_asked(ups, holds):
    assert holds == _spaced(ups, count_min=2).holds


@pytest.mark.parametrize(
    ("first_min_s", "first_max_s", "holds"), [(40, 40, True), (41, 90, False), (0, 39, False)]
)
def test_the_first_comes_neither_too_early_nor_too_late(first_min_s, first_max_s, holds):
    verdict = _spaced({A: 50}, first_min_s=first_min_s, first_max_s=first_max_s)

    assert (holds, "1 time, first after 40 s") == (verdict.holds, verdict.measured)


def test_where_nothing_is_raised_nothing_is_proven():
    assert (False, "none was raised") == ((verdict := _spaced({A: 5})).holds, verdict.measured)


@pytest.mark.parametrize(
    ("values", "holds"), [((9, 5, 5, 4, 9), True), ((9, 5, 6, 5, 9), False), ((9, 5, 5.5, 5, 9), True)]
)
def test_an_order_may_sink_in_its_time_but_not_rise(values, holds):
    judge = NoRaiseCheck(
        asked.NoRaiseExpectation(check="unraised", point=A, from_s=1, until_s=3, tolerance=0.5)
    )
    for at_s, value in enumerate(values):
        judge.step(at_s + 1, 1, {A: value})

    assert holds == judge.verdict(RunData()).holds


def test_an_order_that_was_never_seen_was_not_held():
    assert (
        not NoRaiseCheck(asked.NoRaiseExpectation(check="unraised", point=A, from_s=1, until_s=3))
        .verdict(RunData())
        .holds
    )
