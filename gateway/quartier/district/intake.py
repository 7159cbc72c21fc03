"""What came in on a connection and was not yet taken: bounded by messages and by bytes (pure)."""

from collections import deque

from quartier.district.broker import PACKET_MAX_BYTES, Message

MESSAGES_MAX = 128
# A few of the largest: 128 of them would be 32 MiB that a broker has us hold.
BYTES_MAX = 8 * PACKET_MAX_BYTES


class Intake:
    """Messages in the order they came.  Who fills it stops where it ``is_full`` until it ``has_room``."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be read."""
        return len(self._messages) >= MESSAGES_MAX or self._bytes >= BYTES_MAX

    @property
    def has_room(self) -> bool:
        """Whether half of it is free."""
        return len(self._messages) < MESSAGES_MAX // 2 and self._bytes < BYTES_MAX // 2

    def put(self, message: Message) -> None:
        """One more."""
        self._messages.append(message)
        self._bytes += _size(message)

    def take(self) -> Message:
        """The oldest.  Raises IndexError where there is none."""
        message = self._messages.popleft()
        self._bytes -= _size(message)
        return message

    def clear(self) -> None:
        """Nobody wants them any more."""
        self._messages.clear()
        self._bytes = 0


def _size(message: Message) -> int:
    said = sum(len(name) + len(value) for name, value in message.user.items())
    return len(message.topic) + len(message.payload) + said
