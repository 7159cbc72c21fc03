import pytest

from quartier.site.samples import Sample
from quartier_bench.torture import sample_audit
from quartier_bench.torture.sample_audit import ReceivedSamples, compute_digest
from quartier_drivers.readings import Quality


def sample(seq, value=5.0, at_ms=1_000, metric="power_w", quality=Quality.GOOD):
    return Sample("grid", 7, seq, metric, at_ms, value, quality)


@pytest.fixture
def held():
    found = ReceivedSamples()
    found.take("grid", 7, 1, [compute_digest("power_w", 1_000, 5.0, 192)])
    return found


def test_what_arrived_as_it_was_kept_is_no_fault(held):
    found = sample_audit.compare_history([sample(1)], held, 2_000)

    assert ([], 1, {"grid": {5}}) == (found.faults, found.samples_count, found.numbers)


def test_what_did_not_arrive_is_named_by_its_key(held):
    assert ["grid/7: 2..3 did not arrive"] == sample_audit.compare_history(
        [sample(1), sample(2), sample(3)], held, 2_000
    ).faults


def test_what_was_sampled_after_the_moment_may_be_on_its_way(held):
    assert [] == sample_audit.compare_history([sample(1), sample(2, at_ms=2_001)], held, 2_000).faults


def test_what_arrived_unlike_it_was_kept_is_a_fault(held):
    assert ["grid/7/1: not what the history holds"] == sample_audit.compare_history(
        [sample(1, 6.0)], held, 2_000
    ).faults
    assert ["grid/7/1: not what the history holds"] == sample_audit.compare_history(
        [sample(1, quality=Quality.STALE)], held, 2_000
    ).faults


def test_a_hole_in_the_history_itself_is_a_fault():
    held = ReceivedSamples()
    held.take("grid", 7, 1, [compute_digest("power_w", 1_000, 5.0, 192)] * 4)

    assert ["grid/7: the history has 4 after 1"] == sample_audit.compare_history(
        [sample(1), sample(4)], held, 2_000
    ).faults


def test_answers_are_held_against_what_the_meter_served():
    assert [2, 4] == sample_audit.list_unstored(4, {1, 3})
    assert [0, 5] == sample_audit.list_unserved(4, {0, 1, 5})


def test_stamps_that_go_back_are_counted_but_not_those_of_the_gateway_itself(held):
    own = Sample("node", 7, 1, "gateway.x_w", 5_000, 1.0), Sample("node", 7, 2, "gateway.x_w", 4_000, 1.0)
    found = sample_audit.compare_history([sample(1), sample(2, at_ms=900), *own], held, 0)

    assert 1 == found.backward_stamps_count
