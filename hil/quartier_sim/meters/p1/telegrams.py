"""P1 telegrams: values of the meter, lines, frame, and encryption.

Source: DSMR P1 companion standard 5.0.2, sections 5.2 and 6.4 (Fn(x,y) fixed decimal numbers, Sn text as
hexadecimal, TST YYMMDDhhmmssX with X = S in summer and W in winter).

Source: DSMR P1 companion standard 5.0.2 section 5.2: ``/`` + identification, an empty line, the objects,
``!`` and from version 4 on the CRC over everything from ``/`` to ``!`` as four hexadecimal digits; lines
end with CR LF.

Source: Luxmetering P1 specification 1.1.3 section 3.2.5: DB, length and system title, 82 and two bytes of
length, security control 30, invocation counter, ciphertext, tag of 12 bytes.  Austrian T210-D meters do
the
same.
"""

import datetime as dt
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal
from zoneinfo import ZoneInfo

from quartier_sim.meters import encryption, telegrams
from quartier_sim.meters.encryption import CipherKeys
from quartier_sim.meters.telegrams import Statement, Telegram, make_telegram


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildMeter:
    """A meter on the M-Bus: ``kind`` is EN 13757's device type (3 gas, 4 heat, 7 water, 2 electricity)."""

    channel: int
    kind: int
    serial: str
    moment: dt.datetime
    value: float

    @property
    def unit(self) -> str:
        """Unit of its value in a telegram."""
        return {2: "kWh", 4: "GJ", 12: "GJ"}.get(self.kind, "m3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """Counters in kWh and kvarh of two tariffs each, powers in kW and kvar; per phase one or three values.

    ``failures`` are the ends and the seconds of long power failures.
    """

    moment: dt.datetime
    serial: str
    tariff: int = 1
    import_kwh: tuple[float, float] = (0.0, 0.0)
    export_kwh: tuple[float, float] = (0.0, 0.0)
    import_kvarh: tuple[float, float] = (0.0, 0.0)
    export_kvarh: tuple[float, float] = (0.0, 0.0)
    import_kw: tuple[float, ...] = (0.0,)
    export_kw: tuple[float, ...] = (0.0,)
    import_kvar: tuple[float, ...] = (0.0,)
    export_kvar: tuple[float, ...] = (0.0,)
    volts: tuple[float, ...] = (230.0,)
    amps: tuple[float, ...] = (0.0,)
    failures_count: int = 0
    long_failures_count: int = 0
    failures: tuple[tuple[dt.datetime, int], ...] = ()
    sags: tuple[int, ...] = (0,)
    swells: tuple[int, ...] = (0,)
    message: str = ""
    average_kw: float = 0.0
    peak_kw: float = 0.0
    peak_moment: dt.datetime | None = None
    peaks: tuple[tuple[dt.datetime, dt.datetime, float], ...] = ()
    frequency_hz: float = 50.0
    children: tuple[ChildMeter, ...] = ()

    @property
    def phases(self) -> range:
        """Their numbers, from 0."""
        return range(len(self.volts))


@dataclass(frozen=True, slots=True)
class Entry:
    """A line without its end, and what it states (nothing: a log, a list of what others are)."""

    line: str
    says: tuple[Statement, ...] = ()


def format_decimal(value: float, digits: int, decimals: int) -> str:
    """``F digits(decimals)``: that many digits in all, leading zeros, a point where there are decimals."""
    width = digits + (decimals > 0)
    return f"{value:0{width}.{decimals}f}"


def make_number_entry(code: str, value: float, form: tuple[int, int], unit: str) -> Entry:
    """``1-0:1.8.1(001234.567*kWh)``; ``form`` is digits and decimals, ``value`` fits them."""
    measured = format_decimal(value, *form) + (f"*{unit}" if unit else "")
    return Entry(f"{code}({measured})", (Statement(code, round(value, form[1]), unit),))


def make_text_entry(code: str, value: str) -> Entry:
    """``0-0:96.14.0(0002)``."""
    return Entry(f"{code}({value})", (Statement(code, value),))


def make_octets_entry(code: str, value: str) -> Entry:
    """Text as two hexadecimal digits a character, as equipment identifiers and messages are sent."""
    return make_text_entry(code, value.encode("ascii").hex().upper())


def format_stamp(moment: dt.datetime, zone: str = "Europe/Amsterdam", *, seasonal: bool = True) -> str:
    """TST; before version 4 without the season's letter."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%y%m%d%H%M%S}" + (("S" if local.dst() else "W") if seasonal else "")


def format_iso(moment: dt.datetime, zone: str = "Europe/Amsterdam", *, seasonal: bool = True) -> str:
    """Return the moment as ISO 8601; without the season's letter its offset is unknown."""
    local = moment.astimezone(ZoneInfo(zone)).replace(microsecond=0)
    return local.isoformat() if seasonal else local.replace(tzinfo=None).isoformat()


def make_clock_entry(moment: dt.datetime, zone: str = "Europe/Amsterdam") -> Entry:
    """``0-0:1.0.0``: the telegram's own time."""
    shown = format_stamp(moment, zone)
    return Entry(f"0-0:1.0.0({shown})", (Statement("0-0:1.0.0", shown, "", format_iso(moment, zone)),))


def make_dated_entry(
    code: str,
    moment: dt.datetime,
    value: float,
    form: tuple[int, int],
    unit: str,
    zone: str = "Europe/Amsterdam",
) -> Entry:
    """A value with the time at which it was taken, as those of M-Bus children."""
    line = f"{code}({format_stamp(moment, zone)})({format_decimal(value, *form)}*{unit})"
    return Entry(line, (Statement(code, round(value, form[1]), unit, format_iso(moment, zone)),))


# none: before version 4.  short: leading zeros left out.  small: small letters.  Both are seen.
CheckKind = Literal["full", "none", "short", "small"]


def build_telegram(identification: str, entries: Sequence[Entry], check: CheckKind = "full") -> Telegram:
    """Frame ``entries``; ``identification`` is what follows the slash."""
    lines = [f"/{identification}", "", *(entry.line for entry in entries), "!"]
    body = "\r\n".join(lines).encode("ascii")
    crc = telegrams.compute_crc_arc(body)
    shown = {"full": f"{crc:04X}", "none": "", "short": f"{crc:X}", "small": f"{crc:04x}"}[check]
    statements = chain.from_iterable(entry.says for entry in entries)
    return make_telegram(body + shown.encode("ascii") + b"\r\n", statements, _find_serial(entries))


def _find_serial(entries: Sequence[Entry]) -> str:
    """The meter's own identifier, as sent; "" where the telegram has none."""
    codes = ("0-0:96.1.1", "0-0:96.1.0", "0-0:42.0.0")
    values = {one.label: str(one.value) for entry in entries for one in entry.says}
    return next((values[code] for code in codes if code in values), "")


SYSTEM_TITLE = b"SAG\x67\x08\x00\x12\x34"


def encrypt_telegram(
    telegram: Telegram, keys: CipherKeys, counter: int, title: bytes = SYSTEM_TITLE
) -> Telegram:
    """``telegram`` as it comes out of an encrypting meter; ``counter`` must rise with each."""
    content = encryption.build_ciphered_content(
        keys, title, counter, telegram.data, encryption.AUTHENTICATED | encryption.ENCRYPTED
    )
    header = b"\xdb" + bytes([len(title)]) + title + b"\x82" + struct.pack(">H", len(content))
    return make_telegram(header + content, telegram.statements, telegram.meter)
