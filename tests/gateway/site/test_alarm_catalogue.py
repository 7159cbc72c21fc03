"""The table is complete: no alarm without a row, no row without an alarm, and each remedy's command exists."""

import ast
import functools
import gc
import re
import shlex
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import pytest

from quartier.control.supervise import loss_table
from quartier.control.supervise.loss_table import find_alarm_code
from quartier.site.alarm_catalogue import ALARM_KINDS, ALARM_KINDS_BY_CODE

ROOT = Path(__file__).parents[3]
SOURCES = [
    *sorted((ROOT / "gateway/quartier").rglob("*.py")),
    *sorted((ROOT / "drivers/quartier_drivers").rglob("*.py")),
]
TABLES = {ROOT / "gateway/quartier/house" / name for name in ("alarmkinds.py", "alarmdevices.py")}
# Losses that the daemon cannot see while they last; how it learns of them.
UNSEEN = {
    "controller-frozen": "the next run finds that nobody left in order: loss.controller_killed",
    "clock-jumped": "the link sees that it was set: clock.stepped",
}
# Lines of the log at warning or error that are no alarm of their own, and why.
LOG_ONLY = {
    "alarm.raised": "it tells of an alarm",
    "alarms.not_kept": "state.not_kept stands as long as it holds",
    "bus.lost": "loss.bus_down",
    "commands.not_recalled": "what ran is ended, as after its time; the district hears no more of it",
    "config.fault": "config.refused and config.disabled name the first, quartier check all",
    "config.kept": "config.refused",
    "config.warning": "the file works as it is; quartier check shows it",
    "contact.acts": "what a contact is for; quartier status shows it",
    "daemon.failed": "the process ends; loss.controller_killed in the next",
    "device.aside": "device.silent, or the row of its asset, after its time",
    "fallback.lost": "output.fallback_lost",
    "forecast.begun_anew": "what was learnt is of another building or release; it learns anew from the history",
    "jobs.not_kept": "the list of alarms lies in the same folder: state.not_kept",
    "link.mode": "loss.uplink_lost, district.no_heartbeat",
    "operators.no_group": "there is nobody who could order or acknowledge; quartier alarms says so to who tries",
    "plan.lost": "a new thread plans within half a minute, and the plan before holds meanwhile",
    "plan.partial": "the other assets go by the rule, as without a plan; quartier plan says why",
    "plan.refused": "the rule of self-consumption leads, as without a plan; quartier plan and status say why",
    "record.not_kept": "the fault that it was to be kept for is an alarm itself; a disk that is full is loss.disk_full",
    "release.failed": "output.not_taken_back, or the row of a device that does not answer",
    "release.unfinished": "the process ends; what quartier release wrote stands in the ledger",
    "signal.not_taken": "the clock is not trusted, or its number was not kept: district.not_kept",
    "store.disk_failed": "loss.disk_full, loss.disk_dead",
    "store.unfinished": "the process ends; store.gap in the next",
    "task.failed": "it is started again; task.parked after five",
    "write.budget_spent": "output.refused",
    "write.refused": "output.refused",
    **dict.fromkeys(
        (
            "fallbacks.not_kept",
            "forecast.not_kept",
            "link.not_kept",
            "memory.not_kept",
            "overrides.not_kept",
            "site.not_kept",
            "writes.not_kept",
        ),
        "the list of alarms lies in the same folder: state.not_kept; the history too: loss.disk_full",
    ),
}


@functools.cache
def sources():
    """All our sources, the tables left out: (every call by the name of what is called, every text).

    Read by the first test that asks: whoever only collects, each process of each stage, does not pay for it.
    """
    gc.disable()  # no tree has a cycle, and collection took half of the time
    try:
        return _read_sources()
    finally:
        gc.enable()


def _read_sources():
    called, texts = defaultdict(list), set()
    for path in SOURCES:
        if path in TABLES:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            elif isinstance(node, ast.Call):
                whose = node.func
                name = whose.attr if isinstance(whose, ast.Attribute) else getattr(whose, "id", "")
                called[name].append((f"{path.relative_to(ROOT)}:{node.lineno}", node))
    return called, texts


def calls(name):
    """Calls of a function or method of this name: (place, call)."""
    return sources()[0][name]


def texts():
    """Every text in our sources, the tables left out."""
    return sources()[1]


def first(call):
    """The text that a call begins with; None where it is made up."""
    told = call.args[0] if call.args else None
    return told.value if isinstance(told, ast.Constant) else None


def test_every_alarm_that_is_raised_has_a_row():
    ours = [(place, first(call)) for place, call in calls("Alarm") if place.startswith("gateway/")]
    made_up = sorted(place.partition(":")[0] for place, code in ours if code is None)

    assert [] == [place for place, code in ours if code not in {None, *ALARM_KINDS_BY_CODE}]
    assert [
        "gateway/quartier/daemon/reports/alarm_list.py",
        "gateway/quartier/daemon/reports/losses.py",
    ] == made_up


def test_every_notice_has_a_row():
    noticed = [call for name in ("_notice", "notice") for _, call in calls(name)]

    assert [] == [first(call) for call in noticed if first(call) not in {None, *ALARM_KINDS_BY_CODE}]
    assert "task.parked" in ALARM_KINDS_BY_CODE, "the one whose code is chosen between two"


def test_every_note_of_the_district_that_needs_somebody_has_a_row():
    needing = [call for _, call in calls("Note") if any(word.arg == "alarm" for word in call.keywords)]
    named = [first(call) for call in needing if first(call) is not None]

    assert 8 <= len(named)
    assert [] == [code for code in named if code not in ALARM_KINDS_BY_CODE]
    assert "district.document_suspect" in ALARM_KINDS_BY_CODE, "the one whose code is chosen between two"


def test_every_loss_has_a_row_or_is_one_that_nobody_here_can_see():
    without = [loss.name for loss in loss_table.LOSSES if find_alarm_code(loss) not in ALARM_KINDS_BY_CODE]

    assert sorted(UNSEEN) == sorted(without)


def test_every_warning_of_the_log_is_an_alarm_or_says_why_not():
    said = {first(call) for name in ("warning", "error") for _, call in calls(name)} - {None}
    codes = {one for one in said if re.fullmatch(r"[a-z_]+\.[a-z_]+", one)}

    assert [] == sorted(codes - ALARM_KINDS_BY_CODE.keys() - LOG_ONLY.keys())
    assert [] == sorted(LOG_ONLY.keys() - texts()), "excuses for nothing"


def test_every_row_is_raised_somewhere():
    losses = {find_alarm_code(loss) for loss in loss_table.LOSSES}

    assert [] == [kind.code for kind in ALARM_KINDS if kind.code not in losses | texts()]


def test_codes_are_dotted_words_and_each_is_there_once():
    assert len(ALARM_KINDS) == len(ALARM_KINDS_BY_CODE)
    assert [] == [kind.code for kind in ALARM_KINDS if not re.fullmatch(r"[a-z]+\.[a-z_]+", kind.code)]


@pytest.mark.parametrize("kind", ALARM_KINDS, ids=lambda kind: kind.code)
def test_a_remedy_names_a_command_that_exists(kind):
    remedy = kind.remedy.format(of="bat1", asset="bat1")
    commands = re.findall(r"`([^`]*)`", remedy)

    assert remedy.endswith(".")
    assert remedy[0].isupper()
    assert not kind.meaning.endswith(".")
    assert commands, "nothing to type"
    for command in commands:
        if command.startswith("quartier "):
            import_module("quartier.cli.arguments.commands").make_parser().parse_args(
                shlex.split(command)[1:]
            )
