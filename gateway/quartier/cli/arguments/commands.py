"""commands."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from quartier.cli.arguments import shared_options
from quartier.cli.arguments.shared_options import (
    RUN_COMMAND,
    SITE_FILE,
    add_command,
    add_json_option,
    add_runtime_option,
    add_state_option,
)

USAGE = """\
first steps:
  quartier init tcp://192.168.1.20       write a first site file from the devices that answer
  quartier config sample > site.toml     a commented file to start from
  quartier check site.toml               every fault at once
  quartier scan modbus tcp://192.168.1.20  which devices answer, and their models
  quartier listen usb:DA3FMX1Z           which smart meter is on a port, and its values
  quartier read victron/gx 'tcp://192.168.1.20?unit=227'
  quartier bus plan site.toml            whether each bus is fast enough for all its requests
  quartier plan --series tomorrow.csv    what battery, cars and tanks should do, and why
  quartier arm --config site.toml        write the fallback of each device and read it back
  quartier probe bat1 --config site.toml small steps that prove sign, phase, gain and delay
  quartier run --config site.toml        the daemon (systemd does this on a gateway)
  quartier top                           live view of the daemon: what it does, and why
  quartier why boiler                    who switched it, why, and when it comes back
  quartier override boiler off --for 2h  by hand, never above a cap
  quartier alarms                        active alarms, what to do, who acknowledged them
  quartier notify --check                who is told of alarms, by mail, webhook, ntfy or MQTT
  quartier record lan --for 60s          record a bus, for Wireshark
  quartier backup b012.qbk               the whole gateway in one file, for another machine
"""
_PROFILES_OPTION: dict[str, Any] = {
    "type": Path,
    "action": "append",
    "default": [],
    "metavar": "DIR",
    "help": "folder with your own profiles",
}


class _VersionAction(argparse.Action):
    """Looks the version up only when asked: that reads the metadata of the installation."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - nobody else needs it

        try:
            print(f"quartier {version('quartier')}")
        except PackageNotFoundError:
            print("quartier, run from its sources")
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="quartier",
        description="The gateway that sits in one building of an energy district.",
        epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_VersionAction, nargs=0, help="print the version and leave")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_gateway_commands(commands)
    _add_site_commands(commands)
    _add_device_commands(commands)
    _add_status_commands(commands)
    _add_history_commands(commands)
    return parser


def _add_gateway_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = add_command(
        commands,
        "run",
        "run the daemon until SIGTERM; SIGHUP re-reads the site file",
        "A device that is off, an unknown profile or a bad field disables that device only.\n"
        "When it stops, every output gets its release value (see quartier release).",
    )
    run.add_argument(
        "--config", type=Path, default=SITE_FILE, metavar="FILE", help="the site file (default: %(default)s)"
    )
    run.add_argument(
        "--log",
        choices=("auto", "console", "json"),
        default="auto",
        help="form of the log (auto: console on a terminal, else json)",
    )
    run.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="default: %(default)s",
    )
    add_state_option(run)
    add_runtime_option(run)
    run.set_defaults(run=RUN_COMMAND)

    shared_options.add_release_parser(partial(add_command, commands))

    engines = add_command(
        commands, "engines", "show which calculation code is in use (compiled or Python), and why"
    )
    add_json_option(engines)
    engines.set_defaults(run="gateway.engines:run_engines")


def _add_site_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    check = add_command(
        commands,
        "check",
        "check a site file: list all faults, exit 78 if there is one",
        "A fault is shown as file:line: key: what is wrong, and what was expected.  For a file that is not\n"
        "valid TOML also the column and the likely cause.  A warning names an implausible value.\n\n"
        "Exit codes: 0 no fault · 78 a fault, or with --strict a warning.",
    )
    check.add_argument(
        "file", type=Path, nargs="?", default=SITE_FILE, metavar="FILE", help="default: %(default)s"
    )
    check.add_argument("--strict", action="store_true", help="exit 78 for a warning too")
    add_json_option(check)
    check.set_defaults(run="installer.check:run_check")

    config = add_command(commands, "config", "print a commented sample, a reference page or the JSON Schema")
    config.add_argument("what", choices=("sample", "reference", "schema", "remote"))
    config.add_argument("--small", action="store_true", help="sample: the few keys that every building needs")
    config.set_defaults(run="installer.site_file:run_config")


def _add_device_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from quartier.cli.arguments import (  # noqa: PLC0415 - release has no time
        commissioning,
        opcua,
        plan,
        value_types,
    )
    from quartier_drivers.registry import SCANNED_PROTOCOLS  # noqa: PLC0415 - as above

    read = add_command(
        commands,
        "read",
        "read one device once and print its points",
        "URL: tcp://HOST[:PORT][?unit=N], rtu:///dev/ttyUSB0?baud=9600&unit=1 or rtu://usb:SERIAL?baud=9600\n"
        "example: quartier read eastron/sdm630 'rtu:///dev/ttyUSB0?baud=9600&unit=1'\n"
        "         quartier read sunspec tcp://inverter.lan      every model and point of a SunSpec device\n"
        "         quartier read bacnet 'eth0?unit=201'          every object of a BACnet device\n"
        "                                                       (--draft: a profile to begin with)\n"
        "         quartier read opcua opc.tcp://plant.lan:4840  every variable of an OPC UA server\n"
        "quality: good; bad (no answer or impossible); doubtful (the device does not look like the profile)\n"
        "exit: 0 it was read; 1 no answer, nothing to read, or the device does not look like the profile",
    )
    read.add_argument("profile", help="maker/model, see quartier profiles; or sunspec, bacnet, opcua")
    read.add_argument("url", help="where the device is")
    read.add_argument("--profiles", **_PROFILES_OPTION)
    read.add_argument("--draft", action="store_true", help="bacnet: print a draft profile instead")
    opcua.add_login_options(read, places=True)
    add_json_option(read)
    read.set_defaults(run="devices.read:run_read")

    look = add_command(
        commands,
        "scan",
        "find the units or meters on a bus and guess their profiles; reads only",
        value_types.SCAN_EXAMPLES,
    )
    look.add_argument("protocol", choices=SCANNED_PROTOCOLS, help="what the bus speaks")
    look.add_argument("url", help="where the bus is")
    look.add_argument(
        "--units", type=value_types.parse_units, metavar="1-20,100", help="which units (default: all)"
    )
    look.add_argument(
        "--secondary", metavar="12FFFFFF", help="mbus: secondary addresses that fit this, F for any digit"
    )
    value_types.add_bacnet_options(look)
    look.add_argument(
        "--bauds",
        type=value_types.parse_bauds,
        metavar="9600,19200",
        help="settings of a serial line to try, in this order",
    )
    look.add_argument(
        "--parities", type=value_types.parse_parities, metavar="N,E", help="the same for its parity"
    )
    look.add_argument(
        "--thorough",
        action="store_true",
        help="try silent units with a second request type, and continue after the first find",
    )
    look.add_argument("--profiles", **_PROFILES_OPTION)
    add_json_option(look)
    look.set_defaults(run="devices.scan:run_scan")

    commissioning.add_init_parser(commands)
    _add_meter_commands(commands)
    opcua.add_trust_parser(commands)
    opcua.add_browse_parser(commands)
    commissioning.add_bus_parser(commands)
    plan.add_plan_parser(commands)
    commissioning.add_arm_parser(commands)
    commissioning.add_probe_parser(commands)
    commissioning.add_drill_parser(commands)

    _add_profile_commands(commands)


def _add_profile_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    profiles = add_command(
        commands,
        "profiles",
        "list the device profiles, show one as a sheet, prove them, or find mistakes in your own",
        "list [WORD ...]    the profiles with each word in name, maker or model (default: all)\n"
        "show NAME|FILE ... address, unit and range of each point, and what may be ordered;\n"
        "                   with --file the file itself, for a copy of your own\n"
        "prove [NAME ...]   compare each point with manuals and other lists (default: every profile)\n"
        "lint [FILE|NAME]   mistakes by file, line and key, with what to do (default: every profile)\n"
        "quantities [WORD]  names that points may have, with unit, meaning and possible range\n"
        "example: quartier profiles list --orders --point current_max\n"
        "         quartier profiles show keba/p30\n"
        "         quartier profiles lint profiles/acme/hy.toml\n\n"
        "Exit codes: 0 well · 1 nothing fits, lint found something, or a source disagrees · 2 wrong use ·\n"
        "78 a profile or a proof file is wrong.",
    )
    verbs = ("list", "show", "prove", "lint", "quantities")
    profiles.add_argument("what", nargs="?", default="list", choices=verbs, help="default: list")
    profiles.add_argument("names", nargs="*", metavar="NAME", help="maker/model, or a file (.toml)")
    profiles.add_argument("--reference", action="store_true", help="quantities: all, as a page (Markdown)")
    profiles.add_argument("--file", action="store_true", help="show: the profile file itself")
    profiles.add_argument("--protocol", help="list: only what speaks this, such as modbus or sunspec")
    profiles.add_argument("--point", metavar="NAME", help="list: only what serves such a point, as soc_pct")
    profiles.add_argument(
        "--orders", action="store_true", help="list: only what takes orders, with --point: for it"
    )
    profiles.add_argument("--profiles", **_PROFILES_OPTION)
    add_json_option(profiles)
    profiles.set_defaults(run="devices.profiles:run_profiles")


def _add_meter_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from quartier_drivers.registry import METER_PROTOCOLS  # noqa: PLC0415 - as above

    decode = add_command(
        commands,
        "decode",
        "decode the recorded bytes of a meter from standard input, and name the profile that fits",
        "Each frame is shown as the meter's own groups and as points of Quartier, by the same code that the\n"
        "daemon uses.  Without --profile, the profile is chosen by the maker and model that the meter\n"
        "states; its name, and why it was chosen, go to the error output.\n"
        "Frames are JSON where the output is no terminal.\n"
        "example: quartier decode tic < capture.bin\n\n"
        "Exit codes: 0 a frame was good · 1 none was · 2 wrong use, profile and key file included.",
    )
    decode.add_argument("protocol", choices=METER_PROTOCOLS, help="what the meter speaks")
    decode.add_argument("--hex", action="store_true", help="the capture is written in hex")
    decode.add_argument("--profile", metavar="NAME", help="maker/model, see quartier profiles")
    decode.add_argument("--key-file", metavar="FILE", help="TOML with encryption_key, authentication_key")
    decode.add_argument("--profiles", **_PROFILES_OPTION)
    add_json_option(decode)
    decode.set_defaults(run="devices.decode:run_decode")

    listen = add_command(
        commands,
        "listen",
        "find out which meter is on a port and at which speed, and show its values",
        "PORT: /dev/ttyUSB0, usb:SERIAL or tcp://HOST:PORT.  The usual speeds are tried in turn; if nothing\n"
        "is received, M-Bus and a sign-on of IEC 62056-21 are tried.  On a terminal a sheet of five lines\n"
        "is updated; in a pipe each frame is a line.  The profile that fits is named, by the maker and\n"
        "model that the meter states.  Stop the daemon first.\n"
        "example: quartier listen usb:DA3FMX1Z\n\n"
        "Exit codes: 0 a meter was found · 1 none was, or the port cannot be opened · 2 wrong use.",
    )
    listen.add_argument("port", metavar="PORT", help="where the meter is")
    listen.add_argument("--count", type=int, default=0, metavar="N", help="leave after N frames")
    listen.add_argument("--key-file", metavar="FILE", help="TOML with encryption_key, authentication_key")
    add_json_option(listen)
    listen.set_defaults(run="devices.listen:run_listen")


def _add_status_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from quartier.cli.arguments import operation  # noqa: PLC0415 - as above

    operation.add_district_parsers(commands)
    status = add_command(
        commands,
        "status",
        "show what the running daemon does, and why",
        "Exit codes: 0 shown · 69 no daemon answers · 77 this user may not ask it.",
    )
    add_json_option(status)
    add_runtime_option(status)
    status.set_defaults(run="operation.gateway_status:run_status")

    why = add_command(
        commands,
        "why",
        "show who ordered what an asset does, why, until when, and what ends it",
        "Asks the daemon, and reads the orders stored in the history; without a daemon only the history.\n"
        "TIME is as for quartier history: 2026-11-25T14:30, today, 2h.\n"
        "example: quartier why boiler --since today\n\n"
        "Exit codes: 0 explained · 1 no asset has this name · 2 a time that cannot be read · 69 no daemon\n"
        "answers, and neither the site file nor the history names the asset.",
    )
    why.add_argument("asset", nargs="?", help="its name in the site file")
    why.add_argument("--since", metavar="TIME", help="every order since then, not the last ten")
    why.add_argument("--all", action="store_true", help="every order that is still known")
    why.add_argument("--reference", action="store_true", help="the same as the page gateway/docs/reasons.md")
    why.add_argument(
        "--config", type=Path, default=SITE_FILE, metavar="FILE", help="the site file (default: %(default)s)"
    )
    add_json_option(why)
    add_state_option(why)
    add_runtime_option(why)
    why.set_defaults(run="operation.why:run_why")

    operation.add_override_parser(commands)
    operation.add_maintenance_parser(commands)
    operation.add_apply_parser(commands)
    operation.add_meter_parser(commands)
    operation.add_alarms_parser(commands)
    operation.add_notify_parser(commands)

    top = add_command(
        commands,
        "top",
        "show the running daemon live on one screen, with buses, devices and assets",
        "Enter opens a row, Esc goes back, / filters, s sorts, p pauses, ? explains, q quits.\n"
        "It asks the daemon once a second for what is shown.  Without a terminal it prints one snapshot.",
    )
    add_runtime_option(top)
    top.set_defaults(run="top.command:run_top")

    points = add_command(
        commands,
        "points",
        "list the points of the running daemon with value, age and quality",
        "--writes shows the writable points: writes today (UTC), the budget of those whose memory wears,\n"
        "and writes in all.  A spent budget refuses further writes until midnight; safe values are always\n"
        "written.  The profile sets the budget (writes_per_day).",
    )
    points.add_argument(
        "--writes", action="store_true", help="how often points were written today, and their budget"
    )
    points.add_argument("pattern", nargs="*", default=["*"], help="such as 'grid.*' (default: all)")
    add_json_option(points)
    add_runtime_option(points)
    points.set_defaults(run="operation.gateway_status:run_points")


def _add_history_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from quartier.cli.arguments import history  # noqa: PLC0415 - as above

    history.add_history_parser(commands)
    history.add_record_parser(commands)
    history.add_backup_parser(commands)
    history.add_restore_parser(commands)
