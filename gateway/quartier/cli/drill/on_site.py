"""``quartier drill --on-site``: guide through the real cable pulls, measure, and sign the record.

What the gateway sees is measured by its own stamps, read from its socket; what only a person sees is asked,
and stands in the record as that person's word.  After each cable the record is kept: it can be gone on with.
"""

import argparse
import datetime as dt
import getpass
import json
import os
import select
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quartier.cli.operation import gateway_status
from quartier.cli.rendering import terminal
from quartier.commissioning.drill import cable_steps
from quartier.commissioning.drill.cable_steps import CableStep
from quartier.commissioning.drill.loss_results import BROKEN, KEPT, SKIPPED, format_seconds
from quartier.runtime import signing
from quartier.runtime.clock import SiteClock, load_clock_setting
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.runtime.owned_files import use_rights_of_owner
from quartier_drivers.errors import describe_os_error

POLL_REAL_S = 0.2
TEXT_WIDTH = 78
RECORD_FORMAT = 1
CONSENT_TEXT = (
    "You will pull {cables} while the gateway runs. Each time it does what is declared for that loss: loads "
    "may go off, a battery or a car may stop. Each cable is put back before the next one is pulled. q stops "
    "at any time; what was done is kept, and the same command goes on."
)


class DrillStopped(Exception):  # noqa: N818 - a state
    """The person has had enough for now."""


def run_on_site(options: argparse.Namespace) -> int:
    """Run it; 0 all kept, 1 one was not or was left, 69 no daemon answers."""
    try:
        rows, status = ask(options.runtime_dir, "ladder")["rows"], ask(options.runtime_dir, "status")
    except NoDaemon as closed:
        return gateway_status.report_no_daemon(closed)
    steps = list(cable_steps.list_cable_steps(rows, status, options.losses))
    if not steps:
        print(f"nothing of that can be made by hand here; {cable_steps.NOT_BY_HAND}", file=sys.stderr)
        return 1
    if not sys.stdin.isatty():
        print("a person is needed at the cables: run it on a terminal (ssh -t)", file=sys.stderr)
        return 1
    return _run_steps(options, steps, _load_draft(options.record, status))


def _run_steps(options: argparse.Namespace, steps: Sequence[CableStep], record: dict[str, Any]) -> int:
    """Ask, go through what is left, sign; what was done is kept whatever ends it."""
    done = {(one["loss"], one["of"]) for one in record["steps"]}
    left = [step for step in steps if (step.loss, step.of) not in done]
    cables = "one cable" if len(left) == 1 else f"{len(left)} cables, one after the other,"
    _print_wrapped(CONSENT_TEXT.format(cables=cables))
    meter = record.get("meter", {})
    if meter.get("why"):
        _print_wrapped(f"The grid meter is {meter['verdict']}: {meter['why']}.")
        _print_wrapped("Repair it first: the measurements of the drill depend on it. See quartier meter.")
    if done:
        _print_wrapped(f"{len(done)} done already.")
    try:
        if _ask("Go on? [y/N] ") not in {"y", "yes"}:
            return 1
        for number, step in enumerate(left, 1):
            record["steps"].append(_run_cable_step(step, f"{number} of {len(left)}", options.runtime_dir))
            _write_draft(options.record, record)
    except (DrillStopped, KeyboardInterrupt):
        _write_draft(options.record, record)
        print(f"\nkept in {_find_draft(options.record)}; the same command goes on from there")
        return 1
    except NoDaemon as closed:
        _write_draft(options.record, record)
        return gateway_status.report_no_daemon(closed)
    return _sign_record(options, record)


# The record


def _find_draft(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _load_draft(path: Path, status: Mapping[str, Any]) -> dict[str, Any]:
    """Load a record that was begun before, or make a new one."""
    if _find_draft(path).exists():
        found: dict[str, Any] = json.loads(_find_draft(path).read_text("utf-8"))
        return {**found, "meter": cable_steps.render_meter_verdict(status)}  # it may have been repaired since
    gateway = status["gateway"]
    return {
        "format": RECORD_FORMAT,
        "site": gateway["site"],
        "district": gateway["district"],
        "who": os.environ.get("SUDO_USER") or getpass.getuser(),
        "begun_utc": _format_utc(),
        "simulated": gateway["simulated"],
        "devices": cable_steps.list_devices(status),
        "meter": cable_steps.render_meter_verdict(status),
        "steps": [],
    }


def _write_draft(path: Path, record: Mapping[str, Any]) -> None:
    fresh = _find_draft(path).with_suffix(".new")
    fresh.write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
    fresh.replace(_find_draft(path))


def _sign_record(options: argparse.Namespace, record: dict[str, Any]) -> int:
    try:
        with use_rights_of_owner(options.state_dir):
            private = signing.load_key(options.state_dir)
    except (OSError, ValueError) as error:
        why = describe_os_error(error) if isinstance(error, OSError) else error
        print(f"not signed: {why}; sudo -u quartier quartier drill --on-site goes on", file=sys.stderr)
        return 1
    whole = signing.sign_record({**record, "ended_utc": _format_utc()}, private)
    options.record.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _find_draft(options.record).unlink(missing_ok=True)
    for one in whole["steps"]:
        _print_wrapped(f"{one['verdict']:8}{one['loss']} {one['of']}")
    print(f"record: {options.record}\npublic key of this gateway:\n{whole['public_key']}")
    return 0 if all(one["verdict"] == KEPT for one in whole["steps"]) else 1


_RECORD_ADVICE = "name the file that `quartier drill --on-site --record FILE` wrote"


def verify_record(options: argparse.Namespace) -> int:
    """Return check the signature of a record; 0 it is, 1 it is not."""
    try:
        record = json.loads(options.verify.read_text("utf-8"))
    except OSError as error:
        why = f"cannot be read: {describe_os_error(error)}"
        print(f"{options.verify}: {why}; {_RECORD_ADVICE}", file=sys.stderr)
        return 1
    except ValueError:
        print(f"{options.verify}: is no record of a drill; {_RECORD_ADVICE}", file=sys.stderr)
        return 1
    if not isinstance(record, dict) or not signing.is_signature_sound(record):
        print(f"{options.verify}: altered, or without a valid signature", file=sys.stderr)
        return 1
    print(f"{options.verify}: signed by {record['who']} at {record['site']}, {record['ended_utc']}")
    print(f"public key: {record['public_key']}")
    print("It proves who signed only to those who know that key of the gateway from elsewhere.")
    return 0


# One cable


def _run_cable_step(step: CableStep, place: str, runtime_dir: Path) -> dict[str, Any]:
    print(f"\n{place}: {step.name}")
    _print_wrapped(f"declared: {step.action}")
    _print_wrapped(
        f"noticed within {format_seconds(step.noticed_s)}, done within {format_seconds(step.deadline_s)}"
    )
    _print_wrapped(f"Pull {step.pull}, and press Enter at once.")
    answer = _ask("Enter when it is out (s skips, q stops): ")
    facts: dict[str, Any] = {"loss": step.loss, "of": step.of, "pulled": step.pull, "at_utc": _format_utc()}
    facts |= {"declared": {"noticed_s": step.noticed_s, "deadline_s": step.deadline_s, "action": step.action}}
    if answer == "s":
        return facts | {"verdict": SKIPPED}
    clock = SiteClock(load_clock_setting())
    noticed_s, reached_s = _observe_loss(step, runtime_dir, clock)
    if step.question:
        _print_wrapped(step.question)
    reply = _ask("[y/n] ") if step.question else ""
    _ask("Put it back, and press Enter: ")
    back_s = _observe_return(step, runtime_dir, clock)
    kept = _is_within(noticed_s, step.noticed_s) and reply in {"", "y", "yes"} and back_s is not None
    if step.loss == "grid-meter-lost" and reached_s is not None:
        kept = kept and _is_within(reached_s, step.deadline_s)
    verdict = KEPT if kept else BROKEN
    _print_wrapped(
        f"{verdict}: noticed after {format_seconds(noticed_s)}, done after {format_seconds(reached_s)}"
    )
    return facts | {
        "verdict": verdict,
        "measured": {"noticed_s": noticed_s, "reached_s": reached_s, "back_s": back_s},
        "seen_by_the_installer": reply,
    }


def _is_within(measured_s: float | None, declared_s: float | None) -> bool:
    return declared_s is None or (measured_s is not None and measured_s <= declared_s)


def _observe_loss(step: CableStep, runtime_dir: Path, clock: SiteClock) -> tuple[float | None, float | None]:
    """Return when the daemon noticed, and when a setpoint was given back on the wire, in s from the loss."""
    begun_ns = clock.now_ns()
    noticed_s: float | None = None
    while True:
        status = ask(runtime_dir, "status")
        now_ns = clock.now_ns()
        passed_s = (now_ns - begun_ns) / 1e9
        since_s = cable_steps.find_noticed_age_s(step, status)
        if since_s is None and noticed_s is None:
            # As long as it is read the cable was in: hands are slower than the Enter key.
            age_s = cable_steps.find_last_good_age_s(step, status)
            begun_ns = max(begun_ns, now_ns - int(age_s * 1e9)) if age_s is not None else begun_ns
        elif since_s is not None and noticed_s is None:
            noticed_s = round(max(passed_s - since_s, 0.0), 2)
        given_s = cable_steps.find_release_age_s(status)
        if noticed_s is not None and (step.loss != "grid-meter-lost" or given_s is not None):
            _print_wrapped("")
            reached = None if given_s is None or step.loss != "grid-meter-lost" else passed_s - given_s
            return noticed_s, None if reached is None else round(max(reached, 0.0), 2)
        if passed_s > step.watch_max_s:
            _print_wrapped("")
            return noticed_s, None
        left_s = (step.deadline_s or step.noticed_s or 0.0) - passed_s
        _show_countdown(f"{passed_s:5.1f} s since it was last heard, {left_s:5.1f} s left", clock)


def _observe_return(step: CableStep, runtime_dir: Path, clock: SiteClock) -> float | None:
    """Return how long it took until the daemon no longer missed it, in s; None where it went on to."""
    begun_ns = clock.now_ns()
    while (passed_s := (clock.now_ns() - begun_ns) / 1e9) < 300.0:
        if cable_steps.find_noticed_age_s(step, ask(runtime_dir, "status")) is None:
            return round(passed_s, 2)
        _show_countdown(f"{passed_s:5.1f} s since it is back", clock)
    return None


def _show_countdown(text: str, clock: SiteClock) -> None:
    terminal.find_raw_stream(sys.stdout).write(f"\r{text:{TEXT_WIDTH}}\r")
    sys.stdout.flush()
    ready, _, _ = select.select([sys.stdin], [], [], POLL_REAL_S / clock.rate)
    if ready and sys.stdin.readline().strip() == "q":
        raise DrillStopped


def _ask(question: str) -> str:
    sys.stdout.write(question)
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line or line.strip().lower() == "q":
        raise DrillStopped
    return line.strip().lower()


def _print_wrapped(text: str) -> None:
    """Print one line that fits into 80 columns, or several."""
    print("\n".join(textwrap.wrap(text, TEXT_WIDTH)))


def _format_utc() -> str:
    stamp_s = SiteClock(load_clock_setting()).utc_ms() / 1000
    return dt.datetime.fromtimestamp(stamp_s, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
