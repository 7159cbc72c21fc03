"""``quartier-hil citylearn``: the gateway's planner in CityLearn's environment, beside CityLearn's rule."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

BETTER, WORSE, NO_RUN = 0, 1, 2
OURS, BLIND, RULE_AGENT = "ours", "blind", "BasicBatteryRBC"
COMPARED_SCORES = ("cost", "co2", "daily_peak", "ramping")
SCORE_NAMES = ("cost", "co2", "peak", "daily_peak", "ramping")


def add_arguments(made: argparse.ArgumentParser) -> None:
    """Fill in the arguments of ``quartier-hil citylearn``."""
    made.description = (
        "Lets the gateway's own forecast and planner control the batteries of CityLearn's environment, which "
        "runs in an interpreter of its own (a virtual environment with citylearn==3.0.2), and prints "
        "CityLearn's own scores of the district as shares of no battery.  ours decides with the load and the "
        "sun of the hour that CityLearn shows at its begin, blind with its forecast of them.  Exit code 0: "
        f"ours (and blind) better than {RULE_AGENT} in {', '.join(COMPARED_SCORES)}; 1: not; "
        "2: it could not be run."
    )
    made.add_argument("folder", type=Path, metavar="FOLDER", help="as with quartier-hil homes")
    made.add_argument("--python", type=Path, required=True, help="an interpreter that has CityLearn")
    made.add_argument("--hours", type=int, default=0, help="only the first so many [all]")
    made.add_argument(
        "--agent",
        action="append",
        choices=(OURS, BLIND, RULE_AGENT),
        help=f"may be given often [{OURS} and {RULE_AGENT}]",
    )
    made.add_argument("--json", action="store_true", help="print JSON instead of a table")
    made.set_defaults(command=run_agents, needed=("highspy", "numpy"))


def run_agents(options: argparse.Namespace) -> int:
    """Each agent's scores, and whether ours are better."""
    from quartier_bench.citylearn import environment_client  # noqa: PLC0415 - as above
    from quartier_bench.home_years import year_records  # noqa: PLC0415 - as above
    from quartier_drivers.errors import ConfigError  # noqa: PLC0415 - what is heavy, on first use

    scores_by_agent: dict[str, Mapping[str, float]] = {}
    try:
        found = year_records.read_year(options.folder)
        process = environment_client.CityLearnProcess(options.python, options.folder, options.hours)
        for agent in options.agent or [OURS, RULE_AGENT]:
            deciders = environment_client.HomePlanners(found, is_blind=agent == BLIND)
            scores_by_agent[agent] = process.scores(
                RULE_AGENT if agent == RULE_AGENT else environment_client.PIPE_AGENT, deciders
            )
    except ConfigError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        return NO_RUN
    print(json.dumps(scores_by_agent) if options.json else "\n".join(format_table(scores_by_agent)))
    return BETTER if is_better(scores_by_agent) else WORSE


def is_better(scores_by_agent: Mapping[str, Mapping[str, float]]) -> bool:
    """Return whether each of our agents beats the peer in every judged score; True without a peer."""
    peer = scores_by_agent.get(RULE_AGENT)
    mine = [scores for agent, scores in scores_by_agent.items() if agent != RULE_AGENT]
    return peer is None or all(scores[name] < peer[name] for scores in mine for name in COMPARED_SCORES)


def format_table(scores_by_agent: Mapping[str, Mapping[str, float]]) -> list[str]:
    """One line an agent."""
    head = f"{'agent':18}" + "".join(f"{name:>12}" for name in SCORE_NAMES)
    return [
        head,
        *(
            f"{agent:18}" + "".join(f"{one[name]:12.4f}" for name in SCORE_NAMES)
            for agent, one in scores_by_agent.items()
        ),
    ]
