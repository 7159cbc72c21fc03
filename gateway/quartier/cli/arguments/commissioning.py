"""Parsers of the installer's commands: ``bus``, ``arm``, ``init``, ``probe``, ``drill``."""

from pathlib import Path
from typing import TYPE_CHECKING

from quartier.cli.arguments import value_types
from quartier.cli.arguments.shared_options import (
    SITE_FILE,
    add_command,
    add_json_option,
    add_runtime_option,
    add_state_option,
    parse_positive_seconds,
)

if TYPE_CHECKING:
    import argparse


def add_bus_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier bus``."""
    parser = add_command(
        commands,
        "bus",
        "plan the buses of a site file: use, room left, what silent devices cost the others",
        value_types.BUS_PLAN_HELP,
    )
    parser.add_argument("what", choices=("plan",), help="what to do")
    parser.add_argument(
        "file", type=Path, nargs="?", default=SITE_FILE, metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument(
        "--answer-ms",
        type=value_types.parse_answer_time,
        action="append",
        default=[],
        metavar="MS",
        help="time until a device answers, or DEVICE=MS for one; may be repeated",
    )
    parser.add_argument(
        "--dead",
        type=value_types.parse_count,
        default=2,
        metavar="N",
        help="up to N silent devices (default: %(default)s)",
    )
    add_json_option(parser)
    parser.set_defaults(run="installer.bus_plan:run_bus_plan")


def add_arm_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier arm``."""
    parser = add_command(
        commands,
        "arm",
        "write the fallback of each device, read it back, and list the outputs without one",
        "The daemon must be stopped: a bus has one master.  --check only reads; a running daemon\n"
        "reports its last check (made at start and daily).\n"
        "To prove that a fallback acts: quartier probe ASSET --watch-timer.\n\n"
        "Exit codes: 0 all is as declared or accepted · 1 something is missing, different or silent · 69\n"
        "the daemon does not answer · 75 a daemon is running · 77 this user may not ask it · 78 the site\n"
        "file is wrong.",
    )
    parser.add_argument("--check", action="store_true", help="only read")
    parser.add_argument(
        "--config", type=Path, default=SITE_FILE, metavar="FILE", help="the site file (default: %(default)s)"
    )
    add_state_option(parser)
    add_json_option(parser)
    add_runtime_option(parser)
    parser.set_defaults(run="installer.arm:run_arm")


def add_init_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier init``."""
    found = add_command(
        commands,
        "init",
        "write a first site file from the devices that answer",
        "WHERE is a Modbus address (tcp://HOST, rtu://usb:SERIAL?baud=9600), the port of a smart meter\n"
        "(usb:SERIAL, /dev/ttyUSB0, tcp://HOST:PORT for one that pushes: use its port), or a file with the\n"
        "output of quartier scan modbus --json. It only reads. Then it asks for the rest: contract,\n"
        "ratings, which meter is at the connection, what the others measure. Without a terminal it lists\n"
        "all missing answers at once, each with its --answer. The file is checked before it is written.\n"
        "example: quartier init tcp://192.168.1.20 usb:DA3FMX1Z --output site.toml\n"
        "         quartier init found.json --answer contract=12kVA --answer export=0W\n\n"
        "Exit codes: 0 written · 1 nothing was found · 2 an answer is missing or wrong, or the file exists\n"
        "already · 73 it cannot be written there · 78 the resulting site file has a fault.",
    )
    found.add_argument("where", nargs="+", metavar="WHERE", help="address, port, or result of a scan")
    found.add_argument(
        "--output", type=Path, default=Path("site.toml"), metavar="FILE", help="default: %(default)s"
    )
    found.add_argument(
        "--answer",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an answer in advance; may be repeated",
    )
    found.add_argument(
        "--units", type=value_types.parse_units, metavar="1-20,100", help="which units (default: all)"
    )
    found.add_argument(
        "--key-file", metavar="FILE", help="keys of a meter that encrypts; its device gets key_file = FILE"
    )
    found.add_argument(
        "--profiles",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder of your own profiles; the site file gets it too",
    )
    found.set_defaults(run="installer.init:run_init")


def add_probe_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier probe``."""
    parser = add_command(
        commands,
        "probe",
        "order small steps of one asset, and measure sign, phase, gain, delay and ramp",
        "Stop the daemon first.  The probe shows its plan and asks for a yes. It steps the asset up and "
        "down,\n"
        "measures at the asset and at the grid meter, and gives it back.  It names the line of each fault.\n"
        "example: quartier probe bat1 --page /tmp/bat1.html\n\n"
        "Exit codes: 0 no fault · 1 a fault, or the probe was refused · 75 a daemon is running ·\n"
        "78 the site file is wrong.",
    )
    parser.add_argument("asset", metavar="ASSET", help="a battery, charge point, PV or load of the site file")
    parser.add_argument(
        "--config", type=Path, default=SITE_FILE, metavar="FILE", help="the site file (default: %(default)s)"
    )
    parser.add_argument(
        "--step-w",
        type=value_types.parse_positive,
        metavar="W",
        help="size of a step (default: a tenth of rated_w)",
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=parse_positive_seconds,
        metavar="4m",
        help="longest time (default: 240 s; loads: more)",
    )
    parser.add_argument("--yes", action="store_true", help="agree in advance, for scripts")
    parser.add_argument(
        "--watch-timer", action="store_true", help="also check that the device's own timer ends an order"
    )
    parser.add_argument(
        "--page", type=Path, metavar="FILE.html", help="write a report page for the documents of the building"
    )
    add_json_option(parser)
    add_state_option(parser)
    add_runtime_option(parser)
    parser.set_defaults(run="installer.probe:run_probe")


def add_drill_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``quartier drill``."""
    parser = add_command(
        commands,
        "drill",
        "cause losses, and compare the declared reaction to each with the measured one",
        "--simulated starts a simulated building; no device of this site is touched.  Each\n"
        "loss leaves a page with its curves.  A loss that this machine cannot cause is SKIPPED, with the "
        "reason.\n"
        'If nothing had to be reduced (no car charged), the verdict is "not shown".\n'
        "--on-site says which cable to pull and when, measures what the running daemon does, and signs the\n"
        "record with the key of this gateway. After an interruption the same command continues.\n"
        "example: quartier drill --simulated grid-meter-lost controller-killed\n\n"
        "Exit codes: 0 every deadline was kept · 1 one was not kept, not shown or not checked · 2 wrong "
        "use,\n"
        "or the rig is not installed · 69 no daemon answers\n"
        "            77 this user may not ask it.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--simulated", action="store_true", help="on the rig's building")
    what.add_argument("--on-site", action="store_true", help="guide through the real cables, sign a record")
    what.add_argument("--verify", type=Path, metavar="FILE", help="check the signature of a record")
    what.add_argument("--declared", action="store_true", help="list what the running daemon declares")
    what.add_argument("--reference", choices=("page", "picture"), help="print a page of the documentation")
    parser.add_argument("losses", nargs="*", metavar="LOSS", help="such as grid-meter-lost (default: all)")
    parser.add_argument(
        "--report", type=Path, default=Path("drill"), metavar="DIR", help="where pages go (default: ./drill)"
    )
    parser.add_argument("--rate", type=value_types.parse_positive, help="simulated seconds per real second")
    parser.add_argument(
        "--record",
        type=Path,
        default=Path("drill.json"),
        metavar="FILE",
        help="on site: the signed record (default: ./drill.json)",
    )
    parser.add_argument(
        "--systemd", action="store_true", help="kill and freeze it under a separate systemd (needs root)"
    )
    add_json_option(parser)
    add_state_option(parser)
    add_runtime_option(parser)
    parser.set_defaults(run="drill.command:run_drill")
