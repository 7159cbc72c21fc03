"""What the allocation over a tree promises, on the specification and on the engine in use alike."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

import quartier_native
from quartier_native import TreeAllocation
from quartier_native.reference import allocation, tree

FAR_W = 1e11
WHOLLY = (1.0, 1.0, 1.0)
THIRDS = (1 / 3, 1 / 3, 1 / 3)
ON_L1 = (1.0, 0.0, 0.0)
THOROUGH = examples(250, deep=5_000)


@pytest.fixture(params=[tree, quartier_native], ids=["reference", "engine"])
def module(request: pytest.FixtureRequest) -> Any:
    return request.param


def caps(nodes: int, **rows: float) -> list[float]:
    """No cap but those named ``n2`` (the total of node 2) or ``n2l1``."""
    found = [FAR_W] * (4 * nodes)
    for name, cap_w in rows.items():
        node, _, phase = name[1:].partition("l")
        found[4 * int(node) + int(phase or 0)] = cap_w
    return found


def decided(
    module: Any,
    under: Sequence[int],
    home: Sequence[int],
    want_w: Sequence[float],
    *,
    share: Sequence[tuple[float, float, float]] = (),
    imports: dict[str, float] | None = None,
    exports: dict[str, float] | None = None,
    high: Sequence[float] = (),
    low: Sequence[float] = (),
    down: Sequence[tuple[int, float, bool, int]] = (),
    up: Sequence[tuple[int, float, bool, int]] = (),
) -> TreeAllocation:
    nodes = len(under)
    zero = [0.0] * (4 * nodes)
    made = module.Tree(under, home, share or [WHOLLY] * len(home))
    found: TreeAllocation = module.allocate_tree(
        made,
        high or zero,
        low or high or zero,
        want_w,
        caps(nodes, **(imports or {})),
        caps(nodes, **(exports or {})),
        down,
        up,
    )
    return found


def test_wishes_that_fit_every_node_stay_as_they_are(module: Any) -> None:
    found = decided(module, [-1, 0], [0, 1], [3000, 2000], imports={"n0": 5000, "n1": 2000})
    assert TreeAllocation((3000.0, 2000.0), (-1, -1), (-1, -1), ()) == found


def test_a_node_takes_only_the_assets_under_it(module: Any) -> None:
    down = [(0, 0, True, -1), (1, 0, True, -1), (2, 0, True, -1)]
    found = decided(
        module, [-1, 0, 1], [0, 1, 2], [3000, 2000, 2000], imports={"n0": 9000, "n1": 3500}, down=down
    )
    assert TreeAllocation((3000.0, 1500.0, 2000.0), (-1, 4, -1), (-1, 1, -1), ()) == found


def test_leaves_come_before_their_feeder_and_phases_before_the_total(module: Any) -> None:
    down = [(0, 0, True, -1), (1, 0, True, -1)]
    found = decided(
        module,
        [-1, 0],
        [1, 1],
        [3000, 3000],
        share=[ON_L1, THIRDS],
        imports={"n0": 2000, "n1": 5000, "n1l1": 3500},
        down=down,
    )
    assert TreeAllocation((0.0, 2000.0), (0, 0), (0, 1), ()) == found


def test_a_phase_takes_only_who_has_a_share_in_it(module: Any) -> None:
    down = [(0, 0, True, -1), (1, 0, True, -1), (2, 0, True, -1)]
    share = [(0.0, 1.0, 0.0), THIRDS, ON_L1]
    found = decided(
        module, [-1], [0, 0, 0], [3000, 3000, 3000], share=share, imports={"n0l1": 3500}, down=down
    )
    assert (3000.0, 3000.0) == (found.setpoint_w[0], found.setpoint_w[2])
    assert pytest.approx(1500.0) == found.setpoint_w[1]
    assert ((-1, 1, -1), (-1, 1, -1), ()) == found[1:]


def test_an_asset_of_unknown_phase_counts_wholly_on_each(module: Any) -> None:
    down = [(0, 0, True, -1)]
    found = decided(module, [-1], [0], [3000], imports={"n0l3": 1000}, down=down)
    assert TreeAllocation((1000.0,), (3,), (0,), ()) == found


def test_a_pool_moves_together_each_in_proportion_to_its_way(module: Any) -> None:
    down = [(0, 1000, True, 7), (1, 1000, True, 7), (2, 1000, True, 7)]
    found = decided(module, [-1], [0, 0, 0], [5000, 3000, 500], imports={"n0": 5500}, down=down)
    assert TreeAllocation((3000.0, 2000.0, 500.0), (0, 0, -1), (0, 1, -1), ()) == found


def test_steps_without_a_pool_and_of_another_pool_come_after(module: Any) -> None:
    down = [(0, 0, True, -1), (1, 0, True, 0), (2, 0, True, 1)]
    found = decided(module, [-1], [0, 0, 0], [1000, 1000, 1000], imports={"n0": 1500}, down=down)
    assert (0.0, 500.0, 1000.0) == found.setpoint_w


def test_a_second_step_of_an_asset_is_not_taken_with_the_first(module: Any) -> None:
    down = [(0, 1000, True, 0), (0, 0, True, 0), (1, 0, True, 0)]
    found = decided(module, [-1], [0, 0], [2000, 1000], imports={"n0": 1000}, down=down)
    assert ((500.0, 500.0), (1, 2)) == (found.setpoint_w, found.step)


def test_an_indivisible_step_that_breaks_the_export_cap_of_a_node_on_its_way_is_skipped(module: Any) -> None:
    down = [(1, 0, False, -1), (0, 0, False, -1)]
    rest = [0.0] * 4 + [-2000.0, 0.0, 0.0, 0.0]
    found = decided(
        module,
        [-1, 0],
        [0, 1],
        [3000, 1500],
        high=rest,
        imports={"n0": 2000},
        exports={"n1": 1000},
        down=down,
    )
    assert TreeAllocation((0.0, 1500.0), (0, -1), (1, -1), ()) == found


def test_a_divisible_step_ends_where_an_export_cap_on_its_way_would_break(module: Any) -> None:
    down = [(1, 0, True, -1), (0, 0, True, -1)]
    rest = [0.0] * 4 + [-2000.0, 0.0, 0.0, 0.0]
    found = decided(
        module,
        [-1, 0],
        [0, 1],
        [3000, 1500],
        high=rest,
        imports={"n0": 1500},
        exports={"n1": 1000},
        down=down,
    )
    assert TreeAllocation((500.0, 1000.0), (0, 0), (1, 0), ()) == found


def test_others_of_a_pool_go_on_where_one_is_held_by_an_export_cap(module: Any) -> None:
    down = [(0, 0, True, 0), (1, 0, True, 0)]
    rest = [0.0] * 4 + [-2000.0, 0.0, 0.0, 0.0]
    found = decided(
        module,
        [-1, 0],
        [0, 1],
        [3000, 1500],
        high=rest,
        imports={"n0": 2000},
        exports={"n1": 1000},
        down=down,
    )
    assert TreeAllocation((1000.0, 1000.0), (0, 0), (0, 1), ()) == found


def test_a_cap_that_was_broken_before_holds_no_step_back(module: Any) -> None:
    down = [(1, 0, True, -1)]
    rest = [0.0] * 4 + [-4000.0, 0.0, 0.0, 0.0]
    found = decided(
        module,
        [-1, 0],
        [0, 1],
        [5000, 1500],
        high=rest,
        imports={"n0": 2000},
        exports={"n1": 1000},
        down=down,
    )
    assert ((5000.0, 0.0), (0, 4)) == (found.setpoint_w, found.broken)


def test_imports_are_held_against_the_most_and_exports_against_the_least(module: Any) -> None:
    down, up = [(0, -9000, True, -1)], [(0, 9000, True, -1)]
    high, low = [3000.0, 0.0, 0.0, 0.0], [-3000.0, 0.0, 0.0, 0.0]
    imported = decided(module, [-1], [0], [4000], high=high, low=low, imports={"n0": 5000}, down=down, up=up)
    exported = decided(module, [-1], [0], [-4000], high=high, low=low, exports={"n0": 5000}, down=down, up=up)
    assert ((2000.0,), (-2000.0,)) == (imported.setpoint_w, exported.setpoint_w)
    assert ((0,), (1,)) == (imported.step, exported.step)


def test_a_cap_that_no_step_can_keep_is_named(module: Any) -> None:
    found = decided(
        module, [-1, 0], [1], [4000], imports={"n0": 3000, "n1l2": 100}, down=[(0, 1000, True, -1)]
    )
    assert TreeAllocation((1000.0,), (6,), (0,), (6,)) == found


def test_rounding_sheds_nobody(module: Any) -> None:
    """Feeder and node hold the same: where the node has landed on its cap the feeder has too."""
    wants = [0.1 + index / 3 for index in range(9)] + [700.0]
    down = [(index, 0, True, 0) for index in range(9)] + [(9, 0, False, -1)]
    found = decided(
        module,
        [-1, 0, 1],
        [2] * 10,
        wants,
        share=[THIRDS] * 10,
        imports={"n0": 705, "n1": 705, "n2": 705},
        down=down,
    )
    assert (700.0, ()) == (found.setpoint_w[9], found.broken)


@pytest.mark.parametrize(
    ("under", "home", "share", "words"),
    [
        ([], [], [], "from 1 to 64 nodes"),
        ([-1] + [0] * 64, [], [], "from 1 to 64 nodes"),
        ([0], [], [], "does not come before it"),
        ([-1, 1], [], [], "does not come before it"),
        ([-1, -1], [], [], "does not come before it"),
        ([-1], [0] * 257, [WHOLLY] * 257, "more than 256 assets"),
        ([-1], [0], [], "as many shares as assets"),
        ([-1], [1], [WHOLLY], "a node that is not there"),
        ([-1], [-1], [WHOLLY], "a node that is not there"),
        ([-1], [0], [(1.0, 1.0)], "one part for each of three phases"),
        ([-1], [0], [(1.0, 1.1, 0.0)], "a share is outside 0..1"),
        ([-1], [0], [(1.0, -0.1, 0.0)], "a share is outside 0..1"),
        ([-1], [0], [(1.0, float("nan"), 0.0)], "share is not finite"),
    ],
)
def test_a_tree_that_is_none_is_refused(
    module: Any, under: list[int], home: list[int], share: list[Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        module.Tree(under, home, share)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"want_w": [1.0, 2.0]}, "as many wishes as assets"),
        ({"high_w": [0.0] * 3}, "four numbers per node"),
        ({"low_w": [0.0] * 8}, "four numbers per node"),
        ({"low_w": [0.0, 0.0, 0.0, float("inf")]}, "low_w is not finite"),
        ({"want_w": [1.0000001e12]}, "want_w is beyond 1e"),
        ({"import_max_w": [1.0, -2.0, 1.0, 1.0]}, "the caps exclude each other"),
        ({"down": [(1, 0.0, True, -1)]}, "an asset that is not there"),
        ({"up": [(0, float("nan"), True, -1)]}, "target_w is not finite"),
        ({"up": [(0, 0.0, True)]}, "a step is"),
        ({"down": [(0, 0.0, True, -2)]}, "a pool is"),
        ({"down": [(0, 0.0, True, 1024)]}, "a pool is"),
        ({"down": [(0, 0.0, True, -1)] * 1025}, "more than 1024 steps"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_decided(module: Any, change: dict[str, Any], words: str) -> None:
    problem: dict[str, Any] = {
        "high_w": [0.0] * 4,
        "low_w": [0.0] * 4,
        "want_w": [1.0],
        "import_max_w": [1.0] * 4,
        "export_max_w": [1.0] * 4,
        "down": [],
        "up": [],
    }
    made = module.Tree([-1], [0], [WHOLLY])
    module.allocate_tree(made, *problem.values())
    with pytest.raises(ValueError, match=words):
        module.allocate_tree(made, *(problem | change).values())


POWERS_W = st.one_of(
    st.floats(-2e4, 2e4),
    st.integers(-20, 20).map(lambda number: number * 500.0),
    st.sampled_from([0.0, -1e11, 1e11, 0.1, 1e-9]),
)
CAPS_W = st.one_of(st.floats(0, 5e4), st.integers(-3, 20).map(lambda number: number * 500.0))
PARTS = st.one_of(st.sampled_from([0.0, 1 / 3, 1.0]), st.floats(0, 1))


@st.composite
def one_node(draw: st.DrawFn) -> tuple[Any, ...]:
    want_w = draw(st.lists(POWERS_W, max_size=12))
    step = st.tuples(st.integers(0, max(len(want_w) - 1, 0)), POWERS_W, st.booleans())
    steps = st.lists(step, max_size=20 if want_w else 0)
    shares = draw(st.lists(st.tuples(PARTS, PARTS, PARTS), min_size=len(want_w), max_size=len(want_w)))
    return draw(POWERS_W), want_w, shares, draw(CAPS_W), draw(CAPS_W), draw(steps), draw(steps)


@pytest.mark.parametrize("allocate_tree", [tree, quartier_native], ids=["reference", "engine"])
@THOROUGH
@given(one_node())
def test_one_node_with_total_caps_decides_as_allocate_does(
    allocate_tree: Any, problem: tuple[Any, ...]
) -> None:
    base_w, want_w, share, import_w, export_w, down, up = problem
    try:
        wanted = allocation.allocate(base_w, want_w, import_w, export_w, down, up)
    except ValueError as error:
        wanted_error = str(error)
    else:
        wanted_error = ""
    made = allocate_tree.Tree([-1], [0] * len(want_w), share)
    rest = [base_w, 0.0, 0.0, 0.0]
    arguments = (
        made,
        rest,
        rest,
        want_w,
        [import_w] + [1e12] * 3,
        [export_w] + [1e12] * 3,
        [(*step, -1) for step in down],
        [(*step, -1) for step in up],
    )
    if wanted_error:
        with pytest.raises(ValueError, match=wanted_error):
            allocate_tree.allocate_tree(*arguments)
        return
    found = allocate_tree.allocate_tree(*arguments)
    assert (wanted.setpoint_w, wanted.met) == (found.setpoint_w, not found.broken)
    taken = max((step for step in found.step if step >= 0), default=-1)
    if wanted.down_count:
        assert all(row in {-1, 0} for row in found.cap_row)
        assert taken < wanted.down_count
    elif wanted.up_count:
        assert -1 <= taken < len(down) + wanted.up_count
