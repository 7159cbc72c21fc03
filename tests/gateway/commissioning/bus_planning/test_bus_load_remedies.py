from dataclasses import replace

from quartier.commissioning.bus_planning.bus_load import (
    PollTask,
    find_longer_period_s,
    find_movable_devices,
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
