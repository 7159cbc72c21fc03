"""Data of a meter: COSEM objects and rows of load curves.

Source: IEC 62056-6-2 (Blue Book) sections 4.3.1 (data), 4.3.2 (register), 4.5.1 (clock), 4.3.6 (profile
generic: buffer 2, capture objects 3, period 4, entries in use 7; selective access by range 1, by entry 2).
"""

import datetime as dt
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from quartier_hil.devices.meters.dlms import data
from quartier_hil.devices.meters.dlms.shape import logical

DATA, REGISTER, PROFILE, CLOCK = 1, 3, 7, 8
VALUE, SCALER, CAPTURED, PERIOD, IN_USE = 2, 3, 3, 4, 7
UNITS = {"W": 27, "VA": 28, "var": 29, "Wh": 30, "varh": 32, "A": 33, "V": 35, "Hz": 44, "": 255}

Attributes = dict[tuple[int, bytes, int], bytes]
"""Class, logical name and attribute of each, and its data."""


def text(code: str, said: str) -> Attributes:
    """An object that holds a text as octets, such as a serial number."""
    return {(DATA, logical(code), VALUE): data.octets(said.encode("ascii"))}


def count(code: str, kind: str, value: int) -> Attributes:
    """An object that holds a bare number, such as an invocation counter."""
    return {(DATA, logical(code), VALUE): data.number(kind, value)}


def register(code: str, kind: str, value: int, scaler: int, unit: str) -> Attributes:
    """``value`` times ten to the ``scaler`` in ``unit``; ``kind`` is one of ``data.NUMBERS``."""
    scale = data.structure([data.number("int8", scaler), data.enum(UNITS[unit])])
    name = logical(code)
    return {(REGISTER, name, VALUE): data.number(kind, value), (REGISTER, name, SCALER): scale}


def clock(moment: dt.datetime, code: str = "0-0:1.0.0") -> Attributes:
    """The meter's clock."""
    return {(CLOCK, logical(code), VALUE): data.octets(data.moment(moment))}


@dataclass(slots=True)
class Curve:
    """A load curve: registers ``columns`` captured each ``period_s``, the clock before them."""

    code: str
    columns: Sequence[str]
    period_s: int
    rows: list[tuple[bytes, bytes]] = field(default_factory=list)
    """The stamp of each row, 12 bytes, and the row as it is sent."""

    @property
    def name(self) -> bytes:
        """Its logical name."""
        return logical(self.code)

    def capture(self, moment: dt.datetime, values: Iterable[bytes]) -> None:
        """Add a row of values as they are sent."""
        stamp = data.moment(moment)
        self.rows.append((stamp, data.structure([data.octets(stamp), *values])))

    @property
    def attributes(self) -> Attributes:
        """All but the rows, which are selected from."""
        captured = [(CLOCK, "0-0:1.0.0"), *((REGISTER, code) for code in self.columns)]
        return {
            (PROFILE, self.name, CAPTURED): data.array([_captured(kind, code) for kind, code in captured]),
            (PROFILE, self.name, PERIOD): data.number("uint32", self.period_s),
        }

    def selected(self, selection: bytes) -> bytes:
        """Its rows, or those that a selective access asks for; raises ValueError for what is none."""
        if not selection:
            rows = self.rows
        elif selection[0] == 1:
            begin, end = _range(selection[1:])
            rows = [row for row in self.rows if begin <= _when(row[0]) <= end]
        elif selection[0] == 2 and selection[1:3] == b"\x02\x04":
            first, last = (struct.unpack(">I", selection[at : at + 4])[0] for at in (4, 9))
            rows = self.rows[first - 1 : last or None]
        else:
            raise ValueError(f"no selection: {selection.hex()}")
        return data.array([row for _, row in rows])


def _captured(kind: int, code: str) -> bytes:
    parts = [data.number("uint16", kind), data.octets(logical(code))]
    return data.structure([*parts, data.number("int8", VALUE), data.number("uint16", 0)])


# range-descriptor: a structure of four, its first part a structure of four that names the column.
_RANGE, _COLUMN_BYTES, _STAMP_BYTES = b"\x02\x04\x02\x04", 16, 14


def _range(descriptor: bytes) -> tuple[bytes, bytes]:
    if not descriptor.startswith(_RANGE):
        raise ValueError(f"no range: {descriptor.hex()}")
    at = len(_RANGE) + _COLUMN_BYTES
    stamps = (descriptor[at : at + _STAMP_BYTES], descriptor[at + _STAMP_BYTES : at + 2 * _STAMP_BYTES])
    begin, end = (_when(stamp[2:]) for stamp in stamps)
    return begin, end


def selection_size(rest: bytes) -> int:
    """Return the size in bytes of the selection at the start of ``rest``."""
    if rest[0] == 2:
        return 1 + 2 + 2 * 5 + 2 * 3
    return 1 + len(_RANGE) + _COLUMN_BYTES + 2 * _STAMP_BYTES + 2


def _when(stamp: bytes) -> bytes:
    """Date and time without the day of the week, the hundredths and the zone: they sort."""
    return stamp[:4] + stamp[5:8]


def held(*objects: Mapping[tuple[int, bytes, int], bytes]) -> Attributes:
    """Objects put together."""
    return {key: value for one in objects for key, value in one.items()}
