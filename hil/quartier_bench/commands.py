"""Add the commands of this package to the command line ``quartier-hil``."""

from typing import TYPE_CHECKING

from quartier_bench.citylearn import citylearn_command
from quartier_bench.fleet import fleet_command
from quartier_bench.forecast_score import forecast_command
from quartier_bench.home_years import homes_command
from quartier_bench.load_test import load_test_command
from quartier_bench.meter_check import plausibility_command
from quartier_bench.soak import soak_command
from quartier_bench.speed import bench_command
from quartier_bench.torture import torture_command

if TYPE_CHECKING:
    import argparse


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add a sub-command for each measurement and long test: its options, and the function that runs it."""
    bench_command.add_arguments(
        commands.add_parser("bench", help="figures beside those of peers, and their floors")
    )
    soak_command.add_arguments(
        commands.add_parser("soak", help="a month of smart meters, through their drivers")
    )
    fleet_command.add_arguments(
        commands.add_parser("fleet", help="thousands of buildings for a day, in one process")
    )
    load_test_command.add_storm_arguments(
        commands.add_parser("storm", help="gateways with a day of history each come back at once")
    )
    homes_command.add_arguments(
        commands.add_parser("homes", help="a year of measured homes, what their batteries save")
    )
    citylearn_command.add_arguments(
        commands.add_parser("citylearn", help="our planner in CityLearn's own environment")
    )
    forecast_command.add_arguments(
        commands.add_parser("forecast", help="the gateway's forecast on records of homes")
    )
    plausibility_command.add_arguments(
        commands.add_parser("plausibility", help="connection meters that lie, and those that only look so")
    )
    torture_command.add_arguments(
        commands.add_parser("torture", help="the loss contract, under every fault of the wire")
    )
