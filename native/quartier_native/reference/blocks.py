"""Blocks of 128 whole numbers, mostly small, in as few bits as they need; the last may be shorter.

Layout: width w (7 bits of a byte; its top bit says that exceptions follow) · the low w bits of each number.
Exceptions have more than w bits: their count less 1 (byte), then as one string of bits filled up to a byte:
width h of the high parts less 1 (5 bits, in a wide block 6), and for each its place (7 bits) and its high
part (h bits). Packing with patches follows Zukowski and others, Super-Scalar RAM-CPU Cache Compression
(ICDE 2006); without a chain from number to number a block is fast to read.

In a near block, whose numbers are below 2**32, the low parts lie in four lanes, number i in lane i mod 4,
so that a processor works on four at a time (after Lemire and Boytsov, Decoding billions of integers per
second through vectorization, 2015): each lane is a string of bits, the first number lowest, numbers of 0
filling it up where the count is no multiple of four.  The lanes' words of 32 bits take turns; of the last
word, where it is not full, each lane has only the bytes it needs.  In a wide block they are one string of
bits, filled up to a byte.
"""

from collections.abc import Sequence

BLOCK = 128
EXCEPTIONS_MAX = 32
"""A width that would leave more of a block behind is not tried."""


EXCEPTIONS_PRICE = 14
"""Bits that the first exception of a block costs more than another."""


_LANES = 4


def pack(numbers: Sequence[int], *, wide: bool = False) -> bytes:
    """Pack 1 to 128 numbers, each in 0 .. 2**32 - 1 (``wide``: 2**64 - 1); the caller keeps their count."""
    width, high_width = _widths([number.bit_length() for number in numbers])
    low = [number & ((1 << width) - 1) for number in numbers]
    out = bytearray([width | (0x80 if high_width else 0)])
    out += _join_fields([(number, width) for number in low]) if wide else _split_lanes(low, width)
    if high_width:
        highs = [(place, number >> width) for place, number in enumerate(numbers) if number >> width]
        out.append(len(highs) - 1)
        fields = [(high_width - 1, 6 if wide else 5)]
        for place, high in highs:
            fields += [(place, 7), (high, high_width)]
        out += _join_fields(fields)
    return bytes(out)


def _widths(digits: Sequence[int]) -> tuple[int, int]:
    """Width of the low parts and of the exceptions' high parts (0: none) that take the fewest bits."""
    most = max(digits)
    best = (most * len(digits), most)
    for width in range(most - 1, -1, -1):
        exceptions = sum(number > width for number in digits)
        if exceptions > EXCEPTIONS_MAX:
            break
        bits = width * len(digits) + EXCEPTIONS_PRICE + exceptions * (7 + most - width)
        if bits < best[0]:
            best = (bits, width)
    return best[1], most - best[1]


def _join_fields(fields: Sequence[tuple[int, int]]) -> bytes:
    """Fields (value, width) one after the other, the first lowest, filled up to a byte."""
    bits = at = 0
    for value, width in fields:
        bits |= value << at
        at += width
    return bits.to_bytes((at + 7) // 8, "little")


def _lane_sizes(count: int, width: int) -> tuple[int, int]:
    """Full words in a lane, and bytes of its last."""
    words, rest = divmod(-(-count // _LANES) * width, 32)
    return words, (rest + 7) // 8


def _split_lanes(numbers: Sequence[int], width: int) -> bytes:
    words, rest = _lane_sizes(len(numbers), width)
    lanes = [
        _join_fields([(number, width) for number in numbers[lane::_LANES]]).ljust(4 * words + rest, b"\0")
        for lane in range(_LANES)
    ]
    full = [lane[4 * word : 4 * word + 4] for word in range(words) for lane in lanes]
    return b"".join(full + [lane[4 * words : 4 * words + rest] for lane in lanes])


class ByteReader:
    """Takes varints and byte strings from ``data``; ValueError past its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        if count > len(self._data) - self._at:
            raise ValueError(CORRUPT)
        self._at += count
        return self._data[self._at - count : self._at]

    def take_varint(self) -> int:
        """The number that ``put_varint`` wrote."""
        number = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                if number >= _LIMIT:
                    break
                return number
        raise ValueError(CORRUPT)

    def close(self) -> None:
        """ValueError unless everything was taken."""
        if self._at != len(self._data):
            raise ValueError(CORRUPT)


def _from_lanes(data: ByteReader, count: int, width: int) -> list[int]:
    words, rest = _lane_sizes(count, width)
    pieces = [data.take(size) for size in [4] * words + [rest] for _ in range(_LANES)]
    bits = [int.from_bytes(b"".join(pieces[lane::_LANES]), "little") for lane in range(_LANES)]
    mask = (1 << width) - 1
    return [bits[index % _LANES] >> index // _LANES * width & mask for index in range(count)]


def unpack(data: ByteReader, count: int, *, wide: bool = False) -> list[int]:
    """The ``count`` numbers that ``pack`` wrote; ValueError on anything else."""
    head = data.take(1)[0]
    width = head & 0x7F
    width_max, head_bits = (64, 6) if wide else (32, 5)
    if width > width_max:
        raise ValueError(CORRUPT)
    if wide:
        bits = int.from_bytes(data.take((width * count + 7) // 8), "little")
        numbers = [bits >> index * width & ((1 << width) - 1) for index in range(count)]
    else:
        numbers = _from_lanes(data, count, width)
    if head & 0x80:
        exceptions = data.take(1)[0] + 1
        first = data.take(1)
        high_width = (first[0] & ((1 << head_bits) - 1)) + 1
        if exceptions > count or width + high_width > width_max:
            raise ValueError(CORRUPT)
        size = (head_bits + exceptions * (7 + high_width) + 7) // 8
        bits = int.from_bytes(first + data.take(size - 1), "little") >> head_bits
        for _ in range(exceptions):
            place = bits & 127
            if place >= count:
                raise ValueError(CORRUPT)
            numbers[place] |= (bits >> 7 & ((1 << high_width) - 1)) << width
            bits >>= 7 + high_width
    return numbers


CORRUPT = "corrupt series"
_LIMIT = 1 << 64


def put_varint(out: bytearray, number: int) -> None:
    """Append ``number`` (0 .. 2**64 - 1), seven bits a byte, lowest first."""
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def wrap_signed(number: int) -> int:
    """The 64-bit two's complement reading of ``number``, whose higher bits are dropped."""
    return (number + (1 << 63)) % _LIMIT - (1 << 63)


def fold(number: int) -> int:
    """0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 …"""
    return 2 * number if number >= 0 else -2 * number - 1


def unfold(number: int) -> int:
    """The inverse of ``fold``."""
    return number >> 1 ^ -(number & 1)
