"""``quartier-hil homes``: a year of measured homes under several controllers, in shares of no battery."""

import argparse
import json
import sys
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quartier_bench.home_years.battery_policies import YearScore

DONE, NO_RUN = 0, 2
_POLICY_NAMES = ("rule", "last-week", "ours", "foreknown", "foresight")


def add_arguments(made: argparse.ArgumentParser) -> None:
    """Fill in the arguments of ``quartier-hil homes``."""
    made.description = (
        "Lets the batteries of measured homes live a year, hour by hour: by the plain rule of "
        "self-consumption (rule), by a crude plan for cost with last week's mean as its forecast (last-week, "
        "minutes), by the gateway's own forecast and planner (ours, minutes), by the same planner with a "
        "perfect forecast (foreknown), and by who knows the year (foresight). Beside foresight, possible is "
        "what is saved over what foresight saves. Cost, CO2, the year's peak, the mean of each day's "
        "peak and ramping are told as shares of what they are without a battery. Exit code 0: told, "
        "2: the folder cannot be read."
    )
    made.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="in the form of the CityLearn challenge 2022: schema.json, pricing.csv, carbon_intensity.csv, "
        "Building_1.csv …",
    )
    made.add_argument(
        "--policy",
        action="append",
        choices=_POLICY_NAMES,
        help="may be given often [rule and foresight]",
    )
    made.add_argument("--json", action="store_true", help="print JSON instead of a table")
    made.set_defaults(command=run_policies, needed=("highspy", "numpy"))


def run_policies(options: argparse.Namespace) -> int:
    """Each policy for each home; the mean over homes in the last line of each."""
    from quartier_bench.home_years import battery_policies, year_records  # noqa: PLC0415 - as above
    from quartier_drivers.errors import ConfigError  # noqa: PLC0415 - what is heavy, on first use

    try:
        found = year_records.read_year(options.folder)
    except ConfigError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        return NO_RUN
    scores_by_policy: dict[str, dict[str, YearScore]] = {}
    for name in options.policy or ["rule", "foresight"]:
        made = battery_policies.POLICIES[name]
        scores = {}
        for home in found.homes:
            if sys.stderr.isatty():
                print(f"\r{name}: {home.name}\033[K", end="", file=sys.stderr, flush=True)
            scores[home.name] = battery_policies.score_year(
                battery_policies.simulate_year(home, made(home, found)), home.net_kwh, found
            )
        scores_by_policy[name] = scores | {"mean": battery_policies.average_scores([*scores.values()])}
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    if options.json:
        shares = {
            name: {
                home: asdict(one) | compute_possible_share(one, home, scores_by_policy)
                for home, one in of.items()
            }
            for name, of in scores_by_policy.items()
        }
        print(json.dumps(shares))
        return DONE
    print(
        f"{'policy':12}{'home':14}"
        + "".join(f"{name:>12}" for name in (*battery_policies.SCORE_NAMES, "possible"))
    )
    for name, scores in scores_by_policy.items():
        for home_name, one in scores.items():
            numbers = (*astuple(one), *compute_possible_share(one, home_name, scores_by_policy).values())
            print(f"{name:12}{home_name:14}" + "".join(f"{share:12.3f}" for share in numbers))
    return DONE


def compute_possible_share(
    one: "YearScore", home: str, scores_by_policy: "dict[str, dict[str, YearScore]]"
) -> dict[str, float]:
    """Return its share of the saving with foresight; empty without foresight or if nothing can be saved."""
    best = scores_by_policy.get("foresight", {}).get(home)
    return {} if best is None or best.cost >= 1.0 else {"possible": (1.0 - one.cost) / (1.0 - best.cost)}
