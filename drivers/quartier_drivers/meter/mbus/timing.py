"""The waiting times of M-Bus, by the speed of the line (EN 13757-2:2018, 5.5); pure."""

from dataclasses import dataclass

BAUDS = (300, 600, 1200, 2400, 4800, 9600)
CHARACTER_BITS = 11
_ANSWER_BITS, _ANSWER_S = 330, 0.05
_REST_BITS = 33
# A short frame, a selection, an acknowledgement, the longest answer (EN 13757-2, 5.7; EN 13757-7, 8).
_SHORT_BYTES, _SELECTION_BYTES, _ACK_BYTES, _ANSWER_BYTES = 5, 17, 1, 261
# A frame has no gaps, but its transport may: USB adapters hold bytes back for 16 ms, a network for longer.
_GAP_S = 0.03
_NETWORK_S, _NETWORK_GAP_S = 0.1, 0.2


@dataclass(frozen=True, slots=True)
class Timing:
    """Waiting times in s of real time, from the last bit sent or received."""

    baud: int = 2400
    slow_s: float = 0.0
    """How much longer these meters take than the standard allows, in s."""
    over_tcp: bool = False
    """Whether a network is in between: the end of sending is unknown, and bytes may arrive late."""

    def answer_s(self, size: int = 0) -> float:
        """Return the time in s to the first byte of an answer: 330 bits and 50 ms.

        ``size`` is the size of the request in bytes; its own time counts only ``over_tcp``.
        """
        sending_s = self.sending_s(size) + _NETWORK_S if self.over_tcp else 0.0
        return _ANSWER_BITS / self.baud + _ANSWER_S + sending_s + self.slow_s

    @property
    def gap_s(self) -> float:
        """The longest pause within an answer; longer silence ends it."""
        return _REST_BITS / self.baud + _GAP_S + (_NETWORK_GAP_S if self.over_tcp else 0.0)

    @property
    def rest_s(self) -> float:
        """The pause between an answer and the next request."""
        return _REST_BITS / self.baud

    @property
    def busy_s(self) -> float:
        """The pause before a busy meter is asked again."""
        return 1.0

    def sending_s(self, size: int) -> float:
        """Return the time of ``size`` bytes on the line, in s."""
        return size * CHARACTER_BITS / self.baud

    def reading_s(self, *, selects: bool) -> float:
        """Return the longest time of a reading of one telegram: its reset or selection, then the telegram."""
        first_s = self.sending_s((_SELECTION_BYTES if selects else _SHORT_BYTES) + _ACK_BYTES)
        telegram_s = self.sending_s(_SHORT_BYTES + _ANSWER_BYTES)
        return first_s + telegram_s + 2 * (self.answer_s() + self.rest_s)
