"""The planner covers what is wanted with the fewest requests that the device allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.modbus.request_plan import (
    RequestBlock,
    WantedRegisters,
    find_length_max,
    plan_blocks,
    split_block,
)

TABLES = ("coil", "discrete", "input", "holding")


def want(
    start: int, width: int = 1, period_s: float = 1.0, table: str = "holding", unit: int = 1
) -> WantedRegisters:
    return WantedRegisters(unit, table, start, width, period_s, (f"{unit}/{table}:{start}+{width}",))


wants = st.lists(
    st.builds(
        want,
        st.integers(0, 200),
        st.sampled_from([1, 1, 2, 2, 4]),
        st.sampled_from([1.0, 5.0, 60.0]),
        st.sampled_from(TABLES),
        st.sampled_from([1, 2]),
    ),
    max_size=40,
)


COSTS = st.sampled_from([0.0, 12.0, 40.0, 125.0])


@given(wants, st.integers(4, 125), st.integers(0, 20), COSTS)
def test_every_want_is_covered_by_exactly_one_block_of_its_table_and_unit(
    wanted: list[WantedRegisters], block_max: int, gap_max: int, cost: float
) -> None:
    blocks = plan_blocks(wanted, block_max=block_max, gap_max=gap_max, request_cost=cost)

    held = [one for block in blocks for one in block.wants]
    assert sorted(map(repr, wanted)) == sorted(map(repr, held))
    for block in blocks:
        for one in block.wants:
            assert (block.unit, block.table) == (one.unit, one.table)
            assert block.start <= one.start
            assert one.end <= block.end
            assert block.period_s <= one.period_s


@given(wants, st.integers(4, 125), st.integers(0, 20), COSTS)
def test_no_block_is_longer_or_bridges_more_than_the_device_allows(
    wanted: list[WantedRegisters], block_max: int, gap_max: int, cost: float
) -> None:
    for block in plan_blocks(wanted, block_max=block_max, gap_max=gap_max, request_cost=cost):
        assert block.count <= find_length_max(block.table, block_max)
        assert widest_gap(block) <= gap_max
        assert block.start == min(one.start for one in block.wants)
        assert block.end == max(one.end for one in block.wants)


def widest_gap(block: RequestBlock) -> int:
    covered = {at for one in block.wants for at in range(one.start, one.end)}
    widest = gap = 0
    for at in range(block.start, block.end):
        gap = 0 if at in covered else gap + 1
        widest = max(widest, gap)
    return widest


@given(
    st.lists(st.builds(want, st.integers(0, 14), st.sampled_from([1, 2])), min_size=1, max_size=7),
    st.integers(2, 6),
    st.integers(0, 3),
)
def test_no_plan_of_one_class_has_fewer_blocks(
    wanted: list[WantedRegisters], block_max: int, gap_max: int
) -> None:
    assert fewest(wanted, block_max, gap_max) == len(
        plan_blocks(wanted, block_max=block_max, gap_max=gap_max)
    )


def fewest(wanted: list[WantedRegisters], block_max: int, gap_max: int) -> int:
    """Fewest allowed runs of the ordered wants, over every way to cut them."""
    ordered = sorted(wanted, key=lambda one: (one.start, one.end))
    best = [0] + [len(ordered)] * len(ordered)
    for end in range(1, len(ordered) + 1):
        for start in range(end):
            if allowed(ordered[start:end], block_max, gap_max):
                best[end] = min(best[end], best[start] + 1)
    return best[-1]


def allowed(run: list[WantedRegisters], block_max: int, gap_max: int) -> bool:
    end = max(one.end for one in run)
    block = RequestBlock(1, "holding", run[0].start, end - run[0].start, 1.0, tuple(run))
    return block.count <= block_max and widest_gap(block) <= gap_max


def test_twenty_points_side_by_side_are_one_request() -> None:
    (block,) = plan_blocks([want(2 * at, 2) for at in range(20)])

    assert (0, 40) == (block.start, block.count)


def test_two_hundred_points_in_ten_devices_take_at_most_a_fifteenth_of_one_request_per_point() -> None:
    # Ten meters with twenty values each, spread like an SDM630's: a run of 16 and four further away.
    starts = [*range(0, 32, 2), 52, 70, 72, 74]
    blocks = [
        block
        for unit in range(1, 11)
        for block in plan_blocks([want(at, 2, unit=unit) for at in starts], block_max=80, gap_max=20)
    ]

    assert len(blocks) <= 200 / 15


def test_a_gap_wider_than_allowed_is_not_read() -> None:
    assert 1 == len(plan_blocks([want(0), want(5)], gap_max=4))
    assert 2 == len(plan_blocks([want(0), want(6)], gap_max=4))


def test_a_slower_point_inside_a_faster_block_rides_along() -> None:
    (block,) = plan_blocks([want(0), want(2), want(1, period_s=60.0)], gap_max=1)

    assert 1.0 == block.period_s
    assert 3 == len(block.wants)


def test_a_faster_point_never_waits_for_a_slower_block() -> None:
    blocks = plan_blocks([want(0, 4, period_s=60.0), want(1, 1, period_s=1.0)])

    assert [(1.0, 1), (60.0, 4)] == [(block.period_s, block.count) for block in blocks]


def test_a_slower_point_between_faster_ones_is_bridged_where_a_request_is_dearer() -> None:
    wanted = [want(0), want(1, 8, period_s=5.0), want(9)]

    assert 3 == len(plan_blocks(wanted))
    assert [(0, 10, 1.0)] == [
        (one.start, one.count, one.period_s) for one in plan_blocks(wanted, request_cost=12.0)
    ]


def test_a_slower_run_beside_a_faster_block_joins_it_where_a_request_is_dearer() -> None:
    near = [want(0, 8), want(8, 2, period_s=5.0), want(12, 1, period_s=60.0)]

    assert [(0, 10, 1.0), (12, 1, 60.0)] == [
        (one.start, one.count, one.period_s) for one in plan_blocks(near, gap_max=2, request_cost=12.0)
    ]
    assert 1 == len(plan_blocks([want(0, 8), want(8, 20, period_s=5.0)], request_cost=100.0))
    assert 2 == len(plan_blocks([want(0, 8), want(8, 20, period_s=5.0)], request_cost=12.0))


def test_coils_come_sixteen_to_the_register_and_never_more_than_the_protocol_reads() -> None:
    assert 1280 == find_length_max("coil", 80)
    assert 2000 == find_length_max("discrete", 125)
    assert 125 == find_length_max("input", 125)


def test_a_point_wider_than_a_block_is_an_error_of_the_profile() -> None:
    with pytest.raises(ValueError, match="holding:0 takes 4"):
        plan_blocks([want(0, 4)], block_max=2)


def test_a_refused_block_is_split_at_its_widest_gap() -> None:
    (block,) = plan_blocks([want(0), want(1), want(9), want(10)], gap_max=8)

    assert [(0, 2), (9, 2)] == [(half.start, half.count) for half in split_block(block)]


def test_a_refused_block_without_a_seam_stays_whole() -> None:
    (block,) = plan_blocks([want(0, 4), want(1, 1), want(2, 1)])

    assert [block] == split_block(block)


@given(wants, st.integers(0, 20))
def test_splitting_to_the_end_loses_no_want(wanted: list[WantedRegisters], gap_max: int) -> None:
    todo = plan_blocks(wanted, gap_max=gap_max)
    held = []
    while todo:
        block = todo.pop()
        halves = split_block(block)
        if len(halves) == 1:
            held += halves[0].wants
        todo += halves if len(halves) > 1 else []

    assert sorted(map(repr, wanted)) == sorted(map(repr, held))
