from quartier.district.connection.event_retries import EventArrival, RefusedEvents
from quartier.site.records import Now
from quartier.site.samples import StreamPosition


def at(seconds):
    return Now(int(seconds * 1e9), int(seconds * 1e3), synced=True)


def mark(seq, boot=7):
    return StreamPosition(boot, seq)


def test_what_was_sent_long_ago_and_is_not_stored_was_lost_on_the_way():
    arrival = EventArrival(90.0, 3_600.0)

    assert [False, False, True] == [arrival.check_lost(mark(5), mark(3), at(s)) for s in (0, 89, 90)]


def test_a_district_that_never_stored_any_counts_as_having_none():
    arrival = EventArrival(90.0, 3_600.0)

    assert [False, True] == [arrival.check_lost(mark(5), None, at(s)) for s in (0, 90)]


def test_what_arrived_meanwhile_is_not_lost_though_newer_ones_are_on_their_way():
    arrival = EventArrival(90.0, 3_600.0)
    arrival.check_lost(mark(5), mark(3), at(0))

    assert not arrival.check_lost(mark(9), mark(5), at(100))
    assert not arrival.check_lost(mark(9), mark(5), at(180))
    assert arrival.check_lost(mark(9), mark(5), at(190))


def test_where_all_is_stored_or_nothing_was_said_no_time_runs():
    arrival = EventArrival(90.0, 3_600.0)
    assert not arrival.check_lost(None, None, at(0))
    assert not arrival.check_lost(mark(5), mark(5), at(0))

    assert not arrival.check_lost(mark(6), mark(5), at(500)), "its time begins now"


def test_a_host_that_stores_none_is_asked_more_and_more_seldom_and_one_that_does_again_at_once():
    arrival = EventArrival(90.0, 400.0)
    lost_s = [second for second in range(0, 2_000, 10) if arrival.check_lost(mark(5), None, at(second))]
    assert [90, 280, 650, 1060, 1470, 1880] == lost_s

    arrival.check_lost(mark(5), None, at(2_000))
    arrival.check_lost(mark(5), mark(5), at(2_500))
    arrival.check_lost(mark(6), mark(5), at(3_000))
    assert arrival.check_lost(mark(6), mark(5), at(3_090))


def test_a_new_connection_begins_anew():
    arrival = EventArrival(90.0, 3_600.0)
    arrival.check_lost(mark(5), mark(3), at(0))
    arrival.begin()

    assert not arrival.check_lost(mark(5), mark(3), at(90))
    assert arrival.check_lost(mark(5), mark(3), at(180))


def test_an_event_that_the_broker_refused_goes_again_after_a_minute_and_then_after_longer():
    denied = RefusedEvents()
    denied.note_refused(mark(5), at(0))
    denied.note_refused(mark(4), at(1))
    denied.note_refused(mark(6), at(2))
    assert [None, mark(3), None] == [denied.due(at(s)) for s in (59, 60, 61)]
    waits, second = [], 60
    for _ in range(6):
        denied.note_refused(mark(4), at(second))
        again = next(s for s in range(second, second + 2_000) if denied.due(at(s)) is not None)
        waits.append(again - second)
        second = again
    assert [120, 240, 480, 900, 900, 900] == waits


def test_nothing_after_a_refused_event_counts_before_it_is_taken():
    denied = RefusedEvents()
    assert denied.passes(mark(1))
    denied.note_refused(mark(3), at(0))
    assert [True, False, False] == [denied.passes(mark(n)) for n in (2, 4, 5)]
    assert [True, True] == [denied.passes(mark(n)) for n in (3, 4)]
    assert denied.due(at(99)) is None
