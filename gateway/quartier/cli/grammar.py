"""What the parsers of all commands share."""

import argparse
from collections.abc import Callable
from pathlib import Path

from quartier.cli.places import runtime_dir, state_dir


def command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str, more: str = ""
) -> argparse.ArgumentParser:
    """A command: what it does in a line, and more of it below its options."""
    return commands.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def alone(name: str, about: str, more: str = "") -> argparse.ArgumentParser:
    """The same, for who needs no other command."""
    return argparse.ArgumentParser(
        prog=f"quartier {name}",
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def release(made: Callable[[str, str, str], argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """``quartier release``, among all commands or alone."""
    found = made(
        "release",
        "write the safe values that a stopped daemon left in release.json",
        "systemd calls it after every stop, crash or watchdog kill (ExecStopPost).  It needs no site\n"
        "file, and refuses with exit 75 while a daemon holds the lock.  Exit 1 when a write failed.",
    )
    in_json(found)
    runtime(found)
    found.set_defaults(run="release:release_outputs")
    return found


def runtime(parser: argparse.ArgumentParser) -> None:
    """Where a daemon is met."""
    parser.add_argument(
        "--runtime-dir",
        type=Path,
        default=runtime_dir(),
        metavar="DIR",
        help="where the daemon's socket, lock and journal are (default: %(default)s)",
    )


def state(parser: argparse.ArgumentParser) -> None:
    """Where what outlives a restart is kept."""
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=state_dir(),
        metavar="DIR",
        help="where the history and the link's state are (default: %(default)s)",
    )


def in_json(parser: argparse.ArgumentParser) -> None:
    """For scripts."""
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")


def span(text: str) -> float:
    """For ``type=``: a duration with its unit, ``10m`` or ``2h30m``; more than 0."""
    from quartier.cli.times import span_s  # noqa: PLC0415 - release has no time

    return _positive(span_s, text)


def seconds(text: str) -> float:
    """For ``type=``: a duration; a number alone is seconds; more than 0."""
    from quartier.cli.times import seconds  # noqa: PLC0415 - as above

    return _positive(seconds, text)


def _positive(parse: Callable[[str], float], text: str) -> float:
    try:
        found = parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if found <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is too short; expected more than 0 s")
    return found
