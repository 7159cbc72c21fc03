from quartier.district.arrival import Arrival
from quartier.house.now import Now
from quartier.house.sample import Mark


def at(seconds):
    return Now(int(seconds * 1e9), int(seconds * 1e3), synced=True)


def mark(seq, boot=7):
    return Mark(boot, seq)


def test_what_was_sent_long_ago_and_is_not_stored_was_lost_on_the_way():
    arrival = Arrival(90.0, 3_600.0)

    assert [False, False, True] == [arrival.is_lost(mark(5), mark(3), at(s)) for s in (0, 89, 90)]


def test_a_district_that_never_stored_any_counts_as_having_none():
    arrival = Arrival(90.0, 3_600.0)

    assert [False, True] == [arrival.is_lost(mark(5), None, at(s)) for s in (0, 90)]


def test_what_arrived_meanwhile_is_not_lost_though_newer_ones_are_on_their_way():
    arrival = Arrival(90.0, 3_600.0)
    arrival.is_lost(mark(5), mark(3), at(0))

    assert not arrival.is_lost(mark(9), mark(5), at(100))
    assert not arrival.is_lost(mark(9), mark(5), at(180))
    assert arrival.is_lost(mark(9), mark(5), at(190))


def test_where_all_is_stored_or_nothing_was_said_no_time_runs():
    arrival = Arrival(90.0, 3_600.0)
    assert not arrival.is_lost(None, None, at(0))
    assert not arrival.is_lost(mark(5), mark(5), at(0))

    assert not arrival.is_lost(mark(6), mark(5), at(500)), "its time begins now"


def test_a_host_that_stores_none_is_asked_more_and_more_seldom_and_one_that_does_again_at_once():
    arrival = Arrival(90.0, 400.0)
    lost_s = [second for second in range(0, 2_000, 10) if arrival.is_lost(mark(5), None, at(second))]
    assert [90, 280, 650, 1060, 1470, 1880] == lost_s

    arrival.is_lost(mark(5), None, at(2_000))
    arrival.is_lost(mark(5), mark(5), at(2_500))
    arrival.is_lost(mark(6), mark(5), at(3_000))
    assert arrival.is_lost(mark(6), mark(5), at(3_090))


def test_a_new_connection_begins_anew():
    arrival = Arrival(90.0, 3_600.0)
    arrival.is_lost(mark(5), mark(3), at(0))
    arrival.begin()

    assert not arrival.is_lost(mark(5), mark(3), at(90))
    assert arrival.is_lost(mark(5), mark(3), at(180))
