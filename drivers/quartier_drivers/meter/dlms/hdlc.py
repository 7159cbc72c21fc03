"""Make and check HDLC frames (pure)."""

from binascii import crc_hqx
from dataclasses import dataclass

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def crc_x25(data: bytes | bytearray | memoryview) -> int:
    """Return the CRC over ``data``; it is sent low byte first.

    ``crc_hqx`` computes the same polynomial from the other end, so bits are mirrored on the way in and out.
    """
    crc = crc_hqx(bytes(data).translate(_MIRRORED), 0xFFFF)
    return (_MIRRORED[crc & 0xFF] << 8 | _MIRRORED[crc >> 8]) ^ 0xFFFF


def is_crc_valid(data: bytes | bytearray | memoryview, check: bytes | bytearray | memoryview) -> bool:
    """Return whether the two bytes ``check`` are the check sequence of ``data``."""
    return crc_x25(data).to_bytes(2, "little") == check


FLAG = 0x7E
SIZE_MAX = 0x7FF
"""The longest frame that the format field can express, without flags."""


HEAD_MAX = 2 + 4 + 4 + 1 + 2
_SEGMENTED = 0x0800
_ADDRESS_SIZES = (1, 2, 4)
# Control fields without the poll/final bit (0x10).
UI, SNRM, UA, DISC, DM, FRMR, RR, RNR = 0x03, 0x83, 0x63, 0x43, 0x0F, 0x87, 0x01, 0x05
POLL = 0x10
LLC_SENT = bytes([0xE6, 0xE6, 0x00])
LLC_HEARD = bytes([0xE6, 0xE7, 0x00])


class TruncatedFrame(Exception):  # noqa: N818 - not an error: more bytes may come
    """The bytes end before their meaning is clear."""


@dataclass(frozen=True, slots=True)
class HdlcFrame:
    """One frame with valid check sequences.

    ``control`` is the whole control field; ``is_flagged``: both flags were received.
    """

    destination: int
    source: int
    control: int
    information: bytes = b""
    is_segmented: bool = False
    is_flagged: bool = True

    @property
    def kind(self) -> int:
        """The control field without poll/final bit; 0 for information frames, RR and RNR without number."""
        if not self.control & 1:
            return 0
        return self.control & 0x0F if self.control & 0x02 == 0 else self.control & ~POLL

    @property
    def is_final(self) -> bool:
        """Return whether the sender has finished for now (poll/final bit)."""
        return bool(self.control & POLL)

    @property
    def send_sequence_number(self) -> int:
        """N(S) of an information frame."""
        return self.control >> 1 & 7

    @property
    def receive_sequence_number(self) -> int:
        """N(R) of an information, RR or RNR frame."""
        return self.control >> 5


@dataclass(frozen=True, slots=True)
class HdlcHead:
    """The header of a frame: ``size`` of the frame without flags, and the place of the ``information``."""

    size: int
    destination: int
    source: int
    control: int
    is_segmented: bool
    information: int


def encode_address(value: int, size: int = 0) -> bytes:
    """Return an encoded address: seven bits per byte, the lowest bit ends it.

    ``size`` is 1, 2 or 4 bytes; 0: the shortest.
    """
    if size == 0:
        size = next(size for size in _ADDRESS_SIZES if value < 1 << 7 * size)
    parts = [value >> 7 * place & 0x7F for place in reversed(range(size))]
    return bytes(part << 1 for part in parts[:-1]) + bytes([parts[-1] << 1 | 1])


def make_server_address(logical: int, physical: int = 0, size: int = 0) -> bytes:
    """Return a server's address: logical device, and physical device if ``size`` is 2 or 4 (IEC 62056-46)."""
    if size == 0:
        size = 1 if not physical else 2 if logical < 0x80 and physical < 0x80 else 4
    half = 7 * size // 2
    return encode_address(logical if size == 1 else logical << half | physical, size)


def decode_address(address: bytes) -> int:
    """Return the number of an encoded address."""
    number = 0
    for byte in address:
        number = number << 7 | byte >> 1
    return number


def make_frame(
    destination: bytes, source: bytes, control: int, information: bytes = b"", *, is_segmented: bool = False
) -> bytes:
    """Return a frame with its flags; raises ValueError if it would be too long."""
    head_size = 2 + len(destination) + len(source) + 1
    size = head_size + 2 + (len(information) + 2 if information else 0)
    if size > SIZE_MAX:
        raise ValueError(f"a frame of {size} bytes, at most {SIZE_MAX}")
    word = 0xA000 | (_SEGMENTED if is_segmented else 0) | size
    body = word.to_bytes(2, "big") + destination + source + bytes([control])
    if information:
        body += crc_x25(body).to_bytes(2, "little") + information
    return bytes([FLAG]) + body + crc_x25(body).to_bytes(2, "little") + bytes([FLAG])


def parse_head(data: bytes | bytearray, at: int) -> HdlcHead | None:
    """Return the header at ``at`` (after the flag), None if there is none; raises TruncatedFrame.

    The header check sequence must be valid, so noise passes only once in 65536 times.
    """
    if data[at] >> 4 != 0xA:
        return None
    destination, after = _parse_address(data, at + 2)
    source, end = _parse_address(data, after) if after else (0, 0)
    if not end:
        return None
    if end >= len(data):
        raise TruncatedFrame
    word = int.from_bytes(data[at : at + 2], "big")
    size, control, is_segmented = word & SIZE_MAX, data[end], bool(word & _SEGMENTED)
    head_size = end + 1 - at
    if size == head_size + 2:
        return HdlcHead(size, destination, source, control, is_segmented, head_size)
    if size < head_size + 5:
        return None
    if len(data) < end + 3:
        raise TruncatedFrame
    if not is_crc_valid(data[at : end + 1], data[end + 1 : end + 3]):
        return None
    return HdlcHead(size, destination, source, control, is_segmented, head_size + 2)


def _parse_address(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """Return the address at this place and the place after it, 0 if there is none; raises TruncatedFrame."""
    value = 0
    for size in range(1, 5):
        if at + size > len(data):
            raise TruncatedFrame
        byte = data[at + size - 1]
        value = value << 7 | byte >> 1
        if byte & 1:
            return (value, at + size) if size in _ADDRESS_SIZES else (0, 0)
    return 0, 0


def parse_frame(data: bytes | bytearray, at: int, head: HdlcHead) -> HdlcFrame | None:
    """Return the frame with ``head`` at ``at``, all bytes of which are in ``data``; None if its check fails.

    A frame without information has only one check sequence, so it must also have both flags.
    """
    end = at + head.size
    flagged = at > 0 and data[at - 1] == FLAG and end < len(data) and data[end] == FLAG
    if head.information == head.size - 2 and not flagged:
        return None
    if not is_crc_valid(data[at : end - 2], data[end - 2 : end]):
        return None
    information = bytes(data[at + head.information : end - 2])
    return HdlcFrame(head.destination, head.source, head.control, information, head.is_segmented, flagged)
