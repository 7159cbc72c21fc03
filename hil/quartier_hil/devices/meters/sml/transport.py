"""SML's transport: escapes around a file.

Source: SML 1.04 section 8: 1B×4 01×4 begins, four escapes inside are doubled, zeros fill up to four
bytes, 1B×4 1A, the number of zeros and the CRC end it; the CRC covers all from the first escape on.
"""

import struct
from collections.abc import Callable

_ESCAPE, _BEGIN, _END = b"\x1b" * 4, b"\x01" * 4, 0x1A


def packed(messages: bytes, check: Callable[[bytes], int]) -> bytes:
    """A file on the wire."""
    zeros = -len(messages) % 4
    body = (messages + bytes(zeros)).replace(_ESCAPE, _ESCAPE * 2)
    summed = _ESCAPE + _BEGIN + body + _ESCAPE + bytes([_END, zeros])
    return summed + struct.pack("<H", check(summed))
