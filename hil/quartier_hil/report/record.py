"""Record the results of several scenarios, a line each: verdicts.json and verdicts.md.

Both are rewritten after each run, whole or not at all.  Lines of scenarios that are not run again stay, so a
part can be run again.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import isinf
from pathlib import Path
from typing import Any

from quartier_hil.verdict.checks import Verdict

FILE, PAGE = "verdicts.json", "verdicts.md"
_HEAD = (
    "# Verdicts\n\nEach run's own page lies in the folder of its name. *Command* and *inside* are the "
    "slowest answers to a cap that tightened (promised: 2 s and 30 s); empty where none was.\n\n"
    "| scenario | kept | broken | not shown | house time | rate | command | inside | cycles skipped | run |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One run: how many promises it kept, broke or did not show; a figure of None was not measured."""

    scenario: str
    kept_count: int
    count: int
    broken: tuple[str, ...]
    house_s: float
    rate: float | None
    real_s: float
    command_s: float | None = None
    inside_s: float | None = None
    skipped_count: int | None = None
    date: str = ""
    unshown: tuple[str, ...] = ()


def line(
    name: str,
    verdicts: Sequence[Verdict],
    figures: Mapping[str, float],
    *,
    house_s: float,
    rate: float | None,
    real_s: float,
    date: str,
) -> Line:
    """The line of a run; ``rate`` None: without wires."""
    skipped = figures.get("skipped_count")
    return Line(
        scenario=name,
        kept_count=sum(verdict.is_kept for verdict in verdicts),
        count=len(verdicts),
        broken=tuple(verdict.check for verdict in verdicts if verdict.result == "broken"),
        unshown=tuple(verdict.check for verdict in verdicts if verdict.result == "not shown"),
        house_s=house_s,
        rate=rate,
        real_s=round(real_s, 1),
        command_s=figures.get("tighten_command_s"),
        inside_s=figures.get("tighten_inside_s"),
        skipped_count=None if skipped is None else int(skipped),
        date=date,
    )


def from_row(row: Mapping[str, Any]) -> Line:
    """Read what was written of a line, also before ``unshown`` was.  Raises TypeError and KeyError."""
    tuples = {"broken": tuple(row["broken"]), "unshown": tuple(row.get("unshown", ()))}
    return Line(**{**row, **tuples})


def keep(folder: Path, new: Line) -> Path:
    """Take a line into the record of ``folder``; returns the page.  Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PAGE
    with _alone(folder):
        lines = {old.scenario: old for old in _read(folder / FILE)} | {new.scenario: new}
        ordered = [lines[name] for name in sorted(lines)]
        _put(folder / FILE, json.dumps([asdict(one) for one in ordered], indent=1) + "\n")
        _put(path, page(ordered))
    return path


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Several runs may share a folder: one after the other takes its line in."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _put(path: Path, text: str) -> None:
    """Write a file whole or not at all: a kill here leaves the old one."""
    new = path.with_suffix(f"{path.suffix}.new")
    new.write_text(text, "utf-8")
    new.replace(path)


def page(lines: Iterable[Line]) -> str:
    """The table in Markdown."""
    return _HEAD + "".join(map(_row, lines))


def _row(one: Line) -> str:
    cells = (
        one.scenario,
        f"{one.kept_count} of {one.count}",
        ", ".join(one.broken),
        ", ".join(one.unshown),
        f"{one.house_s / 60:.0f} min",
        "no wires" if one.rate is None else f"{one.rate:g}",
        _seconds(one.command_s),
        _seconds(one.inside_s),
        "" if one.skipped_count is None else f"{one.skipped_count}",
        f"{one.date}, {one.real_s:.0f} s".removeprefix(", "),
    )
    return f"| {' | '.join(cells)} |\n"


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return "never" if isinf(value) else f"{value:.1f} s"


def _read(path: Path) -> list[Line]:
    """Return the lines of a record; empty if it does not exist or is unreadable."""
    try:
        rows = json.loads(path.read_text("utf-8"))
        return [from_row(row) for row in rows]
    except (OSError, ValueError, TypeError, KeyError):
        return []
