"""``quartier status`` and ``quartier points``: what the running daemon says of itself."""

import argparse
import sys
from fnmatch import fnmatchcase
from typing import Any

from quartier.cli import output, sentences
from quartier.cli.overview import overview
from quartier.config.checks.similar_names import suggest_names
from quartier.runtime.local_socket.questions import NoDaemon, ask

EX_UNAVAILABLE = 69


def status(options: argparse.Namespace) -> int:
    """Ask the daemon what it does; exit 69 when none answers."""
    try:
        found = ask(options.runtime_dir, "status")
    except NoDaemon as closed:
        return nobody(closed)
    if options.json:
        output.dump(found)
    else:
        output.console().print(overview(found))
    return 0


def nobody(closed: NoDaemon) -> int:
    """Say where no daemon answers, and what helps."""
    print(f"{closed}; {remedy(closed)}", file=sys.stderr)
    return EX_UNAVAILABLE


def remedy(closed: NoDaemon) -> str:
    """Return what helps against a desk that does not answer."""
    if isinstance(closed.__cause__, PermissionError):
        return "join the group quartier, or ask with sudo"
    return "start it with systemctl start quartier, or name its --runtime-dir"


def points(options: argparse.Namespace) -> int:
    """List points; exit 1 when no point has such a name."""
    try:
        found = ask(options.runtime_dir, "points")
    except NoDaemon as closed:
        return nobody(closed)
    wanted = [point for point in found if any(fnmatchcase(point["point"], p) for p in options.pattern)]
    if not wanted:
        near = suggest_names(
            options.pattern[0].strip("*"), [point["point"] for point in found], "quartier points"
        )
        print(f"no point is called {' or '.join(options.pattern)}; {near}", file=sys.stderr)
        return 1
    if options.writes:
        wanted = [point for point in wanted if "writes" in point]
    if options.json:
        output.dump(wanted)
        return 0
    if options.writes:
        heads = ("point", ">today", ">budget", ">total", "memory", "last written", "on release", "address")
        output.console().print(output.table("", heads, map(_writes_row, wanted)))
        return 0
    columns = (
        "point",
        ">value",
        "unit",
        "quality",
        ">age",
        "last written",
        "on release",
        "by itself",
        "answers",
        "address",
    )
    output.console().print(output.table("", columns, map(_row, wanted)))
    return 0


def _row(point: dict[str, Any]) -> tuple[str, ...]:
    fallback = point.get("fallback")
    return (
        point["point"],
        output.number(point["value"]),
        output.unit(point["unit"]),
        point["quality"],
        output.age(point["age_s"]),
        _written(point.get("written")),
        "" if not point.get("writable") else output.number(point["on_release"]),
        "" if not point.get("writable") else sentences.by_itself(point["point"], fallback),
        sentences.answers(point.get("probed")),
        _place(point["address"]),
    )


def _writes_row(point: dict[str, Any]) -> tuple[str, ...]:
    writes = point["writes"]
    return (
        point["point"],
        str(writes["today"]),
        "–" if writes["budget"] is None else str(writes["budget"]),
        str(writes["total"]),
        "wears" if writes["persistent"] else "volatile",
        _written(point.get("written")),
        output.number(point["on_release"]),
        _place(point["address"]),
    )


def _place(address: str) -> str:
    """Return where a point stands, on one line: of alternatives the first, and how many there are."""
    first, *others = address.split("|")
    return f"{first} or {len(others)} more" if others else first


def _written(written: dict[str, Any] | None) -> str:
    if written is None:
        return ""
    why = f" ({written['why']})" if written["why"] else ""
    return f"{output.number(written['value'])} {written['verdict']}{why}"
