import pytest

from quartier_hil.checks.quantity_checks import StabilityCheck
from quartier_hil.checks.verdicts import RunData, format_count
from quartier_hil.scenario import expectations as asked


def _judged(*values, **more):
    wanted = {
        "check": "steady",
        "point": "bat1.power_w",
        "by": 100,
        "turns_max_count": 2,
        "until_s": 50,
    } | more
    judge = StabilityCheck(asked.StabilityExpectation(**wanted))
    for now_s, value in enumerate(values):
        judge.step(now_s, 1, {"bat1.power_w": value})
    return judge.verdict(RunData())


@pytest.mark.parametrize(
    ("values", "turns"),
    [
        ((0, 500, 900, 900), 0),
        ((0, 500, 0), 1),
        ((0, 500, 401, 500, 401), 0),
        ((0, 500, 450, 399, 300, 450), 2),
        ((0, -500, 0, -500, 0), 3),
    ],
)
def test_a_turn_is_a_way_back_by_more_than_is_allowed(values, turns):
    verdict = _judged(*values)

    assert (format_count(turns, "time"), turns <= 2) == (verdict.measured, verdict.holds)


def test_it_counts_in_its_time_alone_and_what_was_never_seen_is_not_steady():
    assert "1 time" == _judged(0, 500, 0, 500, 0, from_s=2).measured
    assert not _judged(0, 500, from_s=30).holds
