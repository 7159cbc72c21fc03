"""The quirks of Modbus devices in the field, one sentence each, as the quirk server shows them.

Each is a habit of real devices, gateways or lines, and each has a test that names it
(``tests/drivers/modbus/quirks``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Wire = Literal["tcp", "rtu"]
BOTH: tuple[Wire, ...] = ("tcp", "rtu")


@dataclass(frozen=True, slots=True)
class Quirk:
    """A habit; ``seconds`` and ``code`` are the values in its sentence, if any."""

    name: str
    about: str
    wires: tuple[Wire, ...] = BOTH
    seconds: float = 0.0
    code: int = 0


_TABLE = (
    # the content of an answer
    Quirk("wrong-function", "answers with another function than it was asked"),
    Quirk("wrong-unit", "its answers bear another unit's number"),
    Quirk("short-answer", "answers one register fewer than it was asked for"),
    Quirk("long-answer", "answers one register more than it was asked for"),
    Quirk("lying-count", "the byte count of its answers is not what follows"),
    Quirk("cut-answer", "half of the answer comes, and no more"),
    Quirk("wrong-checksum", "the checksum of its answers is wrong", ("rtu",)),
    Quirk("noise", "bytes without sense stand before its answers", ("rtu",)),
    Quirk("twice", "says each answer twice"),
    Quirk(
        "twice-late",
        "answers `seconds` later, and once more while the next answer is awaited",
        seconds=0.04,
    ),
    Quirk("old-number", "its answers bear the number of the request before", ("tcp",)),
    Quirk("dirty-padding", "the bits behind the last coil of an answer are set"),
    # when it comes
    Quirk("silence", "says nothing"),
    Quirk("late", "answers `seconds` later, while it hears the next request", seconds=0.3),
    Quirk("byte-by-byte", "a byte each `seconds`", seconds=1.0),
    Quirk("settles-late", "shows the old value for `seconds` after a write", seconds=0.5),
    # exceptions in place of answers
    Quirk("busy", "answers exception 6, device busy", code=6),
    Quirk("acknowledges", "answers exception 5: it takes a while", code=5),
    Quirk("fails", "answers exception 4, device failure", code=4),
    Quirk("target-silent", "its gateway answers exception 11 in its place", code=11),
    Quirk("absent-answered", "a gateway answers exception `code` for units that are not there", code=11),
    Quirk("every-unit", "answers whatever the unit number, always as itself"),
    # what it needs between requests
    Quirk("connect-pause", "is deaf for `seconds` after a connection was made", ("tcp",), 0.1),
    Quirk("write-pause", "is deaf for `seconds` after a write", seconds=0.1),
    Quirk("frame-pause", "is deaf for `seconds` after each answer", seconds=0.1),
    # connections
    Quirk("single-refuses", "takes one connection; the second is closed at once", ("tcp",)),
    Quirk("single-kicks", "takes one connection; a second one ends the first", ("tcp",)),
    Quirk("half-open", "after its first answer a connection stands, and nobody hears it", ("tcp",)),
    Quirk("closes-after-answer", "closes the connection after each answer", ("tcp",)),
    Quirk("accepts-and-closes", "takes each connection and closes it before a word", ("tcp",)),
    # a line that is not ours alone
    Quirk("echo", "the adapter lets us hear what we send", ("rtu",)),
    Quirk("foreign-master", "another master asks its slaves between our requests", ("rtu",), 0.02),
    Quirk("foreign-twin", "another master asks our unit for as much as we do, elsewhere", ("rtu",), 0.02),
    Quirk("foreign-babble", "others talk on the line and leave it no silence", ("rtu",), 0.001),
)
QUIRKS: Mapping[str, Quirk] = {quirk.name: quirk for quirk in _TABLE}
