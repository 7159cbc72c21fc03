"""The compiled allocation and its twin agree to the last bit, also in what they refuse."""

import struct
from array import array
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.effort import examples

from quartier_native import allocation as kernel
from quartier_native.reference import allocation as twin

THOROUGH = examples(500, deep=20_000)
POWERS_W = st.one_of(
    st.floats(-2e4, 2e4),
    st.integers(-20, 20).map(lambda number: number * 500.0),
    st.sampled_from([0.0, -0.0, 5e-324, -1e12, 1e12, 0.1, 1e-9]),
    st.integers(-20_000, 20_000),
)
WILD = st.one_of(
    POWERS_W,
    st.floats(),
    st.sampled_from([None, "5", 10**400, Fraction(1, 3), True, 1j, b"5", 1.0000001e12]),
)
CAPS_W = st.one_of(st.floats(0, 5e4), st.integers(-3, 20).map(lambda number: number * 500.0))


@st.composite
def problems(draw: st.DrawFn) -> tuple[Any, ...]:
    want_w = draw(st.lists(POWERS_W, max_size=16))
    step = st.tuples(st.integers(0, max(len(want_w) - 1, 0)), POWERS_W, st.booleans())
    steps = st.lists(step, max_size=24 if want_w else 0)
    return draw(POWERS_W), want_w, draw(CAPS_W), draw(CAPS_W), draw(steps), draw(steps)


@st.composite
def nonsense(draw: st.DrawFn) -> tuple[Any, ...]:
    step = st.one_of(
        st.tuples(st.one_of(st.integers(-2, 6), WILD), WILD, st.one_of(st.booleans(), WILD)),
        st.lists(WILD, max_size=4).map(tuple),
        st.lists(POWERS_W, max_size=3),
        WILD,
    )
    want_w = st.one_of(st.lists(WILD, max_size=6), st.lists(POWERS_W, max_size=6).map(tuple), WILD)
    steps = st.one_of(st.lists(step, max_size=6), WILD)
    return draw(WILD), draw(want_w), draw(WILD), draw(WILD), draw(steps), draw(steps)


def outcome(allocate: Callable[..., Any], arguments: Sequence[Any]) -> object:
    """The result bit by bit, or the kind of the error, with its text where it is our own."""
    try:
        found = allocate(*arguments)
    except ValueError as error:
        return "ValueError", str(error)
    except (TypeError, OverflowError) as error:
        return type(error).__name__
    bits = struct.pack(f"<{len(found.setpoint_w) + 1}d", *found.setpoint_w, found.total_w)
    return type(found), type(found.setpoint_w), bits, found.down_count, found.up_count, found.met


@THOROUGH
@given(problems())
def test_kernel_and_twin_agree_to_the_last_bit(problem: tuple[Any, ...]) -> None:
    assert outcome(twin.allocate, problem) == outcome(kernel.allocate, problem)


@THOROUGH
@given(nonsense())
@example((0, [0.0], 1, 1, [(0.5, 0.0, True)], []))
@example((0, [0.0], 1, 1, [(0, 0.0, True, 1)], []))
@example((0, array("d", [1.0, float("nan")]), 1, 1, [], []))
@example((0, array("i", [5, -5]), 1, 1, [], []))
def test_kernel_and_twin_refuse_the_same(problem: tuple[Any, ...]) -> None:
    assert outcome(twin.allocate, problem) == outcome(kernel.allocate, problem)


@given(problems())
def test_an_array_of_requests_is_worth_a_list(problem: tuple[Any, ...]) -> None:
    base_w, want_w, *rest = problem
    assert outcome(twin.allocate, problem) == outcome(kernel.allocate, (base_w, array("d", want_w), *rest))


@given(problems())
def test_ladders_are_worth_their_steps(problem: tuple[Any, ...]) -> None:
    *powers, down, up = problem
    assert outcome(twin.allocate, problem) == outcome(
        kernel.allocate, (*powers, kernel.Ladder(down), kernel.Ladder(tuple(up)))
    )
    assert outcome(twin.allocate, problem) == outcome(
        twin.allocate, (*powers, twin.Ladder(down), twin.Ladder(up))
    )
    assert list(twin.Ladder(down)) == list(kernel.Ladder(down)) == [(a, float(w), d) for a, w, d in down]


@given(problems())
def test_in_place_both_do_what_allocate_does(problem: tuple[Any, ...]) -> None:
    base_w, want_w, import_max_w, export_max_w, down, up = problem
    wanted = outcome(twin.allocate, problem)
    for module in (twin, kernel):
        setpoint_w = array("d", want_w)

        def allocate(module: Any = module, setpoint_w: "array[float]" = setpoint_w) -> Any:
            rest = module.allocate_in_place(
                setpoint_w, base_w, import_max_w, export_max_w, module.Ladder(down), module.Ladder(up)
            )
            return twin.Allocation(tuple(setpoint_w), *rest)

        assert wanted == outcome(allocate, ())


@pytest.mark.parametrize("module", [twin, kernel])
def test_a_ladder_for_more_assets_is_refused_and_nothing_is_changed(module: Any) -> None:
    ladder, none = module.Ladder([(2, 0.0, True)]), module.Ladder([])
    setpoint_w = array("d", [5.0, 6.0])
    assert (3, 1, (2, 0.0, True), ((2, 0.0, True),)) == (
        ladder.asset_count,
        len(ladder),
        ladder[-1],
        ladder[:],
    )
    with pytest.raises(ValueError, match="a step names an asset that is not there"):
        module.allocate(5, [0.0, 0.0], 0, 0, ladder, none)
    with pytest.raises(ValueError, match="a step names an asset that is not there"):
        module.allocate_in_place(setpoint_w, 5, 0, 0, none, ladder)
    with pytest.raises(TypeError, match="two Ladders are needed"):
        module.allocate_in_place(setpoint_w, 5, 0, 0, [], none)
    with pytest.raises(ValueError, match="more than 1024 steps"):
        module.Ladder([(0, 0.0, True)] * 1025)
    with pytest.raises(IndexError):
        ladder[1]
    assert array("d", [5.0, 6.0]) == setpoint_w


def test_a_number_that_calls_the_kernel_itself_does_no_harm() -> None:
    class Nested(float):
        def __float__(self) -> float:
            kernel.allocate(1e6, [7.0] * 200, 0, 0, [(index, 0.0, True) for index in range(200)], [])
            return 3000.0

    class Index:
        def __index__(self) -> int:
            kernel.allocate(1e6, [7.0] * 200, 0, 0, [(index, 0.0, True) for index in range(200)], [])
            return 1

    arguments: tuple[Any, ...] = (
        5000,
        [3000.0, Nested(3000.0)],
        6000,
        0,
        [(0, 0, True), (Index(), 0, True)],
        [],
    )
    assert twin.allocate(
        5000, [3000.0, 3000.0], 6000, 0, [(0, 0, True), (1, 0, True)], []
    ) == kernel.allocate(*arguments)


def test_the_largest_problem_fits() -> None:
    want_w = [100.0] * 256
    steps = [(index % 256, 75.0 - index // 256 * 25.0, index % 3 == 0) for index in range(1024)]
    problem = (0.0, want_w, 12_345.0, 0.0, steps, steps)
    assert outcome(twin.allocate, problem) == outcome(kernel.allocate, problem)


def test_a_ladder_made_anew_while_it_is_read_does_no_harm() -> None:
    ladder = kernel.Ladder([(0, 0.0, True)])

    class Meddler:
        def __float__(self) -> float:
            with pytest.raises(TypeError):
                ladder.__init__([(200, 0.0, True), (0, None, True)] * 500)  # type: ignore[misc] - made anew on purpose
            ladder.__init__([(200, 0.0, True)] * 700)  # type: ignore[misc] - made anew on purpose
            return 0.0

    meddler: Any = Meddler()
    up: list[Any] = [(0, meddler, True)]
    with pytest.raises(ValueError, match="a step names an asset that is not there"):
        kernel.allocate(1e6, [7.0], 0, 0, ladder, up)
    with pytest.raises(ValueError, match="a step names an asset that is not there"):
        kernel.allocate_in_place(array("d", [7.0]), meddler, 0, 0, ladder, ladder)
    many: list[Any] = [(0, meddler, True)] * 1000
    with pytest.raises(ValueError, match="the steps have changed"):
        ladder.__init__(many)  # type: ignore[misc] - made anew on purpose
    assert all(asset < ladder.asset_count for asset, _, _ in ladder)


def test_an_array_that_shrinks_while_the_caps_are_read_is_read_as_it_is() -> None:
    setpoint_w = array("d", [7.0] * 200)

    class Meddler:
        def __float__(self) -> float:
            del setpoint_w[1:]
            return 0.0

    meddler: Any = Meddler()
    with pytest.raises(ValueError, match="a step names an asset that is not there"):
        kernel.allocate_in_place(
            setpoint_w, meddler, 0, 0, kernel.Ladder([(199, 0.0, True)]), kernel.Ladder([])
        )
