"""Decodes and encodes A-XDR, the data of DLMS/COSEM, bounded in depth; pure.

IEC 61334-6 (A-XDR), IEC 62056-5-3 (Data), Blue Book 4.1.5 (common data types).
"""

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

NULL, ARRAY, STRUCTURE, BOOLEAN, BITS = 0, 1, 2, 3, 4
INT32, UINT32, OCTETS, TEXT, UTF8, BCD = 5, 6, 9, 10, 12, 13
INT8, INT16, UINT8, UINT16, COMPACT = 15, 16, 17, 18, 19
INT64, UINT64, ENUM, FLOAT32, FLOAT64 = 20, 21, 22, 23, 24
DATE_TIME, DATE, TIME, DONT_CARE = 25, 26, 27, 255
DESCRIPTOR = 256
"""Not in the standard: class, name and attribute that some meters send without a tag (see ``Reader``)."""

DEPTH_MAX = 16
NUMBERS = {
    INT8: struct.Struct(">b"),
    INT16: struct.Struct(">h"),
    INT32: struct.Struct(">i"),
    INT64: struct.Struct(">q"),
    UINT8: struct.Struct(">B"),
    UINT16: struct.Struct(">H"),
    UINT32: struct.Struct(">I"),
    UINT64: struct.Struct(">Q"),
    ENUM: struct.Struct(">B"),
    FLOAT32: struct.Struct(">f"),
    FLOAT64: struct.Struct(">d"),
}
_FIXED = {DATE_TIME: 12, DATE: 5, TIME: 4}
_LISTS = (ARRAY, STRUCTURE, COMPACT)
_NAME_SIZE = 6
_DESCRIPTOR_SIZE = 9


class MalformedData(ValueError):  # noqa: N818 - what came, not what failed
    """The bytes are no A-XDR of the expected form."""


class TruncatedData(MalformedData):
    """The bytes end before the value is complete; more may come."""


class Item(NamedTuple):
    """One value with its tag; ``value`` is a list of items for arrays and structures."""

    tag: int
    value: "ItemValue"

    @property
    def items(self) -> Sequence["Item"]:
        """The elements of a list; empty for any other value."""
        return self.value if isinstance(self.value, list) else ()

    @property
    def octets(self) -> bytes:
        """The bytes of an octet string, date or time; empty for any other value."""
        return self.value if isinstance(self.value, bytes) else b""


_NOTHING = Item(NULL, None)
ItemValue = None | bool | int | float | str | bytes | list[Item] | tuple[int, bytes, int]
_Type = tuple[int, tuple["_Type", ...], int]


class AxdrReader:
    """Reads items from ``data``, from place ``at`` on.

    ``is_mending`` accepts two defects of makers against the standard: names whose tag and length are swapped
    (06 09), and class, name and attribute without any tag at the beginning of a structure of two.  Valid data
    is never mended: try without it first.  ``places`` maps the ``id`` of number and string items to the place
    of their bytes.
    """

    def __init__(self, data: bytes, at: int = 0, *, is_mending: bool = False) -> None:
        self.data = data
        self.at = at
        self.places: dict[int, int] = {}
        self._is_mending = is_mending

    @property
    def left_bytes_count(self) -> int:
        """Number of bytes not yet read."""
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        """Return the next bytes; raises TruncatedData."""
        end = self.at + count
        if end > len(self.data):
            raise TruncatedData(f"{self.left_bytes_count} bytes where {count} are said to follow")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def byte(self) -> int:
        """Return the next byte; raises TruncatedData."""
        if self.at >= len(self.data):
            raise TruncatedData("ends where a byte is expected")
        self.at += 1
        return self.data[self.at - 1]

    def length(self) -> int:
        """Return a length or count: one byte below 0x80, else 0x81 to 0x84 and as many bytes."""
        first = self.byte()
        if first < 0x80:
            return first
        if not 0x81 <= first <= 0x84:
            raise MalformedData(f"a length that begins with {first:#04x}")
        return int.from_bytes(self.take(first - 0x80), "big")

    def string(self) -> bytes:
        """Return an octet string without tag."""
        return self.take(self.length())

    def item(self, depth: int = 0) -> Item:
        """Return the next item with its tag.

        Raises MalformedData, or TruncatedData if the bytes end too early.
        """
        tag = self.byte()
        if tag == NULL:
            return _NOTHING
        if tag in NUMBERS:
            return self._read_swapped_name(tag) if self._is_mending else self._number(tag)
        if tag in (ARRAY, STRUCTURE):
            return Item(tag, self._list(tag, depth))
        if tag == COMPACT:
            kind = self._type(depth)
            inner = AxdrReader(self.string())
            return Item(ARRAY, inner._compact(kind, depth))
        return self._plain(tag)

    def _list(self, tag: int, depth: int) -> list[Item]:
        if depth >= DEPTH_MAX:
            raise MalformedData(f"lists within lists, more than {DEPTH_MAX}")
        count = self.length()
        if self._is_mending and tag == STRUCTURE and count == 2 and self._is_descriptor():
            described = Item(DESCRIPTOR, self._descriptor())
            return [described, self.item(depth + 1)]
        if count > self.left_bytes_count:  # each item has a byte at least
            raise TruncatedData(f"{self.left_bytes_count} bytes for {count} items")
        return [self.item(depth + 1) for _ in range(count)]

    def _number(self, tag: int) -> Item:
        form = NUMBERS[tag]
        made = Item(tag, form.unpack(self.take(form.size))[0])
        self.places[id(made)] = self.at - form.size
        return made

    def _plain(self, tag: int) -> Item:  # noqa: PLR0911 - one for each data type
        """Return a value that is neither a number nor a list; its tag has been read."""
        if tag == OCTETS:
            made = Item(tag, self.string())
            self.places[id(made)] = self.at - len(made.octets)
            return made
        if tag in (TEXT, UTF8):
            sent = self.string()
            made = Item(tag, sent.decode("utf-8", "replace"))
            self.places[id(made)] = self.at - len(sent)
            return made
        if tag in (NULL, DONT_CARE):
            return _NOTHING
        if tag == BOOLEAN:
            return Item(tag, self.byte() != 0)
        if tag == BCD:
            return Item(tag, _decode_bcd(self.byte()))
        if tag in _FIXED:
            made = Item(tag, self.take(_FIXED[tag]))
            self.places[id(made)] = self.at - _FIXED[tag]
            return made
        if tag == BITS:
            count = self.length()
            bits = self.take((count + 7) // 8)
            return Item(tag, "".join(f"{byte:08b}" for byte in bits)[:count])
        raise MalformedData(f"no data type {tag:#04x}")

    def _read_swapped_name(self, tag: int) -> Item:
        name = self.data[self.at + 1 : self.at + 1 + _NAME_SIZE]
        swapped = tag == _NAME_SIZE and self.data[self.at : self.at + 1] == b"\x09"
        if swapped and len(name) == _NAME_SIZE and name[-1] == 0xFF:
            self.at += 1 + _NAME_SIZE
            return Item(OCTETS, name)
        return self._number(tag)

    def _is_descriptor(self) -> bool:
        head = self.data[self.at : self.at + _DESCRIPTOR_SIZE]
        return len(head) == _DESCRIPTOR_SIZE and head[0] == 0 and head[1] > 0 and head[7] == 0xFF

    def _descriptor(self) -> tuple[int, bytes, int]:
        head = self.take(_DESCRIPTOR_SIZE)
        return int.from_bytes(head[:2], "big"), head[2:8], head[8]

    def _type(self, depth: int) -> _Type:
        """Return a type description: tag, types of its members, count of a fixed array."""
        if depth >= DEPTH_MAX:
            raise MalformedData(f"types within types, more than {DEPTH_MAX}")
        tag = self.byte()
        if tag == ARRAY:
            count = int.from_bytes(self.take(2), "big")
            return tag, (self._type(depth + 1),), count
        if tag == STRUCTURE:
            count = self.length()
            if count > self.left_bytes_count:
                raise TruncatedData(f"{self.left_bytes_count} bytes for {count} types")
            return tag, tuple(self._type(depth + 1) for _ in range(count)), count
        if tag == COMPACT:
            raise MalformedData("a compact array within a compact array")
        return tag, (), 0

    def _compact(self, kind: _Type, depth: int) -> list[Item]:
        made = []
        while self.left_bytes_count:
            before = self.at
            made.append(self._read_typed(kind, depth))
            if self.at == before:
                raise MalformedData("a compact array of nothing")
        return made

    def _read_typed(self, kind: _Type, depth: int) -> Item:
        tag, members, count = kind
        if tag == STRUCTURE:
            return Item(tag, [self._read_typed(member, depth + 1) for member in members])
        if tag == ARRAY:
            if count > self.left_bytes_count:
                raise TruncatedData(f"{self.left_bytes_count} bytes for {count} items")
            return Item(tag, [self._read_typed(members[0], depth + 1) for _ in range(count)])
        return self._number(tag) if tag in NUMBERS else self._plain(tag)


def _decode_bcd(code: int) -> int:
    high, low = divmod(code, 16)
    return high * 10 + low if high < 10 and low < 10 else code


def read_item(data: bytes, at: int = 0) -> Item:
    """Return the single item from ``at`` to the last byte of ``data``; trailing null-data is padding.

    If it is invalid, known defects of makers are mended, provided that all of it can then be read. Raises
    MalformedData.
    """
    return read_item_places(data, at)[0]


def read_item_places(data: bytes, at: int = 0) -> tuple[Item, Mapping[int, int]]:
    """Return the same as ``read_item``, and the place of each number and string by the ``id`` of its item.

    Mended data has no places.
    """
    reader = AxdrReader(data, at)
    try:
        return _read_whole(reader), reader.places
    except MalformedData as error:
        try:
            return _read_whole(AxdrReader(data, at, is_mending=True)), {}
        except MalformedData:
            raise error from None


def _read_whole(reader: AxdrReader) -> Item:
    made = reader.item()
    if reader.data[reader.at :].strip(b"\0"):
        raise MalformedData(f"{reader.left_bytes_count} bytes too many")
    return made


def encode_length(count: int) -> bytes:
    """Return an encoded length or count."""
    if count < 0x80:
        return bytes([count])
    size = (count.bit_length() + 7) // 8
    return bytes([0x80 | size]) + count.to_bytes(size, "big")


def encode_string(data: bytes) -> bytes:
    """Return an encoded octet string without tag."""
    return encode_length(len(data)) + data


def encode_item(item: Item) -> bytes:
    """Return an encoded item: numbers, octet strings, texts, dates, null-data and lists of them.

    Raises ValueError for other tags and for numbers that their type cannot hold.
    """
    tag, value = item
    head = bytes([tag]) if tag <= 0xFF else b""
    if tag in NUMBERS:
        try:
            return head + NUMBERS[tag].pack(value)
        except struct.error as error:
            raise ValueError(f"{value!r} as data type {tag}: {error}") from error
    if tag == BOOLEAN:
        return head + bytes([bool(value)])
    if isinstance(value, list):
        return head + encode_length(len(value)) + b"".join(map(encode_item, value))
    if isinstance(value, str) and tag in (TEXT, UTF8):
        return head + encode_string(value.encode())
    if isinstance(value, bytes):
        return head + (value if tag in _FIXED else encode_string(value))
    if tag == NULL:
        return head
    raise ValueError(f"data type {tag} is not written")
