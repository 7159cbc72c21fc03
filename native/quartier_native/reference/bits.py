"""A string of bits, lowest first, and the Rice codes in it; the words of the series format."""

ESCAPE = 20
"""So many zeros open an escape: 6 bits of length less one, then the number itself."""

CORRUPT = "corrupt series"
_LIMIT = 1 << 64


class BitWriter:
    """Collects codes; ``bytes()`` pads the last byte with zeros."""

    def __init__(self) -> None:
        self._bits = 0
        self._count = 0
        self._full = bytearray()

    def put(self, bits: int, count: int) -> None:
        """Append the low ``count`` bits of ``bits``."""
        self._bits |= bits << self._count
        self._count += count
        whole = self._count // 8
        self._full += (self._bits & ((1 << 8 * whole) - 1)).to_bytes(whole, "little")
        self._bits >>= 8 * whole
        self._count -= 8 * whole

    def put_rice(self, number: int, low_count: int) -> None:
        """Append ``number`` (0 .. 2**64 - 1): its high part in zeros and a one, then its low bits."""
        high = number >> low_count
        if high < ESCAPE:
            self.put(1 << high, high + 1)
            self.put(number & ((1 << low_count) - 1), low_count)
        else:
            self.put(0, ESCAPE)
            self.put(number.bit_length() - 1, 6)
            self.put(number, number.bit_length())

    def __bytes__(self) -> bytes:
        return bytes(self._full) + (bytes([self._bits]) if self._count else b"")


class BitReader:
    """Takes codes from ``data``; ValueError past its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> int:
        """The next ``count`` bits (at most 64)."""
        start = self._at
        self._at += count
        if self._at > 8 * len(self._data):
            raise ValueError(CORRUPT)
        window = int.from_bytes(self._data[start // 8 : start // 8 + 9], "little")
        return (window >> start % 8) & ((1 << count) - 1)

    def take_rice(self, low_count: int) -> int:
        """The number that ``put_rice`` wrote."""
        start = self._at
        window = int.from_bytes(self._data[start // 8 : start // 8 + 4], "little") >> start % 8
        high = (window & -window).bit_length() - 1 if window else ESCAPE
        if high < ESCAPE:
            self.take(high + 1)
            return (high << low_count) | self.take(low_count)
        self.take(ESCAPE)
        return self.take(self.take(6) + 1)

    def close(self) -> None:
        """ValueError unless all but the padding was taken."""
        if (self._at + 7) // 8 != len(self._data):
            raise ValueError(CORRUPT)


def put_varint(out: bytearray, number: int) -> None:
    """Append ``number`` (0 .. 2**64 - 1), seven bits a byte, lowest first."""
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


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


def signed(number: int) -> int:
    """The 64-bit two's complement reading of ``number``, whose higher bits are dropped."""
    return (number + (1 << 63)) % _LIMIT - (1 << 63)


def folded(number: int) -> int:
    """0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 …"""
    return 2 * number if number >= 0 else -2 * number - 1


def unfolded(number: int) -> int:
    """The inverse of ``folded``."""
    return number >> 1 ^ -(number & 1)
