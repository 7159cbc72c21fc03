"""How long M-Bus waits, by the speed of the line (EN 13757-2:2018, 5.5); pure."""

from dataclasses import dataclass

BAUDS = (300, 600, 1200, 2400, 4800, 9600)
CHARACTER_BITS = 11
_ANSWER_BITS, _ANSWER_S = 330, 0.05
_REST_BITS = 33
# A short frame, a selection, an acknowledgement, the longest answer (EN 13757-2, 5.7; EN 13757-7, 8).
_SHORT_BYTES, _SELECTION_BYTES, _ACK_BYTES, _ANSWER_BYTES = 5, 17, 1, 261
# A frame has no gaps, but what carries it may: USB adapters hold bytes back for 16 ms, a network for longer.
_GAP_S = 0.03
_NETWORK_S, _NETWORK_GAP_S = 0.1, 0.2


@dataclass(frozen=True, slots=True)
class Timing:
    """Waits in seconds of real time, measured from the last bit that was sent or heard."""

    baud: int = 2400
    slow_s: float = 0.0
    """How much longer than the standard allows these meters take."""
    over_tcp: bool = False
    """Whether a network is between: nobody tells when a request is out, and what comes may come late."""

    def answer_s(self, size: int = 0) -> float:
        """Until the first byte of an answer: 330 bits and 50 ms, after a request of ``size`` bytes."""
        sending_s = self.sending_s(size) + _NETWORK_S if self.over_tcp else 0.0
        return _ANSWER_BITS / self.baud + _ANSWER_S + sending_s + self.slow_s

    @property
    def gap_s(self) -> float:
        """Within an answer; longer silence ends it."""
        return _REST_BITS / self.baud + _GAP_S + (_NETWORK_GAP_S if self.over_tcp else 0.0)

    @property
    def rest_s(self) -> float:
        """Between an answer and the next request."""
        return _REST_BITS / self.baud

    @property
    def busy_s(self) -> float:
        """Before a meter is asked again that said that it is busy."""
        return 1.0

    def sending_s(self, size: int) -> float:
        """Return how long ``size`` bytes take on the line."""
        return size * CHARACTER_BITS / self.baud

    def reading_s(self, *, selects: bool) -> float:
        """The longest that a reading of one telegram may take: its reset or selection, then the telegram."""
        first_s = self.sending_s((_SELECTION_BYTES if selects else _SHORT_BYTES) + _ACK_BYTES)
        telegram_s = self.sending_s(_SHORT_BYTES + _ANSWER_BYTES)
        return first_s + telegram_s + 2 * (self.answer_s() + self.rest_s)
