"""CRC-16 of polynomial 0x1021, reflected: CRC-16/X.25, and Kermit where a maker mistook it; pure.

The C function behind ``binascii.crc_hqx`` takes the bits the other way round: mirrored bytes go in, the
mirrored sum comes out.
"""

from binascii import crc_hqx
from dataclasses import dataclass

MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True)
class Way:
    """One way to make the sum: a register that begins with ``first``, of whose bits ``flip`` end turned.

    ``is_high_first``: the two bytes stand in the other order on the wire.
    """

    first: int
    flip: int
    is_high_first: bool = False

    def wire(self, state: int) -> bytes:
        """The two bytes that stand on the wire for a register as ``running`` left it."""
        low, high = MIRROR[state >> 8] ^ self.flip, MIRROR[state & 0xFF] ^ self.flip
        return bytes((high, low)) if self.is_high_first else bytes((low, high))

    def of(self, data: bytes) -> bytes:
        """The two bytes that stand on the wire behind ``data``."""
        return self.wire(running(data, self.first))


def running(data: bytes, state: int) -> int:
    """The register after some more bytes."""
    return crc_hqx(data.translate(MIRROR), state)


X25 = Way(0xFFFF, 0xFF)
KERMIT = Way(0x0000, 0x00)
KERMIT_HIGH_FIRST = Way(0x0000, 0x00, is_high_first=True)
"""As Holley's DTZ541 sends it."""
