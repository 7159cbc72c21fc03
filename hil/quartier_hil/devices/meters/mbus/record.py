"""Records of M-Bus: DIF, DIFE, VIF, VIFE and the data behind them.

Source: EN 13757-3:2018, sections 6.3 (data information block), 6.4 (value information block) and
annex A (coding of data: A BCD, B binary, F and G and I and J times, LVAR).
"""

import datetime as dt
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from quartier_hil.devices.meters.mbus.quantity import DURATION_UNITS, DURATIONS, QUANTITIES
from quartier_hil.devices.meters.speech import Statement

FUNCTIONS: Mapping[str, int] = {"instantaneous": 0, "maximum": 1, "minimum": 2, "error": 3}
MORE_FOLLOWS, MANUFACTURER, IDLE = b"\x1f", b"\x0f", b"\x2f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Place of a record among several of its quantity: function, storage, tariff, subunit."""

    function: str = "instantaneous"
    storage: int = 0
    tariff: int = 0
    subunit: int = 0


PLAIN = Place()


@dataclass(frozen=True, slots=True)
class Record:
    """Its bytes and, where it states something, its value, unit, time and what it measures."""

    data: bytes
    value: str | int | float | None = None
    unit: str = ""
    time: str = ""
    quantity: str = ""
    place: Place = PLAIN
    exponent: int = 0

    def says(self, number: int) -> tuple[Statement, ...]:
        """Return the statements of it as record ``number`` of its telegram."""
        if self.value is None:
            return ()
        more: dict[str, str | int | float] = {
            "function": self.place.function,
            "storage": self.place.storage,
            "tariff": self.place.tariff,
            "subunit": self.place.subunit,
            "quantity": self.quantity,
            "exponent": self.exponent,
        }
        return (Statement(str(number), self.value, self.unit, self.time, more),)


def _bcd(value: int, digits: int) -> bytes:
    """Low digits first; a minus is the nibble F in front, as the standard's type A has it."""
    if abs(value) >= 10 ** (digits - (value < 0)):
        raise OverflowError(f"{value} has more than {digits} digits")
    shown = f"{abs(value):0{digits}d}" if value >= 0 else f"F{abs(value):0{digits - 1}d}"
    return bytes.fromhex(shown)[::-1]


def _binary(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little", signed=True)


# Data field: its code, and the encoding of a whole number.
FIELDS: Mapping[str, tuple[int, Callable[[int], bytes]]] = {
    "int8": (1, lambda value: _binary(value, 1)),
    "int16": (2, lambda value: _binary(value, 2)),
    "int24": (3, lambda value: _binary(value, 3)),
    "int32": (4, lambda value: _binary(value, 4)),
    "int48": (6, lambda value: _binary(value, 6)),
    "int64": (7, lambda value: _binary(value, 8)),
    "bcd2": (9, lambda value: _bcd(value, 2)),
    "bcd4": (10, lambda value: _bcd(value, 4)),
    "bcd6": (11, lambda value: _bcd(value, 6)),
    "bcd8": (12, lambda value: _bcd(value, 8)),
    "bcd12": (14, lambda value: _bcd(value, 12)),
}
_REAL, _VARIABLE = 5, 13
_SECONDS: Mapping[str, int] = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


def information(field: int, place: Place) -> bytes:
    """DIF and as many DIFE as storage, tariff and subunit need."""
    dif = field | FUNCTIONS[place.function] << 4 | (place.storage & 1) << 6
    storage, tariff, subunit = place.storage >> 1, place.tariff, place.subunit
    out = [dif]
    while storage or tariff or subunit:
        out[-1] |= 0x80
        out.append(storage & 0xF | (tariff & 3) << 4 | (subunit & 1) << 6)
        storage, tariff, subunit = storage >> 4, tariff >> 2, subunit >> 1
    return bytes(out)


def scaled(count: int, exponent: int) -> int | float:
    """``count`` × 10^``exponent`` without the noise of a binary product."""
    if exponent >= 0:
        return count * int(10**exponent)
    return float(round(count / 10**-exponent, -exponent))


def measured(quantity: str, count: int, exponent: int, field: str = "int32", place: Place = PLAIN) -> Record:
    """``count`` × 10^``exponent`` of a quantity in ``QUANTITIES``."""
    kind = QUANTITIES[quantity]
    code, coded = FIELDS[field]
    data = information(code, place) + kind.vif(exponent) + coded(count)
    return Record(data, scaled(count, exponent), kind.unit, "", quantity, place, exponent)


def real(quantity: str, value: float, exponent: int, place: Place = PLAIN) -> Record:
    """A 32-bit IEEE 754 number × 10^``exponent``."""
    kind = QUANTITIES[quantity]
    raw = struct.pack("<f", value)
    told = float(struct.unpack("<f", raw)[0]) * 10.0**exponent
    return Record(
        information(_REAL, place) + kind.vif(exponent) + raw, told, kind.unit, "", quantity, place, exponent
    )


def duration(kind: str, count: int, unit: str, field: str = "int32", place: Place = PLAIN) -> Record:
    """A duration sent in its own unit, s, min, h or d; stated in seconds, as all durations."""
    code, coded = FIELDS[field]
    vif = bytes([DURATIONS[kind] | DURATION_UNITS.index(unit)])
    seconds = count * _SECONDS[unit]
    return Record(information(code, place) + vif + coded(count), seconds, "s", "", kind, place)


def date(day: dt.date, place: Place = PLAIN) -> Record:
    """Type G, two bytes."""
    year = day.year % 100
    raw = bytes([day.day | (year & 7) << 5, day.month | year >> 3 << 4])
    told = day.isoformat()
    return Record(information(2, place) + b"\x6c" + raw, told, "", told, "date", place)


def date_time(moment: dt.datetime, place: Place = PLAIN, *, summer: bool = False) -> Record:
    """Type F, four bytes, to the minute."""
    year = moment.year % 100
    raw = bytes(
        [
            moment.minute,
            moment.hour | summer << 7,
            moment.day | (year & 7) << 5,
            moment.month | year >> 3 << 4,
        ]
    )
    told = moment.replace(second=0, microsecond=0, tzinfo=None).isoformat()
    return Record(information(4, place) + b"\x6d" + raw, told, "", told, "date_time", place)


def date_time_seconds(moment: dt.datetime, place: Place = PLAIN) -> Record:
    """Type I, six bytes, to the second."""
    year = moment.year % 100
    raw = bytes(
        [
            moment.second,
            moment.minute,
            moment.hour,
            moment.day | (year & 7) << 5,
            moment.month | year >> 3 << 4,
            0,
        ]
    )
    told = moment.replace(microsecond=0, tzinfo=None).isoformat()
    return Record(information(6, place) + b"\x6d" + raw, told, "", told, "date_time", place)


def text(vif: bytes, value: str, place: Place = PLAIN) -> Record:
    """LVAR below C0: characters, the last one first."""
    raw = value.encode("latin-1")
    data = information(_VARIABLE, place) + vif + bytes([len(raw)]) + raw[::-1]
    return Record(data, value, "", "", "text", place)


def variable(quantity: str, count: int, exponent: int, *, form: str, place: Place = PLAIN) -> Record:
    """LVAR of a number: ``form`` bcd (C0, D0 with a minus) or binary (E0)."""
    kind = QUANTITIES[quantity]
    if form == "bcd":
        digits = f"{abs(count):d}"
        digits = digits.zfill(len(digits) + len(digits) % 2)
        raw = bytes.fromhex(digits)[::-1]
        length = (0xC0 if count >= 0 else 0xD0) + len(raw)
    else:
        raw = _binary(count, count.bit_length() // 8 + 1)
        length = 0xE0 + len(raw)
    data = information(_VARIABLE, place) + kind.vif(exponent) + bytes([length]) + raw
    return Record(data, scaled(count, exponent), kind.unit, "", quantity, place, exponent)


def custom(unit: str, count: int, field: str = "int32", place: Place = PLAIN) -> Record:
    """A unit in the record's own words: VIF 7C, its length, its letters from the last."""
    code, coded = FIELDS[field]
    raw = unit.encode("latin-1")
    data = information(code, place) + bytes([0x7C, len(raw)]) + raw[::-1] + coded(count)
    return Record(data, count, unit, "", "custom", place)
