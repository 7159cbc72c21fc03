"""Parsers of what people order by hand, acknowledge and apply, and of keys and documents of the district."""

from pathlib import Path
from typing import TYPE_CHECKING

from quartier.cli.arguments.shared_options import (
    MAINTENANCE_COMMAND,
    SITE_FILE,
    add_command,
    add_json_option,
    add_runtime_option,
    add_state_option,
    parse_order_duration_s,
)

if TYPE_CHECKING:
    import argparse
import os


def add_district_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``quartier keys`` and ``quartier documents``."""
    _add_keys_parser(commands)
    _add_documents_parser(commands)


def _add_keys_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    keys = add_command(
        commands,
        "keys",
        "show who may sign documents of the district, or check a key list",
        "show          each key: what it may sign, from when until when, last use, fingerprint (default)\n"
        "check FILE    check a list as the daemon does: its root's signature, its number, every key\n"
        "Asks the daemon; without one it reads the site file and the state directory.\n"
        "example: quartier keys check keys.jws\n"
        "         quartier keys check keys.jws --district issy --root 11qYAYKx…\n\n"
        "Exit codes: 0 well · 1 no district · 2 wrong use · 78 the list cannot be used.",
    )
    keys.add_argument("what", nargs="?", default="show", choices=("show", "check"), help="default: show")
    keys.add_argument("file", nargs="?", type=Path, metavar="FILE", help="check: the list")
    keys.add_argument(
        "--config", type=Path, default=SITE_FILE, metavar="FILE", help="the site file (default: %(default)s)"
    )
    keys.add_argument(
        "--root",
        action="append",
        default=[],
        metavar="KEY",
        help="check: with this root key, without a site file",
    )
    keys.add_argument("--district", metavar="NAME", help="check: and for this district")
    add_json_option(keys)
    add_state_option(keys)
    add_runtime_option(keys)
    keys.set_defaults(run="gateway.keys:run_keys")


def _add_documents_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    documents = add_command(
        commands,
        "documents",
        "list the documents of the district's companion topics, or print the JSON Schema of one",
        "example: quartier documents envelope > envelope.json",
    )
    documents.add_argument("name", nargs="?", metavar="NAME", help="whose schema to print")
    documents.add_argument(
        "--write", type=Path, metavar="DIR", help="write the schemas and the page's table anew (gateway/docs)"
    )
    documents.set_defaults(run="gateway.documents:run_documents")


def add_override_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier override``."""
    found = add_command(
        commands,
        "override",
        "order an asset by hand for a while, or list and end such orders",
        "VALUE has a unit, W, kW or A: of a battery a power (2kW charges, -2kW discharges); of a PV that\n"
        "takes a limit the most that it may generate (2kW, no sign), of one behind a relay on or off; of a\n"
        "charge point a current (10A) or off; of a load on or off; of lights and heat pumps the name of a\n"
        "mode.\n"
        "It is a request: no cap in force is ever broken for it, no minimum time, no floor.  It ends by\n"
        "itself.\n"
        "The order is given at once. Then the command waits up to 3.5 s and says what became of it: the\n"
        "value that was set, or the limit that holds it back. Ctrl-C ends the waiting, not the order.\n"
        "For members of the group quartier-operators; your name goes into the ledger.\n"
        "example: quartier override boiler off --for 2h --why 'valve is being changed'\n"
        "         quartier override                      what is ordered by hand now\n"
        "         quartier override boiler --cancel\n\n"
        "Exit codes: 0 done · 1 refused, with the reason · 2 wrong use · 69 no daemon takes orders\n"
        "            77 this user may not give orders.",
    )
    found.add_argument("asset", nargs="?", help="its name in the site file; none: list them")
    found.add_argument("value", nargs="?", help="the ordered value")
    found.add_argument(
        "--for", dest="for_s", type=parse_order_duration_s, metavar="2h", help="for how long, 24h at most"
    )
    found.add_argument("--why", default="", metavar="TEXT", help="the reason, for later readers")
    found.add_argument("--cancel", action="store_true", help="end it now")
    add_json_option(found)
    add_runtime_option(found)
    found.set_defaults(run="operation.override:run_override")


def add_maintenance_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier maintenance``."""
    found = add_command(
        commands,
        "maintenance",
        "give an asset back to its device for a while: it gets no orders",
        "Limits are then kept with the other assets.  quartier override ASSET --cancel ends it early.\n"
        "example: quartier maintenance bat1 --for 4h --why 'inverter update'\n\n"
        "Exit codes: 0 done · 1 refused, with the reason · 2 wrong use · 69 no daemon takes orders\n"
        "            77 this user may not give orders.",
    )
    found.add_argument("asset", help="its name in the site file")
    found.add_argument(
        "--for", dest="for_s", type=parse_order_duration_s, metavar="4h", help="required; 24h at most"
    )
    found.add_argument("--why", default="", metavar="TEXT", help="the reason, for later readers")
    add_json_option(found)
    add_runtime_option(found)
    found.set_defaults(run=MAINTENANCE_COMMAND)


def add_apply_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier apply``."""
    found = add_command(
        commands,
        "apply",
        "make the running gateway use a site file",
        "At the gateway's own console it may change everything: log in at screen and keyboard, or at a\n"
        "serial console.  Over SSH it may change only the free keys: see gateway/docs/remote.md.\n"
        "The gateway stores it next to the installer's file.  It stays in use until that file changes.\n"
        "For members of the group quartier-operators; your name goes into the history.\n"
        "example: quartier apply new-battery.toml --check    what it changes, and whether you may do it\n"
        "         quartier apply new-battery.toml\n\n"
        "Exit codes: 0 in use, or it changes nothing · 1 refused, with each key · 2 wrong use\n"
        "            69 no daemon takes orders · 77 this user may not give orders\n"
        "            78 the file has faults or cannot be read.",
    )
    found.add_argument("file", type=Path, metavar="FILE", help="the whole site file")
    found.add_argument("--check", action="store_true", help="only print what it would change")
    add_json_option(found)
    add_runtime_option(found)
    found.set_defaults(run="installer.site_file:run_apply")


def add_meter_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier meter``."""
    found = add_command(
        commands,
        "meter",
        "show whether the grid meter is plausible, and the evidence against it",
        "A meter that contradicts the meters below it is suspect (nothing is raised) or implausible\n"
        "(limits are kept as if it were lost).  After a repair the verdict ends after ten minutes and three\n"
        "steps of an asset that the meter shows.  --believe ends the verdict at once; it works only on the\n"
        "gateway's own console, not over SSH.  quartier check lists the faults that a site can detect.\n"
        "example: quartier meter\n"
        "         quartier meter --believe\n\n"
        "Exit codes: 0 shown, or done · 1 refused, with the reason · 2 wrong use · 69 no daemon answers\n"
        "            77 this user may not ask it.",
    )
    found.add_argument("--believe", action="store_true", help="it was repaired: start the check again")
    add_json_option(found)
    add_runtime_option(found)
    found.set_defaults(run="operation.override:run_meter")


def add_notify_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier notify``."""
    found = add_command(
        commands,
        "notify",
        "tell people of alarms by mail, webhook, ntfy or MQTT, until SIGTERM (a service of its own)",
        "It reads the alarms of the running gateway every 5 s, and changes nothing there.  What a channel\n"
        "does not take is tried again for a day.  It also tells when the gateway does not answer.\n"
        "example: quartier notify --check\n"
        "         quartier notify --test duty\n\n"
        "Exit codes: 0 well · 1 a test was not sent · 2 wrong use · 73 the state cannot be saved\n"
        "            78 the settings are wrong.",
    )
    doing = found.add_mutually_exclusive_group()
    doing.add_argument("--check", action="store_true", help="check the settings, and list the channels")
    doing.add_argument(
        "--test", nargs="?", const="", metavar="CHANNEL", help="send a test by one channel, or by all"
    )
    found.add_argument(
        "--settings",
        type=Path,
        default=Path("/etc/quartier/notify.toml"),
        metavar="FILE",
        help="who is told, by which channel and when (default: %(default)s)",
    )
    found.add_argument(
        "--state-dir",
        type=Path,
        default=Path(os.environ.get("STATE_DIRECTORY", "/var/lib/quartier-notify")),
        metavar="DIR",
        help="folder for what was told, and what waits (default: %(default)s)",
    )
    add_json_option(found)
    add_runtime_option(found)
    found.set_defaults(run="operation.notify:run_notify")


def add_alarms_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier alarms``."""
    found = add_command(
        commands,
        "alarms",
        "list the alarms, since when and what to do; acknowledge them",
        "An alarm leaves the list when it is gone and acknowledged.  If it is raised again, it must be\n"
        "acknowledged again.  If a cause gets worse (the grid meter is late, then lost),\n"
        "a worse alarm replaces the first one and names it: acknowledge the worse one.\n"
        "WHICH is its number in the list, its code (cap.unmet), its code and what it is about\n"
        "(contact.unread:dso1), or all.  To list needs the group quartier, to acknowledge\n"
        "quartier-operators; the list shows your name.  With no daemon the list is read from disk.\n"
        "example: quartier alarms --ack contact.unread:dso1 --note 'electrician comes on Monday'\n"
        "         quartier alarms --explain loss.bus_down\n\n"
        "Exit codes: 0 all are acknowledged · 1 one is not, or no such alarm · 2 wrong use\n"
        "            69 no daemon answers · 77 this user may not ask it.",
    )
    doing = found.add_mutually_exclusive_group()
    doing.add_argument("--ack", metavar="WHICH", help="acknowledge an alarm")
    doing.add_argument(
        "--explain",
        nargs="?",
        const="",
        metavar="CODE",
        help="what an alarm means and what to do about it; without CODE all of them",
    )
    doing.add_argument("--reference", action="store_true", help="the same as the page gateway/docs/alarms.md")
    found.add_argument("--note", default="", metavar="TEXT", help="with --ack: a note for later readers")
    found.add_argument("--all", action="store_true", help="all ended alarms, not only the last ten")
    add_json_option(found)
    found.add_argument(
        "--config",
        type=Path,
        default=SITE_FILE,
        metavar="FILE",
        help="the site file, for its time zone where no daemon answers (default: %(default)s)",
    )
    add_state_option(found)
    add_runtime_option(found)
    found.set_defaults(run="operation.alarms:run_alarms")
