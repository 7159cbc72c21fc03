"""``quartier alarms``: what is wrong, since when, what to do, and who has seen it."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quartier.cli import alarmlist, alarmpage, hands, output
from quartier.cli.past import places, unknown_zone
from quartier.cli.present import EX_UNAVAILABLE, remedy
from quartier.daemon.reports.alarm_list import ALARMS_FILE
from quartier.runtime import state_file
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.orders import send_order
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.site.alarm_catalogue import ALARM_KINDS, ALARM_KINDS_BY_CODE
from quartier.site.alarm_types import format_alarm_name


def alarms(options: argparse.Namespace) -> int:
    """List, acknowledge or explain; exit 1 while one is not acknowledged, or when it is refused."""
    if options.reference:
        print(alarmpage.page(), end="")
        return 0
    if options.explain is not None:
        return _explained(options)
    if options.ack is not None:
        return _acknowledged(options)
    return _listed(options)


def _listed(options: argparse.Namespace) -> int:
    try:
        found = ask(options.runtime_dir, "alarms")
    except NoDaemon as closed:
        return _kept(options, closed)
    _show(options, found)
    return 1 if found["unacknowledged_count"] else 0


def _kept(options: argparse.Namespace, closed: NoDaemon) -> int:
    """Return what stood on disk last, where no daemon answers."""
    print(f"{closed}; {remedy(closed)}", file=sys.stderr)
    facts = state_file.load_facts(options.state_dir / ALARMS_FILE)
    if facts is None:
        why = "cannot be read, try with sudo" if _is_barred(options.state_dir) else "is not there"
        print(f"the list of alarms in {options.state_dir} {why}", file=sys.stderr)
    else:
        print("this is what was known last:", file=sys.stderr)
        zone = places(options.config, options.state_dir)[1]
        if zone is None:
            print(unknown_zone(options.config), file=sys.stderr)
        found = alarmlist.recalled(facts, SiteClock().utc_ms())
        _show(options, found if zone is None else found | {"zone": str(zone)})
    return EX_UNAVAILABLE


def _is_barred(state_dir: Path) -> bool:
    try:
        return any(state_dir.glob(f"{ALARMS_FILE}.[ab]"))
    except PermissionError:
        return True


def _show(options: argparse.Namespace, found: Mapping[str, Any]) -> None:
    if options.json:
        rows = found["alarms"] if options.all else alarmlist.recent(found["alarms"])
        output.dump({**found, "alarms": [alarmlist.whole(row) for row in rows]})
        return
    for part in alarmlist.parts(found, whole=options.all):
        output.page().print(part)


def _acknowledged(options: argparse.Namespace) -> int:
    try:
        answer = send_order(options.runtime_dir, "acknowledge", which=options.ack, note=options.note)
    except NoDaemon as closed:
        return hands.nobody(closed)
    if options.json:
        output.dump(answer)
    elif "error" in answer:
        print(answer["error"], file=sys.stderr)
    else:
        _tell(answer)
    return 1 if "error" in answer else 0


def _tell(answer: Mapping[str, Any]) -> None:
    for one in answer["done"]:
        print(f"{format_alarm_name(one['code'], one['of'])}: acknowledged by {one['acknowledged']['by']}")
    for one in answer["before"]:
        print(
            f"{format_alarm_name(one['code'], one['of'])}: {one['acknowledged']['by']} acknowledged it before"
        )
    if not answer["done"] and not answer["before"]:
        print("nothing is left to acknowledge")
    if not answer["kept"]:
        print("the disk did not take it: a restart of the gateway forgets it", file=sys.stderr)


def _explained(options: argparse.Namespace) -> int:
    code = options.explain.partition(":")[0]
    found = [
        kind for kind in ALARM_KINDS if not code or kind.code == code or kind.code.startswith(f"{code}.")
    ]
    if not found:
        rooms = ", ".join(dict.fromkeys(known.partition(".")[0] for known in ALARM_KINDS_BY_CODE))
        print(f"no alarm has the code {code}; codes begin with {rooms}", file=sys.stderr)
        return 1
    if options.json:
        output.dump([alarmlist.kind(one) for one in found])
        return 0
    for part in alarmlist.explained(found):
        output.page().print(part)
    return 0
