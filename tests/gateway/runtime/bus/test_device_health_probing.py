from types import SimpleNamespace

import pytest

from quartier.runtime.bus import device_health
from quartier.runtime.bus.device_health import DeviceHealth
from quartier_drivers.contract import PointInfo

S = 1_000_000_000
INFOS = {"grid.power_w": PointInfo("grid.power_w", "float", "input:1", 1.0)}


def health(name="m1", *, aside=True, good_s=0, pause_s=5.0, due_s=0, known=True, infos=INFOS):
    driver = SimpleNamespace(points=infos, due_ns=due_s * S)
    return DeviceHealth(name, driver, aside=aside, known=known, since_good_ns=good_s * S, pause_s=pause_s)


def again_s(one, *others, cost_s=1.0, now_s=100):
    return device_health.find_next_probe_ns(one, [one, *others], now_s * S, cost_s) / S - now_s


def test_probes_of_the_silent_take_three_hundredths_of_the_bus_while_a_neighbour_answers():
    well = health("well", aside=False)

    assert pytest.approx(1 / 0.03) == again_s(health(), well)
    assert pytest.approx(2 / 0.03) == again_s(health(), health("m2"), well)
    assert 40.0 == again_s(health(pause_s=40.0), well)


def test_where_nobody_answers_the_pause_does_not_grow_and_nobody_waits_for_long():
    assert 5.0 == again_s(health(pause_s=60.0))
    assert 12.0 == again_s(health(), *[health(f"m{number}") for number in range(11)])


def test_who_was_put_off_for_a_neighbour_is_looked_for_soon_once_that_one_is_silent_too():
    early, last = health("early"), health("last")
    early.probe_ns, last.probe_ns = 400 * S, 100 * S
    changed = device_health.delay_probes(last, [early, last], 100 * S, 1.0)

    assert ([105 * S, 105 * S], 2) == ([early.probe_ns, last.probe_ns], len(changed))


def test_while_a_neighbour_answers_only_the_one_that_failed_is_put_off():
    early, failed, well = health("early"), health("failed"), health("well", aside=False)
    early.probe_ns = 400 * S

    assert [failed] == device_health.delay_probes(failed, [early, failed, well], 100 * S, 1.0)
    assert (400 * S, pytest.approx((100 + 2 / 0.03) * S)) == (early.probe_ns, failed.probe_ns)


def test_what_is_not_due_yet_is_not_asked_for_unless_it_can_only_be_written():
    unread = PointInfo("a.relay_on", "bool", "coil:1", 1.0, writable=True, read_back=False)

    assert 900.0 == again_s(health(due_s=1000))
    assert 5.0 == again_s(health(due_s=1000, infos={"a.relay_on": unread}))


def test_who_fell_silent_together_is_looked_for_when_one_is_back():
    back = health("back", good_s=50)
    same, long_gone, well = (
        health("same", good_s=45),
        health("gone", good_s=30),
        health("well", aside=False, good_s=50),
    )

    assert ["same"] == [
        one.name for one in device_health.probe_common_failures(back, [back, same, long_gone, well], 60 * S)
    ]


def test_when_a_line_is_back_those_are_looked_for_that_answered_until_it_was_lost():
    with_it, long_before, well = (
        health("a", good_s=55),
        health("b", good_s=40),
        health("c", aside=False, good_s=60),
    )
    device_health.probe_after_reopening([with_it, long_before, well], 60 * S, 100 * S)

    assert [100 * S, 0, 0] == [one.probe_ns for one in (with_it, long_before, well)]


def test_their_probes_are_due_at_once_and_only_a_return_wakes():
    back, other = health("back", good_s=50), health("other", good_s=50)
    assert [] == device_health.probe_common_failures(health("well", aside=False, good_s=50), [other], 60 * S)
    device_health.probe_common_failures(back, [back, other], 60 * S)

    assert 60 * S == other.probe_ns


def test_slow_polls_leave_last_answers_further_apart():
    slow = {"grid.power_w": PointInfo("grid.power_w", "float", "input:1", 60.0)}
    back, other = health("back", good_s=100, infos=slow), health("other", good_s=0, infos=slow)

    assert [other] == device_health.probe_common_failures(back, [back, other], 60 * S)


def test_who_is_looked_for_after_a_return_is_looked_for_a_few_times_more_before_it_is_put_off():
    back, other = health("back", good_s=50), health("other", good_s=50, pause_s=40.0)
    device_health.probe_common_failures(back, [back, other], 60 * S, 2)
    back.note_answer(60 * S)
    pauses_s = []
    for _ in range(3):
        device_health.delay_probes(other, [back, other], 60 * S, 1.0)
        pauses_s.append(other.probe_ns / S - 60)

    assert [5.0, 5.0, 40.0] == pauses_s


def test_who_answered_needs_no_hope():
    back, other = health("back", good_s=50), health("other", good_s=50)
    device_health.probe_common_failures(back, [back, other], 60 * S, 2)
    other.note_answer(61 * S)

    assert 0 == other.quick_probes_count
