"""What the allocation promises, on the specification and on the engine in use alike."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import quartier_native
from quartier_native import Allocation
from quartier_native.reference import allocation

Allocate = Callable[..., Allocation]


@pytest.fixture(params=[allocation.allocate, quartier_native.allocate], ids=["reference", "engine"])
def allocate(request: pytest.FixtureRequest) -> Allocate:
    chosen: Allocate = request.param
    return chosen


def test_wishes_that_fit_stay_as_they_are(allocate: Allocate) -> None:
    assert Allocation((3000.0, -1000.0), 7000.0, 0, 0, True) == allocate(
        5000, [3000, -1000], 9000, 0, [(0, 0, True)], [(1, 0, True)]
    )


def test_a_total_exactly_at_a_cap_needs_no_step(allocate: Allocate) -> None:
    assert Allocation((3000.0,), 8000.0, 0, 0, True) == allocate(5000, [3000], 8000, 0, [(0, 0, True)], [])
    assert Allocation((-3000.0,), -2000.0, 0, 0, True) == allocate(1000, [-3000], 0, 2000, [], [(0, 0, True)])


def test_a_divisible_step_goes_only_as_far_as_needed(allocate: Allocate) -> None:
    assert Allocation((1000.0, 2000.0), 8000.0, 1, 0, True) == allocate(
        5000, [3000, 2000], 8000, 0, [(0, 0, True), (1, 0, False)], []
    )


def test_an_indivisible_step_goes_wholly(allocate: Allocate) -> None:
    assert Allocation((3000.0, 0.0), 8000.0, 1, 0, True) == allocate(
        5000, [3000, 2000], 9000, 0, [(1, 0, False)], []
    )


def test_steps_are_taken_in_their_order_and_no_more_than_needed(allocate: Allocate) -> None:
    down = [(2, 1400.0, True), (0, -5000.0, True), (2, 0.0, False), (1, 0.0, False)]
    assert Allocation((-5000.0, 2000.0, 0.0), 2000.0, 3, 0, True) == allocate(
        5000, [3000, 2000, 7000], 3000, 5000, down, []
    )


def test_a_step_that_is_already_passed_does_not_count(allocate: Allocate) -> None:
    assert Allocation((1000.0, 0.0), 6000.0, 2, 0, True) == allocate(
        5000, [1000, 2000], 6000, 0, [(0, 1000, True), (1, 0, False), (0, 0, True)], []
    )


def test_an_indivisible_step_that_breaks_the_other_cap_is_skipped(allocate: Allocate) -> None:
    assert Allocation((-4000.0, 0.0), 0.0, 2, 0, True) == allocate(
        4000, [-4000, 1000], 500, 1000, [(0, -9000, False), (1, 0, False)], []
    )
    assert Allocation((2000.0, 0.0), 1000.0, 0, 2, True) == allocate(
        -1000, [2000, -9000], 1500, 500, [], [(0, 20000, False), (1, 0, False)]
    )


def test_exhausted_steps_say_that_the_cap_is_not_met(allocate: Allocate) -> None:
    assert Allocation((0.0,), 5000.0, 1, 0, False) == allocate(5000, [3000], 4000, 0, [(0, 0, True)], [])
    assert Allocation((0.0,), -5000.0, 0, 1, False) == allocate(-5000, [-300], 0, 4000, [], [(0, 0, True)])
    assert Allocation((), 5000.0, 0, 0, False) == allocate(5000, [], 4000, 0, [], [])


def test_landing_on_a_cap_by_rounding_does_not_take_the_next_step(allocate: Allocate) -> None:
    found = allocate(0.1, [0.2, 5000.0, 1000.0], 0.7, 0, [(1, 0, True), (2, 0, True), (0, 0, False)], [])
    assert (0.2, 2, True) == (found.setpoint_w[0], found.down_count, found.met)


def test_export_is_raised_by_the_mirror_image_of_the_walk(allocate: Allocate) -> None:
    down = allocate(5000, [3000, 2000], 6500, 0, [(0, 1000, True), (1, 0, False)], [])
    up = allocate(-5000, [-3000, -2000], 0, 6500, [], [(0, -1000, True), (1, 0, False)])
    assert [-power for power in down.setpoint_w] == list(up.setpoint_w)
    assert (down.down_count, down.total_w) == (up.up_count, -up.total_w)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((float("nan"), [], 0, 0, [], []), "base_w is not finite"),
        ((0, [float("inf")], 0, 0, [], []), "want_w is not finite"),
        ((0, [], float("-inf"), 0, [], []), "import_max_w is not finite"),
        ((0, [], 0, 2e12, [], []), r"export_max_w is beyond 1e\+12 W"),
        ((0, [], -1, 0, [], []), "the caps exclude each other"),
        ((0, [0.0] * 257, 0, 0, [], []), "more than 256 assets"),
        ((0, [0.0], 0, 0, [], [(0, 0.0, True)] * 1025), "more than 1024 steps"),
        ((0, [0.0], 0, 0, [(1, 0.0, True)], []), "a step names an asset that is not there"),
        ((0, [0.0], 0, 0, [(-1, 0.0, True)], []), "a step names an asset that is not there"),
        ((0, [0.0], 0, 0, [(10**30, 0.0, True)], []), "a step names an asset that is not there"),
        ((0, [0.0], 0, 0, [(0, float("nan"), True)], []), "target_w is not finite"),
        ((0, [0.0], 0, 0, [], [(0, 0.0)]), "a step is"),
    ],
)
def test_what_is_no_power_or_no_step_is_refused(
    allocate: Allocate, arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        allocate(*arguments)


@given(
    st.floats(-1e5, 1e5),
    st.lists(st.floats(-2e4, 2e4), max_size=12),
    st.floats(0, 5e4),
    st.floats(0, 5e4),
    st.data(),
)
def test_no_setpoint_leaves_its_steps_and_met_means_inside(
    base_w: float, want_w: list[float], import_max_w: float, export_max_w: float, data: st.DataObject
) -> None:
    asset = st.integers(0, max(len(want_w) - 1, 0))
    step = st.tuples(asset, st.floats(-2e4, 2e4), st.booleans())
    steps = st.lists(step, max_size=20 if want_w else 0)
    down, up = data.draw(steps), data.draw(steps)
    found = quartier_native.allocate(base_w, want_w, import_max_w, export_max_w, down, up)
    assert found.met == (-export_max_w <= found.total_w <= import_max_w)
    assert found.total_w == pytest.approx(base_w + sum(found.setpoint_w), abs=1e-6)
    for number, (before_w, after_w) in enumerate(zip(want_w, found.setpoint_w, strict=True)):
        lowest_w = min([target_w for index, target_w, _ in down if index == number] + [before_w])
        highest_w = max([target_w for index, target_w, _ in up if index == number] + [before_w])
        assert lowest_w <= after_w <= highest_w
