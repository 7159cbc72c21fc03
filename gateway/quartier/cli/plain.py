"""Foreign text on the output of commands: what devices, documents and people say steers no terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from quartier.runtime.foreign import show

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> object:
    """Give a text for a CSV file that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


class Filtered:
    """A text stream that shows what is written to it; ``raw`` is the stream for own control sequences."""

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw

    def write(self, text: str) -> int:
        """Write a text, visible."""
        self.raw.write(show(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def raw(stream: TextIO) -> TextIO:
    """Find the stream below the filter, for colours and for lines that are written over."""
    return cast("TextIO", getattr(stream, "raw", stream)) if isinstance(stream, Filtered) else stream


@contextmanager
def filtered() -> Iterator[None]:
    """Filter what is printed meanwhile."""
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
