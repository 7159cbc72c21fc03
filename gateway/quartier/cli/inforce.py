"""``quartier plan`` without a series: the plan that a daemon has in force, each step with its reason."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from quartier.cli import aheadpage, circumstances, output
from quartier.cli.output import age
from quartier.cli.steps import Steps
from quartier.planning.horizon import Outlook
from quartier.planning.storage.battery_plan import BatteryPlan, PlannedStep, Shortfall
from quartier.runtime.local_socket.questions import NoDaemon, ask

FOLLOWED, NOT_FOLLOWED, WRONG = 0, 1, 2
_STEP = tuple(PlannedStep.__dataclass_fields__)


def show(options: argparse.Namespace) -> int:
    """Show it; 1 where none is followed, 2 where no daemon answers."""
    try:
        told = ask(options.runtime_dir, "plan")
    except NoDaemon as closed:
        print(f"quartier plan: {closed}; --series CSV plans from a file", file=sys.stderr)
        return WRONG
    if options.json:
        output.dump(told)
    elif told is None:
        print("this house does not plan: its site file has no [planning]")
    else:
        print(_head(told))
        for line in (*circumstances.tolls(told), *circumstances.foretold(told.get("foretold"))):
            print(line.plain)
        if told["steps"]:
            found, steps, why = read(told)
            aheadpage.show(told["asset"], found, steps, why)
            for said in _others(told, steps):
                print(said)
    return NOT_FOLLOWED if told is None or told["why_not"] else FOLLOWED


def _head(told: Mapping[str, Any]) -> str:
    if told["why_not"]:
        return f"not followed, the rule of self-consumption leads: {told['why_not']}"
    forecast = told["forecast"]
    known = f", error {forecast['error_w']:.0f} W" if forecast["error_w"] is not None else ""
    return f"in force, {age(told['age_s'])} old; forecast of the net: {forecast['model']}{known}"


def _others(told: Mapping[str, Any], steps: Steps) -> Iterator[str]:
    """Yield what is planned beside the battery, from when to when and why."""
    if told["beside_why_not"]:
        yield f"the others are not planned: {told['beside_why_not']}"
    for name, rows in told["others"].items():
        begin = 0
        for number in range(1, len(rows) + 1):
            if number < len(rows) and rows[number]["why"] == rows[begin]["why"]:
                continue
            mean_w = sum(row["power_w"] for row in rows[begin:number]) / (number - begin)
            end = steps.when(number) if number < len(rows) else "the end"
            span = f"{steps.when(begin)} to {end}"
            yield f"{name}, {span}: {output.number(mean_w, 'W')}, {rows[begin]['why']}"
            begin = number


def read(told: Mapping[str, Any]) -> tuple[BatteryPlan, Steps, Sequence[str]]:
    """The daemon's answer as the plan that it was, with its times and reasons."""
    rows, zone = told["steps"], ZoneInfo(told["time_zone"])
    start = datetime.fromtimestamp(told["start_utc_ms"] / 1000, zone)
    outlook = Outlook(
        step_s=told["step_s"],
        load_w=[row["load_w"] for row in rows],
        pv_w=[row["pv_w"] for row in rows],
        import_eur_per_wh=[row["import_eur_per_wh"] for row in rows],
        export_eur_per_wh=[row["export_eur_per_wh"] for row in rows],
        import_max_w=(),
        export_max_w=(),
    )
    plan = BatteryPlan(
        step_s=told["step_s"],
        steps=[PlannedStep(**{name: row[name] for name in _STEP if name in row}) for row in rows],
        cost_eur=told["cost_eur"],
        left_eur=told["left_eur"],
        peak_w=told["peak_w"],
        gap_eur=told["gap_eur"],
        given_up=[Shortfall(one["what"], one["wh"], tuple(one["steps"])) for one in told["given_up"]],
        rounds_count=0,
    )
    whole = timedelta(seconds=told["step_s"])
    times = tuple(
        (start.astimezone(ZoneInfo("UTC")) + number * whole).astimezone(zone) for number in range(len(rows))
    )
    return plan, Steps(outlook, times), [row["why"] for row in rows]
