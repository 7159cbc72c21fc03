"""What is on its way: what counts as lost, and what is only late."""

import pytest

from quartier.district.sparkplug.sent_messages import SentMessages
from quartier.site.samples import StreamPosition

S = 1_000_000_000


@pytest.fixture
def notebook(make_notebook):
    made = make_notebook()
    for _ in range(500):
        made.put("grid", "power_w", 1.0)
        made.put("bat1", "soc_pct", 1.0)
    return made


def sent(flight, stream, first, second, *, count=10, late=True):
    flight.note_sent_samples(stream, 7, first, count, second * S, late=late)


def lost(flight, marks, notebook, second):
    flight.remove_confirmed(marks, second * S)
    return {name: gone[:2] for name, gone in flight.remove_lost(marks, notebook, second * S).items()}


def test_a_late_district_loses_nothing_while_its_watermark_moves(notebook):
    """Each message is confirmed 165 s after it was sent."""
    flight = SentMessages(90.0, 3600.0)
    for second in range(0, 400, 5):
        if second < 200:
            sent(flight, "grid", 1 + 2 * second, second)
        done = max(0, second - 165) // 5 * 10
        marks = {"grid": StreamPosition(7, min(done, 400))} if done else {}
        if second % 20 == 0 and second >= 165:
            assert {} == lost(flight, marks, notebook, second)
    assert 0.0 == flight.find_queue_age_s(400 * S)


def test_what_a_later_message_overtook_is_lost_and_one_message_goes_again(notebook):
    flight = SentMessages(90.0, 3600.0)
    for number in range(4):
        sent(flight, "grid", 1 + 10 * number, number)
    sent(flight, "bat1", 1, 10)
    marks = {"grid": StreamPosition(7, 10), "bat1": StreamPosition(7, 10)}
    assert {} == lost(flight, marks, notebook, 20)
    assert 0.0 == flight.find_queue_age_s(20 * S), "what was overtaken is no sign of a queue"
    assert {} == lost(flight, marks, notebook, 100)
    assert {"grid": (StreamPosition(7, 10), StreamPosition(7, 20))} == lost(flight, marks, notebook, 110)
    sent(flight, "grid", 11, 111)
    assert {} == lost(
        flight, {"grid": StreamPosition(7, 40), "bat1": StreamPosition(7, 10)}, notebook, 120
    ), "all behind was stored"
    assert not flight.is_in_flight


def test_what_is_lost_in_a_row_goes_again_without_another_wait(notebook):
    flight = SentMessages(90.0, 3600.0)
    for number in range(8):
        sent(flight, "grid", 1 + 10 * number, number)
    sent(flight, "bat1", 1, 10)
    mark, found = 0, []
    for second in range(100, 160, 10):
        marks = {"bat1": StreamPosition(7, 10), **({"grid": StreamPosition(7, mark)} if mark else {})}
        for _, upto in lost(flight, marks, notebook, second).values():
            found.append((second, mark + 1, upto.seq))
            sent(flight, "grid", mark + 1, second, count=upto.seq - mark)
            mark = upto.seq
    assert [(100, 1, 10), (110, 11, 30), (120, 31, 70), (130, 71, 80)] == found


def test_where_nothing_moves_at_all_the_wait_doubles(notebook):
    flight = SentMessages(90.0, 300.0)
    sent(flight, "grid", 1, 0)
    found = []
    for second in range(0, 1000, 10):
        for gone in flight.remove_lost({}, notebook, second * S).values():
            found.append((second, gone.is_again))
            sent(flight, "grid", 1, second)
    assert [(90, False), (270, True), (570, True), (870, True)] == found


def test_live_samples_behind_history_that_was_not_sent_yet_are_not_lost(notebook):
    flight = SentMessages(90.0, 3600.0)
    sent(flight, "grid", 401, 0, late=False)
    sent(flight, "bat1", 1, 1)
    assert {} == lost(flight, {"bat1": StreamPosition(7, 10)}, notebook, 500)
    assert flight.is_in_flight
    assert 0 == flight.late_count


def test_what_was_evicted_meanwhile_is_forgotten(notebook):
    flight = SentMessages(90.0, 3600.0)
    sent(flight, "grid", 1, 0)
    sent(flight, "grid", 11, 0)
    notebook.kept = [one for one in notebook.kept if one.seq > 10 and one.stream == "grid"]
    assert {"grid": (None, StreamPosition(7, 20))} == lost(flight, {}, notebook, 90)
    notebook.kept.clear()
    sent(flight, "grid", 1, 100)
    assert {} == lost(flight, {}, notebook, 500)
    assert not flight.is_in_flight


def test_a_watermark_inside_a_message_leaves_the_rest_on_its_way(notebook):
    flight = SentMessages(90.0, 3600.0)
    sent(flight, "grid", 1, 5)
    assert flight.remove_confirmed({"grid": StreamPosition(7, 4)}, 6 * S)
    assert (1, 2.0, 5 * S) == (flight.late_count, flight.find_queue_age_s(7 * S), flight.covered_ns)
    assert {"grid": (StreamPosition(7, 4), StreamPosition(7, 10))} == lost(
        flight, {"grid": StreamPosition(7, 4)}, notebook, 200
    )


def test_many_live_messages_are_kept_as_few(notebook):
    flight = SentMessages(90.0, 3600.0)
    for number in range(500):
        flight.note_sent_samples("grid", 7, 1 + number, 1, number * S, late=False)
    flight.note_sent_samples("grid", 7, 501, 0, 500 * S, late=False)
    assert len(flight._streams["grid"].messages) <= 65
    assert {"grid": (None, StreamPosition(7, 1))} == lost(flight, {}, notebook, 700)


def test_a_stream_that_stands_while_others_move_is_no_sign_of_a_queue():
    flight = SentMessages(90.0, 3600.0)
    sent(flight, "grid", 1, 0)
    sent(flight, "bat1", 1, 1)
    assert 50.0 == flight.find_queue_age_s(50 * S)
    sent(flight, "bat1", 11, 70)
    assert 80.0 == flight.find_queue_age_s(80 * S), "nothing moves"
    assert flight.remove_confirmed({"bat1": StreamPosition(7, 10)}, 80 * S)
    assert 20.0 == flight.find_queue_age_s(90 * S), "the one of 70 s"


def test_what_may_be_stored_behind_a_hole_takes_no_place_from_what_goes_again(notebook):
    flight = SentMessages(90.0, 3600.0)
    for number in range(30):
        sent(flight, "grid", 1 + 10 * number, number)
    assert 30 == flight.late_count
    assert {"grid": (None, StreamPosition(7, 10))} == lost(flight, {}, notebook, 120)
    assert (0, 0.0) == (flight.late_count, flight.find_queue_age_s(120 * S))
    sent(flight, "grid", 1, 121)
    assert (1, 9.0) == (flight.late_count, flight.find_queue_age_s(130 * S))
    assert {} == lost(flight, {"grid": StreamPosition(7, 300)}, notebook, 131)
    assert not flight.is_in_flight
