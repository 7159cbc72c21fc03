"""Output of a simulated meter: bytes, and the statements that they carry."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a meter, as a right decoder must report it.

    ``label`` is the protocol's own name of it, ``value`` a number in ``unit`` or the text as sent,
    ``time`` ISO 8601 as the meter states it, ``more`` the further fields of the protocol.
    """

    label: str
    value: str | int | float
    unit: str = ""
    time: str = ""
    more: Mapping[str, str | int | float] = field(default_factory=dict, hash=False)

    @property
    def is_number(self) -> bool:
        """Return whether it is a measured number."""
        return not isinstance(self.value, str)


@dataclass(frozen=True, slots=True)
class Piece:
    """The smallest run of bytes that noise can damage by itself: the range of one checksum.

    ``says`` is empty for bytes around the content (STX, ETX).
    """

    data: bytes
    says: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Telegram:
    """One frame of a meter: its pieces in order, and its own identity ("" without one)."""

    pieces: tuple[Piece, ...]
    meter: str = ""

    @property
    def data(self) -> bytes:
        """The bytes on the wire."""
        return b"".join(piece.data for piece in self.pieces)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Everything it states, in order."""
        return tuple(said for piece in self.pieces for said in piece.says)

    @property
    def numbers(self) -> tuple[Statement, ...]:
        """The statements that are numbers."""
        return tuple(said for said in self.statements if said.is_number)


def whole(data: bytes, says: Iterable[Statement], meter: str = "") -> Telegram:
    """A telegram under one checksum."""
    return Telegram((Piece(data, tuple(says)),), meter)
