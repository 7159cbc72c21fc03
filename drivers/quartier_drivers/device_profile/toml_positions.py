"""Finds the line of each key of a TOML text; tomllib gives the content, this gives the lines.

Only positions are read here; tomllib decides whether the text is TOML.  An invalid text gives the positions
up to the first place that cannot be parsed.
"""

import re
from collections.abc import Iterator

KeyPath = tuple[str | int, ...]
"""``("assets", "bat1", "rated_w")``; a number is an index of an array, from 0."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^\s,\]}#]+(?: [0-9][^\s,\]}#]*)?")  # a date and its time may be a space apart
_ESCAPE = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(["\\bfnrt]))')
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


def find_positions(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Yield every table, key and array element of ``text`` with its line, counted from 1, in file order."""
    try:
        yield from _PositionScanner(text).document()
    except _LostError:
        return


class _LostError(Exception):
    """The text cannot be parsed any further."""


class _PositionScanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0

    def document(self) -> Iterator[tuple[KeyPath, int]]:
        table: KeyPath = ()
        counts: dict[KeyPath, int] = {}
        while self._skip(_BLANK) and self._at < len(self._text):
            if self._take("["):
                line, is_array = self._now(), self._take("[")
                table = self._table(self._keys(), counts, is_array=is_array)
                self._expect("]]" if is_array else "]")
                yield from ((table[:end], line) for end in range(1, len(table) + 1))
            else:
                yield from self._assignment(table)

    def _table(self, keys: list[str], counts: dict[KeyPath, int], *, is_array: bool) -> KeyPath:
        table: KeyPath = ()
        for depth, key in enumerate(keys, start=1):
            table = (*table, key)
            if is_array and depth == len(keys):
                counts[table] = counts.get(table, -1) + 1
            if table in counts:
                table = (*table, counts[table])
        return table

    def _assignment(self, table: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        line = self._now()
        path: KeyPath = (*table, *self._keys())
        self._expect("=")
        self._skip(_SPACE)
        yield from ((path[:end], line) for end in range(len(table) + 1, len(path) + 1))
        yield from self._value(path)

    def _value(self, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        if self._take("["):
            yield from self._array(path)
        elif self._take("{"):
            yield from self._inline(path)
        elif not self._match(_STRING):
            self._match(_SCALAR) or self._raise_lost()

    def _array(self, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        index = 0
        while self._skip(_BLANK) and not self._take("]"):
            yield (*path, index), self._now()
            yield from self._value((*path, index))
            index += 1
            self._skip(_BLANK)
            self._take(",") or self._ahead("]") or self._raise_lost()

    def _inline(self, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        while self._skip(_BLANK) and not self._take("}"):
            yield from self._assignment(path)
            self._skip(_BLANK)
            self._take(",") or self._ahead("}") or self._raise_lost()

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            keys.append(self._match(_BARE_KEY) or _unquote(self._match(_STRING) or self._raise_lost()))
            self._skip(_SPACE)
            if not self._take("."):
                return keys

    def _now(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        self._match(pattern)
        return True

    def _ahead(self, mark: str) -> bool:
        return self._text.startswith(mark, self._at)

    def _take(self, mark: str) -> bool:
        if not self._ahead(mark):
            return False
        self._at += len(mark)
        return True

    def _expect(self, mark: str) -> None:
        self._take(mark) or self._raise_lost()

    def _raise_lost(self) -> str:
        raise _LostError


def _unquote(key: str) -> str:
    if key.startswith('"'):
        return _ESCAPE.sub(_decode_escape, key[1:-1])
    return key[1:-1]


def _decode_escape(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2]
    return chr(int(code, 16)) if code else _PLAIN[escape[3]]
