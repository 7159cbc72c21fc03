"""Adds a priority to each line for journald: ``<N>``, as systemd's SyslogLevelPrefix expects."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO, cast

PRIORITIES: Mapping[str, int] = {"critical": 2, "error": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7}
"""sd-daemon(3), by the names of log levels."""
_MARKED = re.compile(r"<[0-7]>")
_WORDS = {"warning:": "warning", "note:": "notice"}


def is_journal(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a stream goes to journald: systemd names it by device and inode in JOURNAL_STREAM."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):  # no file: a test's, or a closed one
        return False
    return environ.get("JOURNAL_STREAM", "") == f"{found.st_dev}:{found.st_ino}"


def marked(text: str, level: str) -> str:
    """Every line of a text with the priority of a log level."""
    mark = f"<{PRIORITIES.get(level, PRIORITIES['info'])}>"
    return "\n".join(f"{mark}{line}" for line in text.split("\n"))


class Prioritised:
    """A text stream to journald; the first word of a line without a priority decides it (default: error)."""

    def __init__(self, raw: TextIO) -> None:
        self._raw = raw
        self._begins = True

    def write(self, text: str) -> int:
        """Write a text, with a priority before each line."""
        for line in text.splitlines(keepends=True):
            mark = self._begins and not _MARKED.match(line) and line.strip()
            word = line.partition(" ")[0]
            self._raw.write(f"<{PRIORITIES[_WORDS.get(word, 'error')]}>{line}" if mark else line)
            self._begins = line.endswith("\n")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


@contextmanager
def prioritised() -> Iterator[None]:
    """Add priorities to the error output inside the ``with`` block, where journald reads it."""
    before = sys.stderr
    if before is None or not is_journal(before):
        yield
        return
    sys.stderr = cast("TextIO", Prioritised(before))
    try:
        yield
    finally:
        sys.stderr = before
