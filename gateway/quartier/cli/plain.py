"""Filters what commands print: text from devices, documents and people cannot control the terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from quartier.runtime.foreign import show

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> object:
    """Return a text for a CSV file so that no spreadsheet reads it as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


class Filtered:
    """A text stream that makes control characters visible; ``raw`` is the stream for our own sequences."""

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw

    def write(self, text: str) -> int:
        """Write a text with its control characters made visible."""
        self.raw.write(show(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def raw(stream: TextIO) -> TextIO:
    """Return the stream below the filter, for colours and for a line of progress."""
    return cast("TextIO", getattr(stream, "raw", stream)) if isinstance(stream, Filtered) else stream


@contextmanager
def filtered() -> Iterator[None]:
    """Filter standard output and error output inside the ``with`` block."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", Filtered(raw(stream))) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def overwrite(text: str) -> None:
    """Write a line of progress over the last one, on the error output."""
    raw(sys.stderr).write(f"\r{show(text)}\033[K")
    sys.stderr.flush()
