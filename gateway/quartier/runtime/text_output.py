r"""Make untrusted text safe to show, and mark lines with journald priorities.

Control characters and marks that change the direction of writing are shown as ``\uXXXX``, which is also their
JSON form, so that a JSON document keeps its meaning.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO, cast

_CONTROL_CHARACTERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udfff]"
)


def escape_text(text: str) -> str:
    """Make the control characters of a text visible; line feeds and tabs stay."""
    return _CONTROL_CHARACTERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escape_all(value: Any) -> Any:
    """Make control characters visible in every text of a JSON value."""
    if isinstance(value, str):
        return escape_text(value)
    if isinstance(value, dict):
        return {escape_text(key): escape_all(one) for key, one in value.items()}
    if isinstance(value, list):
        return [escape_all(one) for one in value]
    return value


PRIORITIES: Mapping[str, int] = {"critical": 2, "error": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7}
"""Priorities of sd-daemon(3), by log level."""


_PRIORITY_PATTERN = re.compile(r"<[0-7]>")
_FIRST_WORDS = {"warning:": "warning", "note:": "notice"}


def is_journal(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a stream goes to journald: JOURNAL_STREAM names it by device and inode."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):  # no file: a test's, or a closed one
        return False
    return environ.get("JOURNAL_STREAM", "") == f"{found.st_dev}:{found.st_ino}"


def add_priority(text: str, level: str) -> str:
    """Return the text with the priority of a log level before each line."""
    mark = f"<{PRIORITIES.get(level, PRIORITIES['info'])}>"
    return "\n".join(f"{mark}{line}" for line in text.split("\n"))


class PriorityStream:
    """A text stream to journald; a line without a priority gets one from its first word (default: error)."""

    def __init__(self, raw: TextIO) -> None:
        self._raw = raw
        self._begins = True

    def write(self, text: str) -> int:
        """Write a text, with a priority before each line."""
        for line in text.splitlines(keepends=True):
            mark = self._begins and not _PRIORITY_PATTERN.match(line) and line.strip()
            word = line.partition(" ")[0]
            self._raw.write(f"<{PRIORITIES[_FIRST_WORDS.get(word, 'error')]}>{line}" if mark else line)
            self._begins = line.endswith("\n")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


@contextmanager
def prioritise_errors() -> Iterator[None]:
    """Add priorities to the error output inside the ``with`` block, if journald reads it."""
    before = sys.stderr
    if before is None or not is_journal(before):
        yield
        return
    sys.stderr = cast("TextIO", PriorityStream(before))
    try:
        yield
    finally:
        sys.stderr = before
