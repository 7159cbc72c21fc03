from hypothesis import given
from hypothesis import strategies as st

from quartier_district.gateway_session import SampleLedger, SequenceRanges


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=30))
def test_ranges_are_the_set_of_their_numbers(spans):
    ranges, held = SequenceRanges(), set()
    for first, count in spans:
        new = set(range(first, first + count)) - held
        assert len(new) == ranges.add(first, count)
        held |= new

    assert len(held) == len(ranges)
    assert held == {n for start, end in ranges.spans for n in range(start, end + 1)}
    if held:
        missing = set(range(min(held), max(held))) - held
        assert missing == {n for start, end in ranges.holes for n in range(start, end + 1)}


def test_a_sample_counts_once_by_its_key():
    ledger = SampleLedger()
    assert 5 == ledger.take("grid", 7, 1, 5)
    assert 2 == ledger.take("grid", 7, 4, 4)
    assert 3 == ledger.take("pv1", 7, 1, 3)

    assert (10, 2) == (ledger.samples_count, ledger.repeats_count)


def test_the_watermark_waits_for_holes():
    ledger = SampleLedger()
    ledger.take("grid", 7, 1, 3)
    ledger.take("grid", 7, 9, 2)
    assert {"grid": (7, 3)} == ledger.watermark
    assert {"grid/7": [(4, 8)]} == ledger.holes

    ledger.take("grid", 7, 4, 5)
    assert {"grid": (7, 10)} == ledger.watermark
    assert {} == ledger.holes


def test_a_beginning_that_is_missing_is_a_hole_and_no_mark():
    ledger = SampleLedger()
    ledger.take("grid", 7, 5, 2)

    assert {} == ledger.watermark
    assert {"grid/7": [(1, 4)]} == ledger.holes


def test_the_mark_moves_to_a_newer_boot_only_when_the_older_one_is_settled():
    ledger = SampleLedger()
    ledger.take("grid", 7, 1, 3)
    ledger.take("grid", 8, 1, 5)
    assert {"grid": (7, 3)} == ledger.watermark

    ledger.finish_older_boots("grid", 8)
    assert {"grid": (8, 5)} == ledger.watermark


def test_declared_losses_close_a_hole_without_counting_as_samples():
    ledger = SampleLedger()
    ledger.take("grid", 7, 1, 1)
    ledger.take("grid", 7, 4, 1)
    ledger.accept_loss("grid", 7, 2, 3)

    assert (2, {}) == (ledger.samples_count, ledger.holes)
