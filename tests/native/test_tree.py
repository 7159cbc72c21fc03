"""The compiled allocation over a tree and its twin agree to the last bit, also in what they refuse."""

import random
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier_native import tree as kernel
from quartier_native.reference import tree as twin

THOROUGH = examples(250, deep=5_000)
POWERS_W = st.one_of(
    st.floats(-2e4, 2e4),
    st.integers(-20, 20).map(lambda number: number * 500.0),
    st.sampled_from([0.0, -0.0, 5e-324, -1e12, 1e12, 0.1, 1e-9]),
)
CAPS_W = st.one_of(st.floats(0, 3e4), st.integers(0, 20).map(lambda number: number * 500.0), st.just(1e11))
PARTS = st.one_of(st.sampled_from([0.0, 1 / 3, 1.0, 5e-324]), st.floats(0, 1))
WILD = st.one_of(
    POWERS_W,
    st.floats(),
    st.sampled_from([None, "5", 10**400, Fraction(1, 3), True, 1j, b"5", 1.0000001e12]),
)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Any, ...]:
    """A tree of up to six nodes, and wishes, caps and steps for it."""
    nodes = draw(st.integers(1, 6))
    under = [-1] + [draw(st.integers(0, node - 1)) for node in range(1, nodes)]
    home = draw(st.lists(st.integers(0, nodes - 1), max_size=12))
    share = [draw(st.tuples(PARTS, PARTS, PARTS)) for _ in home]
    rows = 4 * nodes

    def by_row(numbers: st.SearchStrategy[float]) -> list[float]:
        return draw(st.lists(numbers, min_size=rows, max_size=rows))

    high_w = by_row(POWERS_W)
    low_w = draw(st.one_of(st.just(high_w), st.lists(POWERS_W, min_size=rows, max_size=rows)))
    want_w = [draw(POWERS_W) for _ in home]
    step = st.tuples(
        st.integers(0, max(len(home) - 1, 0)), POWERS_W, st.booleans(), st.sampled_from([-1, -1, 0, 1])
    )
    steps = st.lists(step, max_size=24 if home else 0)
    return (under, home, share), (
        high_w,
        low_w,
        want_w,
        by_row(CAPS_W),
        by_row(CAPS_W),
        draw(steps),
        draw(steps),
    )


def outcome(module: Any, problem: Sequence[Any]) -> object:
    """The result bit by bit, or the kind of the error, with its text where it is our own."""
    shape, arguments = problem
    try:
        found = module.allocate_tree(module.Tree(*shape), *arguments)
    except ValueError as error:
        return "ValueError", str(error)
    except (TypeError, OverflowError) as error:
        return type(error).__name__
    bits = struct.pack(f"<{len(found.setpoint_w)}d", *found.setpoint_w)
    return type(found), tuple(map(type, found)), bits, found[1:]


@THOROUGH
@given(problems())
def test_kernel_and_twin_agree_to_the_last_bit(problem: tuple[Any, ...]) -> None:
    assert outcome(twin, problem) == outcome(kernel, problem)


def plant(seed: int, *, nodes: int, assets: int, steps: int) -> tuple[Any, ...]:
    """A building whose feeders, phases and caps are such as buildings have, everything near its caps."""
    source = random.Random(seed)
    under = [-1] + [source.randrange(max(0, node - 6), node) for node in range(1, nodes)]
    home = [source.randrange(nodes) for _ in range(assets)]
    kinds = [(1 / 3, 1 / 3, 1 / 3), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 1.0, 1.0)]
    share = [source.choice(kinds) for _ in range(assets)]
    want_w = [source.choice([source.uniform(-11_000, 11_000), 3680.0, 11_040.0]) for _ in range(assets)]
    rest = [source.uniform(-3000, 9000) for _ in range(4 * nodes)]
    spread = source.choice([0.0, 200.0])
    import_w = [source.choice([1e11, source.uniform(0, 9e4 / (1 + row // 8))]) for row in range(4 * nodes)]
    export_w = [source.choice([1e11, source.uniform(0, 5e4 / (1 + row // 8))]) for row in range(4 * nodes)]

    def walk(lowest: float, highest: float) -> list[tuple[int, float, bool, int]]:
        return [
            (
                source.randrange(assets),
                source.choice([0.0, 1380.0, source.uniform(lowest, highest)]),
                source.random() < 0.7,
                (place // 5) % 9 if source.random() < 0.8 else -1,
            )
            for place in range(steps)
        ]

    return (under, home, share), (
        rest,
        [watts - spread for watts in rest],
        want_w,
        import_w,
        export_w,
        walk(-11_000, 4000),
        walk(-4000, 11_000),
    )


def test_whole_buildings_are_decided_alike() -> None:
    for seed in range(60):
        problem = plant(seed, nodes=1 + seed % 24, assets=40, steps=120)
        assert outcome(twin, problem) == outcome(kernel, problem), seed


@pytest.mark.parametrize("seed", range(2))
def test_the_largest_building_fits(seed: int) -> None:
    problem = plant(seed, nodes=64, assets=256, steps=1024)
    assert outcome(twin, problem) == outcome(kernel, problem)


def test_no_step_breaks_a_cap_that_held() -> None:
    """What holds with the wishes holds at the end, and what is named as broken is all that does not."""
    for seed in range(200):
        problem = plant(seed, nodes=8, assets=20, steps=60)
        before = kernel.allocate_tree(kernel.Tree(*problem[0]), *problem[1][:5], [], [])
        after = kernel.allocate_tree(kernel.Tree(*problem[0]), *problem[1])
        assert set(after.broken) <= set(before.broken), seed


def test_rows_that_are_not_named_as_broken_hold_by_a_sum_of_their_own() -> None:
    """The walk keeps running totals; here each row is added up anew from the setpoints."""
    for seed in range(200):
        (under, home, share), arguments = plant(seed, nodes=8, assets=20, steps=60)
        high_w, low_w, want_w, import_w, export_w, down, up = arguments
        found = kernel.allocate_tree(kernel.Tree(under, home, share), *arguments)
        sums_w = [0.0] * len(high_w)
        for node, parts, watts in zip(home, share, found.setpoint_w, strict=True):
            at = node
            while at >= 0:
                for phase, part in enumerate((1.0, *parts)):
                    sums_w[4 * at + phase] += watts * part
                at = under[at]
        holds = {
            row
            for row, sum_w in enumerate(sums_w)
            if high_w[row] + sum_w <= import_w[row] + 1e-5 and low_w[row] + sum_w >= -export_w[row] - 1e-5
        }
        assert set(range(len(sums_w))) - set(found.broken) == holds, seed
        steps = [*down, *up]
        for asset, (want, watts, step) in enumerate(zip(want_w, found.setpoint_w, found.step, strict=True)):
            assert (want == watts) or steps[step][0] == asset, seed


@st.composite
def nonsense(draw: st.DrawFn) -> tuple[Any, ...]:
    step = st.one_of(
        st.tuples(
            st.one_of(st.integers(-2, 3), WILD), WILD, st.one_of(st.booleans(), WILD), st.integers(-3, 3)
        ),
        st.lists(WILD, max_size=5).map(tuple),
        st.lists(POWERS_W, max_size=4),
        WILD,
    )
    steps = st.one_of(st.lists(step, max_size=3), WILD)
    numbers = st.one_of(st.just([0.0] * 4), st.lists(WILD, min_size=4, max_size=4), WILD)
    wishes = st.one_of(st.just([0.0] * 2), st.lists(WILD, min_size=1, max_size=2))
    return ([-1], [0, 0], [(1.0, 1.0, 1.0)] * 2), (
        draw(numbers),
        draw(numbers),
        draw(wishes),
        draw(numbers),
        draw(numbers),
        draw(steps),
        draw(steps),
    )


@THOROUGH
@given(nonsense())
def test_kernel_and_twin_refuse_the_same(problem: tuple[Any, ...]) -> None:
    assert outcome(twin, problem) == outcome(kernel, problem)


@st.composite
def wild_trees(draw: st.DrawFn) -> tuple[Any, ...]:
    numbers = st.one_of(st.integers(-2, 3), st.sampled_from([10**30, -(10**30), None, 1.0, True]))
    under = st.one_of(st.just([-1, 0]), st.lists(numbers, max_size=4), WILD)
    home = st.one_of(st.lists(st.integers(0, 1), min_size=2, max_size=2), st.lists(numbers, max_size=3))
    part = st.one_of(st.floats(0, 1), st.sampled_from([True, -0.0, 1.5, float("nan"), None, 10**400]))
    parts = st.one_of(st.tuples(part, part, part), st.lists(part, max_size=4), WILD)
    return draw(under), draw(home), draw(st.one_of(st.just([(1, 0, 0)] * 2), st.lists(parts, max_size=3)))


@THOROUGH
@given(wild_trees())
def test_kernel_and_twin_refuse_the_same_trees(shape: tuple[Any, ...]) -> None:
    said: list[object] = []
    for module in (twin, kernel):
        try:
            made: Any = module.Tree(*shape)
            said.append((made.node_count, made.asset_count))
        except ValueError as error:
            said.append(str(error))
        except (TypeError, OverflowError) as error:
            said.append(type(error))
    assert said[0] == said[1]


def test_a_number_that_calls_the_kernel_itself_does_no_harm() -> None:
    made = kernel.Tree([-1], [0, 0], [(1.0, 1.0, 1.0)] * 2)
    rest, caps = [0.0] * 4, [5000.0] * 4

    class Nested:
        def __float__(self) -> float:
            kernel.allocate_tree(made, [1e6] * 4, rest, [7.0, 7.0], caps, caps, [(1, 0.0, True, -1)], [])
            return 3000.0

    nested: Any = Nested()
    down = [(0, 0.0, True, -1)]
    found = kernel.allocate_tree(made, rest, rest, [4000.0, nested], caps, caps, down, [])
    assert (2000.0, 3000.0) == found.setpoint_w


def test_lists_that_change_while_they_are_read_do_no_harm() -> None:
    made = kernel.Tree([-1], [0], [(1.0, 1.0, 1.0)])
    rest, caps = [0.0] * 4, [5000.0] * 4

    class Meddler:
        def __float__(self) -> float:
            with pytest.raises(TypeError):
                made.__init__([-1, 0], [0] * 9, [(1.0, 1.0, 1.0)] * 9)  # type: ignore[misc] - made anew on purpose
            wishes.extend([1.0] * 300)
            steps.extend([(0, 0.0, True, -1)] * 2000)
            return 0.0

    meddler: Any = Meddler()
    wishes: list[float] = [meddler]
    steps: list[tuple[int, float, bool, int]] = []
    with pytest.raises(ValueError, match="the numbers have changed"):
        kernel.allocate_tree(made, rest, rest, wishes, caps, caps, [], [])
    steps = [(0, meddler, True, -1)]
    with pytest.raises(ValueError, match="the steps have changed"):
        kernel.allocate_tree(made, rest, rest, [0.0], caps, caps, steps, [])
