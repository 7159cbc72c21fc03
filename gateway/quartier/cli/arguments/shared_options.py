"""Options that several commands share, and the usual folders; imports little, for ``quartier release``."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

RUN_COMMAND = "gateway.run:run_daemon"
MAINTENANCE_COMMAND = "operation.override:run_maintenance"


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str, more: str = ""
) -> argparse.ArgumentParser:
    """Add a command: its purpose in one line, and ``more`` below its options."""
    return commands.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def make_parser_alone(name: str, about: str, more: str = "") -> argparse.ArgumentParser:
    """Make the same parser without those of other commands."""
    return argparse.ArgumentParser(
        prog=f"quartier {name}",
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_release_parser(made: Callable[[str, str, str], argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add ``quartier release``, among all commands or alone."""
    found = made(
        "release",
        "write the release values that a stopped daemon left in release.json",
        "systemd calls it after every stop, crash or watchdog kill (ExecStopPost).  It needs no site\n"
        "file, and refuses with exit 75 while a daemon holds the lock.  Exit 1 when a write failed.",
    )
    add_json_option(found)
    add_runtime_option(found)
    found.set_defaults(run="gateway.release:release_outputs")
    return found


def add_runtime_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for the folder of a daemon's socket."""
    parser.add_argument(
        "--runtime-dir",
        type=Path,
        default=find_runtime_dir(),
        metavar="DIR",
        help="folder of the daemon's socket, lock and journal (default: %(default)s)",
    )


def add_state_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for the folder of what outlives a restart."""
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=find_state_dir(),
        metavar="DIR",
        help="folder of the history and the state of the link (default: %(default)s)",
    )


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")


def parse_positive_duration_s(text: str) -> float:
    """Parse a duration with its unit, ``10m`` or ``2h30m``; more than 0."""
    from quartier.cli.rendering.time_text import parse_duration_s  # noqa: PLC0415 - release has no time

    return _parse_positive(parse_duration_s, text)


def parse_order_duration_s(text: str) -> float:
    """Parse for how long an order by hand lasts, within what the daemon takes."""
    from quartier.control.orders.overrides import OVERRIDE_MAX_S  # noqa: PLC0415 - as above

    found = parse_positive_duration_s(text)
    if found > OVERRIDE_MAX_S:
        most = f"at most {OVERRIDE_MAX_S / 3600:g}h for one order"
        raise argparse.ArgumentTypeError(f"{text}: {most}; order again before it ends")
    return found


def parse_positive_seconds(text: str) -> float:
    """Parse a duration; a number alone is seconds; more than 0."""
    from quartier.cli.rendering.time_text import parse_seconds  # noqa: PLC0415 - as above

    return _parse_positive(parse_seconds, text)


def _parse_positive(parse: Callable[[str], float], text: str) -> float:
    try:
        found = parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if found <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is too short; expected more than 0 s")
    return found


SITE_FILE = Path("/etc/quartier/site.toml")


def find_runtime_dir() -> Path:
    """Return the folder of socket, lock, journal and release table; a tmpfs on a gateway."""
    return Path(os.environ.get("RUNTIME_DIRECTORY", "/run/quartier"))


def find_state_dir() -> Path:
    """Return the folder of history, link state and boot numbers."""
    return Path(os.environ.get("STATE_DIRECTORY", "/var/lib/quartier"))
