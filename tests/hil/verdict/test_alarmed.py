import pytest

from quartier_hil import wanted as asked
from quartier_hil.verdict.alarmed import Alarmed, Raised
from quartier_hil.verdict.checks import Ending


def _judged(*alarms):
    wanted = asked.Alarmed(check="alarmed", words="the meter", from_s=100, until_s=200)
    return Alarmed(wanted).verdict(Ending(alarms=alarms))


@pytest.mark.parametrize(
    ("at_s", "words", "holds"),
    [
        (100, "the meter is silent", True),
        (200, "the meter is silent", True),
        (201, "the meter is silent", False),
        (99, "the meter is silent", False),
        (150, "the battery is silent", False),
    ],
)
def test_an_alarm_counts_in_its_time_and_by_its_words(at_s, words, holds):
    assert holds == _judged((at_s, words)).holds


def test_an_alarm_that_came_without_its_cause_is_no_sign_of_it():
    assert "came too early, at 20 s" == _judged((20, "the meter"), (150, "the meter")).measured


def test_an_alarm_that_stands_is_raised_once_and_again_when_it_comes_back():
    raised = Raised()
    for now_s, words in ((1, ["a"]), (2, ["a", "b"]), (3, []), (4, ["a"])):
        raised.look(now_s, words)

    assert [(1, "a"), (2, "b"), (4, "a")] == raised.found
