"""Entries of an SML list: an OBIS code, a value, perhaps a scaler, a unit, a status word.

Source: SML 1.04 section 5.1.5 (SML_ListEntry); units by IEC 62056-6-2 table 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from quartier_hil.devices.meters.sml.octet import ABSENT, octets, sequence, signed, unsigned
from quartier_hil.devices.meters.speech import Statement

UNITS: Mapping[str, int] = {
    "": 255,
    "°": 8,
    "W": 27,
    "VA": 28,
    "var": 29,
    "Wh": 30,
    "VAh": 31,
    "varh": 32,
    "A": 33,
    "V": 35,
    "Hz": 44,
}
# Bit 5 of the status word of many heads: energy flows out now (FNN "Lastenheft EDL" 2.1, table 6).
EXPORTING = 0x20
_F_ALL = 255


@dataclass(frozen=True, slots=True)
class Obis:
    """``A-B:C.D.E*F``."""

    code: tuple[int, int, int, int, int, int]

    @property
    def label(self) -> str:
        """Name of the entry; F is left out where it has no meaning."""
        a, b, c, d, e, f = self.code
        return f"{a}-{b}:{c}.{d}.{e}" + ("" if f == _F_ALL else f"*{f}")


def obis(text: str) -> Obis:
    """``1-0:1.8.0`` or ``1-0:96.50.1*1``."""
    body, _, last = text.partition("*")
    medium, rest = body.split(":")
    a, b = medium.split("-")
    c, d, e = rest.split(".")
    return Obis((int(a), int(b), int(c), int(d), int(e), int(last or _F_ALL)))


@dataclass(frozen=True, slots=True)
class Entry:
    """Its bytes, and what it states."""

    data: bytes
    says: Statement


def number(
    code: str,
    raw: int,
    *,
    width: int,
    is_signed: bool = True,
    scaler: int | None = 0,
    unit: str = "",
    status: int | None = None,
    status_width: int = 4,
    meaning: float | None = None,
) -> Entry:
    """``raw`` × 10^``scaler`` in ``unit``; ``meaning`` is what it means where a defect hides its sign."""
    name = obis(code)
    power = scaler or 0
    scaled = raw * 10**power if power >= 0 else round(raw / 10**-power, -power)
    parts = [
        octets(bytes(name.code)),
        ABSENT if status is None else unsigned(status, status_width),
        ABSENT,
        unsigned(UNITS[unit], 1) if unit else ABSENT,
        ABSENT if scaler is None else signed(scaler, 1),
        signed(raw, width) if is_signed else unsigned(raw, width),
        ABSENT,
    ]
    more = {} if status is None else {"status": status}
    value = scaled if meaning is None else meaning
    return Entry(sequence(parts), Statement(name.label, value, unit, "", more))


def identity(code: str, content: bytes) -> Entry:
    """Return an entry with octets as value: a maker, a server id, a public key."""
    name = obis(code)
    data = sequence([octets(bytes(name.code)), *[ABSENT] * 4, octets(content), ABSENT])
    return Entry(data, Statement(name.label, content.hex()))
