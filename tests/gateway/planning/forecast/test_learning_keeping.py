import math
from dataclasses import dataclass, field

import pytest

from quartier.planning.forecast.learning import dump_fields, load_fields


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
