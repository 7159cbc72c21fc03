"""The grammar of what people do by hand: order, and acknowledge alarms."""

from pathlib import Path
from typing import TYPE_CHECKING

from quartier.cli.grammar import command, in_json, runtime, span, state
from quartier.cli.places import CONFIG

if TYPE_CHECKING:
    import argparse


def override(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier override``."""
    found = command(
        commands,
        "override",
        "order an asset by hand for a while, or list and end such orders",
        "VALUE has a unit, W, kW or A: of a battery a power (2kW charges, -2kW discharges); of a PV that\n"
        "takes a limit the most that it may generate (2kW, no sign), of one behind a relay on or off; of a\n"
        "charging point a current (10A) or off; of a load on or off; of lights and heat pumps the name of a\n"
        "mode.\n"
        "It is a wish: no cap in force is ever broken for it, no minimum time, no floor.  It ends by\n"
        "itself.\n"
        "The order is given at once. Then the command waits up to 3.5 s and says what became of it: the\n"
        "value that was set, or the limit that holds it back. Ctrl-C ends the waiting, not the order.\n"
        "For members of the group quartier-operators; your name goes into the ledger.\n"
        "example: quartier override boiler off --for 2h --why 'valve is being changed'\n"
        "         quartier override                      what is ordered by hand now\n"
        "         quartier override boiler --cancel\n\n"
        "Exit codes: 0 done · 1 refused, with the reason · 2 wrong use · 69 no daemon takes orders.",
    )
    found.add_argument("asset", nargs="?", help="its name in the site file; none: list them")
    found.add_argument("value", nargs="?", help="what it shall be")
    found.add_argument("--for", dest="for_s", type=span, metavar="2h", help="for how long, 24h at most")
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
    found.add_argument("--for", dest="for_s", type=span, required=True, metavar="4h", help="24h at most")
    found.add_argument("--why", default="", metavar="TEXT", help="the reason, for whoever asks later")
    in_json(found)
    runtime(found)
    found.set_defaults(run="hands:maintenance")


def apply(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier apply``."""
    found = command(
        commands,
        "apply",
        "make the running gateway use a site file",
        "At the gateway's own console it may change everything: log in at screen and keyboard, or at a\n"
        "serial console.  Over SSH it may change only the free keys: see gateway/docs/remote.md.\n"
        "The gateway stores it beside the installer's file.  It counts until that file changes.\n"
        "For members of the group quartier-operators; your name goes into the history.\n"
        "example: quartier apply new-battery.toml --check    what it changes, and whether you may do it\n"
        "         quartier apply new-battery.toml\n\n"
        "Exit codes: 0 in use, or it changes nothing · 1 refused, with each key · 2 wrong use\n"
        "            69 no daemon takes orders · 78 the file has faults or cannot be read.",
    )
    found.add_argument("file", type=Path, metavar="FILE", help="the whole site file")
    found.add_argument("--check", action="store_true", help="only print what it would change")
    in_json(found)
    runtime(found)
    found.set_defaults(run="site:apply")


def meter(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier meter``."""
    found = command(
        commands,
        "meter",
        "show whether the grid meter is plausible, and the evidence against it",
        "A meter that contradicts the meters below it is suspect (nothing is raised) or implausible\n"
        "(limits are kept as if it were lost).  After a repair the verdict ends after ten minutes and three\n"
        "steps of an asset that the meter shows.  --believe ends the verdict at once; it works only on the\n"
        "gateway's own console, not over SSH.  quartier check lists the faults that a site can detect.\n"
        "example: quartier meter\n"
        "         quartier meter --believe\n\n"
        "Exit codes: 0 shown, or done · 1 refused, with the reason · 2 wrong use · 69 no daemon answers.",
    )
    found.add_argument("--believe", action="store_true", help="it was repaired: start the check again")
    in_json(found)
    runtime(found)
    found.set_defaults(run="hands:meter")


def alarms(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier alarms``."""
    found = command(
        commands,
        "alarms",
        "list what is wrong, since when and what to do; acknowledge it",
        "An alarm leaves the list when it is gone and acknowledged.  If it is raised again, it must be\n"
        "acknowledged again.\n"
        "WHICH is its number in the list, its code (cap.unmet), its code and what it is about\n"
        "(contact.unread:dso1), or all.  To list needs the group quartier, to acknowledge\n"
        "quartier-operators; your name stands beside it.  With no daemon the list is read from disk.\n"
        "example: quartier alarms --ack contact.unread:dso1 --note 'electrician comes on Monday'\n"
        "         quartier alarms --explain loss.bus_down\n\n"
        "Exit codes: 0 all are acknowledged · 1 one is not, or no such alarm · 2 wrong use\n"
        "            69 no daemon answers.",
    )
    doing = found.add_mutually_exclusive_group()
    doing.add_argument("--ack", metavar="WHICH", help="say that you have seen it")
    doing.add_argument(
        "--explain",
        nargs="?",
        const="",
        metavar="CODE",
        help="what an alarm means and what to do about it; without CODE all of them",
    )
    doing.add_argument("--reference", action="store_true", help="the same as the page gateway/docs/alarms.md")
    found.add_argument("--note", default="", metavar="TEXT", help="with --ack: for whoever looks later")
    found.add_argument("--all", action="store_true", help="all that is over, not the last ten")
    in_json(found)
    found.add_argument(
        "--config",
        type=Path,
        default=CONFIG,
        metavar="FILE",
        help="the site file, for its time zone where no daemon answers (default: %(default)s)",
    )
    state(found)
    runtime(found)
    found.set_defaults(run="alarms:alarms")
