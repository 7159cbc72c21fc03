"""The lines of a P1 telegram: COSEM objects in the form of IEC 62056-21 data blocks.

Source: DSMR P1 companion standard 5.0.2, sections 5.2 and 6.4 (Fn(x,y) fixed decimal numbers, Sn text
as hexadecimal, TST YYMMDDhhmmssX with X = S in summer and W in winter).
"""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from quartier_hil.devices.meters.speech import Statement


@dataclass(frozen=True, slots=True)
class Entry:
    """A line without its end, and what it states (nothing: a log, a list of what others are)."""

    line: str
    says: tuple[Statement, ...] = ()


def decimal(value: float, digits: int, decimals: int) -> str:
    """``F digits(decimals)``: that many digits in all, leading zeros, a point where there are decimals."""
    width = digits + (decimals > 0)
    return f"{value:0{width}.{decimals}f}"


def number(code: str, value: float, form: tuple[int, int], unit: str) -> Entry:
    """``1-0:1.8.1(001234.567*kWh)``; ``form`` is digits and decimals, ``value`` fits them."""
    measured = decimal(value, *form) + (f"*{unit}" if unit else "")
    return Entry(f"{code}({measured})", (Statement(code, round(value, form[1]), unit),))


def text(code: str, value: str) -> Entry:
    """``0-0:96.14.0(0002)``."""
    return Entry(f"{code}({value})", (Statement(code, value),))


def octets(code: str, value: str) -> Entry:
    """Text as two hexadecimal digits a character, as equipment identifiers and messages are sent."""
    return text(code, value.encode("ascii").hex().upper())


def stamp(moment: dt.datetime, zone: str = "Europe/Amsterdam", *, seasonal: bool = True) -> str:
    """TST; before version 4 without the season's letter."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%y%m%d%H%M%S}" + (("S" if local.dst() else "W") if seasonal else "")


def iso(moment: dt.datetime, zone: str = "Europe/Amsterdam", *, seasonal: bool = True) -> str:
    """Return the moment as ISO 8601; without the season's letter its offset is unknown."""
    local = moment.astimezone(ZoneInfo(zone)).replace(microsecond=0)
    return local.isoformat() if seasonal else local.replace(tzinfo=None).isoformat()


def clock(moment: dt.datetime, zone: str = "Europe/Amsterdam") -> Entry:
    """``0-0:1.0.0``: the telegram's own time."""
    shown = stamp(moment, zone)
    return Entry(f"0-0:1.0.0({shown})", (Statement("0-0:1.0.0", shown, "", iso(moment, zone)),))


def dated(
    code: str,
    moment: dt.datetime,
    value: float,
    form: tuple[int, int],
    unit: str,
    zone: str = "Europe/Amsterdam",
) -> Entry:
    """A value with the time at which it was taken, as those of M-Bus children."""
    line = f"{code}({stamp(moment, zone)})({decimal(value, *form)}*{unit})"
    return Entry(line, (Statement(code, round(value, form[1]), unit, iso(moment, zone)),))
