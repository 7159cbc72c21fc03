"""Groups and frames of TIC, both modes.

Source: Enedis-NOI-CPT_54E version 3, sections 5.2 and 5.3.  A group runs from LF to CR.  Historique
separates with SP and sums label, SP and value; standard separates with HT, may hold a time, and sums
all up to the last HT.  The check is the low six bits of the sum plus 0x20.
"""

from collections.abc import Sequence
from functools import lru_cache

from quartier_hil.devices.meters.speech import Piece, Statement, Telegram

STX, ETX, EOT, LF, CR, HT, SP = b"\x02", b"\x03", b"\x04", b"\n", b"\r", b"\t", b" "
_KEPT = 4096
"""Groups that were made: most of a frame stand in the frame before it."""


def check(summed: bytes) -> bytes:
    """The checksum byte over ``summed``."""
    return bytes([(sum(summed) & 0x3F) + 0x20])


@lru_cache(maxsize=_KEPT)
def historique(label: str, value: str, unit: str = "") -> Piece:
    """A group of historique, as ``IINST SP 012 SP check``."""
    body = label.encode("ascii") + SP + value.encode("ascii")
    return Piece(LF + body + SP + check(body) + CR, (Statement(label, value, unit),))


@lru_cache(maxsize=_KEPT)
def standard(
    label: str, value: str, unit: str = "", *, stamp: str = "", time: str = "", season: str = ""
) -> Piece:
    """A group of standard; with ``stamp`` (``H260112134500``) it carries a time of its own.

    ``time`` is the stamp as ISO 8601, ``season`` its letter.
    """
    fields = [label, stamp, value] if stamp else [label, value]
    body = b"".join(field.encode("ascii") + HT for field in fields)
    more = {"season": season} if season else {}
    return Piece(LF + body + check(body) + CR, (Statement(label, value, unit, time, more),))


def frame(groups: Sequence[Piece], meter: str = "") -> Telegram:
    """A whole frame, STX to ETX."""
    return Telegram((Piece(STX), *groups, Piece(ETX)), meter)


def broken_off(groups: Sequence[Piece], meter: str = "", ending: bytes = EOT) -> Telegram:
    """A frame that the meter ends early, after the group under way.

    With EOT where a reading by Euridis takes the line (section 5.2.2), with nothing where a short
    frame of historique overtakes it.
    """
    return Telegram((Piece(STX), *groups, *([Piece(ending)] if ending else [])), meter)
