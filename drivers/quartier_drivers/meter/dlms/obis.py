"""Converts names of objects (OBIS, IEC 62056-6-1) between bytes and labels; pure."""

import re

from quartier_drivers.meter.obis import SIZE, UNITS, label

__all__ = ["CLOCK", "SIZE", "UNITS", "is_name", "label", "name"]

CLOCK = bytes([0, 0, 1, 0, 0, 255])
_LABEL = re.compile(r"(\d{1,3})-(\d{1,3}):(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:[*.](\d{1,3}))?")


def is_name(octets: bytes) -> bool:
    """Return whether the bytes can be the name of an object: six of them, media 0 to 15, so no text."""
    return len(octets) == SIZE and octets[0] <= 15 and (octets[5] == 0xFF or octets[5] < 128)


def name(text: str) -> bytes:
    """Return the six bytes of a label; raises ValueError."""
    found = _LABEL.fullmatch(text)
    parts = [int(part) for part in found.groups("255")] if found else [256]
    if max(parts) > 255:
        raise ValueError(f"{text!r} is no OBIS name; expected A-B:C.D.E or A-B:C.D.E*F")
    return bytes(parts)
