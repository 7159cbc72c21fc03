"""What waits to be taken: full by many small messages or a few large ones."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.district.connection.message_queues import (
    INCOMING_MAX_BYTES,
    INCOMING_MESSAGES_MAX,
    BackfillAllowance,
    IncomingQueue,
    OutgoingQueue,
)
from quartier.district.connection.mqtt_types import PACKET_MAX_BYTES, IncomingMessage, OutgoingMessage


def filled(count, message):
    intake = IncomingQueue()
    for _ in range(count):
        intake.put(message)
    return intake


@pytest.mark.parametrize(
    ("message", "count"),
    [
        (IncomingMessage("a", b"x"), INCOMING_MESSAGES_MAX),
        (IncomingMessage("a", b"x" * (PACKET_MAX_BYTES - 1)), 8),
        (IncomingMessage("a", b"", {"sig": "x" * (PACKET_MAX_BYTES - 4)}), 8),
    ],
)
def test_it_is_full_at_so_many_and_has_room_again_below_half(message, count):
    assert not filled(count - 1, message).is_full
    intake = filled(count, message)
    assert (True, False) == (intake.is_full, intake.has_room)
    for _ in range(count // 2):
        assert (False, message) == (intake.has_room, intake.take())
    intake.take()
    assert (True, count // 2 - 1) == (intake.has_room, len(intake))


def test_messages_come_in_their_order_and_what_is_cleared_takes_no_room():
    intake = IncomingQueue()
    for number in range(3):
        intake.put(IncomingMessage("a", str(number).encode()))
    assert [b"0", b"1"] == [intake.take().payload for _ in range(2)]
    intake.clear()
    intake.put(IncomingMessage("a", b"x" * (INCOMING_MAX_BYTES - 2)))
    assert not intake.is_full


class Socket:
    """Takes as many bytes at a time as ``takes`` says; at 0 it is full, once."""

    def __init__(self, takes=()):
        self.takes = list(takes)
        self.got = bytearray()
        self.calls_count = 0

    def send(self, data):
        self.calls_count += 1
        size = self.takes.pop(0) if self.takes else len(data)
        if not size:
            raise BlockingIOError
        self.got += data[:size]
        return min(size, len(data))


def packets(stream):
    """Topic, properties and payload of each PUBLISH in a stream of bytes (MQTT 5.0, 3.3)."""
    found, at = [], 0
    while at < len(stream):
        assert 0x30 == stream[at], "QoS 0, not retained, not again"
        at, size, shift = at + 1, 0, 0
        while True:
            size |= (stream[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if stream[at - 1] < 0x80:
                break
        end = at + size
        topic_size = int.from_bytes(stream[at : at + 2], "big")
        topic = bytes(stream[at + 2 : at + 2 + topic_size]).decode()
        at += 2 + topic_size
        start = at + 1 + stream[at]
        found.append((topic, bytes(stream[at + 1 : start]), bytes(stream[start:end])))
        at = end
    return found


@pytest.fixture
def pipe():
    return OutgoingQueue()


def test_messages_go_out_in_their_order_in_one_write(pipe):
    pipe.put(OutgoingMessage("a/ü", b"x" * 200, tag="first"), 7)
    pipe.put(OutgoingMessage("b", b"", tag=None), 8)
    wire = Socket()

    assert pipe.write(wire.send)
    assert [("a/ü", b"", b"x" * 200), ("b", b"", b"")] == packets(wire.got)
    assert (1, [(7, "first"), (8, None)], 0) == (wire.calls_count, pipe.take_written(), len(pipe))
    assert [] == pipe.take_written()


def test_nothing_to_say_writes_nothing(pipe):
    wire = Socket()

    assert pipe.write(wire.send)
    assert 0 == wire.calls_count


def test_an_expiry_goes_as_a_property(pipe):
    pipe.put(OutgoingMessage("a", b"x", expiry_s=3600), 1)
    wire = Socket()
    pipe.write(wire.send)

    assert [("a", b"\x02\x00\x00\x0e\x10", b"x")] == packets(wire.got)


@given(
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=8),
    takes=st.lists(st.integers(0, 400), max_size=30),
    late=st.integers(0, 8),
)
def test_whatever_the_socket_takes_each_message_arrives_once_and_is_done_when_it_is_out(sizes, takes, late):
    done = []
    pipe = OutgoingQueue()
    wire = Socket(takes)
    expected = [(f"t{at}", b"", bytes([at]) * size) for at, size in enumerate(sizes)]
    for at, (topic, _, payload) in enumerate(expected):
        if at == late:
            pipe.write(wire.send)
        pipe.put(OutgoingMessage(topic, payload, tag=at), len(payload))
    while not pipe.write(wire.send):
        done += pipe.take_written()
        waiting = [tag for _, tag in done] + pipe.tags
        assert list(range(len(sizes))) == waiting, "each is done or waits"

    done += pipe.take_written()
    assert expected == packets(wire.got)
    assert list(enumerate(sizes)) == [(tag, size) for size, tag in done]


@pytest.mark.parametrize("full", [BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError])
def test_a_full_socket_is_waited_for_a_broken_one_is_not(pipe, full):
    def refuse(error):
        def send(_data):
            raise error

        return send

    pipe.put(OutgoingMessage("a", b"x"), 1)

    assert not pipe.write(refuse(full()))
    with pytest.raises(ConnectionResetError):
        pipe.write(refuse(ConnectionResetError()))


def test_others_have_their_turn_between_whole_messages_however_many_follow():
    """A link slower than the house never runs dry: a keep-alive that waited for that would end it."""
    pipe = OutgoingQueue()
    wire = Socket([20_000, 0, 20_000, 20_000])
    turns = []

    def put():
        pipe.put(OutgoingMessage("a", b"x" * 10_000), 1)

    def send(data):
        sent_bytes = wire.send(data)
        put()
        return sent_bytes

    def others():
        turns.append([len(payload) for _, _, payload in packets(wire.got)])
        return len(turns) < 3

    put()
    put()
    assert not pipe.write(send, others), "the socket is full, in the middle of a message"
    assert [[]] == turns
    assert not pipe.write(send, others), "the other one is held up"
    assert [[], [10_000] * 2, [10_000] * 4] == turns


def test_what_others_say_after_a_mark_follows_all_that_was_put_before_it(pipe):
    wire = Socket()
    turns = []
    for _ in range(5):
        pipe.put(OutgoingMessage("a", b"x" * 10_000), 1)
    pipe.mark()
    pipe.put(OutgoingMessage("a", b"x"), 1)
    pipe.write(wire.send, lambda: bool(turns.append(len(packets(wire.got)))) or True)

    assert 6 == len(packets(wire.got))
    assert 5 <= turns[0]


def test_who_is_held_up_goes_on_before_anything_else_is_written(pipe):
    wire = Socket()
    pipe.put(OutgoingMessage("a", b"x"), 1)
    assert not pipe.write(wire.send, lambda: False)
    pipe.mark()  # for one that is said later

    assert not pipe.write(wire.send, lambda: False)
    assert b"" == wire.got
    assert pipe.write(wire.send, lambda: True)
    assert 1 == len(packets(wire.got))


@given(takes=st.lists(st.integers(0, 40_000), max_size=30))
def test_a_socket_that_was_full_is_offered_the_same_bytes_again(takes):
    """TLS wants it so (OpenSSL, SSL_write: SSL_R_BAD_WRITE_RETRY)."""
    pipe, wire, refused = OutgoingQueue(), Socket(takes), []
    for at in range(5):
        pipe.put(OutgoingMessage("a", bytes([at]) * 9_000), 1)

    def send(data):
        if refused:
            assert refused.pop() == bytes(data)
        try:
            return wire.send(data)
        except BlockingIOError:
            refused.append(bytes(data))
            raise

    while not pipe.write(send):
        pipe.put(OutgoingMessage("b", b"meanwhile"), 1)
    assert [bytes([at]) * 9_000 for at in range(5)] == [found[2] for found in packets(wire.got)[:5]]


def portions(per_s, seconds, step_s=0.25):
    """History handed to a wire of ``per_s`` bytes a second: what the room was at each step."""
    room, unsent, found = BackfillAllowance(), 0.0, []
    for step in range(int(seconds / step_s)):
        unsent = max(0.0, unsent - per_s * step_s)
        found.append(room.bytes(round(unsent), step * step_s))
        if found[-1]:
            room.note_data(step * step_s)
            unsent += found[-1]
    return found


def test_a_quick_wire_takes_larger_portions_of_history():
    assert [BackfillAllowance.BEGIN_BYTES, 2 * BackfillAllowance.BEGIN_BYTES] == portions(1e9, 0.5)
    assert BackfillAllowance.MOST_BYTES == portions(1e9, 3)[-1]


@pytest.mark.parametrize("per_s", [1_000, 10_000, 125_000])
def test_on_a_slow_wire_a_portion_of_history_takes_a_second_at_most(per_s):
    last = [size for size in portions(per_s, 120)[200:] if size]
    assert last
    assert max(last) <= max(BackfillAllowance.LEAST_BYTES, per_s)


def test_history_waits_while_anything_is_unwritten():
    room = BackfillAllowance()
    room.note_data(0.0)
    assert [0, 0] == [room.bytes(1, 0.1), room.bytes(1, 5.0)]
    assert BackfillAllowance.BEGIN_BYTES // 2 == room.bytes(0, 6.0)
