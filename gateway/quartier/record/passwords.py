"""Passwords that a protocol says in clear, gone before anybody who may only look sees them."""

import re
from dataclasses import replace

from quartier_drivers.tape import Frame

# AARQ of IEC 62056-5-3 (7.3): the object of mechanism 1 (low level security), then the password.
_LOW = re.compile(rb"\x8b\x07\x60\x85\x74\x05\x08\x02\x01\xac(.)\x80(.)", re.DOTALL)
_STAND_IN = ord("*")


def hidden(kind: str, frame: Frame) -> Frame:
    """A frame without the password in it, as long as before, and with a checksum that holds."""
    if kind != "dlms" or frame.way != "out":
        return frame
    found = _LOW.search(frame.data)
    if found is None:
        return frame
    from quartier.record.masks import sums  # noqa: PLC0415 - one frame in a whole record needs it

    start, size = found.end(), found[2][0]
    after = bytearray(frame.data)
    after[start : start + size] = bytes([_STAND_IN]) * len(after[start : start + size])
    sums.mended(kind, frame.data, after)
    return replace(frame, data=bytes(after))
