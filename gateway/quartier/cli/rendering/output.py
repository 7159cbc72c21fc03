"""Tables for people, JSON for scripts; colours only on a terminal."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from quartier.cli.rendering import terminal
from quartier.runtime.text_output import escape_text

_UNIT_SYMBOLS = {
    "W.h": "Wh",
    "V.A": "VA",
    "Cel": "°C",
    "m3": "m³",
    "m3/h": "m³/h",
    "[EUR]/W.h": "EUR/Wh",
    "g/W.h": "g/Wh",
}


# Wider than any row.
_PIPED_COLUMNS = 20_000


class _SafeConsole(Console):
    """A console for foreign text: it reads no markup, and shows control characters.

    It says when nobody reads any more, as ``print`` does; rich would end with 1.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            file=terminal.find_raw_stream(sys.stdout), highlight=False, markup=False, emoji=False, **settings
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Render as rich does, every text visible."""
        for one in super().render(renderable, options):
            yield one if one.control else Segment(escape_text(one.text), one.style)

    def print(self, *objects: Any, **settings: Any) -> None:
        """Print as rich does; where no terminal reads it, a row of a table is one line."""
        if self.is_terminal:
            super().print(*objects, **settings)
            return
        with self.capture() as got:
            super().print(*objects, **settings)
        self.file.write("\n".join(line.rstrip() for line in got.get().split("\n")))

    def on_broken_pipe(self) -> None:
        """Leave it to whoever runs the command."""
        raise BrokenPipeError


def make_console() -> Console:
    """Standard output: as wide as the terminal; where there is none, no line wraps or has colours."""
    return _SafeConsole(width=None if sys.stdout.isatty() else _PIPED_COLUMNS)


def make_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[RenderableType]]) -> Table:
    """Make a plain table; columns that end in a unit or count are right-aligned."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(
            column.lstrip(">"), justify="right" if column.startswith(">") else "left", overflow="fold"
        )
    for row in rows:
        made.add_row(*(" ".join(one.split("\n")) if isinstance(one, str) else one for one in row))
    return made


def print_json(value: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def write_file(command: str, path: Path, text: str) -> bool:
    """Write a requested file; print an error if it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"{command}: {path}: cannot be written: {error.strerror}", file=sys.stderr)
        return False
    return True


def format_unit(ucum: str) -> str:
    """Return a UCUM code (``W.h``) as people write it (``Wh``)."""
    return _UNIT_SYMBOLS.get(ucum, ucum)


def format_number(value: object, symbol: str = "") -> str:
    """Return a value with its unit; four significant digits below a thousand."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        text = f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.4g}"
        return f"{text} {symbol}".rstrip()
    return str(value)


def format_age(seconds: float | None) -> str:
    """``0.4 s``, ``3 min``, ``2 h``, ``5 d``; a dash where nothing was ever read."""
    if seconds is None or seconds == float("inf"):
        return "–"
    for limit_s, size_s, unit in ((10, 1, "s"), (120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit_s:
            return f"{seconds / size_s:.1f} {unit}" if limit_s == 10 else f"{seconds / size_s:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def format_size(count: float) -> str:
    """Return a number of bytes as people write it: ``812 B``, ``34.2 kB``, ``1.3 MB``, ``4.0 GB``."""
    for limit, unit in ((1e3, "B"), (1e6, "kB"), (1e9, "MB")):
        if count < limit:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count * 1e3 / limit:.1f} {unit}"
    return f"{count / 1e9:.1f} GB"


def format_count(count: float, one: str, many: str = "") -> str:
    """``1 sample``, ``3 samples``, ``2 buses``; ``many`` where it is not ``one`` and an s."""
    return f"{format_number(count)} {one if count == 1 else many or f'{one}s'}"
