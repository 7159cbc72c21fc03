"""How a sum of SML is made: CRC-16/X.25, or Kermit where a maker mistook it; pure."""

from typing import NamedTuple

from quartier_native.meters import crc16_ccitt


class Way(NamedTuple):
    """One way to make the sum: a register that begins with ``first``, of whose bits ``flip`` end turned.

    ``is_high_first``: the two bytes stand in the other order on the wire.
    """

    first: int
    flip: int
    is_high_first: bool = False

    def wire(self, state: int) -> bytes:
        """The two bytes that stand on the wire for a register as ``crc16_ccitt`` left it."""
        return (state ^ self.flip).to_bytes(2, "big" if self.is_high_first else "little")

    def of(self, data: bytes) -> bytes:
        """The two bytes that stand on the wire behind ``data``."""
        return self.wire(crc16_ccitt(data, self.first))


X25 = Way(0xFFFF, 0xFFFF)
KERMIT = Way(0x0000, 0x0000)
KERMIT_HIGH_FIRST = Way(0x0000, 0x0000, is_high_first=True)
"""As Holley's DTZ541 sends it."""
