"""Parser of ``quartier plan``; imports no planner, so that other commands start without it."""

from pathlib import Path
from typing import TYPE_CHECKING

from quartier.cli.arguments.shared_options import (
    SITE_FILE,
    add_command,
    add_json_option,
    add_runtime_option,
)

if TYPE_CHECKING:
    import argparse

PLAN_EXAMPLES = """\
Without a series: the plan that the running daemon has in force, each step with its reason.
The series is CSV with a row a step (5, 15 or 60 minutes, up to 672):
  time,load_w,pv_w,import_eur_per_kwh,export_eur_per_kwh
  2026-06-12T00:00,420,0,0.18,0.06
and may have import_max_w, export_max_w and import_g_per_kwh.  Prices may also be eur_per_wh.
Numbers may have a decimal comma if semicolons separate the columns.  Times may have an offset (+02:00, or
Z), which days of 23 and 25 hours need; they are converted to the local time of the building.

Everything in the site file that can be planned is planned together: batteries, charge points whose car
wants energy, tanks (tank_m3), waste collection, and loads with a run (run_w).
load_w is the rest of the house.
What a site file cannot know of the day is said by --with, or for each step by a column of that name:
  battery  soc_pct (now), target_soc_pct (at the end); --soc and --target say it of all
  ev       energy_wanted_wh, session_energy_wh (what it has got), arrival, departure (07:30, or a date with
           it), plugged_on (1: a car is there; also as a column ev1.plugged_on)
  heat     tank_c (now), draw_w (heat that is drawn; also as a column boiler.draw_w)
  waste    waiting_on, left_s, window_start, deadline
  load     waiting_on, window_start, deadline
A car without such values is there from the first step, and leaves at the departure of the site file.
example: quartier plan --config site.toml --series tomorrow.csv --soc 40 --worth 0.15 --html plan.html
         quartier plan --config site.toml --series tomorrow.csv --with bat1.soc_pct=40 boiler.tank_c=48 \\
           ev1.departure=07:30 ev1.energy_wanted_wh=20000 ev2.plugged_on=0

Exit codes: 0 planned, or followed · 1 something cannot be kept (a cap, a car's energy, comfort, the target,
the reserve), and which; or the daemon follows none, and why · 2 wrong use · 69 no daemon
answers · 77 this user may not ask it."""


def add_plan_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier plan``."""
    parser = add_command(
        commands,
        "plan",
        "plan batteries, cars, tanks and runs; show why, and how far the plan is from the optimum",
        PLAN_EXAMPLES,
    )
    parser.add_argument(
        "--config", type=Path, default=SITE_FILE, metavar="FILE", help="the site file (default: %(default)s)"
    )
    parser.add_argument(
        "--series", type=Path, metavar="CSV", help="load, sun and prices ahead (default: ask the daemon)"
    )
    parser.add_argument(
        "--with",
        dest="with_",
        nargs="+",
        action="extend",
        default=[],
        metavar="ASSET.WORD=VALUE",
        help="a value of that day, see below",
    )
    parser.add_argument("--battery", metavar="ASSET", help="plan this battery alone")
    for name, default, what in (
        ("soc", 50.0, "state of charge now, pct"),
        ("target", 0.0, "state of charge wanted at the end, pct"),
        ("worth", 0.0, "what a kWh that is left at the end is worth, EUR"),
    ):
        parser.add_argument(
            f"--{name}", type=float, default=default, metavar="X", help=f"{what} (default: {default:g})"
        )
    for name, default, what in (
        ("wear", 0.0, "what a kWh into or out of a battery costs it, EUR"),
        ("efficiency", 95.0, "of charging and of discharging, pct each"),
        ("peak", 0.0, "what a kW of the largest import costs, EUR"),
        ("peak-free", 0.0, "part of the largest import that is on the bill already, kW"),
        ("co2", 0.0, "what a ton of CO2 counts, EUR"),
    ):
        more = f"(default: as [planning] says, else {default:g})"
        parser.add_argument(f"--{name}", type=float, metavar="X", help=f"{what} {more}")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="also write a page with curves (works offline)"
    )
    add_json_option(parser)
    add_runtime_option(parser)
    parser.set_defaults(run="plan.command:run_plan")
