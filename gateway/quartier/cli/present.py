"""``quartier status`` and ``quartier points``: what the running daemon says of itself."""

import argparse
import signal
import sys
import threading
from fnmatch import fnmatchcase
from typing import Any

from rich.live import Live

from quartier.cli import output
from quartier.cli.overview import overview
from quartier.runtime.desk import Closed, ask

EX_UNAVAILABLE = 69
EX_INTERRUPTED = 130
REFRESH_S = 1.0


def status(options: argparse.Namespace) -> int:
    """Ask the daemon what it does; exit 69 when none answers."""
    try:
        found = ask(options.runtime_dir, "status")
    except Closed as closed:
        return _nobody(closed)
    if options.json:
        output.dump(found)
    elif options.watch:
        return _watch(options, found)
    else:
        output.console().print(overview(found))
    return 0


def _nobody(closed: Closed) -> int:
    print(f"{closed}; {remedy(closed)}", file=sys.stderr)
    return EX_UNAVAILABLE


def remedy(closed: Closed) -> str:
    """What helps against a desk that does not answer."""
    if isinstance(closed.__cause__, PermissionError):
        return "join the group quartier, or ask with sudo"
    return "start it with systemctl start quartier, or name its --runtime-dir"


def _watch(options: argparse.Namespace, found: dict[str, Any]) -> int:
    """Refresh until Ctrl-C; a daemon that restarts is waited for.

    Ctrl-C is taken between two refreshes: in the middle of one it could leave the terminal as it was then.
    """
    over = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: over.set())
    try:
        return _screen(options, found, over) if sys.stdout.isatty() else _follow(options, found, over)
    finally:
        signal.signal(signal.SIGINT, before)


def _screen(options: argparse.Namespace, found: dict[str, Any], over: threading.Event) -> int:
    with Live(overview(found), console=output.console(), screen=True, auto_refresh=False) as live:
        while not over.wait(REFRESH_S):
            try:
                live.update(overview(ask(options.runtime_dir, "status")), refresh=True)
            except Closed as closed:
                live.update(str(closed), refresh=True)
    return EX_INTERRUPTED


def _follow(options: argparse.Namespace, found: dict[str, Any], over: threading.Event) -> int:
    """The same where there is no screen to refresh: one overview after the other."""
    while True:
        output.console().print(overview(found), "")
        sys.stdout.flush()
        if over.wait(REFRESH_S):
            return EX_INTERRUPTED
        try:
            found = ask(options.runtime_dir, "status")
        except Closed as closed:
            return _nobody(closed)


def points(options: argparse.Namespace) -> int:
    """List points; exit 1 when no point has such a name."""
    try:
        found = ask(options.runtime_dir, "points")
    except Closed as closed:
        return _nobody(closed)
    wanted = [point for point in found if any(fnmatchcase(point["point"], p) for p in options.pattern)]
    if not wanted:
        print(
            f"no point is called {' or '.join(options.pattern)}; quartier points lists all", file=sys.stderr
        )
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
        "" if not point.get("writable") else _by_itself(fallback),
        point["address"],
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
        point["address"],
    )


def _written(written: dict[str, Any] | None) -> str:
    if written is None:
        return ""
    why = f" ({written['why']})" if written["why"] else ""
    return f"{output.number(written['value'])} {written['verdict']}{why}"


def _by_itself(fallback: dict[str, Any] | None) -> str:
    return "nothing" if fallback is None else f"{fallback['value']:g} after {output.age(fallback['after_s'])}"
