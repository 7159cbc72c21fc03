"""``quartier override``, ``maintenance`` and ``meter``: orders of people to a running daemon."""

import argparse
import os
import sys
import threading
from collections.abc import Mapping
from typing import Any

from quartier.cli.operation import why_text
from quartier.cli.rendering import output, status_text
from quartier.control.observe.meter_check.causes import describe_evidence_with_faults
from quartier.runtime.local_socket.orders import OPERATORS_GROUP, send_order
from quartier.runtime.local_socket.questions import NoDaemon, NotPermitted, ask
from quartier.site.ledger import LedgerEntry, load_entry

EX_NO_DAEMON = 69
_POLL_S = 0.25
_POLLS_MAX = 14
"""Looks at an order's effect: ``WAIT_MAX_S``, so three control cycles."""


WAIT_MAX_S = _POLL_S * _POLLS_MAX


def run_override(options: argparse.Namespace) -> int:
    """Order, list or end; exit 1 when it is refused."""
    if options.asset is None:
        return _list_overrides(options)
    if options.cancel:
        return _send_order(options, "cancel", asset=options.asset)
    if options.value is None or options.for_s is None:
        print(f"quartier override: {_explain_missing(options)}", file=sys.stderr)
        return 2
    return _send_order(options, "override", **_make_request(options, options.value.strip()))


def _explain_missing(options: argparse.Namespace) -> str:
    """Return which part of an order is missing, with an example."""
    asset = options.asset
    if options.value is None:
        return (
            f"the value for {asset} is missing; examples: quartier override {asset} 2kW --for 2h, "
            f"quartier override {asset} off --for 2h; to end an order: quartier override {asset} --cancel"
        )
    example = f"quartier override {asset} {options.value} --for 2h"
    return f"--for is missing: how long the order lasts, 24h at most; example: {example}"


def run_maintenance(options: argparse.Namespace) -> int:
    """Leave an asset to its device; exit 1 when that is refused."""
    if options.for_s is None:
        end = f"quartier override {options.asset} --cancel"
        print(f"quartier maintenance: expected --for 4h; to end it: {end}", file=sys.stderr)
        return 2
    return _send_order(options, "override", **_make_request(options, None))


def _make_request(options: argparse.Namespace, value: str | None) -> dict[str, Any]:
    return {"asset": options.asset, "value": value, "for_s": options.for_s, "why": options.why}


def _send_order(options: argparse.Namespace, what: str, **request: Any) -> int:
    try:
        answer = send_order(options.runtime_dir, what, **request)
    except NoDaemon as closed:
        return report_no_operator_access(closed)
    if "error" in answer:
        if options.json:
            output.print_json(answer)
        else:
            print(answer["error"], file=sys.stderr)
        return 1
    done = answer["done"]
    if not options.json:
        ends = "ended" if what == "cancel" else f"for {output.format_age(done['left_s'])}"
        print(f"{done['asset']}: {done['order']}, {ends}, by {done['by']}", flush=True)
    asset = _wait_for_effect(options, done) if what == "override" else None
    if options.json:
        output.print_json(answer if asset is None else answer | {"effect": asset["override"]})
        return 0
    if asset is not None and (words := _describe_effect(asset)):
        print(words)
    elif asset is None and what == "override":
        print(f"what became of it is not known yet: quartier why {done['asset']}", file=sys.stderr)
    if not answer["kept"]:
        print("the disk did not take it: a restart of the gateway ends it", file=sys.stderr)
    return 0


def _wait_for_effect(options: argparse.Namespace, done: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the asset once its order is done or held back, else as it is after ``_POLLS_MAX`` polls.

    None where the order is not seen: the daemon does not answer, or no cycle took it in that time.
    """
    found = None
    for number in range(_POLLS_MAX):
        try:
            reply = ask(options.runtime_dir, "asset", done["asset"])
        except NoDaemon:
            return found
        override = reply["asset"].get("override") if reply is not None else None
        if override is not None and override["until_utc_ms"] == done["until_utc_ms"]:
            found = reply["asset"]
            release = _find_release(found)
            is_under_way = release is not None and release.outcome == "pending"
            if not is_under_way and (
                override["held_by"] is not None or override["done"] == override["requested"]
            ):
                break
        if number == 0 and not options.json:
            print(f"the order is given; waiting up to {WAIT_MAX_S:g} s for its effect", file=sys.stderr)
        threading.Event().wait(_POLL_S)
    return found


def _find_release(asset: Mapping[str, Any]) -> LedgerEntry | None:
    """Return the row by which an asset in maintenance was given back; None if it had no order."""
    newest = next(iter(asset.get("ledger", ())), None)
    if newest is None or asset["override"]["requested"] is not None:
        return None
    row = load_entry(newest)
    return row if row.cause.get("more", {}).get("code") == "hand.maintenance" else None


def _describe_maintenance(asset: Mapping[str, Any]) -> str:
    """Return whether the device was seen to take its point back."""
    row = _find_release(asset)
    if row is None:
        return f"{asset['name']} gets no orders now"
    if row.outcome == "done":
        shown = "" if row.shown is None else f"; {status_text.format_order(row.point, row.shown)} read back"
        return f"{asset['name']} is given back{shown}"
    note = f" ({row.note})" if row.note else ""
    outcome = "" if row.outcome == "pending" else f": {row.outcome}{note}"
    return f"{asset['name']} is being given back{outcome}"


def _describe_effect(asset: Mapping[str, Any]) -> str:
    """Return what the order leads to, and for one that must wait what it waits for."""
    if asset["override"]["requested"] is None:
        return _describe_maintenance(asset)
    words = [status_text.describe_override_effect(asset), status_text.describe_unread(asset)]
    if asset["override"]["done"] is None:
        words += why_text.describe_return_conditions(asset)
    return "; ".join(filter(None, words))


def _list_overrides(options: argparse.Namespace) -> int:
    try:
        found = send_order(options.runtime_dir, "list")
    except NoDaemon as closed:
        return report_no_operator_access(closed)
    if options.json:
        output.print_json(found)
    elif not found:
        print("nothing is ordered by hand")
    else:
        rows = (
            (one["asset"], one["order"], output.format_age(one["left_s"]), one["by"], one["why"])
            for one in found
        )
        output.make_console().print(output.make_table("", ("asset", "order", ">left", "by", "why"), rows))
    return 0


def run_meter(options: argparse.Namespace) -> int:
    """Show the evidence against the grid meter, or end its verdict; return 1 when the gateway refuses."""
    try:
        if options.believe:
            answer = send_order(options.runtime_dir, "restart_meter_check")
        else:
            answer = ask(options.runtime_dir, "status")["control"]["grid"]
    except NoDaemon as closed:
        return report_no_operator_access(closed)
    if options.json:
        output.print_json(answer)
    elif "error" in answer:
        print(answer["error"], file=sys.stderr)
    elif options.believe:
        print(f"the grid meter was {answer['done']}; it is believed again")
    else:
        print(_describe_meter(answer))
    return 1 if "error" in answer else 0


def _describe_meter(meter: Mapping[str, Any]) -> str:
    """Return the verdict on the grid meter and its evidence; for a meter not read now, its state and age."""
    evidence = describe_evidence_with_faults([(one["code"], one["value"]) for one in meter["causes"]])
    age = "" if meter["age_s"] is None else f"last read {output.format_age(meter['age_s'])} ago"
    state = "" if meter["state"] in {"good", meter["verdict"]} else f"the grid meter is {meter['state']}"
    reading = ", ".join(filter(None, (state, age))) if meter["state"] != "good" else ""
    words = "; ".join(filter(None, (evidence, reading)))
    return f"{meter['verdict']}: {words}" if words else str(meter["verdict"])


def report_no_operator_access(closed: NoDaemon) -> int:
    """Say that nobody takes orders, or not from whom, and what helps."""
    remedy = (
        f"join the group {OPERATORS_GROUP}, or use sudo"
        if isinstance(closed, NotPermitted)
        else "start it with systemctl start quartier"
    )
    print(f"{closed}; {remedy}", file=sys.stderr)
    return find_exit_code(closed)


def find_exit_code(closed: NoDaemon) -> int:
    """Return the exit code for a daemon that does not answer, or not to this user."""
    return os.EX_NOPERM if isinstance(closed, NotPermitted) else EX_NO_DAEMON
