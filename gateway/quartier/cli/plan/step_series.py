"""A series of future steps, read from CSV."""

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from math import inf
from pathlib import Path

from quartier.planning.horizon import STEPS_MAX, STEPS_S, Outlook
from quartier_drivers.device_profile.toml_files import suggest_key

_REQUIRED_COLUMNS = ("load_w", "pv_w", "import_eur_per_wh", "export_eur_per_wh")
_OPTIONAL_COLUMNS = ("import_max_w", "export_max_w", "import_g_per_wh")
_MINIMUM_VALUES = {"pv_w": 0.0, "import_max_w": 0.0, "export_max_w": 0.0}
_VALUE_MAX = 1e9
_DAY_S = 86_400
_SIZE_MAX = 1 << 22
"""Bytes: some kilobytes a row."""


class SeriesError(Exception):
    """A series that cannot be planned from; the text says where it is wrong, and what was expected."""


@dataclass(frozen=True, slots=True)
class StepSeries:
    """An outlook with the times of its steps."""

    outlook: Outlook
    times: tuple[datetime, ...]
    series: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """What the file says of assets, by point (``ev1.plugged_on``), a number a step."""

    def time(self, number: int) -> datetime:
        """A step's begin; the number after the last has the end of that."""
        if number < len(self.times):
            return self.times[number]
        last, step = self.times[-1], timedelta(seconds=self.outlook.step_s)
        return last + step if last.tzinfo is None else (last.astimezone(UTC) + step).astimezone(last.tzinfo)

    def format_time(self, number: int) -> str:
        """Return a step's begin for a person; with its offset where the clock changes on the way."""
        return f"{self.time(number):%H:%M%z}" if self.changes else f"{self.time(number):%H:%M}"

    @property
    def changes(self) -> bool:
        """Return whether the clock changes on the way."""
        return len({time.utcoffset() for time in self.times}) > 1

    def format_shortest(self, number: int) -> str:
        """Return the begin as short as it is clear: with its day where the steps are of several days."""
        whole_s = len(self.times) * self.outlook.step_s
        return self.format_time(number) if whole_s <= _DAY_S else self.format_with_day(number)

    def format_with_day(self, number: int) -> str:
        """Return the begin with its day, where the steps are of several days."""
        one_day = self.times[0].date() == self.times[-1].date()
        return (
            self.format_time(number) if one_day else f"{self.time(number):%a %d} {self.format_time(number)}"
        )


def read_series(
    path: Path,
    import_max_w: float,
    export_max_w: float,
    points: Collection[str] = (),
    zone: tzinfo | None = None,
) -> StepSeries:
    """Read a series; the caps are those of a row without its own.  ``points`` may have columns of their own.

    ``zone`` is the building's: times with an offset are told by its clock, whatever theirs is.  Raises
    SteplessError.
    """
    table = _SeriesTable(path, points)
    columns = {name: table.column(name) for name in _REQUIRED_COLUMNS}
    columns |= {name: table.column(name) for name in _OPTIONAL_COLUMNS if table.find_column_name(name)}
    times = table.times()
    count = len(times)
    outlook = Outlook(
        step_s=_find_step_s(path, times),
        load_w=columns["load_w"],
        pv_w=columns["pv_w"],
        import_eur_per_wh=columns["import_eur_per_wh"],
        export_eur_per_wh=columns["export_eur_per_wh"],
        import_max_w=[min(import_max_w, own) for own in columns.get("import_max_w", [inf] * count)],
        export_max_w=[min(export_max_w, own) for own in columns.get("export_max_w", [inf] * count)],
        import_g_per_wh=columns.get("import_g_per_wh", ()),
    )
    if zone is not None and times[0].tzinfo is not None:
        times = tuple(time.astimezone(zone) for time in times)
    return StepSeries(
        outlook, times, {name: table.column(name) for name in points if table.find_column_name(name)}
    )


class _SeriesTable:
    """A file's rows under its names.  Commas part them, or semicolons with a comma in the numbers, as the
    spreadsheets of some countries write it.
    """

    def __init__(self, path: Path, points: Collection[str]) -> None:
        self._path, self._points = path, points
        text = _read_text(path)
        first = text.partition("\n")[0]
        self._semicolons = ";" in first and "," not in first
        try:
            lines = [
                [cell.strip() for cell in row]
                for row in csv.reader(text.splitlines(), delimiter=";" if self._semicolons else ",")
            ]
        except csv.Error as error:
            raise SeriesError(f"{path}: is no CSV: {error}") from error
        self._names = lines[0] if lines else []
        self._rows = [(number, row) for number, row in enumerate(lines[1:], 2) if any(row)]
        self._check_names()
        if len(self._rows) < 2:
            raise SeriesError(f"{path}: expected a line of names and at least two rows")
        if len(self._rows) > STEPS_MAX:
            raise SeriesError(f"{path}: {len(self._rows)} rows; expected at most {STEPS_MAX}")
        for number, row in self._rows:
            if len(row) != len(self._names):
                raise SeriesError(
                    f"{path}:{number}: {len(row)} values; expected {len(self._names)}, as there are names"
                )

    def _check_names(self) -> None:
        """Refuse unknown columns: a misspelt limit would be none."""
        known = ["time", *_REQUIRED_COLUMNS, *_OPTIONAL_COLUMNS]
        known += [_name_per_kwh(name) for name in known if name.endswith("_per_wh")]
        known += self._points
        for name in self._names:
            asset, dot, _ = name.partition(".")
            if name not in known and dot and any(one.startswith(f"{asset}.") for one in self._points):
                what = f"{name!r} is no column; say --with {name}=…"
                raise SeriesError(f"{self._path}:1: {what}")
            if "\t" in name:
                raise SeriesError(f"{self._path}:1: tabs part its columns; expected commas or semicolons")
            if name not in known:
                raise SeriesError(f"{self._path}:1: {name!r} is no column; {suggest_key(name, known)}")
            if self._names.count(name) > 1 or (
                _name_per_kwh(name) != name and _name_per_kwh(name) in self._names
            ):
                raise SeriesError(f"{self._path}:1: {name} is said twice")

    def find_column_name(self, name: str) -> str | None:
        """The column that says it: per kWh where there is none per Wh."""
        return next((one for one in (name, _name_per_kwh(name)) if one in self._names), None)

    def column(self, name: str) -> list[float]:
        """The numbers of a column, in the units of the house."""
        text = self.find_column_name(name)
        if text is None:
            raise SeriesError(f"{self._path}: no column {name}; there are {', '.join(sorted(self._names))}")
        return [self._number(name, text, *line) for line in self._cells(text)]

    def times(self) -> tuple[datetime, ...]:
        """Return when each step begins."""
        if "time" not in self._names:
            raise SeriesError(f"{self._path}: no column time; there are {', '.join(sorted(self._names))}")
        return tuple(self._time(number, text) for number, text in self._cells("time"))

    def _cells(self, name: str) -> list[tuple[int, str]]:
        at = self._names.index(name)
        return [(number, row[at]) for number, row in self._rows]

    def _number(self, name: str, column: str, line: int, text: str) -> float:
        place = f"{self._path}:{line}: {column}"
        try:
            number = float(text.replace(",", ".") if self._semicolons else text)
        except ValueError:
            raise SeriesError(f"{place}: {text!r} is no number") from None
        value = number if column == name else number * 1e-3
        if name.endswith("_on") and value not in {0.0, 1.0}:
            raise SeriesError(f"{place}: {text}; expected 1 or 0")
        least = 0.0 if name in self._points else _MINIMUM_VALUES.get(name, -_VALUE_MAX)
        # A cap may be none: infinite.
        if not least <= value <= (inf if name.endswith("_max_w") else _VALUE_MAX):
            raise SeriesError(f"{place}: {text}; expected {'0 or more' if least == 0.0 else 'a number'}")
        return value

    def _time(self, line: int, text: str) -> datetime:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise SeriesError(
                f"{self._path}:{line}: time: {text!r}; expected such as 2026-06-12T00:15, or with an offset, "
                "2026-06-12T00:15+02:00"
            ) from None


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            there = file.read(_SIZE_MAX + 1)
    except OSError as error:
        raise SeriesError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        text = there[:_SIZE_MAX].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SeriesError(f"{path}: is no CSV in UTF-8: {error}") from error
    if "\0" in text:
        raise SeriesError(f"{path}: is no CSV: it holds zero bytes")
    if len(there) > _SIZE_MAX:
        raise SeriesError(f"{path}: is larger than {_SIZE_MAX >> 20} MiB; expected at most {STEPS_MAX} rows")
    return text


def _name_per_kwh(name: str) -> str:
    return name.replace("_per_wh", "_per_kwh")


def _find_step_s(path: Path, times: Sequence[datetime]) -> int:
    minutes = ", ".join(str(step_s // 60) for step_s in STEPS_S[:-1]) + f" or {STEPS_S[-1] // 60}"
    if len({time.tzinfo is None for time in times}) > 1:
        raise SeriesError(f"{path}: some times have an offset from UTC and some have none")
    first_s = (times[1] - times[0]).total_seconds()
    if first_s not in STEPS_S:
        raise SeriesError(f"{path}: rows {first_s / 60:g} min apart; expected {minutes}")
    for before, now in pairwise(times):
        if (now - before).total_seconds() != first_s:
            change = "" if now.tzinfo else "; where the clock changes, times with their offset"
            raise SeriesError(
                f"{path}: {now:%Y-%m-%dT%H:%M} follows {before:%Y-%m-%dT%H:%M}; expected each row "
                f"{first_s / 60:g} min after the one before{change}"
            )
    return round(first_s)
