"""The grammar of what people order by hand."""

import argparse

from quartier.cli.grammar import command, in_json, runtime
from quartier.cli.times import span_s


def _span(text: str) -> float:
    try:
        return span_s(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def override(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier override``."""
    found = command(
        commands,
        "override",
        "order an asset by hand for a while, or list and end such orders",
        "VALUE: on or off; of a battery a power (2kW charges, -2kW discharges); of a PV the most that it\n"
        "may generate; of a charging point a current (10A) or off; of lights and heat pumps a mode's name.\n"
        "It is a wish: no cap in force is ever broken for it, no minimum time, no floor.  It ends by\n"
        "itself.\n"
        "For members of the group quartier-operators; your name goes into the ledger.\n"
        "example: quartier override boiler off --for 2h --why 'valve is being changed'\n"
        "         quartier override                      what is ordered by hand now\n"
        "         quartier override boiler --cancel\n\n"
        "Exit codes: 0 done · 1 refused, with the reason · 2 wrong use · 69 no daemon takes orders.",
    )
    found.add_argument("asset", nargs="?", help="its name in the site file; none: list them")
    found.add_argument("value", nargs="?", help="what it shall be")
    found.add_argument("--for", dest="for_s", type=_span, metavar="2h", help="for how long, 24h at most")
    found.add_argument("--why", default="", metavar="TEXT", help="the reason, for whoever asks later")
    found.add_argument("--cancel", action="store_true", help="end it now")
    in_json(found)
    runtime(found)
    found.set_defaults(run="hands:override")


def maintenance(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier maintenance``."""
    found = command(
        commands,
        "maintenance",
        "leave an asset to its device for a while: it is given back, and gets no orders",
        "Caps are then kept with the others.  quartier override ASSET --cancel ends it early.\n"
        "example: quartier maintenance bat1 --for 4h --why 'inverter update'\n\n"
        "Exit codes: 0 done · 1 refused, with the reason · 2 wrong use · 69 no daemon takes orders.",
    )
    found.add_argument("asset", help="its name in the site file")
    found.add_argument("--for", dest="for_s", type=_span, required=True, metavar="4h", help="24h at most")
    found.add_argument("--why", default="", metavar="TEXT", help="the reason, for whoever asks later")
    in_json(found)
    runtime(found)
    found.set_defaults(run="hands:maintenance")
