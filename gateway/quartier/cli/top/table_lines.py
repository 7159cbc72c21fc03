"""Render a table in lines of a given width: drop columns by rank, cut the last one (pure)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from rich.text import Text

COLUMN_GAP = 2
LAST_MIN_CHARS = 14
CUT_MIN_CHARS, WHOLE_MIN_CHARS = 6, 10
SORT_ORDERS = ("as they stand", "worst first", "by name")


@dataclass(frozen=True, slots=True)
class TableColumn:
    """``drop_rank`` 0 is always shown; of the others the highest goes first where room is short.

    Then the widest are cut, those that are ``whole`` last.
    """

    title: str
    right: bool = False
    drop_rank: int = 0
    whole: bool = False


@dataclass(frozen=True, slots=True)
class TableRow:
    """``key`` is unique on its page, ``kind:name`` of what Enter opens; ``severity`` 0 when all is well."""

    key: str
    cells: tuple[Text, ...]
    severity: int = 0
    more: str = ""
    """What is said in full while the row is picked."""

    @property
    def page_subject(self) -> tuple[str, str] | None:
        """Return what Enter opens, as (kind, name)."""
        kind, _, name = self.key.partition(":")
        return (kind, name) if kind in {"bus", "device", "asset"} else None


@dataclass(frozen=True, slots=True)
class TableSheet:
    """Rows under one heading; the last column takes what room is left."""

    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...] = field(default=())

    def filter_and_sort(self, words: str, order: str) -> "TableSheet":
        """Return the rows that hold ``words`` in any cell, in one of ``SORT_ORDERS``."""
        wanted = words.casefold()
        rows = [row for row in self.rows if wanted in " ".join(cell.plain for cell in row.cells).casefold()]
        return replace(self, rows=tuple(sorted(rows, key=_SORT_KEYS[order])))


_SORT_KEYS: dict[str, Callable[[TableRow], tuple[object, ...]]] = {
    "as they stand": lambda _: (),
    "worst first": lambda row: (-row.severity,),
    "by name": lambda row: (row.cells[0].plain,),
}


def make_cell(words: object, style: str = "") -> Text:
    """Make one cell, on one line."""
    return Text(" ".join(str(words).split()), style=style, no_wrap=True)


def render_sheet(sheet: TableSheet, width: int) -> list[Text]:
    """Return the heading and one line a row, each ``width`` characters at most."""
    head = [make_cell(column.title, "bold") for column in sheet.columns]
    table: list[Sequence[Text]] = [head, *(row.cells for row in sheet.rows)]
    widths = [max(line[index].cell_len for line in table) for index in range(len(head))]
    empty = {
        index for index in range(len(head)) if all(not row.cells[index].plain.strip() for row in sheet.rows)
    }
    kept = _choose_columns(sheet.columns, widths, width, empty)
    _narrow_columns(sheet.columns, kept, widths, width)
    last = kept[-1]
    widths[last] = max(0, width - sum(widths[index] + COLUMN_GAP for index in kept[:-1]))
    return [
        _render_line([(line[i], widths[i], sheet.columns[i].right) for i in kept], width) for line in table
    ]


def _choose_columns(
    columns: Sequence[TableColumn], widths: Sequence[int], width: int, empty: set[int]
) -> list[int]:
    kept = [index for index in range(len(columns)) if index not in empty or not columns[index].drop_rank]
    while len(kept) > 1 and _find_width(kept, widths) > width:
        out = max(kept, key=lambda index: columns[index].drop_rank)
        if not columns[out].drop_rank:
            break
        kept.remove(out)
    return kept


def _narrow_columns(
    columns: Sequence[TableColumn], kept: Sequence[int], widths: list[int], width: int
) -> None:
    """Make the widest columns narrower until the last one has its room."""
    others = kept[:-1]
    for able, least in (
        ([i for i in others if not columns[i].whole], CUT_MIN_CHARS),
        (others, WHOLE_MIN_CHARS),
    ):
        while able and _find_width(kept, widths) > width and max(widths[i] for i in able) > least:
            widths[max(able, key=widths.__getitem__)] -= 1


def _find_width(kept: Sequence[int], widths: Sequence[int]) -> int:
    last = min(widths[kept[-1]], LAST_MIN_CHARS)
    return sum(widths[index] + COLUMN_GAP for index in kept[:-1]) + last


def _render_line(cells: Iterable[tuple[Text, int, bool]], width: int) -> Text:
    made = Text(no_wrap=True)
    for cell, size, right in cells:
        fitted = cell.copy()
        fitted.truncate(size, overflow="ellipsis")
        fitted.align("right" if right else "left", size)
        made.append_text(fitted).append(" " * COLUMN_GAP)
    made.truncate(width)
    made.rstrip()
    return made
