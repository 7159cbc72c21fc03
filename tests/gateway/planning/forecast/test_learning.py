import json
import math
from dataclasses import dataclass, field, replace

import pytest
from tests.gateway.planning.days import HOUR_S, MONDAY_S, PREMISES, history

from quartier.planning.forecast.learning import Learner, dump_fields, load_fields, load_learner
from quartier.planning.forecast.predictions import make_forecast


@dataclass(frozen=True, slots=True)
class Fixed:
    name: str = "as it is made"


@dataclass(slots=True)
class Inner:
    value: float = 1.0
    rows: list[list[float]] = field(default_factory=lambda: [[1.0, math.nan]])
    _shortcut: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Outer:
    fixed: Fixed = field(default_factory=Fixed)
    size: int = 4
    inner: list[Inner] = field(default_factory=lambda: [Inner()])


def test_numbers_lists_and_memories_are_kept_and_nan_is_null():
    assert {"inner": [{"value": 1.0, "rows": [[1.0, None]]}]} == dump_fields(Outer())


def test_what_was_kept_comes_back():
    outer = Outer()
    load_fields(outer, {"inner": [{"value": 5, "rows": [[None, 2.5]]}]})

    assert 5 == outer.inner[0].value
    assert math.isnan(outer.inner[0].rows[0][0])
    assert (4, 2.5) == (outer.size, outer.inner[0].rows[0][1])


@pytest.mark.parametrize(
    ("told", "word"),
    [
        (None, "Outer: expected a table"),
        ({}, "inner: is missing"),
        ({"inner": []}, "inner: expected a list of 1"),
        ({"inner": [{"value": "x", "rows": [[1, 2]]}]}, "value: expected a number"),
        ({"inner": [{"value": True, "rows": [[1, 2]]}]}, "value: expected a number"),
        ({"inner": [{"value": 1, "rows": [[1]]}]}, "rows: expected a list of 2"),
        ({"inner": [{"value": math.inf, "rows": [[1, 2]]}]}, "value: expected a number"),
    ],
)
def test_another_form_is_refused_with_its_place(told, word):
    with pytest.raises(ValueError, match=word):
        load_fields(Outer(), told)


DAY_S = 86_400
WEEKS = history(35)
NOW_S = MONDAY_S + 28 * DAY_S


@pytest.fixture(scope="module")
def four_weeks():
    learner = Learner(PREMISES)
    learner.learn(replace(WEEKS, load_w=WEEKS.load_w[: 28 * 24], generated_w=WEEKS.generated_w[: 28 * 24]))
    return learner


def test_old_news_teaches_nothing(four_weeks):
    again = load_learner(PREMISES, four_weeks.keep())
    again.learn(WEEKS)
    again.learn(WEEKS)
    once = load_learner(PREMISES, four_weeks.keep())
    once.learn(WEEKS)

    assert once.keep() == again.keep()


def test_a_gap_of_a_year_is_walked_through_in_a_week():
    learner = Learner(PREMISES)
    learner.step(400_000, 500.0, 0.0)
    learner.step(400_000 + 365 * 24, 500.0, 0.0)

    assert 400_000 + 365 * 24 == learner.newest
    assert 0 < make_forecast(learner, (400_001 + 365 * 24) * HOUR_S, DAY_S, HOUR_S).load.mean_w[0]


def test_weeks_without_a_word_leave_the_habits(four_weeks):
    late = make_forecast(four_weeks, NOW_S + 5 * DAY_S, DAY_S, HOUR_S).load.mean_w

    assert late[19] == pytest.approx(
        make_forecast(four_weeks, NOW_S, DAY_S, HOUR_S).load.mean_w[19], rel=0.25
    )


def test_what_was_learnt_outlives_a_restart(four_weeks):
    text = json.dumps(four_weeks.keep(), allow_nan=False)
    again = load_learner(PREMISES, json.loads(text))
    rest = replace(
        WEEKS, start_utc_s=NOW_S, load_w=WEEKS.load_w[28 * 24 :], generated_w=WEEKS.generated_w[28 * 24 :]
    )
    other = load_learner(PREMISES, json.loads(text))
    again.learn(rest)
    other.learn(rest)

    assert len(text) < 150_000
    assert make_forecast(four_weeks, NOW_S, DAY_S, HOUR_S) == make_forecast(
        load_learner(PREMISES, json.loads(text)), NOW_S, DAY_S, HOUR_S
    )
    assert again.keep() == other.keep()


def test_what_was_learnt_does_not_grow(four_weeks):
    def size(learner):
        return len(json.dumps(learner.keep()).split(","))

    longer = load_learner(PREMISES, four_weeks.keep())
    longer.learn(WEEKS)

    assert size(four_weeks) == size(longer) == size(Learner(PREMISES))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"form": 0}, "form"),
        ({"premises": {}}, "site file changed"),
        ({"learnt": {}}, "is missing"),
        ({"learnt": 3}, "expected a table"),
    ],
)
def test_what_is_of_another_form_is_refused_with_its_reason(four_weeks, change, word):
    with pytest.raises(ValueError, match=word):
        load_learner(PREMISES, four_weeks.keep() | change)
