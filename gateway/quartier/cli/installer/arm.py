"""``quartier arm``: write every device's own fallback, read it back and show it."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import tzinfo
from typing import Any

from rich.text import Text

from quartier.cli.operation.gateway_status import report_no_daemon
from quartier.cli.operation.history import find_database
from quartier.cli.rendering import output, status_text, time_text
from quartier.commissioning.service import arming
from quartier.config import loading
from quartier.daemon import state_files
from quartier.runtime import release
from quartier.runtime.clock import CLOCK_VARIABLE, SiteClock, load_clock_setting
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.runtime.owned_files import use_rights_of_owner
from quartier_drivers.errors import ConfigError, Fault

_STATE_TEXTS = {
    "verified": ("verified", "green"),
    "armed": ("armed, not proven", "yellow"),
    "declared": ("by the manual", "yellow"),
    "different": ("DIFFERENT", "red"),
    "no answer": ("no answer", "red"),
    "unseen": ("not looked at yet", "yellow"),
    "none": ("none", "red"),
}


def run_arm(options: argparse.Namespace) -> int:
    """Arm the devices of a site, or check them; exit 1 when a fallback is missing or not as declared.

    Root acts with the rights of the service.
    """
    with use_rights_of_owner(options.state_dir):
        return _arm_with_rights(options)


def _arm_with_rights(options: argparse.Namespace) -> int:
    try:
        locks = _take_locks(options)
    except release.StateFolderLocked as locked:
        print(f"{locked}; use the same --runtime-dir, or stop that process first", file=sys.stderr)
        return os.EX_TEMPFAIL
    except release.DaemonLocked as locked:
        if options.check:
            return _ask_daemon(options)
        print(
            f"{locked}, and a bus has one master; expected: systemctl stop quartier, quartier arm, "
            "systemctl start quartier; or quartier arm --check, which asks the daemon",
            file=sys.stderr,
        )
        return os.EX_TEMPFAIL
    with locks:
        loaded = loading.load_site_leniently(options.config)
        for fault in (*loaded.warnings, *(fault for found in loaded.disabled.values() for fault in found)):
            print(f"warning: {fault}", file=sys.stderr)
        rows = asyncio.run(_arm_devices(options, loaded, _make_clock(options, loaded)))
    code = _print_result(options, rows)
    return code or int(
        bool(loaded.disabled)
    )  # what a fault of the site file puts out of action was not asked


def _take_locks(options: argparse.Namespace) -> ExitStack:
    try:
        options.runtime_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        return release.take_locks(options.runtime_dir, options.state_dir)
    except OSError as error:
        what = f"takes no lock: {error.strerror}; expected the daemon's folder: sudo -u quartier quartier arm"
        raise ConfigError([Fault(str(options.runtime_dir), None, "folder", what)]) from error


def _make_clock(options: argparse.Namespace, loaded: loading.LoadedSite) -> SiteClock:
    setting = load_clock_setting()
    if setting.is_simulated and not loaded.site.site.simulated:
        what = f"{CLOCK_VARIABLE} is set, expected simulated = true: real devices need real time"
        raise ConfigError([Fault(str(options.config), None, "site.simulated", what)])
    return SiteClock(setting)


async def _arm_devices(
    options: argparse.Namespace, loaded: loading.LoadedSite, clock: SiteClock
) -> list[dict[str, Any]]:
    known = state_files.load_fallbacks(options.state_dir)
    site = arming.make_armable_site(loaded, clock, options.state_dir)
    rows = await arming.arm_site(site, known, clock, _print_progress, writes=not options.check)
    try:
        options.state_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        state_files.save_fallbacks(options.state_dir, known)
    except OSError as error:
        why = f"{error.strerror}; try sudo -u quartier quartier arm"
        print(f"{options.state_dir}: the result could not be kept: {why}", file=sys.stderr)
    return rows


def _print_progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _ask_daemon(options: argparse.Namespace) -> int:
    """Print the last result of the running daemon; return the exit code."""
    try:
        rows = ask(options.runtime_dir, "fallbacks")
    except NoDaemon as closed:
        return report_no_daemon(closed)
    print("a daemon is running: this is what it found when it last looked", file=sys.stderr)
    return _print_result(options, rows)


def _print_result(options: argparse.Namespace, rows: Sequence[dict[str, Any]]) -> int:
    well = all(map(arming.is_settled, rows))
    if options.json:
        output.print_json([{**row, "ok": arming.is_settled(row)} for row in rows])
        return int(not well)
    zone = find_database(options.config, options.state_dir)[1]
    heads = (
        "device",
        "point",
        "fallback",
        ">after",
        "state",
        f"looked at ({time_text.describe_zone(zone)})",
    )
    if rows:
        output.make_console().print(output.make_table("", heads, (_make_row(row, zone) for row in rows)))
    else:
        print("no device of this site takes orders")
    for row in rows:
        for line in _list_remarks(row):
            print(line)
    return int(not well)


def _make_row(row: dict[str, Any], zone: tzinfo | None) -> tuple[Any, ...]:
    text, style = _STATE_TEXTS[row["state"]]
    if row["state"] == "none" and arming.is_settled(row):
        text, style = ("accepted" if row["accepted"] else "not used"), "yellow"
    value = row.get("found_value", row["value"])
    after_s = None if row["holds"] else row.get("found_after_s") or row["after_s"]
    return (
        row["device"],
        row["point"],
        ""
        if row["state"] == "none"
        else status_text.format_fallback(row["point"], value, holds=row["holds"]),
        "" if after_s is None else output.format_age(after_s),
        Text(text, style=style),
        _format_when(row.get("utc_ms"), zone),
    )


def _format_when(utc_ms: int | None, zone: tzinfo | None) -> str:
    return "–" if utc_ms is None else time_text.format_stamp(utc_ms, zone)


def _list_remarks(row: dict[str, Any]) -> list[str]:
    """Return the remarks below the table: facts and actions for a person."""
    where = f"{row['device']} {row['point']}"
    found = [f"{where}: {row['problem']}"] if row["problem"] else []
    none = f"{where}: has no fallback" + (f": {row['why']}" if row.get("why") else "")
    if row["state"] == "none" and row["accepted"]:
        found.append(f"{none}; accepted: {row['accepted']}")
    elif row["state"] == "none" and row["used"]:
        found.append(
            f"{none}; so it is not used for limits and sheds; expected another device, or "
            f"assets.{row['asset']}.accept_no_fallback with the reason"
        )
    if row.get("prove"):
        found.append(f"{where}: its fallback was never seen to act; let it act once: {row['prove']}")
    if row.get("kept_by") == "requests":
        found.append(f"{where}: reading keeps it alive too, so it guards against a lost gateway only")
    return found
