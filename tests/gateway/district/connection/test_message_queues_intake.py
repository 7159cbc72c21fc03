"""What waits to be taken: full by many small messages or a few large ones."""

import pytest

from quartier.district.connection.message_queues import (
    INCOMING_MAX_BYTES,
    INCOMING_MESSAGES_MAX,
    IncomingQueue,
)
from quartier.district.connection.mqtt_types import PACKET_MAX_BYTES, IncomingMessage


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
