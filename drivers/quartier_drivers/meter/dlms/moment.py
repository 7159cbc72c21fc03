"""Dates and times of DLMS/COSEM as ISO 8601 (Blue Book 4.1.6.1); pure."""

from collections.abc import Mapping
from datetime import date, datetime

_UNSAID = 0xFF
_UNSAID_YEAR = 0xFFFF
_UNSAID_DEVIATION = -0x8000
_YEARS = range(1970, 2200)
SIZE = 12


def iso(octets: bytes) -> str:  # noqa: PLR0911 - one for each thing not said
    """Return a date-time (12 bytes), date (5) or time (4) as the meter states it; empty if it is incomplete.

    ``deviation`` counts minutes from local time to UTC, so UTC+1 is sent as -60.
    """
    if len(octets) == 5:
        return _date(octets)
    if len(octets) == 4:
        return _time(octets)
    if len(octets) != SIZE:
        return ""
    day, clock = _date(octets[:5]), _time(octets[5:9])
    if not day or not clock:
        return ""
    deviation = int.from_bytes(octets[9:11], "big", signed=True)
    if deviation == _UNSAID_DEVIATION:
        return f"{day}T{clock}"
    if not -720 <= deviation <= 840:
        return ""
    sign = "-" if deviation > 0 else "+"
    hours, minutes = divmod(abs(deviation), 60)
    return f"{day}T{clock}{sign}{hours:02}:{minutes:02}"


def whole(octets: bytes) -> str:
    """Return a date-time of 12 bytes; empty for anything else."""
    return iso(octets) if len(octets) == SIZE else ""


def notes(octets: bytes) -> Mapping[str, int]:
    """Return the flags in the clock's status byte: ``summer``, ``doubtful`` (Blue Book 4.1.6.1)."""
    if len(octets) != SIZE or octets[11] == _UNSAID:
        return {}
    status = octets[11]
    found = {"summer": 1} if status & 0x80 else {}
    if status & 0x0F:
        found["doubtful"] = 1
    return found


def octets(moment: datetime) -> bytes:
    """Encode a moment as date-time, for the ends of a range; without deviation if it has no time zone."""
    offset = moment.utcoffset()
    deviation = _UNSAID_DEVIATION if offset is None else -int(offset.total_seconds() // 60)
    head = moment.year.to_bytes(2, "big") + bytes([moment.month, moment.day, moment.isoweekday()])
    clock = bytes([moment.hour, moment.minute, moment.second, 0])
    return head + clock + deviation.to_bytes(2, "big", signed=True) + b"\0"


def _date(octets: bytes) -> str:
    year = int.from_bytes(octets[:2], "big")
    if year == _UNSAID_YEAR or year not in _YEARS:
        return ""
    try:
        return date(year, octets[2], octets[3]).isoformat()
    except ValueError:
        return ""


def _time(octets: bytes) -> str:
    hour, minute, second, hundredths = octets
    second = 0 if second == _UNSAID else second
    if hour > 23 or minute > 59 or second > 59:
        return ""
    fraction = f".{hundredths:02}" if 0 < hundredths < 100 else ""
    return f"{hour:02}:{minute:02}:{second:02}{fraction}"
