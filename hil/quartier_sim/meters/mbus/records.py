"""Records of M-Bus: DIF, DIFE, VIF, VIFE and the data behind them, by quantity.

Source: EN 13757-3:2018, tables 10 (primary), 12 (extension FB) and 14 (extension FD).

Source: EN 13757-3:2018, sections 6.3 (data information block), 6.4 (value information block) and annex A
(coding of data: A BCD, B binary, F and G and I and J times, LVAR).
"""

import datetime as dt
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from quartier_sim.meters.telegrams import Statement


@dataclass(frozen=True, slots=True)
class Quantity:
    """``unit`` × 10^exponent: ``count`` of them from ``low`` on, coded from ``first`` on behind ``head``."""

    unit: str
    first: int
    low: int
    count: int
    head: bytes = b""

    @property
    def exponents(self) -> range:
        """Those that it can code."""
        return range(self.low, self.low + self.count)

    def vif(self, exponent: int) -> bytes:
        """VIF, with the extension's head where it has one.  Raises ValueError outside the table."""
        if exponent not in self.exponents:
            raise ValueError(f"10^{exponent} {self.unit} is not in {self.exponents}")
        return self.head + bytes([self.first + exponent - self.low])


_FB, _FD = b"\xfb", b"\xfd"
QUANTITIES: Mapping[str, Quantity] = {
    "energy": Quantity("Wh", 0x00, -3, 8),
    "energy_j": Quantity("J", 0x08, 0, 8),
    "volume": Quantity("m3", 0x10, -6, 8),
    "mass": Quantity("kg", 0x18, -3, 8),
    "power": Quantity("W", 0x28, -3, 8),
    "power_j_per_h": Quantity("J/h", 0x30, 0, 8),
    "flow": Quantity("m3/h", 0x38, -6, 8),
    "flow_per_min": Quantity("m3/min", 0x40, -7, 8),
    "flow_per_s": Quantity("m3/s", 0x48, -9, 8),
    "mass_flow": Quantity("kg/h", 0x50, -3, 8),
    "flow_temperature": Quantity("C", 0x58, -3, 4),
    "return_temperature": Quantity("C", 0x5C, -3, 4),
    "difference_temperature": Quantity("K", 0x60, -3, 4),
    "external_temperature": Quantity("C", 0x64, -3, 4),
    "pressure": Quantity("bar", 0x68, -3, 4),
    "allocation": Quantity("", 0x6E, 0, 1),
    "energy_mwh": Quantity("Wh", 0x00, 5, 2, _FB),
    "energy_gj": Quantity("J", 0x08, 8, 2, _FB),
    "volume_large": Quantity("m3", 0x10, 2, 2, _FB),
    "mass_large": Quantity("kg", 0x18, 5, 2, _FB),
    "power_mw": Quantity("W", 0x28, 5, 2, _FB),
    "voltage": Quantity("V", 0x40, -9, 16, _FD),
    "current": Quantity("A", 0x50, -12, 16, _FD),
}
# Durations: seconds, minutes, hours, days in the two low bits (table 10).
DURATIONS: Mapping[str, int] = {"on_time": 0x20, "operating_time": 0x24, "averaging": 0x70, "actuality": 0x74}
DURATION_UNITS = ("s", "min", "h", "d")
DATE, DATE_TIME = b"\x6c", b"\x6d"
FABRICATION, OWNER = b"\x78", b"\xfd\x10"


FUNCTIONS: Mapping[str, int] = {"instantaneous": 0, "maximum": 1, "minimum": 2, "error": 3}
MORE_FOLLOWS, MANUFACTURER, IDLE = b"\x1f", b"\x0f", b"\x2f"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPlace:
    """Place of a record among several of its quantity: function, storage, tariff, subunit."""

    function: str = "instantaneous"
    storage: int = 0
    tariff: int = 0
    subunit: int = 0


PLAIN_PLACE = RecordPlace()


@dataclass(frozen=True, slots=True)
class Record:
    """Its bytes and, where it states something, its value, unit, time and what it measures."""

    data: bytes
    value: str | int | float | None = None
    unit: str = ""
    time: str = ""
    quantity: str = ""
    place: RecordPlace = PLAIN_PLACE
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


def _encode_bcd(value: int, digits: int) -> bytes:
    """Low digits first; a minus is the nibble F in front, as the standard's type A has it."""
    if abs(value) >= 10 ** (digits - (value < 0)):
        raise OverflowError(f"{value} has more than {digits} digits")
    shown = f"{abs(value):0{digits}d}" if value >= 0 else f"F{abs(value):0{digits - 1}d}"
    return bytes.fromhex(shown)[::-1]


def _encode_binary(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little", signed=True)


# Data field: its code, and the encoding of a whole number.
DATA_FIELDS: Mapping[str, tuple[int, Callable[[int], bytes]]] = {
    "int8": (1, lambda value: _encode_binary(value, 1)),
    "int16": (2, lambda value: _encode_binary(value, 2)),
    "int24": (3, lambda value: _encode_binary(value, 3)),
    "int32": (4, lambda value: _encode_binary(value, 4)),
    "int48": (6, lambda value: _encode_binary(value, 6)),
    "int64": (7, lambda value: _encode_binary(value, 8)),
    "bcd2": (9, lambda value: _encode_bcd(value, 2)),
    "bcd4": (10, lambda value: _encode_bcd(value, 4)),
    "bcd6": (11, lambda value: _encode_bcd(value, 6)),
    "bcd8": (12, lambda value: _encode_bcd(value, 8)),
    "bcd12": (14, lambda value: _encode_bcd(value, 12)),
}
_REAL, _VARIABLE = 5, 13
_SECONDS: Mapping[str, int] = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


def encode_information(field: int, place: RecordPlace) -> bytes:
    """DIF and as many DIFE as storage, tariff and subunit need."""
    dif = field | FUNCTIONS[place.function] << 4 | (place.storage & 1) << 6
    storage, tariff, subunit = place.storage >> 1, place.tariff, place.subunit
    out = [dif]
    while storage or tariff or subunit:
        out[-1] |= 0x80
        out.append(storage & 0xF | (tariff & 3) << 4 | (subunit & 1) << 6)
        storage, tariff, subunit = storage >> 4, tariff >> 2, subunit >> 1
    return bytes(out)


def scale_value(count: int, exponent: int) -> int | float:
    """``count`` × 10^``exponent`` without the noise of a binary product."""
    if exponent >= 0:
        return count * int(10**exponent)
    return float(round(count / 10**-exponent, -exponent))


def make_quantity_record(
    quantity: str, count: int, exponent: int, field: str = "int32", place: RecordPlace = PLAIN_PLACE
) -> Record:
    """``count`` × 10^``exponent`` of a quantity in ``QUANTITIES``."""
    kind = QUANTITIES[quantity]
    code, coded = DATA_FIELDS[field]
    data = encode_information(code, place) + kind.vif(exponent) + coded(count)
    return Record(data, scale_value(count, exponent), kind.unit, "", quantity, place, exponent)


def make_real_record(quantity: str, value: float, exponent: int, place: RecordPlace = PLAIN_PLACE) -> Record:
    """A 32-bit IEEE 754 number × 10^``exponent``."""
    kind = QUANTITIES[quantity]
    raw = struct.pack("<f", value)
    decoded = float(struct.unpack("<f", raw)[0]) * 10.0**exponent
    return Record(
        encode_information(_REAL, place) + kind.vif(exponent) + raw,
        decoded,
        kind.unit,
        "",
        quantity,
        place,
        exponent,
    )


def make_duration_record(
    kind: str, count: int, unit: str, field: str = "int32", place: RecordPlace = PLAIN_PLACE
) -> Record:
    """A duration sent in its own unit, s, min, h or d; stated in seconds, as all durations."""
    code, coded = DATA_FIELDS[field]
    vif = bytes([DURATIONS[kind] | DURATION_UNITS.index(unit)])
    seconds = count * _SECONDS[unit]
    return Record(encode_information(code, place) + vif + coded(count), seconds, "s", "", kind, place)


def make_date_record(day: dt.date, place: RecordPlace = PLAIN_PLACE) -> Record:
    """Type G, two bytes."""
    year = day.year % 100
    raw = bytes([day.day | (year & 7) << 5, day.month | year >> 3 << 4])
    text = day.isoformat()
    return Record(encode_information(2, place) + b"\x6c" + raw, text, "", text, "date", place)


def make_date_time_record(
    moment: dt.datetime, place: RecordPlace = PLAIN_PLACE, *, summer: bool = False
) -> Record:
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
    text = moment.replace(second=0, microsecond=0, tzinfo=None).isoformat()
    return Record(encode_information(4, place) + b"\x6d" + raw, text, "", text, "date_time", place)


def make_date_time_seconds_record(moment: dt.datetime, place: RecordPlace = PLAIN_PLACE) -> Record:
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
    text = moment.replace(microsecond=0, tzinfo=None).isoformat()
    return Record(encode_information(6, place) + b"\x6d" + raw, text, "", text, "date_time", place)


def make_text_record(vif: bytes, value: str, place: RecordPlace = PLAIN_PLACE) -> Record:
    """LVAR below C0: characters, the last one first."""
    raw = value.encode("latin-1")
    data = encode_information(_VARIABLE, place) + vif + bytes([len(raw)]) + raw[::-1]
    return Record(data, value, "", "", "text", place)


def make_variable_record(
    quantity: str, count: int, exponent: int, *, form: str, place: RecordPlace = PLAIN_PLACE
) -> Record:
    """LVAR of a number: ``form`` bcd (C0, D0 with a minus) or binary (E0)."""
    kind = QUANTITIES[quantity]
    if form == "bcd":
        digits = f"{abs(count):d}"
        digits = digits.zfill(len(digits) + len(digits) % 2)
        raw = bytes.fromhex(digits)[::-1]
        length = (0xC0 if count >= 0 else 0xD0) + len(raw)
    else:
        raw = _encode_binary(count, count.bit_length() // 8 + 1)
        length = 0xE0 + len(raw)
    data = encode_information(_VARIABLE, place) + kind.vif(exponent) + bytes([length]) + raw
    return Record(data, scale_value(count, exponent), kind.unit, "", quantity, place, exponent)


def make_custom_record(
    unit: str, count: int, field: str = "int32", place: RecordPlace = PLAIN_PLACE
) -> Record:
    """A unit in the record's own words: VIF 7C, its length, its letters from the last."""
    code, coded = DATA_FIELDS[field]
    raw = unit.encode("latin-1")
    data = encode_information(code, place) + bytes([0x7C, len(raw)]) + raw[::-1] + coded(count)
    return Record(data, count, unit, "", "custom", place)
