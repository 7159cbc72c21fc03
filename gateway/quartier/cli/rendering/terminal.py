"""Filter what commands print: text from devices, documents and people cannot control the terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from quartier.runtime.text_output import escape_text

PROGRESS_EVERY_S = 5.0
# With the wide forms, which a spreadsheet takes for the narrow ones (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def escape_formula(value: object) -> object:
    """Return a text for a CSV file so that no spreadsheet reads it as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


class FilteredStream:
    """A text stream that makes control characters visible; ``raw`` is the stream for our own sequences."""

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw

    def write(self, text: str) -> int:
        """Write a text with its control characters made visible."""
        self.raw.write(escape_text(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def find_raw_stream(stream: TextIO) -> TextIO:
    """Return the stream below the filter, for colours and for a line of progress."""
    return cast("TextIO", getattr(stream, "raw", stream)) if isinstance(stream, FilteredStream) else stream


@contextmanager
def filter_output() -> Iterator[None]:
    """Filter standard output and error output inside the ``with`` block."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", FilteredStream(find_raw_stream(stream))) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class ProgressLine:
    """Shows on the error output how far a search is: in place on a terminal, else in lines.

    In a pipe or a file each new step gets a line, and a long step one more every ``PROGRESS_EVERY_S``.
    """

    def __init__(self, now_s: Callable[[], float] | None = None) -> None:
        self._is_live = sys.stderr.isatty()
        self._now_s = now_s
        self._step: object = None
        self._report_s = 0.0

    def tell(self, step: object, begins: str, text: str) -> None:
        """Show ``text``; without a terminal a new ``step`` begins with the line ``begins``."""
        is_new, self._step = step != self._step, step
        if self._is_live:
            overwrite_line(f"{text} ")
            return
        from asyncio import get_running_loop  # noqa: PLC0415 - the daemon prints no progress

        now_s = (self._now_s or get_running_loop().time)()
        if is_new or now_s - self._report_s >= PROGRESS_EVERY_S:
            self._report_s = now_s
            print(begins if is_new else text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line clean."""
        if self._is_live and self._step is not None:
            overwrite_line("")


def overwrite_line(text: str) -> None:
    """Write a line of progress over the last one, on the error output."""
    find_raw_stream(sys.stderr).write(f"\r{escape_text(text)}\033[K")
    sys.stderr.flush()
