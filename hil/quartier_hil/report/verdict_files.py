"""Write the verdicts of several scenarios: JUnit, verdicts.json and verdicts.md."""

import fcntl
import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import isinf
from pathlib import Path
from typing import Any

from quartier_hil.checks.verdicts import Verdict

# What XML 1.0 (2.2) has no room for, even escaped.
_NO_CHARACTERS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, kw_only=True)
class JunitSuite:
    """One scenario.  ``error``: why it could not be run or judged; then there are no verdicts.

    ``seed`` is that of everything random in it, None where it did not come so far.
    """

    scenario: str
    verdicts: Sequence[Verdict] = ()
    real_s: float = 0.0
    seed: int | None = None
    error: str = ""


def write_junit(path: Path, suites: Sequence[JunitSuite]) -> None:
    """Write the file, and the folder that it lies in.  Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(format_junit(suites), encoding="utf-8")


def format_junit(suites: Sequence[JunitSuite]) -> str:
    """The document."""
    root = ET.Element("testsuites", name="quartier-hil")
    for suite in suites:
        root.append(_make_suite(suite))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _make_suite(suite: JunitSuite) -> ET.Element:
    failed_count = sum(not verdict.is_kept for verdict in suite.verdicts)
    made = ET.Element(
        "testsuite",
        name=_remove_control_characters(suite.scenario),
        tests=str(len(suite.verdicts) or 1),
        failures=str(failed_count),
        errors=str(int(bool(suite.error))),
        skipped="0",
        time=f"{suite.real_s:.3f}",
    )
    if suite.seed is not None:
        properties = ET.SubElement(made, "properties")
        ET.SubElement(properties, "property", name="seed", value=str(suite.seed))
    for verdict in suite.verdicts:
        case = _make_case(made, suite, f"{verdict.check}: {verdict.promised}")
        if verdict.proves:
            requirements = ET.SubElement(case, "properties")
            for row in verdict.proves:
                ET.SubElement(requirements, "property", name="requirement", value=row)
        if verdict.is_kept:
            ET.SubElement(case, "system-out").text = _remove_control_characters(verdict.words)
        else:
            ET.SubElement(
                case, "failure", type=verdict.result, message=_remove_control_characters(verdict.words)
            )
    if not suite.verdicts:
        case = _make_case(made, suite, "run")
        ET.SubElement(case, "error", type="not run", message=_remove_control_characters(suite.error))
    return made


def _make_case(made: ET.Element, suite: JunitSuite, name: str) -> ET.Element:
    return ET.SubElement(
        made,
        "testcase",
        classname=f"quartier-hil.{_remove_control_characters(suite.scenario)}",
        name=_remove_control_characters(name),
        time="0",
    )


def _remove_control_characters(text: str) -> str:
    return _NO_CHARACTERS.sub("?", text)


VERDICTS_FILE, VERDICTS_PAGE = "verdicts.json", "verdicts.md"
_HEAD = (
    "# Verdicts\n\nEach run's own page lies in the folder of its name. *Command* and *inside* are the "
    "slowest answers to a cap that tightened (promised: 2 s and 30 s); empty where none was.\n\n"
    "| scenario | kept | broken | not shown | house time | rate | command | inside | cycles skipped | run |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictLine:
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


def make_verdict_line(
    name: str,
    verdicts: Sequence[Verdict],
    figures: Mapping[str, float],
    *,
    site_s: float,
    rate: float | None,
    real_s: float,
    date: str,
) -> VerdictLine:
    """The line of a run; ``rate`` None: without wires."""
    skipped = figures.get("skipped_count")
    return VerdictLine(
        scenario=name,
        kept_count=sum(verdict.is_kept for verdict in verdicts),
        count=len(verdicts),
        broken=tuple(verdict.check for verdict in verdicts if verdict.result == "broken"),
        unshown=tuple(verdict.check for verdict in verdicts if verdict.result == "not shown"),
        house_s=site_s,
        rate=rate,
        real_s=round(real_s, 1),
        command_s=figures.get("tighten_command_s"),
        inside_s=figures.get("tighten_inside_s"),
        skipped_count=None if skipped is None else int(skipped),
        date=date,
    )


def parse_verdict_line(row: Mapping[str, Any]) -> VerdictLine:
    """Read what was written of a line, also before ``unshown`` was.  Raises TypeError and KeyError."""
    tuples = {"broken": tuple(row["broken"]), "unshown": tuple(row.get("unshown", ()))}
    return VerdictLine(**{**row, **tuples})


def record_line(folder: Path, new: VerdictLine) -> Path:
    """Take a line into the record of ``folder``; returns the page.  Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / VERDICTS_PAGE
    with _lock_folder(folder):
        lines = {old.scenario: old for old in _read_lines(folder / VERDICTS_FILE)} | {new.scenario: new}
        ordered = [lines[name] for name in sorted(lines)]
        _write_whole(folder / VERDICTS_FILE, json.dumps([asdict(one) for one in ordered], indent=1) + "\n")
        _write_whole(path, render_verdict_page(ordered))
    return path


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    """Several runs may share a folder: one after the other takes its line in."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all: a kill here leaves the old one."""
    new = path.with_suffix(f"{path.suffix}.new")
    new.write_text(text, "utf-8")
    new.replace(path)


def render_verdict_page(lines: Iterable[VerdictLine]) -> str:
    """The table in Markdown."""
    return _HEAD + "".join(map(_format_line, lines))


def _format_line(one: VerdictLine) -> str:
    cells = (
        one.scenario,
        f"{one.kept_count} of {one.count}",
        ", ".join(one.broken),
        ", ".join(one.unshown),
        f"{one.house_s / 60:.0f} min",
        "no wires" if one.rate is None else f"{one.rate:g}",
        _format_seconds(one.command_s),
        _format_seconds(one.inside_s),
        "" if one.skipped_count is None else f"{one.skipped_count}",
        f"{one.date}, {one.real_s:.0f} s".removeprefix(", "),
    )
    return f"| {' | '.join(cells)} |\n"


def _format_seconds(value: float | None) -> str:
    if value is None:
        return ""
    return "never" if isinf(value) else f"{value:.1f} s"


def _read_lines(path: Path) -> list[VerdictLine]:
    """Return the lines of a record; empty if it does not exist or is unreadable."""
    try:
        rows = json.loads(path.read_text("utf-8"))
        return [parse_verdict_line(row) for row in rows]
    except (OSError, ValueError, TypeError, KeyError):
        return []
