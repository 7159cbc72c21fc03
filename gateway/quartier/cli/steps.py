"""A series of steps ahead, read from CSV."""

import csv
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from quartier.planning.horizon import Outlook

_NEEDED = ("load_w", "pv_w", "import_eur_per_wh", "export_eur_per_wh")
_MAY = ("import_max_w", "export_max_w", "import_g_per_wh")


class SteplessError(Exception):
    """A series that cannot be planned from; the text says where it is wrong, and what was expected."""


@dataclass(frozen=True, slots=True)
class Steps:
    """An outlook with the times of its steps."""

    outlook: Outlook
    times: tuple[datetime, ...]

    def when(self, number: int) -> str:
        """A step's begin, for a person."""
        return f"{self.times[number]:%H:%M}"

    def day(self, number: int) -> str:
        """The same with its day, where the steps are of several days."""
        one_day = self.times[0].date() == self.times[-1].date()
        return self.when(number) if one_day else f"{self.times[number]:%a %d %H:%M}"


def read(path: Path, import_max_w: float, export_max_w: float) -> Steps:
    """Read a series; the caps are those of a row without its own.  Raises SteplessError."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise SteplessError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SteplessError(f"{path}: is no CSV in UTF-8: {error}") from error
    if len(rows) < 2:
        raise SteplessError(f"{path}: expected a line of names and at least two rows")
    names = set(rows[0])
    columns = {name: _column(path, rows, names, name) for name in _NEEDED}
    columns |= {name: _column(path, rows, names, name) for name in _MAY if _said(names, name)}
    times = tuple(_time(path, number, row) for number, row in enumerate(rows, 2))
    outlook = Outlook(
        step_s=_step_s(path, times),
        load_w=columns["load_w"],
        pv_w=columns["pv_w"],
        import_eur_per_wh=columns["import_eur_per_wh"],
        export_eur_per_wh=columns["export_eur_per_wh"],
        import_max_w=[
            min(import_max_w, own) for own in columns.get("import_max_w", [import_max_w] * len(rows))
        ],
        export_max_w=[
            min(export_max_w, own) for own in columns.get("export_max_w", [export_max_w] * len(rows))
        ],
        import_g_per_wh=columns.get("import_g_per_wh", ()),
    )
    return Steps(outlook, times)


def _said(names: set[str], name: str) -> str | None:
    """The column that says it: per kWh where there is none per Wh."""
    return next((one for one in (name, name.replace("_per_wh", "_per_kwh")) if one in names), None)


def _column(path: Path, rows: list[dict[str, str]], names: set[str], name: str) -> list[float]:
    said = _said(names, name)
    if said is None:
        raise SteplessError(f"{path}: no column {name}; there are {', '.join(sorted(names))}")
    scale = 1.0 if said == name else 1e-3
    values = []
    for number, row in enumerate(rows, 2):
        try:
            values.append(float(row[said]) * scale)
        except (TypeError, ValueError):
            raise SteplessError(f"{path}:{number}: {said}: {row[said]!r} is no number") from None
    return values


def _time(path: Path, number: int, row: dict[str, str]) -> datetime:
    try:
        return datetime.fromisoformat(row.get("time") or "")
    except ValueError:
        raise SteplessError(f"{path}:{number}: time: expected such as 2026-06-12T00:15") from None


def _step_s(path: Path, times: tuple[datetime, ...]) -> int:
    try:
        steps_s = {(later - before).total_seconds() for before, later in pairwise(times)}
    except TypeError:
        raise SteplessError(f"{path}: some times have an offset from UTC and some have none") from None
    if len(steps_s) != 1:
        raise SteplessError(f"{path}: the times are not one step apart from row to row")
    return round(steps_s.pop())
