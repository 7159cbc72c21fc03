import math

from quartier_bench.torture.sample_audit import (
    ABSENT,
    ReceivedSamples,
    SequenceCheck,
    compute_digest,
    compute_quantile,
)


def test_a_repeat_must_be_the_same():
    held = ReceivedSamples()
    held.take("grid", 7, 1, [11, 12])
    held.take("grid", 7, 2, [12, 13])
    assert [] == held.differing

    held.take("grid", 7, 3, [14])
    assert ["grid/7/3"] == held.differing


def test_what_never_came_is_absent():
    held = ReceivedSamples()
    held.take("grid", 7, 3, [5])

    assert [ABSENT, ABSENT, 5, ABSENT] == [held.of("grid", 7, seq) for seq in range(1, 5)]
    assert ABSENT == held.of("pv1", 7, 1)
    assert {("grid", 7): 1} == held.counts


def test_a_digest_tells_value_time_and_quality_apart_but_not_how_a_number_is_written():
    one = compute_digest("power_w", 1000, 3, 192)

    assert one == compute_digest("power_w", 1000, 3.0, 192)
    assert one not in {
        compute_digest("power_w", 1000, 4, 192),
        compute_digest("power_w", 1001, 3, 192),
        compute_digest("power_w", 1000, 3, 500),
        compute_digest("energy_wh", 1000, 3, 192),
        ABSENT,
    }


def test_a_value_that_is_not_good_says_nothing():
    assert compute_digest("power_w", 1000, math.nan, 0) == compute_digest("power_w", 1000, None, 0)


def test_live_and_late_samples_each_keep_their_order_until_births_come_anew():
    order = SequenceCheck()
    order.take("grid", 7, 10, 5, late=False)
    order.take("grid", 7, 1, 9, late=True)
    order.take("grid", 7, 15, 1, late=False)
    assert [] == order.faults

    order.take("grid", 7, 15, 1, late=False)
    assert ["grid/7: 15 after 15 of 7"] == order.faults
    order.begin()
    order.take("grid", 7, 1, 15, late=True)
    assert 1 == len(order.faults)


def test_what_was_lost_on_the_way_goes_again_late_from_the_watermark_and_from_nowhere_else():
    order = SequenceCheck()
    order.acknowledged = {"grid": (7, 4)}
    order.take("grid", 7, 1, 20, late=True)
    order.take("grid", 7, 5, 16, late=True)
    assert [] == order.faults

    order.take("grid", 7, 6, 1, late=True)
    assert ["grid/7: 6 after 20 of 7"] == order.faults


def test_the_middle_of_nothing_is_nothing():
    assert 0.0 == compute_quantile([], 0.5)
    assert 3.0 == compute_quantile([1.0, 3.0, 2.0], 0.99)
