"""``quartier override`` and ``quartier maintenance``: what people order of a running daemon."""

import argparse
import sys
import threading
from collections.abc import Mapping
from typing import Any

from quartier.cli import output, reasons, sentences
from quartier.control.observe.meter_check.causes import describe_evidence_with_faults
from quartier.runtime.desk import Closed, ask
from quartier.runtime.operators import GROUP, order

EX_UNAVAILABLE = 69
_LOOK_S = 0.25
_LOOKS_MAX = 14
"""Looks at an order's effect: 3.5 s, so three control cycles."""


def override(options: argparse.Namespace) -> int:
    """Order, list or end; exit 1 when it is refused."""
    if options.asset is None:
        return _listed(options)
    if options.cancel:
        return _ordered(options, "cancel", asset=options.asset)
    if options.value is None or options.for_s is None:
        print(
            "quartier override: ASSET VALUE --for 2h, or ASSET --cancel, or nothing at all", file=sys.stderr
        )
        return 2
    return _ordered(options, "override", **_request(options, options.value.strip()))


def maintenance(options: argparse.Namespace) -> int:
    """Leave an asset to its device; exit 1 when that is refused."""
    return _ordered(options, "override", **_request(options, None))


def _request(options: argparse.Namespace, value: str | None) -> dict[str, Any]:
    return {"asset": options.asset, "value": value, "for_s": options.for_s, "why": options.why}


def _ordered(options: argparse.Namespace, what: str, **request: Any) -> int:
    try:
        answer = order(options.runtime_dir, what, **request)
    except Closed as closed:
        return nobody(closed)
    asset = None if "error" in answer or what != "override" else _followed(options, answer["done"])
    if options.json:
        output.dump(answer if asset is None else answer | {"effect": asset["override"]})
    elif "error" in answer:
        print(answer["error"], file=sys.stderr)
    else:
        done = answer["done"]
        ends = "ended" if what == "cancel" else f"for {output.age(done['left_s'])}"
        print(f"{done['asset']}: {done['order']}, {ends}, by {done['by']}")
        if asset is not None and (words := _effect(asset)):
            print(words)
        if not answer["kept"]:
            print("the disk did not take it: a restart of the gateway ends it", file=sys.stderr)
    return 1 if "error" in answer else 0


def _followed(options: argparse.Namespace, done: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the asset once its order is done or held back, else as it is after ``_LOOKS_MAX`` looks.

    None where the order is not seen: the daemon does not answer, or no cycle took it in that time.
    """
    found = None
    for _ in range(_LOOKS_MAX):
        try:
            reply = ask(options.runtime_dir, "asset", done["asset"])
        except Closed:
            return found
        wish = reply["asset"].get("override") if reply is not None else None
        if wish is not None and wish["until_utc_ms"] == done["until_utc_ms"]:
            found = reply["asset"]
            if wish["held_by"] is not None or wish["done"] == wish["wished"]:
                break
        threading.Event().wait(_LOOK_S)
    return found


def _effect(asset: Mapping[str, Any]) -> str:
    """Return what the order leads to, and for one that must wait what it waits for."""
    words = [sentences.effect(asset), sentences.unread(asset)]
    if asset["override"]["wished"] is not None and asset["override"]["done"] is None:
        words += reasons.returning(asset)
    return "; ".join(filter(None, words))


def _listed(options: argparse.Namespace) -> int:
    try:
        found = order(options.runtime_dir, "list")
    except Closed as closed:
        return nobody(closed)
    if options.json:
        output.dump(found)
    elif not found:
        print("nothing is ordered by hand")
    else:
        rows = (
            (one["asset"], one["order"], output.age(one["left_s"]), one["by"], one["why"]) for one in found
        )
        output.console().print(output.table("", ("asset", "order", ">left", "by", "why"), rows))
    return 0


def meter(options: argparse.Namespace) -> int:
    """Show the evidence against the grid meter, or end its verdict; return 1 when the gateway refuses."""
    try:
        if options.believe:
            answer = order(options.runtime_dir, "believe_meter")
        else:
            answer = ask(options.runtime_dir, "status")["control"]["grid"]
    except Closed as closed:
        return nobody(closed)
    if options.json:
        output.dump(answer)
    elif "error" in answer:
        print(answer["error"], file=sys.stderr)
    elif options.believe:
        print(f"the grid meter was {answer['done']}; it is believed again")
    else:
        causes = tuple((one["code"], one["value"]) for one in answer["causes"])
        print(f"{answer['verdict']}{': ' if causes else ''}{describe_evidence_with_faults(causes)}")
    return 1 if "error" in answer else 0


def nobody(closed: Closed) -> int:
    """Say that nobody takes orders, or not from whom, and what helps."""
    denied = isinstance(closed.__cause__, PermissionError)
    remedy = f"join the group {GROUP}, or use sudo" if denied else "start it with systemctl start quartier"
    print(f"{closed}; {remedy}", file=sys.stderr)
    return EX_UNAVAILABLE
