from dataclasses import replace

import pytest

from quartier.commissioning.bus_planning.bus_load import (
    PollTask,
    find_bus_load,
    find_cycle_s,
    find_longer_period_s,
    find_movable_devices,
    find_overloaded_devices,
    find_utilisation,
    list_remedies,
)

CROWD = [PollTask(f"m{at}", 1.0, 0.48) for at in range(1, 6)]  # 2.4 s each 1 s


def halved(baud):
    return [replace(task, takes_s=task.takes_s * 9600 / baud) for task in CROWD]


def test_the_shortest_usual_period_is_proposed_that_leaves_a_fifth_of_the_time():
    assert 3.0 == find_longer_period_s(CROWD)


def test_each_remedy_says_what_the_use_would_be():
    assert [
        "a period of 3 s (80 %)",
        "38400 baud, at every device too (60 %)",
    ] == list(list_remedies(CROWD, 9600, halved))


def test_the_fewest_devices_are_moved_and_the_largest_first():
    tasks = [PollTask("m1", 1.0, 0.3), PollTask("m2", 1.0, 0.7), PollTask("m3", 1.0, 0.2)]

    assert ("m2",) == find_movable_devices(tasks)
    assert "move m2 to another bus (50 %)" in list(list_remedies(tasks, None, halved))


def test_devices_that_would_crowd_the_other_bus_as_well_are_not_moved():
    assert () == find_movable_devices(CROWD)


def test_a_bus_without_a_baud_rate_gets_no_such_proposal():
    assert ["a period of 3 s (80 %)"] == list(list_remedies(CROWD, None, halved))


def test_where_only_a_devices_own_rests_are_too_many_its_period_is_what_helps():
    tasks = [PollTask("m1", 1.0, 0.05, 0.6), PollTask("m1", 1.0, 0.05, 0.6)]

    assert 2.0 == find_longer_period_s(tasks)


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
    assert 90.1 == pytest.approx(told.load_pct)
    assert [0.099] == pytest.approx([one.room_s for one in told.classes])
