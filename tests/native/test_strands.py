"""Both engines part and join samples alike, and refuse the same."""

from array import array
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native import strands as kernel
from quartier_native.reference import strands as twin

POINTS = st.one_of(
    st.lists(st.integers(0, 5), max_size=60),
    st.lists(st.integers(0, 2**32 - 1), max_size=60),
    st.integers(0, 700).map(range).map(list),
    st.lists(st.sampled_from(range(400)), min_size=300, max_size=900),
)


def columns(points: list[int]) -> tuple[Any, Any, Any]:
    count = len(points)
    return array("I", points), array("q", range(count)), array("d", [number / 8 for number in range(count)])


@given(POINTS)
def test_both_part_alike_and_join_again_what_they_parted(points: list[int]) -> None:
    numbers, times, values = columns(points)
    order, steps, strands = twin.part_strands(numbers, times, values)

    assert (order, steps, strands) == kernel.part_strands(numbers, times, values)
    for engine in (kernel, twin):
        which, *rest = engine.join_strands(steps, strands)
        assert (list(points), [times, values]) == ([order[place] for place in which], rest)


@given(st.data())
def test_both_judge_made_up_steps_alike(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(0, 4), max_size=5) | st.just([1] * 300))
    strands = [(array("q", range(size)), array("d", [0.5] * size)) for size in sizes]
    steps = data.draw(st.binary(max_size=20) | st.lists(st.integers(0, 4), max_size=12).map(bytes))

    def judged(engine: ModuleType) -> object:
        try:
            return engine.join_strands(steps, strands)
        except ValueError as error:
            return str(error)

    assert judged(twin) == judged(kernel)


@pytest.mark.parametrize("engine", [kernel, twin])
def test_points_that_come_in_turn_step_by_nothing(engine: ModuleType) -> None:
    assert bytes(9) == engine.part_strands(*columns([7, 3, 5] * 3))[1]
    assert bytes([0, 0, 1, 0]) == engine.part_strands(*columns([7, 3, 3, 7]))[1]


@pytest.mark.parametrize("engine", [kernel, twin])
def test_other_columns_are_refused(engine: ModuleType) -> None:
    numbers, times, values = columns([1, 2])
    for call in ((times, times, values), (numbers, values, values), (numbers, times[:1], values)):
        with pytest.raises(ValueError, match="needed"):
            engine.part_strands(*call)
    for strand in ((values, values), (times, times), (times, values[:1])):
        with pytest.raises(ValueError, match="needed"):
            engine.join_strands(b"\0\0", [strand])
    with pytest.raises(ValueError, match="half a step"):
        engine.join_strands(b"\0", [(array("q"), array("d"))] * 300)
    assert (array("I"), b"", []) == engine.part_strands(*columns([]))
    assert (array("I"), array("q"), array("d")) == engine.join_strands(b"", [])
    many = columns(list(range(65_537)))
    with pytest.raises(ValueError, match="more than 65536"):
        engine.part_strands(*many)
