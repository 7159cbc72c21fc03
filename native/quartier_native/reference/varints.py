"""The smallest words of the series format: numbers of seven bits a byte, and folded signs."""

CORRUPT = "corrupt series"
_LIMIT = 1 << 64


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
