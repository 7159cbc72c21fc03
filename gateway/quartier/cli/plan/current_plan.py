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
        told = ask(options.runtime_dir, "plan")
    except NoDaemon as closed:
        remedy = f"{gateway_status.suggest_remedy(closed)}; --series CSV plans from a file"
        print(f"quartier plan: {closed}; {remedy}", file=sys.stderr)
        return find_exit_code(closed)
    if options.json:
        output.print_json(told)
    elif told is None:
        print("this house does not plan: its site file has no [planning]")
    else:
        print(_describe_head(told))
        for line in (
            *planning_text.describe_surcharges(told),
            *planning_text.describe_forecast(told.get("forecast_points")),
        ):
            print(line.plain)
        if told["steps"]:
            found, steps, why = load_plan(told)
            plan_text.print_battery_plan(told["asset"], found, steps, why)
            for text in _describe_others(told, steps):
                print(text)
    return PLAN_NOT_FOLLOWED if told is None or told["why_not"] else PLAN_FOLLOWED


def _describe_head(told: Mapping[str, Any]) -> str:
    if told["why_not"]:
        return f"not followed, the rule of self-consumption leads: {told['why_not']}"
    forecast = told["forecast"]
    known = f", error {forecast['error_w']:.0f} W" if forecast["error_w"] is not None else ""
    return f"in force, {format_age(told['age_s'])} old; forecast of the net: {forecast['model']}{known}"


def _describe_others(told: Mapping[str, Any], steps: StepSeries) -> Iterator[str]:
    """Yield what is planned beside the battery, from when to when and why."""
    if told["beside_why_not"]:
        yield f"the others are not planned: {told['beside_why_not']}"
    for name, rows in told["others"].items():
        begin = 0
        for number in range(1, len(rows) + 1):
            if number < len(rows) and rows[number]["why"] == rows[begin]["why"]:
                continue
            mean_w = sum(row["power_w"] for row in rows[begin:number]) / (number - begin)
            end = steps.format_time(number) if number < len(rows) else "the end"
            span = f"{steps.format_time(begin)} to {end}"
            yield f"{name}, {span}: {output.format_number(mean_w, 'W')}, {rows[begin]['why']}"
            begin = number


def load_plan(told: Mapping[str, Any]) -> tuple[BatteryPlan, StepSeries, Sequence[str]]:
    """Return the daemon's answer as the plan that it was, with its times and reasons."""
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
    return plan, StepSeries(outlook, times), [row["why"] for row in rows]
