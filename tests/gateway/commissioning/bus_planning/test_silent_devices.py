import pytest

from quartier.commissioning.bus_planning.silent_devices import observe_bus
from quartier.commissioning.bus_planning.simulated_bus import AssumedAnswers
from quartier.runtime.bus.device_health import PROBE_SHARE


def test_where_all_answer_nothing_is_lost_and_nothing_skipped(wire):
    found = observe_bus(wire(4), AssumedAnswers(), rate=4.1)

    assert (0.0, 0.0, None) == (found.lost_share, found.skipped_per_s, found.aside_s)
    assert 4.0 + 4 / 60 == pytest.approx(found.reads_per_s, rel=0.03)


def test_the_others_wait_for_those_that_were_due_in_the_same_moment(wire):
    late_s = observe_bus(wire(4), AssumedAnswers(), rate=4.1).late_s

    assert 0 < late_s[1.0] < 8 * 0.05


@pytest.mark.parametrize("count", [1, 2])
def test_silent_devices_get_the_share_of_the_bus_that_they_are_allowed(wire, count):
    dead = [f"m{at}" for at in range(1, count + 1)]

    found = observe_bus(wire(6), AssumedAnswers(), dead, rate=6.1)

    assert 0 < found.lost_share <= PROBE_SHARE * 1.25
    assert (6 - count) * (1 + 1 / 60) == pytest.approx(found.reads_per_s, rel=0.05)


def test_a_time_out_holds_the_others_up_once_and_the_silent_one_is_set_aside(wire):
    found = observe_bus(wire(3, timeout_s=2.0, retries_count=1), AssumedAnswers(), ["m3"], rate=3.1)

    # The first time it is asked twice, each time for the whole time-out.
    assert 3.0 < found.late_s[1.0] < 5.0
    assert found.aside_s is not None
    assert 4.0 < found.aside_s < 24.0
