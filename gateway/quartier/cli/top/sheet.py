"""A table as lines of a given width: what does not fit is left out by rank, the last column is cut (pure)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from rich.text import Text

GAP = 2
LAST_MIN_CHARS = 14
CUT_MIN_CHARS, WHOLE_MIN_CHARS = 6, 10
ORDERS = ("as they stand", "worst first", "by name")


@dataclass(frozen=True, slots=True)
class Column:
    """``spare`` 0 is always shown; of the others the highest goes first where room is short.

    Then the widest are cut, those that are ``whole`` last.
    """

    title: str
    right: bool = False
    spare: int = 0
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """``key`` is unique on its page, ``kind:name`` of what Enter opens; ``worry`` 0 when all is well."""

    key: str
    cells: tuple[Text, ...]
    worry: int = 0
    more: str = ""
    """What is said in full while the row is picked."""

    @property
    def opens(self) -> tuple[str, str] | None:
        """Return what Enter opens, as (kind, name)."""
        kind, _, name = self.key.partition(":")
        return (kind, name) if kind in {"bus", "device", "asset"} else None


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows under one heading; the last column takes what room is left."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = field(default=())

    def sifted(self, words: str, order: str) -> "Sheet":
        """The rows that hold ``words`` in any cell, in one of ``ORDERS``."""
        wanted = words.casefold()
        rows = [row for row in self.rows if wanted in " ".join(cell.plain for cell in row.cells).casefold()]
        return replace(self, rows=tuple(sorted(rows, key=_KEYS[order])))


_KEYS: dict[str, Callable[[Row], tuple[object, ...]]] = {
    "as they stand": lambda _: (),
    "worst first": lambda row: (-row.worry,),
    "by name": lambda row: (row.cells[0].plain,),
}


def text(words: object, style: str = "") -> Text:
    """One cell, on one line."""
    return Text(" ".join(str(words).split()), style=style, no_wrap=True)


def lines(sheet: Sheet, width: int) -> list[Text]:
    """The heading and one line a row, each ``width`` characters at most."""
    head = [text(column.title, "bold") for column in sheet.columns]
    table: list[Sequence[Text]] = [head, *(row.cells for row in sheet.rows)]
    widths = [max(line[index].cell_len for line in table) for index in range(len(head))]
    empty = {
        index for index in range(len(head)) if all(not row.cells[index].plain.strip() for row in sheet.rows)
    }
    kept = _kept(sheet.columns, widths, width, empty)
    _cut(sheet.columns, kept, widths, width)
    last = kept[-1]
    widths[last] = max(0, width - sum(widths[index] + GAP for index in kept[:-1]))
    return [_line([(line[i], widths[i], sheet.columns[i].right) for i in kept], width) for line in table]


def _kept(columns: Sequence[Column], widths: Sequence[int], width: int, empty: set[int]) -> list[int]:
    kept = [index for index in range(len(columns)) if index not in empty or not columns[index].spare]
    while len(kept) > 1 and _needs(kept, widths) > width:
        out = max(kept, key=lambda index: columns[index].spare)
        if not columns[out].spare:
            break
        kept.remove(out)
    return kept


def _cut(columns: Sequence[Column], kept: Sequence[int], widths: list[int], width: int) -> None:
    """Make the widest columns narrower until the last one has its room."""
    others = kept[:-1]
    for able, least in (
        ([i for i in others if not columns[i].whole], CUT_MIN_CHARS),
        (others, WHOLE_MIN_CHARS),
    ):
        while able and _needs(kept, widths) > width and max(widths[i] for i in able) > least:
            widths[max(able, key=widths.__getitem__)] -= 1


def _needs(kept: Sequence[int], widths: Sequence[int]) -> int:
    last = min(widths[kept[-1]], LAST_MIN_CHARS)
    return sum(widths[index] + GAP for index in kept[:-1]) + last


def _line(cells: Iterable[tuple[Text, int, bool]], width: int) -> Text:
    made = Text(no_wrap=True)
    for cell, size, right in cells:
        fitted = cell.copy()
        fitted.truncate(size, overflow="ellipsis")
        fitted.align("right" if right else "left", size)
        made.append_text(fitted).append(" " * GAP)
    made.truncate(width)
    made.rstrip()
    return made
