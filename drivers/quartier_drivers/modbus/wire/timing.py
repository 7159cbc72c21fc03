"""Time of bytes and silences on a wire; turnaround of each unit (pure)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quartier_drivers.modbus.frames import Request

if TYPE_CHECKING:
    from quartier_drivers.modbus.bus_section import RtuBus, TcpBus


DEVICE_DELAY_S = 0.005
"""Usual processing time of a device in s; on TCP it includes the network."""


# Cost of a read besides its registers: the frames around them, and the device's processing time.
_AROUND_CHARS = 13
# A device on TCP answers in about 5 ms, whatever the request; one behind a gateway takes 1 ms per register.
NETWORK_REQUEST_COST = 60.0
_FRAME_BYTES = 3
"""Bytes around an answer's PDU: unit and checksum."""


@dataclass(frozen=True, slots=True)
class WireTiming:
    """Duration of one character, and of the silence before each frame, in s; both 0 on a network."""

    char_s: float = 0.0
    quiet_s: float = 0.0

    @property
    def request_cost(self) -> float:
        """Return how many registers could be read in the time of one more request."""
        if not self.char_s:
            return NETWORK_REQUEST_COST
        return (_AROUND_CHARS * self.char_s + 2 * self.quiet_s + DEVICE_DELAY_S) / (2 * self.char_s)

    @property
    def answer_s(self) -> float:
        """The usual time in s from a request to the beginning of its answer.

        On a serial line the device detects the end of the request by the silence after it.
        """
        return self.quiet_s + DEVICE_DELAY_S

    def sending_s(self, request: Request) -> float:
        """Return the duration of the request on the wire in s."""
        return len(request.rtu) * self.char_s

    def hearing_s(self, request: Request) -> float:
        """Return the duration of its answer on the wire in s."""
        return (request.answer_size + _FRAME_BYTES) * self.char_s

    def exchange_s(self, request: Request, answer_s: float) -> float:
        """Return the whole duration in s, from the silence before it to the last character of the answer."""
        return self.quiet_s + self.sending_s(request) + answer_s + self.hearing_s(request)


def find_silence_s(baud: int, char_s: float) -> float:
    """Return the silence between frames in s.

    3.5 characters, 1.75 ms above 19200 baud (Serial Line V1.02, 2.5.1.1).
    """
    return 0.00175 if baud > 19200 else 3.5 * char_s


def make_timing(bus: "RtuBus | TcpBus") -> WireTiming:
    """Return the pace of a checked section of the site file."""
    if bus.kind == "modbus-tcp":
        return WireTiming()
    char_s = (1 + 8 + (bus.parity != "N") + bus.stop_bits) / bus.baud
    return WireTiming(char_s, find_silence_s(bus.baud, char_s))


_RISE = 0.3


class TurnaroundTimes:
    """The shortest recent turnaround, by unit: quick to shrink, slow to grow.

    A read of the line at this time never misses an answer as fast as the fastest recent one.
    """

    def __init__(self) -> None:
        self._soonest_s: dict[int, float] = {}

    def soonest_s(self, unit: int) -> float:
        """Return the time in s from the end of a request to the start of its answer; 0 for a new unit."""
        return self._soonest_s.get(unit, 0.0)

    def learn(self, unit: int, turnaround_s: float) -> None:
        """Record one more turnaround."""
        soonest_s = self.soonest_s(unit)
        if turnaround_s > soonest_s:
            self._soonest_s[unit] = soonest_s + _RISE * (turnaround_s - soonest_s)
        else:
            self._soonest_s[unit] = max(turnaround_s, 0.0)

    def halve(self, unit: int) -> None:
        """Halve the value: an answer was there before anybody looked, for an unknown time."""
        self._soonest_s[unit] = self.soonest_s(unit) / 2
