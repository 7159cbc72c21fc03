"""The text form of a record: a line for what came, went or became of the wire, to be read by people too.

    # quartier record 1
    # bus: tic0
    2026-11-28T13:45:17.123456789Z 8417.123456789 < 0a41445343 |.ADSC|
    2026-11-28T13:45:18.000000000Z 8418.000000000 = closed /dev/ttyUSB0

Columns are UTC, the monotonic clock in s, ``<`` for bytes that came, ``>`` for bytes that went, ``=`` for
what became of the wire; then the bytes in hex, 32 at most a line, and as ASCII without parity bits.  Bytes
that were taken together have the same times.  Lines that begin with ``#`` say what all of it is of.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from quartier.record.taken import Taken
from quartier_drivers.tape import Frame

VERSION = "# quartier record 1"
_ROW_BYTES = 32
_SIGNS = {"in": "<", "out": ">"}


def file(taken: Taken, about: str) -> bytes:
    """The whole file; ``about`` is told first, each of its lines as ``# …``."""
    heads = [VERSION, *(f"# {line}" for line in about.splitlines())]
    rows = [row for frame in taken.frames for row in _rows(taken, frame)]
    return "".join(f"{line}\n" for line in (*heads, *rows)).encode()


def _rows(taken: Taken, frame: Frame) -> Iterator[str]:
    when = f"{stamp(taken.utc_ns(frame))} {frame.ns // 10**9}.{frame.ns % 10**9:09d}"
    sign = _SIGNS.get(frame.way)
    if sign is None:
        told = " ".join(filter(None, (frame.way, frame.words, frame.here, frame.there)))
        yield f"{when} = {told}"
        return
    for start in range(0, len(frame.data), _ROW_BYTES):
        piece = frame.data[start : start + _ROW_BYTES]
        yield f"{when} {sign} {piece.hex()} |{_shown(piece)}|"


def stamp(utc_ns: int) -> str:
    """``2026-11-28T13:45:17.123456789Z``."""
    seconds, ns = divmod(utc_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ns:09d}Z"


def _shown(data: bytes) -> str:
    return "".join(chr(byte & 0x7F) if 0x20 <= byte & 0x7F < 0x7F else "." for byte in data)
