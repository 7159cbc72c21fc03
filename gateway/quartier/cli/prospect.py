"""What ``quartier plan`` may be asked; apart from what answers, so that other commands need not load that."""

from pathlib import Path
from typing import TYPE_CHECKING

from quartier.cli.grammar import command, in_json, runtime
from quartier.cli.places import CONFIG

if TYPE_CHECKING:
    import argparse

EXAMPLES = """\
Without a series: the plan that the running daemon has in force, each step with its reason.
The series is CSV with a row a step (5, 15 or 60 minutes, up to 672):
  time,load_w,pv_w,import_eur_per_kwh,export_eur_per_kwh
  2026-06-12T00:00,420,0,0.18,0.06
and may have import_max_w, export_max_w and import_g_per_kwh.  Prices may be eur_per_wh too, numbers may
have a comma where semicolons part them, and times an offset (+02:00), which days of 23 and 25 hours need.
example: quartier plan --config site.toml --series tomorrow.csv --soc 40 --worth 0.15 --html plan.html

Exit codes: 0 planned, or followed · 1 a cap, the target or the reserve cannot be kept, and which; or the
daemon follows none, and why · 2 wrong use, or no daemon answers."""


def plan(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier plan``."""
    parser = command(
        commands, "plan", "plan a battery ahead, to the proven optimum, and say why each step is so", EXAMPLES
    )
    parser.add_argument(
        "--config", type=Path, default=CONFIG, metavar="FILE", help="the site file (default: %(default)s)"
    )
    parser.add_argument(
        "--series", type=Path, metavar="CSV", help="load, sun and prices ahead (default: ask the daemon)"
    )
    parser.add_argument("--battery", metavar="ASSET", help="which battery, where there are several")
    for name, default, what in (
        ("soc", 50.0, "state of charge now, pct"),
        ("target", 0.0, "state of charge wanted at the end, pct"),
        ("worth", 0.0, "what a kWh that is left at the end is worth, EUR"),
        ("wear", 0.0, "what a kWh into or out of the battery costs it, EUR"),
        ("efficiency", 95.0, "of charging and of discharging, pct each"),
        ("peak", 0.0, "what a kW of the largest import costs, EUR"),
        ("peak-free", 0.0, "kW of it that the bill has already"),
        ("co2", 0.0, "what a ton of CO2 counts, EUR"),
    ):
        parser.add_argument(
            f"--{name}", type=float, default=default, metavar="X", help=f"{what} (default: {default:g})"
        )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with the curves too, that needs no network"
    )
    in_json(parser)
    runtime(parser)
    parser.set_defaults(run="ahead:plan")
