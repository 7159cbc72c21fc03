import pytest

from quartier_hil.checks.status_checks import AlarmCheck, AlarmFlappingCheck, AlarmLog, name_alarm
from quartier_hil.checks.verdicts import RunData
from quartier_hil.scenario import expectations as asked


def _judged(*alarms):
    wanted = asked.AlarmExpectation(check="alarmed", words="the meter", from_s=100, until_s=200)
    return AlarmCheck(wanted).verdict(RunData(alarms=alarms))


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
    raised = AlarmLog()
    for now_s, words in ((1, ["a"]), (2, ["a", "b"]), (3, []), (4, ["a"])):
        raised.look(now_s, words)

    assert [(1, "a"), (2, "b"), (4, "a")] == raised.found


def test_an_alarm_whose_cause_ended_or_whose_figures_change_stands_on():
    raised = AlarmLog()
    for now_s, words in ((1, ["over 4000 W"]), (2, ["over 4100.5 W"]), (3, ["over 4100 W; ended 18:30:05"])):
        raised.look(now_s, words)
    raised.look(4, [])
    raised.look(90, ["over 3 W"])

    assert [(1, "over 4000 W"), (90, "over 3 W")] == raised.found
    assert {"over # W": [1, 90]} == raised.spans


def test_one_that_knows_its_key_is_known_by_that_whatever_its_words():
    class Told(str):
        __slots__ = ("key",)

    first, second = Told("60 s mean over the cap"), Told("over the cap by 10 %")
    first.key = second.key = ("cap.exceeded", "import")
    raised = AlarmLog()
    raised.look(1, [first])
    raised.look(2, [second])

    assert {"cap.exceeded:import": [1]} == raised.spans
    assert [(1, first), (2, second)] == raised.found
    assert "cap.exceeded:import" == name_alarm(second)


def test_a_text_without_a_key_is_known_by_the_name_beside_it():
    raised = AlarmLog()
    for now_s, words in ((1, "all was moved; in the way: hp1"), (2, "all was moved"), (3, "the fuse holds")):
        raised.look(now_s, [words], ["cap.unmet"])

    assert {"cap.unmet": [1]} == raised.spans


@pytest.mark.parametrize(
    ("starts_s", "downs", "holds"),
    [
        ([10], [], True),
        ([10, 71], [], True),
        ([10, 59], [], False),
        ([10, 59], [(30, 40)], True),
        ([10, 59, 80], [(30, 40)], False),
        ([10, 59], [(60, 70)], False),
    ],
)
def test_the_same_alarm_is_raised_once_a_minute_but_anew_by_a_new_daemon(starts_s, downs, holds):
    verdict = AlarmFlappingCheck().verdict(RunData(alarm_spans={"a": starts_s, "b": [12]}, downs=downs))

    assert holds == verdict.holds
    assert f"{len(starts_s) + 1} alarms raised" in verdict.measured
    assert ("again after" in verdict.measured) == (len(starts_s) > 1 and verdict.measured.count("(") > 0)


def test_an_alarm_may_have_to_stay_away():
    wanted = asked.AlarmExpectation(check="alarmed", words="swing", never=True, until_s=200)

    assert AlarmCheck(wanted).verdict(RunData(alarms=[(201, "they swing"), (7, "else")])).holds
    assert (
        "came 1 time, first at 9 s"
        == AlarmCheck(wanted).verdict(RunData(alarms=[(9, "they swing")])).measured
    )
