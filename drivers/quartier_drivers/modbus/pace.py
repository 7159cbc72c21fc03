"""How long bytes and silences take on a Modbus wire; pure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quartier_drivers.modbus.frame import Request

if TYPE_CHECKING:  # who releases a dead daemon's outputs has no time for its models
    from quartier_drivers.modbus.bus import RtuBus, TcpBus

THINKING_S = 0.005
"""What a device takes to think, where nobody knows better; on TCP the network is in it."""
# What a read costs besides its registers: the frames around them, and what a device takes to think.
_AROUND_CHARS = 13
# A device on TCP answers in some 5 ms, whatever it is asked; one behind a gateway takes 1 ms a register.
NETWORK_COST = 60.0
_FRAME_BYTES = 3
"""What stands around an answer's PDU: unit and checksum."""


@dataclass(frozen=True, slots=True)
class Pace:
    """One character, and the silence before each frame, in seconds; both 0 where bytes go over a network."""

    char_s: float = 0.0
    quiet_s: float = 0.0

    @property
    def request_cost(self) -> float:
        """Return how many registers could be read in the time that one more request takes."""
        if not self.char_s:
            return NETWORK_COST
        return (_AROUND_CHARS * self.char_s + 2 * self.quiet_s + THINKING_S) / (2 * self.char_s)

    @property
    def answer_s(self) -> float:
        """From a request to the beginning of its answer, where nobody knows better.

        On a serial line the device knows that the request is over once the line has been silent.
        """
        return self.quiet_s + THINKING_S

    def sending_s(self, request: Request) -> float:
        """Return how long the request takes on the wire."""
        return len(request.rtu) * self.char_s

    def hearing_s(self, request: Request) -> float:
        """Return how long its answer takes there."""
        return (request.answer_size + _FRAME_BYTES) * self.char_s

    def exchange_s(self, request: Request, answer_s: float) -> float:
        """All of it, from the silence before it to the last character of the answer."""
        return self.quiet_s + self.sending_s(request) + answer_s + self.hearing_s(request)


def quiet_s(baud: int, char_s: float) -> float:
    """Silence between frames: 3.5 characters, 1.75 ms above 19200 baud (Serial Line V1.02, 2.5.1.1)."""
    return 0.00175 if baud > 19200 else 3.5 * char_s


def pace(bus: "RtuBus | TcpBus") -> Pace:
    """That of a checked section of the site file."""
    if bus.kind == "modbus-tcp":
        return Pace()
    char_s = (1 + 8 + (bus.parity != "N") + bus.stop_bits) / bus.baud
    return Pace(char_s, quiet_s(bus.baud, char_s))
