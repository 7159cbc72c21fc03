"""``quartier plan`` without a series: the plan that a daemon follows, each step with its reason."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from quartier.cli.operation import gateway_status
from quartier.cli.operation.override import find_exit_code
from quartier.cli.plan import plan_text
from quartier.cli.plan.step_series import StepSeries
from quartier.cli.rendering import output, planning_text
from quartier.cli.rendering.output import format_age
from quartier.planning.horizon import Outlook
from quartier.planning.storage.battery_plan import BatteryPlan, PlannedStep, Shortfall
from quartier.runtime.local_socket.questions import NoDaemon, ask

PLAN_FOLLOWED, PLAN_NOT_FOLLOWED = 0, 1
_STEP = tuple(PlannedStep.__dataclass_fields__)


def print_current_plan(options: argparse.Namespace) -> int:
    """Show it; 1 where none is followed, 69 where no daemon answers."""
    try:
        answer = ask(options.runtime_dir, "plan")
    except NoDaemon as closed:
        remedy = f"{gateway_status.suggest_remedy(closed)}; --series CSV plans from a file"
        print(f"quartier plan: {closed}; {remedy}", file=sys.stderr)
        return find_exit_code(closed)
    if options.json:
        output.print_json(answer)
    elif answer is None:
        print("this house does not plan: its site file has no [planning]")
    else:
        print(_describe_head(answer))
        for line in (
            *planning_text.describe_surcharges(answer),
            *planning_text.describe_forecast(answer.get("forecast_points")),
        ):
            print(line.plain)
        if answer["steps"]:
            found, steps, why = load_plan(answer)
            plan_text.print_battery_plan(answer["asset"], found, steps, why)
            for text in _describe_others(answer, steps):
                print(text)
    return PLAN_NOT_FOLLOWED if answer is None or answer["why_not"] else PLAN_FOLLOWED


def _describe_head(answer: Mapping[str, Any]) -> str:
    if answer["why_not"]:
        return f"not followed, the rule of self-consumption leads: {answer['why_not']}"
    forecast = answer["forecast"]
    known = f", error {forecast['error_w']:.0f} W" if forecast["error_w"] is not None else ""
    return f"in force, {format_age(answer['age_s'])} old; forecast of the net: {forecast['model']}{known}"


def _describe_others(answer: Mapping[str, Any], steps: StepSeries) -> Iterator[str]:
    """Yield what is planned beside the battery, from when to when and why."""
    if answer["beside_why_not"]:
        yield f"the others are not planned: {answer['beside_why_not']}"
    for name, rows in answer["others"].items():
        begin = 0
        for number in range(1, len(rows) + 1):
            if number < len(rows) and rows[number]["why"] == rows[begin]["why"]:
                continue
            mean_w = sum(row["power_w"] for row in rows[begin:number]) / (number - begin)
            end = steps.format_time(number) if number < len(rows) else "the end"
            span = f"{steps.format_time(begin)} to {end}"
            yield f"{name}, {span}: {output.format_number(mean_w, 'W')}, {rows[begin]['why']}"
            begin = number


def load_plan(answer: Mapping[str, Any]) -> tuple[BatteryPlan, StepSeries, Sequence[str]]:
    """Return the daemon's answer as the plan that it was, with its times and reasons."""
    rows, zone = answer["steps"], ZoneInfo(answer["time_zone"])
    start = datetime.fromtimestamp(answer["start_utc_ms"] / 1000, zone)
    outlook = Outlook(
        step_s=answer["step_s"],
        load_w=[row["load_w"] for row in rows],
        pv_w=[row["pv_w"] for row in rows],
        import_eur_per_wh=[row["import_eur_per_wh"] for row in rows],
        export_eur_per_wh=[row["export_eur_per_wh"] for row in rows],
        import_max_w=(),
        export_max_w=(),
    )
    plan = BatteryPlan(
        step_s=answer["step_s"],
        steps=[PlannedStep(**{name: row[name] for name in _STEP if name in row}) for row in rows],
        cost_eur=answer["cost_eur"],
        left_eur=answer["left_eur"],
        peak_w=answer["peak_w"],
        gap_eur=answer["gap_eur"],
        given_up=[Shortfall(one["what"], one["wh"], tuple(one["steps"])) for one in answer["given_up"]],
        rounds_count=0,
    )
    whole = timedelta(seconds=answer["step_s"])
    times = tuple(
        (start.astimezone(ZoneInfo("UTC")) + number * whole).astimezone(zone) for number in range(len(rows))
    )
    return plan, StepSeries(outlook, times), [row["why"] for row in rows]
