"""Queues of one connection: received messages, and QoS 0 messages waiting for the socket (pure).

Source: MQTT 5.0, 2.1.4 (remaining length), 2.2.2 (properties), 3.3 (PUBLISH).
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from quartier.district.connection.mqtt_types import PACKET_MAX_BYTES, IncomingMessage, OutgoingMessage
from quartier.district.wire_formats import encode_varint

INCOMING_MESSAGES_MAX = 128
# A few of the largest messages: 128 of them would need 32 MiB of memory.
INCOMING_MAX_BYTES = 8 * PACKET_MAX_BYTES


class IncomingQueue:
    """Messages in the order of arrival. The reader stops when it ``is_full`` until it ``has_room``."""

    def __init__(self) -> None:
        self._messages: deque[IncomingMessage] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def is_full(self) -> bool:
        """Return whether nothing more should be read."""
        return len(self._messages) >= INCOMING_MESSAGES_MAX or self._bytes >= INCOMING_MAX_BYTES

    @property
    def has_room(self) -> bool:
        """Return whether at least half of it is free."""
        return len(self._messages) < INCOMING_MESSAGES_MAX // 2 and self._bytes < INCOMING_MAX_BYTES // 2

    def put(self, message: IncomingMessage) -> None:
        """Add one message."""
        self._messages.append(message)
        self._bytes += _find_size_bytes(message)

    def take(self) -> IncomingMessage:
        """Remove and return the oldest message. Raises IndexError if there is none."""
        message = self._messages.popleft()
        self._bytes -= _find_size_bytes(message)
        return message

    def clear(self) -> None:
        """Discard all messages."""
        self._messages.clear()
        self._bytes = 0


def _find_size_bytes(message: IncomingMessage) -> int:
    said = sum(len(name) + len(value) for name, value in message.user.items())
    return len(message.topic) + len(message.payload) + said


_PUBLISH = b"\x30"
_NO_PROPERTIES = b"\x00"
_EXPIRY = b"\x05\x02"  # five bytes of properties: the message expiry interval
# After this much (a TLS record) other writers of the socket have their turn: a pipe that never empties would
# starve them.
_PORTION_BYTES = 16 * 1024
# By name: a connection without TLS does not import ssl.
_FULL_ERRORS = ("BlockingIOError", "SSLWantReadError", "SSLWantWriteError")


class BackfillAllowance:
    """The amount of history that may be written; a live message waits behind it for at most half a second.

    History is written only while nothing else waits to be written. The portion grows while the network takes
    it in time.
    """

    MOST_BYTES, LEAST_BYTES, BEGIN_BYTES = 64 * 1024, 512, 8 * 1024
    TIME_S = 0.5

    def __init__(self) -> None:
        self._portion_bytes = self.BEGIN_BYTES
        self._given_s: float | None = None
        self._was_used = False

    def note_data(self, now_s: float) -> None:
        """Note that data was handed over; the time of the oldest unsent data counts."""
        self._was_used = True
        if self._given_s is None:
            self._given_s = now_s

    def bytes(self, unsent_bytes: int, now_s: float) -> int:
        """Return how many bytes may follow now; ``unsent_bytes`` wait in the own queue and in the kernel."""
        passed_s = 0.0 if self._given_s is None else now_s - self._given_s
        if unsent_bytes > 0:
            if passed_s > self.TIME_S:
                self._portion_bytes = max(self.LEAST_BYTES, self._portion_bytes // 2)
                self._given_s, self._was_used = now_s, False
            return 0
        if self._was_used and passed_s <= self.TIME_S:
            self._portion_bytes = min(self.MOST_BYTES, 2 * self._portion_bytes)
        self._given_s, self._was_used = None, False
        return self._portion_bytes


class OutgoingQueue:
    """Packets in order of queuing."""

    def __init__(self) -> None:
        self._written: list[tuple[int, Any]] = []
        self._packets: deque[bytes] = deque()
        self._rest = memoryview(b"")  # rest of a portion; a blocked TLS write repeats the same bytes
        # For each message not yet written: the byte position of its end among all queued bytes, its size, its
        # tag.
        self._ends: deque[tuple[int, int, Any]] = deque()
        self._put_bytes = self._written_bytes = self._marked_bytes = 0
        self._is_held = False

    def __len__(self) -> int:
        """Return the number of messages not yet written."""
        return len(self._ends)

    @property
    def tags(self) -> list[Any]:
        """Return the tags of the messages not yet written, oldest first."""
        return [tag for _, _, tag in self._ends]

    def put(self, message: OutgoingMessage, size_bytes: int) -> None:
        """Add one message; ``take_written`` returns its ``size_bytes`` and its tag."""
        topic, payload = message.topic.encode(), message.payload
        properties = _NO_PROPERTIES
        if message.expiry_s is not None:
            properties = _EXPIRY + message.expiry_s.to_bytes(4, "big")
        left_bytes = 2 + len(topic) + len(properties) + len(payload)
        head = (_PUBLISH, encode_varint(left_bytes), len(topic).to_bytes(2, "big"), topic, properties)
        self._packets.append(packet := b"".join((*head, payload)))
        self._put_bytes += len(packet)
        self._ends.append((self._put_bytes, size_bytes, message.tag))

    def mark(self) -> None:
        """Make data that others write from now on follow all messages queued so far."""
        self._marked_bytes = self._put_bytes

    def write(self, send: Callable[[memoryview], int], others: Callable[[], bool] = lambda: True) -> bool:
        """Write what the socket takes; return whether everything is written. Raises OSError if it is broken.

        ``others`` is called where another writer may write whole packets; it returns whether all are written.
        """
        while True:
            if not self._rest:
                if self._is_held or self._written_bytes >= self._marked_bytes:
                    self._is_held = not others()
                if self._is_held:
                    return False
                if not self._packets:
                    return True
                self._rest = memoryview(self._take_portion())
            try:
                sent_bytes = send(self._rest)
            except OSError as error:
                if type(error).__name__ in _FULL_ERRORS:
                    return False
                raise
            self._rest = self._rest[sent_bytes:]
            self._written_bytes += sent_bytes
            while self._ends and self._ends[0][0] <= self._written_bytes:
                _, size_bytes, tag = self._ends.popleft()
                self._written.append((size_bytes, tag))

    def take_written(self) -> list[tuple[int, Any]]:
        """Return size and tag of the messages that were written since the last call."""
        written, self._written = self._written, []
        return written

    def _take_portion(self) -> bytes:
        """Return as many whole packets as fit in one portion."""
        packets: list[bytes] = []
        room_bytes = _PORTION_BYTES
        while self._packets and room_bytes > 0:
            packets.append(self._packets.popleft())
            room_bytes -= len(packets[-1])
        return b"".join(packets)
