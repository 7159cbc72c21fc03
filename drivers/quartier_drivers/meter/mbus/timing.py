"""How long M-Bus waits, by the speed of the line (EN 13757-2:2018, 5.5); pure."""

from dataclasses import dataclass

BAUDS = (300, 600, 1200, 2400, 4800, 9600)
CHARACTER_BITS = 11
_ANSWER_BITS, _ANSWER_S = 330, 0.05
_REST_BITS = 33
# A frame has no gaps, but what carries it may: USB adapters hold bytes back for 16 ms, a network for longer.
_GAP_S = 0.03


@dataclass(frozen=True, slots=True)
class Timing:
    """Waits in seconds of real time, measured from the last bit that was sent or heard.

    ``latency_s`` is what the way to the level converter takes at most (a network's delay, both ways).
    """

    baud: int = 2400
    latency_s: float = 0.0
    slow_s: float = 0.0
    """How much longer than the standard allows these meters take."""

    @property
    def answer_s(self) -> float:
        """Until the first byte of an answer: 330 bits and 50 ms."""
        return _ANSWER_BITS / self.baud + _ANSWER_S + self.latency_s + self.slow_s

    @property
    def gap_s(self) -> float:
        """Within an answer; longer silence ends it."""
        return _REST_BITS / self.baud + _GAP_S + self.latency_s

    @property
    def rest_s(self) -> float:
        """Between an answer and the next request."""
        return _REST_BITS / self.baud

    @property
    def busy_s(self) -> float:
        """Before a meter is asked again that said that it is busy."""
        return 1.0

    def sending_s(self, size: int) -> float:
        """How long ``size`` bytes take on the line."""
        return size * CHARACTER_BITS / self.baud
