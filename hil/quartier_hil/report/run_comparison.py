"""Compare two runs of a scenario: their verdicts, figures and curves.

A run is a folder with ``run.json`` and ``samples.csv``, as ``quartier-hil run`` and ``day`` write it.
"""

import argparse
import csv
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from quartier_hil.checks.verdicts import BROKEN, KEPT, NO_RUN, Verdict

_RESULT_ORDER = ("kept", "not shown", "broken")
_CURVES_MAX_COUNT = 12
_WIDTH, _HEIGHT, _LEFT, _TOP = 760, 150, 60, 22
_INFINITE_LEVEL = 1e8  # a limit that is not set
_EPILOG = """\
A value between two samples is the older one; the second run is read at the times of the first.

  quartier-hil day cap-kept --report old      before a change
  quartier-hil day cap-kept --report new      after it
  quartier-hil compare old new                what is different
  quartier-hil compare old new --page diff.html --json

Exit code 0: no verdict is worse; 1: one is; 2: a folder is not a run.
"""


class NotARun(ValueError):  # noqa: N818 - its text is shown to a person
    """A folder holds no run, or a file of it is damaged."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """The content of the folder of a run: curves by point, with their times in s since the start.

    A value is nan where there is none, such as a limit that is not set.
    """

    folder: Path
    title: str
    verdicts: tuple[Verdict, ...]
    figures: Mapping[str, float]
    times_s: tuple[float, ...]
    columns: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """A check whose result differs; an empty result: the run does not have it."""

    check: str
    promised: str
    old: str
    new: str
    measured: str

    @property
    def is_worse(self) -> bool:
        """Return whether the new result is further from "kept"."""
        if not self.old or not self.new:
            return not self.new or self.new == "broken"
        return _RESULT_ORDER.index(self.new) > _RESULT_ORDER.index(self.old)


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure that differs; nan: the run does not have it."""

    name: str
    old: float
    new: float


@dataclass(frozen=True, slots=True)
class CurveChange:
    """A curve that differs: mean and largest difference in its own unit, and when the largest was, in s."""

    point: str
    mean: float
    largest: float
    at_s: float


@dataclass(frozen=True, slots=True)
class RunComparison:
    """The differences of two runs, the largest curves first."""

    old: RunReport
    new: RunReport
    verdicts: tuple[VerdictChange, ...]
    figures: tuple[FigureChange, ...]
    curves: tuple[CurveChange, ...]
    single_curves: tuple[str, ...]
    """Curves that only one of the runs has."""

    @property
    def exit_code(self) -> int:
        """KEPT if no verdict is worse, else BROKEN."""
        return BROKEN if any(one.is_worse for one in self.verdicts) else KEPT


def read_run(folder: Path) -> RunReport:
    """Read the report of a run.  Raises NotARun naming the file."""
    path = folder / "run.json"
    try:
        data = json.loads(path.read_text("utf-8"))
        verdicts = tuple(Verdict.from_row(row) for row in data["verdicts"])
        figures = {name: float(value) for name, value in data["figures"].items()}
        path = folder / "samples.csv"
        columns = _read_columns(path)
        times_s = columns.pop("since_start_s")
    except OSError as error:
        raise NotARun(f"{path}: {error.strerror}; expected the folder of a run, see --report") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NotARun(f"{path}: cannot be read: {error}") from error
    columns.pop("unix_s", None)
    return RunReport(folder, str(data.get("title", "")), verdicts, figures, times_s, columns)


def _read_columns(path: Path) -> dict[str, tuple[float, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    if not rows:
        raise ValueError("has no samples")
    numbers = [tuple(map(_parse_value, column)) for column in zip(*rows, strict=True)]
    return dict(zip(head, numbers, strict=True))


def _parse_value(text: str) -> float:
    value = float(text)
    return value if abs(value) < _INFINITE_LEVEL else math.nan


def compare_runs(old: RunReport, new: RunReport, *, tolerance: float = 1e-6) -> RunComparison:
    """Compare two runs; a figure or curve counts as equal within ``tolerance`` of its size."""
    return RunComparison(
        old,
        new,
        tuple(_compare_verdicts(old, new)),
        tuple(_compare_figures(old.figures, new.figures, tolerance)),
        tuple(sorted(_compare_curves(old, new, tolerance), key=lambda one: -_rank_curve(one, old))),
        tuple(sorted(set(old.columns) ^ set(new.columns))),
    )


def _compare_verdicts(old: RunReport, new: RunReport) -> Iterator[VerdictChange]:
    before = {(one.check, one.promised): one for one in old.verdicts}
    after = {(one.check, one.promised): one for one in new.verdicts}
    for key in dict.fromkeys((*before, *after)):
        first, second = before.get(key), after.get(key)
        results = first.result if first else "", second.result if second else ""
        if results[0] != results[1]:
            yield VerdictChange(*key, *results, second.words if second else "")


def _compare_figures(
    old: Mapping[str, float], new: Mapping[str, float], tolerance: float
) -> Iterator[FigureChange]:
    for name in dict.fromkeys((*old, *new)):
        first, second = old.get(name, math.nan), new.get(name, math.nan)
        if not math.isclose(first, second, rel_tol=tolerance, abs_tol=tolerance):
            yield FigureChange(name, first, second)


def _compare_curves(old: RunReport, new: RunReport, tolerance: float) -> Iterator[CurveChange]:
    places = _find_places(old.times_s, new.times_s)
    for point in (point for point in old.columns if point in new.columns):
        first, second = old.columns[point], new.columns[point]
        differences = [_measure_difference(first[i], second[j]) for i, j in places]
        if not differences:
            continue
        largest = max(differences)
        size = max(abs(value) for value in (1.0, *first) if not math.isnan(value))
        if largest > tolerance * size:
            at_s = old.times_s[places[differences.index(largest)][0]]
            yield CurveChange(point, sum(differences) / len(differences), largest, at_s)


def _measure_difference(first: float, second: float) -> float:
    """Return the difference; a missing value differs from another by the size of that, by 1 at least."""
    if math.isnan(first) or math.isnan(second):
        present = [abs(one) for one in (first, second) if not math.isnan(one)]
        return max(present[0], 1.0) if present else 0.0
    return abs(first - second)


def _find_places(old_s: Sequence[float], new_s: Sequence[float]) -> list[tuple[int, int]]:
    """Return for each time of the old run that both have the place of the value in both."""
    found, place = [], 0
    for index, time_s in enumerate(old_s):
        while place + 1 < len(new_s) and new_s[place + 1] <= time_s:
            place += 1
        if new_s and new_s[0] <= time_s <= new_s[-1]:
            found.append((index, place))
    return found


def _rank_curve(change: CurveChange, run: RunReport) -> float:
    """Return the mean difference as a share of what the curve spans."""
    values = [value for value in run.columns[change.point] if not math.isnan(value)]
    span = max(values, default=0.0) - min(values, default=0.0)
    return change.mean / max(span, 1e-9)


# For people and scripts


def format_comparison(found: RunComparison) -> str:
    """Return the differences as text."""
    lines = [f"{found.old.folder}: {found.old.title}", f"{found.new.folder}: {found.new.title}", ""]
    lines += ["VERDICTS", *(_format_verdict(one) for one in found.verdicts)]
    lines += [] if found.verdicts else ["  the same"]
    lines += ["", "FIGURES", *(_format_figure(one) for one in found.figures)]
    lines += [] if found.figures else ["  the same"]
    lines += ["", "CURVES"]
    for curve in found.curves:
        lines.append(
            f"  {curve.point}: {curve.mean:.4g} on average, {curve.largest:.4g} at most, at {curve.at_s:g} s"
        )
    lines += [f"  {point}: only in one run" for point in found.single_curves]
    lines += [] if found.curves or found.single_curves else ["  the same"]
    if found.old.title != found.new.title:
        lines += ["", "These are runs of different scenarios."]
    return "\n".join(lines)


def _format_figure(one: FigureChange) -> str:
    old, new = ("missing" if math.isnan(value) else f"{value:g}" for value in (one.old, one.new))
    return f"  {one.name}: {old} -> {new}"


def _format_verdict(one: VerdictChange) -> str:
    mark = "worse" if one.is_worse else "better" if one.old and one.new else "new"
    results = f"{one.old or 'missing'} -> {one.new or 'missing'}"
    return f"  {mark}: {one.check}: {one.promised}: {results}" + (f": {one.measured}" if one.measured else "")


def make_document(found: RunComparison) -> dict[str, Any]:
    """Return the differences for JSON; a figure that a run does not have is null."""
    return {
        "old": str(found.old.folder),
        "new": str(found.new.folder),
        "verdicts": [{**asdict(one), "is_worse": one.is_worse} for one in found.verdicts],
        "figures": [
            {"name": one.name, "old": _none_if_nan(one.old), "new": _none_if_nan(one.new)}
            for one in found.figures
        ],
        "curves": [asdict(one) for one in found.curves],
        "single_curves": list(found.single_curves),
    }


def _none_if_nan(value: float) -> float | None:
    return value if math.isfinite(value) else None


def render_comparison_page(found: RunComparison) -> str:
    """Return a page with the differences and the curves that differ most, both runs in one picture each."""
    pictures = "".join(_draw_curve(found, one) for one in found.curves[:_CURVES_MAX_COUNT])
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(found.old.title)}: two runs</title><style>"
        "body{font:15px system-ui,sans-serif;max-width:800px;margin:1em auto;padding:0 1em}"
        "pre{white-space:pre-wrap;overflow-wrap:anywhere}svg{width:100%;height:auto}"
        ".old{stroke:#5f6b76;stroke-dasharray:5 3}.new{stroke:#b85c00}path{fill:none;stroke-width:1.6}"
        "text{font-size:12px;fill:currentColor}rect{fill:none;stroke:#c9ced4}</style>"
        f"<h1>{escape(found.old.title)}</h1><p>dashed: {escape(str(found.old.folder))}; "
        f"solid: {escape(str(found.new.folder))}</p><pre>{escape(format_comparison(found))}</pre>"
        f"{pictures}</html>\n"
    )


def _draw_curve(found: RunComparison, change: CurveChange) -> str:
    runs = (("old", found.old), ("new", found.new))
    values = [value for _, run in runs for value in run.columns[change.point] if not math.isnan(value)]
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 1.0, high + 1.0
    first_s, last_s = found.old.times_s[0], max(found.old.times_s[-1], found.new.times_s[-1])
    paths = "".join(
        f'<path class="{name}" d="{_make_path(run, change.point, (first_s, last_s), (low, high))}"/>'
        for name, run in runs
    )
    bottom = _TOP + _HEIGHT
    return (
        f'<svg viewBox="0 0 {_WIDTH} {bottom + 22}" role="img"><title>{escape(change.point)}</title>'
        f'<text x="{_LEFT}" y="14">{escape(change.point)}</text>'
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_WIDTH - _LEFT - 4}" height="{_HEIGHT}"/>{paths}'
        f'<text x="{_LEFT - 4}" y="{_TOP + 12}" text-anchor="end">{_format_level(high)}</text>'
        f'<text x="{_LEFT - 4}" y="{bottom}" text-anchor="end">{_format_level(low)}</text>'
        f'<text x="{_LEFT}" y="{bottom + 16}">{first_s:g} s</text>'
        f'<text x="{_WIDTH - 4}" y="{bottom + 16}" text-anchor="end">{last_s:g} s</text></svg>'
    )


def _format_level(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def _make_path(run: RunReport, point: str, times_s: tuple[float, float], span: tuple[float, float]) -> str:
    """Return the steps of a curve, at most one for each pixel column and value."""
    width, parts, is_down = _WIDTH - _LEFT - 4, [], False
    spots = [
        (
            _LEFT + (at_s - times_s[0]) / max(times_s[1] - times_s[0], 1e-9) * width,
            _TOP + (span[1] - value) / (span[1] - span[0]) * _HEIGHT,
        )
        if not math.isnan(value)
        else None
        for at_s, value in zip(run.times_s, run.columns[point], strict=True)
    ]
    for before, spot in pairwise((None, *spots)):
        if spot is None:
            is_down = False
            continue
        x, y = round(spot[0], 1), round(spot[1], 1)
        if not is_down:
            parts.append(f"M{x} {y}")
        elif before is None or (x, y) != (round(before[0], 1), round(before[1], 1)):
            parts.append(f"H{x}V{y}")
        is_down = True
    return "".join(parts)


# The command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``quartier-hil compare``."""
    parser.description = "Compares two runs of a scenario: verdicts, figures and curves."
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("old", type=Path, help="folder of the first run, as --report made it")
    parser.add_argument("new", type=Path, help="folder of the second run")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1e-6,
        metavar="SHARE",
        help="differences up to this share of a value count as none [%(default)g]",
    )
    parser.add_argument("--page", type=Path, metavar="FILE", help="write a page with pictures of both runs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=run_compare, needed=())


def run_compare(options: argparse.Namespace) -> int:
    """Print the differences; returns the exit code."""
    try:
        found = compare_runs(read_run(options.old), read_run(options.new), tolerance=options.tolerance)
        if options.page is not None:
            options.page.write_text(render_comparison_page(found), encoding="utf-8")
    except NotARun as error:
        sys.stderr.write(f"quartier-hil: {error}\n")
        return NO_RUN
    except OSError as error:
        sys.stderr.write(f"quartier-hil: {error.filename}: {error.strerror}\n")
        return NO_RUN
    sys.stdout.write(
        (json.dumps(make_document(found), indent=1) if options.json else format_comparison(found)) + "\n"
    )
    return found.exit_code
