"""Seven data bits with parity in eight: the eighth bit shows whether a character is damaged.  Pure.

A character of 7E1 is as long as one of 8N1, so ports are opened 8N1 and the parity is checked here: ptys and
serial servers refuse 7E1, and a kernel that accepts it does not report parity errors.  A sender of plain
seven bits (a pty, a server that stripped them) never sets the eighth bit; that is detected.
"""

DAMAGED = 0xFF
"""Replaces a character with wrong parity: no protocol of seven bits has it."""

_PLAIN = bytes(code & 0x7F for code in range(256))
_EVEN = bytes(code & 0x7F if code.bit_count() % 2 == 0 else DAMAGED for code in range(256))
_ODD = bytes(code & 0x7F if code.bit_count() % 2 else DAMAGED for code in range(256))
_CODED = {
    "E": bytes(code | 0x80 if code.bit_count() % 2 else code for code in range(128)),
    "O": bytes(code if code.bit_count() % 2 else code | 0x80 for code in range(128)),
}
_HIGH = bytes(range(128, 256))
# This many characters decide whether the eighth bit is a parity bit, again and again.
_WINDOW = 128
_DAMAGED_MAX = 0.25


class Parity:
    """Converts received characters from eight bits to seven; ``kind`` is E, O or N."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._table = {"E": _EVEN, "O": _ODD}.get(kind, _PLAIN)
        self._is_coded = False
        self._seen = self._high = self._wrong = 0

    def taken(self, data: bytes) -> bytes:
        """Return the characters in seven bits; damaged ones are ``DAMAGED``."""
        if self._table is _PLAIN:
            return data.translate(_PLAIN)
        checked = data.translate(self._table)
        self._seen += len(data)
        self._high += len(data) - len(data.translate(None, _HIGH))
        self._wrong += checked.count(DAMAGED)
        if self._seen >= _WINDOW:
            self._is_coded = self._high > 0 and self._wrong <= _DAMAGED_MAX * self._seen
            self._seen = self._high = self._wrong = 0
        return checked if self._is_coded else data.translate(_PLAIN)

    def sent(self, data: bytes) -> bytes:
        """Return characters of seven bits as they are sent in eight."""
        table = _CODED.get(self._kind)
        plain = data.translate(_PLAIN)
        return plain if table is None else plain.translate(table + _HIGH)
