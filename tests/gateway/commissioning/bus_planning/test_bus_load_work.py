import pytest

from quartier.commissioning.bus_planning.bus_load import (
    PollTask,
    find_bus_load,
    find_cycle_s,
    find_overloaded_devices,
    find_utilisation,
)

FAST = [PollTask(f"m{at}", 1.0, 0.1) for at in range(3)]
SLOW = [PollTask("m0", 60.0, 3.0)]


def test_a_class_has_what_it_and_the_faster_ones_leave_of_its_period():
    told = find_bus_load([*FAST, *SLOW])

    assert [(1.0, 3), (60.0, 1)] == [(one.period_s, one.requests_count) for one in told.classes]
    assert [0.7, 39.0] == pytest.approx([one.slack_s for one in told.classes])
    assert [30.0, 5.0] == pytest.approx([one.use_pct for one in told.classes])
    assert 35.0 == pytest.approx(told.use_pct)
    assert told.short is None


def test_everything_once_takes_the_sum_of_all_or_longer_where_one_device_wants_its_rests():
    assert 3.3 == pytest.approx(find_cycle_s([*FAST, *SLOW]))
    assert 4.8 == pytest.approx(find_cycle_s([*FAST, *[PollTask("m9", 1.0, 0.1, 0.7)] * 6]))


def test_the_fastest_class_that_cannot_have_its_time_is_named():
    told = find_bus_load([*FAST, *[PollTask("m4", 5.0, 0.9)] * 5])

    assert told.short is not None
    assert 5.0 == told.short.period_s
    assert 120.0 == pytest.approx(told.use_pct)


def test_a_device_whose_rests_do_not_fit_is_weary_though_the_bus_is_not():
    tasks = [PollTask("m1", 1.0, 0.05, 0.5), PollTask("m1", 1.0, 0.05, 0.5), PollTask("m2", 1.0, 0.05)]

    assert find_utilisation(tasks) < 0.2
    assert {"m1": 1.1} == pytest.approx(find_overloaded_devices(tasks))


def test_a_bus_without_anything_to_do_is_not_used():
    assert (0.0, 0.0, ()) == (find_bus_load([]).cycle_s, find_bus_load([]).use_pct, find_bus_load([]).classes)


def test_pauses_of_a_device_count_as_its_time_and_leave_no_room():
    told = find_bus_load([PollTask("m1", 1.0, 0.001, 0.9), PollTask("m2", 1.0, 0.002)])

    assert 0.3 == pytest.approx(told.use_pct)
    assert ("m1", 90.1) == (told.busiest, pytest.approx(told.busiest_pct))
    assert 90.1 == pytest.approx(told.taken_pct)
    assert [0.099] == pytest.approx([one.room_s for one in told.classes])
