"""Dates and times of M-Bus records: types F, G, I and J (EN 13757-3:2018, Annex A); pure."""

from calendar import monthrange
from dataclasses import dataclass

_EVERY_YEAR, _EVERY_MONTH = 127, 15
# Years of two digits without a century: from here on they belong to the last century (A.5, type G).
_OLD_FROM = 81


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as the meter states it: ISO 8601, ``*`` for "every", empty if the meter marks it as invalid."""

    text: str
    is_summer: bool = False


INVALID = Moment("")
SIZES = (2, 3, 4, 6)
"""Bytes of types G (date), J (time), F (date and time to the minute), I (to the second)."""


def moment(code: int, size: int) -> Moment:
    """Return the moment of ``size`` bytes, given as one whole number of either sign."""
    code &= (1 << 8 * size) - 1
    if size == 2:
        return Moment(_date(code, 0))
    if size == 3:
        return Moment(_clock(code >> 16, code >> 8, code))
    if size == 4:
        return _type_f(code)
    return _type_i(code)


def _type_f(code: int) -> Moment:
    if code & 0x80:
        return INVALID
    date = _date(code >> 16, code >> 13 & 3)
    clock = _clock(code >> 8, code, 0)
    return Moment(f"{date}T{clock}", bool(code & 0x8000)) if date and clock else INVALID


def _type_i(code: int) -> Moment:
    if code & 0x8000:
        return INVALID
    date = _date(code >> 24, 0)
    clock = _clock(code >> 16, code >> 8, code)
    return Moment(f"{date}T{clock}", bool(code & 0x40)) if date and clock else INVALID


def _date(code: int, century: int) -> str:
    """Decode day (5 bits), year (3 low bits), month (4), year (4 high bits); empty if invalid."""
    day, month = code & 0x1F, code >> 8 & 0x0F
    year = code >> 5 & 0x07 | code >> 9 & 0x78
    if code & 0xFFFF in {0, 0xFFFF} or not month or (month > 12 and month != _EVERY_MONTH):
        return ""
    if year > 99 and year != _EVERY_YEAR:
        return ""
    if year != _EVERY_YEAR and month <= 12 and day > monthrange(_whole_year(year, century), month)[1]:
        return ""
    years = "*" if year == _EVERY_YEAR else str(_whole_year(year, century))
    months = "*" if month == _EVERY_MONTH else f"{month:02}"
    return f"{years}-{months}-{f'{day:02}' if day else '*'}"


def _whole_year(year: int, century: int) -> int:
    if century:
        return 1900 + 100 * century + year
    return year + (1900 if year >= _OLD_FROM else 2000)


def _clock(hour: int, minute: int, second: int) -> str:
    """Decode hours (5 bits), minutes and seconds (6 bits); all ones mean "every"; empty if invalid."""
    parts = (hour & 0x1F, 0x1F, 23), (minute & 0x3F, 0x3F, 59), (second & 0x3F, 0x3F, 59)
    if any(value > top and value != every for value, every, top in parts):
        return ""
    return ":".join("*" if value == every else f"{value:02}" for value, every, _ in parts)
