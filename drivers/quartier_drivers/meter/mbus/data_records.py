"""Splits an M-Bus telegram into data records and reads their values (EN 13757-3:2018, clause 6).

A record is a data information block (DIF and up to 10 DIFE), a value information block (VIF, for 7C and FC
its text, up to 10 VIFE) and its data.  The low four bits of the DIF give length and coding of the data.  Both
blocks together are the *head* of the record; its meaning depends on nothing else.  The text precedes the
VIFE, as meters in the field send it.  If a byte of 80 or more follows the VIF, it cannot be the length of a
text; then the text follows the VIFE.
"""

import struct
from collections.abc import Callable

RECORD_NUMBER, RECORD_TEXT, RECORD_DIGITS, RECORD_NOTHING, RECORD_MAKER, RECORD_OVERFLOW, RECORD_BLOB = range(
    7
)
"""What the value of a row is: see ``split_records``."""
(
    ENDED,
    RECORDS_CONTINUED,
    RECORDS_FAULTY,
    CUT_IN_VIF,
    CUT_IN_DATA,
    LONG_DIF,
    LONG_VIF,
    RESERVED_DIF,
    RESERVED_LENGTH,
) = range(9)
"""Results of splitting: how the records ended; from ``CUT_IN_DIF`` on the data contains no valid records."""

EXTENSIONS_MAX = 10
RecordValue = int | float | bytes | None
DataRecord = tuple[bytes, RecordValue, int]
_SIZES = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, 0, 6, 0)
_REAL, _BCD, _VARIABLE, _SPECIAL = 5, 9, 13, 15
_FILLER, _GLOBAL, _MAKER, _MORE = 0x2F, 0x7F, 0x0F, 0x1F
_PLAIN = 0x7C
_DIGIT_MAX = 9
_MINUS = 15


class _RecordsEnd(Exception):  # noqa: N818 - it ends the walk, whether well or not
    """The records end here; ``how`` is the result of splitting."""

    def __init__(self, how: int) -> None:
        self.how = how


def split_records(data: bytes, *, high_first: bool = False) -> tuple[list[DataRecord], int]:
    """Return the records of ``data`` (all after the header of the telegram) and how they ended.

    A row is the head as it was sent, the value, and the kind of the value:

    - ``NUMBER``: an int (two's complement or BCD) or a float (real of 32 bits, NaN or infinite too), unscaled
    - ``OVERFLOW``: an int whose highest BCD digit is A..E, which stands for 10..14 (Annex B)
    - ``DIGITS``: bytes, the highest first, of a BCD field with other codes than digits
    - ``TEXT``: bytes of a text in reading order
    - ``BLOB``: bytes, the highest first, of a binary field of more than 64 bits
    - ``NOTHING``: None, where the record has no data
    - ``MAKER``: bytes of the maker after DIF 0F or 1F, as they were sent

    Idle fillers are left out.  ``high_first``: mode 2, the highest byte of each field comes first.  Rows
    before a fault are returned too.  Never raises.
    """
    rows: list[DataRecord] = []
    walk = _RecordWalk(data, high_first=high_first)
    try:
        while True:
            row = walk.row()
            if row is not None:
                rows.append(row)
    except _RecordsEnd as end:
        if walk.rest:
            rows.append((data[walk.at - 1 : walk.at], walk.rest, RECORD_MAKER))
        return rows, end.how


class _RecordWalk:
    def __init__(self, data: bytes, *, high_first: bool) -> None:
        self.data = data
        self.at = 0
        self.rest = b""
        self._high_first = high_first

    def row(self) -> DataRecord | None:
        """Return the next record, None for an idle filler; raises _RecordsEnd."""
        if self.at >= len(self.data):
            raise _RecordsEnd(ENDED)
        start, dif = self.at, self._byte(RECORDS_FAULTY)
        if dif & 0x0F == _SPECIAL:
            self._special(dif)
            return None
        if dif & 0x80:
            self._extensions(RECORDS_FAULTY, LONG_DIF)
        self._value_information()
        head = self.data[start : self.at]
        field = dif & 0x0F
        value, state = self._variable() if field == _VARIABLE else self._plain(field)
        return head, value, state

    def _value_information(self) -> None:
        vif = self._byte(CUT_IN_VIF)
        is_plain = vif & 0x7F == _PLAIN
        text_first = is_plain and (self.at >= len(self.data) or self.data[self.at] < 0x80)
        if text_first:
            self._skip(self._byte(CUT_IN_VIF), CUT_IN_VIF)
        if vif & 0x80:
            self._extensions(CUT_IN_VIF, LONG_VIF)
        if is_plain and not text_first:
            self._skip(self._byte(CUT_IN_VIF), CUT_IN_VIF)

    def _special(self, dif: int) -> None:
        if dif in {_FILLER, _GLOBAL}:
            return
        if dif not in {_MAKER, _MORE}:
            raise _RecordsEnd(RESERVED_DIF)
        self.rest = self.data[self.at :]
        raise _RecordsEnd(RECORDS_CONTINUED if dif == _MORE else ENDED)

    def _byte(self, cut: int) -> int:
        if self.at >= len(self.data):
            raise _RecordsEnd(cut)
        self.at += 1
        return self.data[self.at - 1]

    def _skip(self, size: int, cut: int) -> None:
        if size > len(self.data) - self.at:
            raise _RecordsEnd(cut)
        self.at += size

    def _extensions(self, cut: int, long: int) -> None:
        for _ in range(EXTENSIONS_MAX):
            if self._byte(cut) < 0x80:
                return
        raise _RecordsEnd(long)

    def _field(self, size: int) -> bytes:
        """``size`` bytes of data, the highest first."""
        self._skip(size, CUT_IN_DATA)
        field = self.data[self.at - size : self.at]
        return field if self._high_first else field[::-1]

    def _plain(self, field: int) -> tuple[RecordValue, int]:
        size = _SIZES[field]
        if not size:
            return None, RECORD_NOTHING
        data = self._field(size)
        if field == _REAL:
            return float(struct.unpack(">f", data)[0]), RECORD_NUMBER
        return _read_digits(data) if field >= _BCD else _read_whole(data)

    def _variable(self) -> tuple[RecordValue, int]:
        """A field whose first byte, LVAR, says its length and coding (6.3.3, Table 5)."""
        length = self._byte(CUT_IN_DATA)
        for low, high, unit, first, read in _LENGTHS:
            if low <= length <= high:
                return read(self._field(unit * (length - low + first)))
        raise _RecordsEnd(RESERVED_LENGTH)


def _read_text(data: bytes) -> tuple[RecordValue, int]:
    return data, RECORD_TEXT


def _read_whole(data: bytes) -> tuple[RecordValue, int]:
    if not data:
        return None, RECORD_NOTHING
    return (
        (int.from_bytes(data, "big", signed=True), RECORD_NUMBER) if len(data) <= 8 else (data, RECORD_BLOB)
    )


def _read_digits(data: bytes) -> tuple[RecordValue, int]:
    """Two digits a byte; in the place of the highest F is a minus and A..E are 10..14 (Annex B)."""
    if not data:
        return None, RECORD_NOTHING
    digits = [digit for byte in data for digit in (byte >> 4, byte & 0x0F)]
    top = digits[0]
    if any(digit > _DIGIT_MAX for digit in digits[1:]):
        return data, RECORD_DIGITS
    number = 0 if top == _MINUS else top
    for digit in digits[1:]:
        number = 10 * number + digit
    if top == _MINUS:
        return -number, RECORD_NUMBER
    return number, RECORD_NUMBER if top <= _DIGIT_MAX else RECORD_OVERFLOW


def _read_minus(data: bytes) -> tuple[RecordValue, int]:
    value, state = _read_digits(data)
    return (-value, state) if isinstance(value, int) else (value, state)


# LVAR from .. to, bytes for each step, steps of the first, how to read them.
_LENGTHS: tuple[tuple[int, int, int, int, Callable[[bytes], tuple[RecordValue, int]]], ...] = (
    (0x00, 0xBF, 1, 0, _read_text),
    (0xC0, 0xC9, 1, 0, _read_digits),
    (0xD0, 0xD9, 1, 0, _read_minus),
    (0xE0, 0xEF, 1, 0, _read_whole),
    (0xF0, 0xF4, 4, 4, _read_whole),
    (0xF5, 0xF5, 48, 1, _read_whole),
    (0xF6, 0xF6, 64, 1, _read_whole),
)
