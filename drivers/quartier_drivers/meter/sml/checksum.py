"""The checksums of SML: CRC-16/X.25, or Kermit for a maker that mistook it; pure."""

from typing import NamedTuple

from quartier_native.meters import crc16_ccitt


class Way(NamedTuple):
    """One kind of checksum: a register begins with ``first``; at the end its bits ``flip`` are inverted.

    ``is_high_first``: the two bytes are in the other order on the wire.
    """

    first: int
    flip: int
    is_high_first: bool = False

    def wire(self, state: int) -> bytes:
        """Return the two bytes on the wire for a register as ``crc16_ccitt`` left it."""
        return (state ^ self.flip).to_bytes(2, "big" if self.is_high_first else "little")

    def of(self, data: bytes) -> bytes:
        """Return the two bytes on the wire after ``data``."""
        return self.wire(crc16_ccitt(data, self.first))


X25 = Way(0xFFFF, 0xFFFF)
KERMIT = Way(0x0000, 0x0000)
KERMIT_HIGH_FIRST = Way(0x0000, 0x0000, is_high_first=True)
"""The kind that Holley's DTZ541 sends."""
