"""Secondary addresses of M-Bus meters, and masks that match several (EN 13757-7:2018, clause 8); pure."""

import re
from dataclasses import dataclass

DIGITS = 8
_SIZE = 8
_WHOLE = re.compile(r"[0-9A-F]{8}(?:[0-9A-F]{8})?")
_WILD = 0xFF


@dataclass(frozen=True, slots=True)
class Mask:
    """A secondary address of 16 hex digits: 8 of the number, then maker, version, medium as they are sent.

    F in the number and FF in a byte of the rest are wild cards.
    """

    text: str

    def __str__(self) -> str:
        """Return it in the usual notation, without trailing wild cards."""
        return self.text if self.text[DIGITS:] != "F" * DIGITS else self.text[:DIGITS]

    @property
    def wire(self) -> bytes:
        """The eight bytes of a selection."""
        raw = bytes.fromhex(self.text)
        return raw[3::-1] + raw[4:]

    @property
    def is_exact(self) -> bool:
        """Whether it matches a single address."""
        return "F" not in self.text[:DIGITS] and _WILD not in bytes.fromhex(self.text[DIGITS:])

    def fits(self, identity: bytes) -> bool:
        """Return whether a meter with these eight bytes (``Header.identity``) must answer to it."""
        told = identity.hex().upper()
        digits = zip(self.text[:DIGITS], told[:DIGITS], strict=True)
        rest = zip(bytes.fromhex(self.text[DIGITS:]), identity[4:], strict=True)
        return all(mine in ("F", its) for mine, its in digits) and all(
            mine in (_WILD, its) for mine, its in rest
        )

    def narrowed(self, place: int, digit: str) -> "Mask":
        """Return the mask with one digit of the number set."""
        return Mask(self.text[:place] + digit + self.text[place + 1 :])

    def with_byte(self, place: int, byte: int) -> "Mask":
        """Return the mask with a byte set: 4 and 5 the maker, 6 the version, 7 the medium."""
        return Mask(self.text[: 2 * place] + f"{byte:02X}" + self.text[2 * place + 2 :])


ANY = Mask("F" * 2 * _SIZE)


def mask(text: str) -> Mask:
    """Parse ``11490378`` or ``1149037877040E16``.  Raises ValueError saying what was expected."""
    code = text.strip().upper()
    if not _WHOLE.fullmatch(code):
        raise ValueError(f"{text!r} is no secondary address; expected 8 or 16 hex digits, F for any")
    return Mask(code.ljust(2 * _SIZE, "F"))
