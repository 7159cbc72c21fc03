"""The command line; parses arguments, decides nothing.

Exit codes: 0 well · 1 the answer is no (a fault found, a write that failed) · 2 wrong use · 69 no
daemon answers · 70 a bug of ours · 73 a file cannot be created · 75 a daemon is running where none should
77 this user may not ask the daemon · 78 a file is wrong.
"""

import argparse
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

from quartier.cli.arguments import shared_options
from quartier.cli.arguments.shared_options import MAINTENANCE_COMMAND, RUN_COMMAND
from quartier.cli.rendering import terminal
from quartier.runtime import text_output
from quartier_drivers.errors import ConfigError

_NEGATIVE_NUMBER = re.compile(r"-\d")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (see the module)."""
    if sys.stdout is None:  # a script closed it (>&-): the exit code is all it wants
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an old terminal shows ? for what it lacks
    words = list(sys.argv[1:] if arguments is None else arguments)
    with text_output.prioritise_errors():
        if words[:1] == ["run"]:  # its log shows foreign text by itself
            return _run_command(_parse_arguments(words))
        with terminal.filter_output():
            return _run_command(_parse_arguments(words))


def _parse_arguments(words: list[str]) -> argparse.Namespace:
    """Return what is asked for.

    ``quartier release`` has a grammar of its own: to build that of all commands would cost it a tenth of
    its time.
    """
    if words[:1] == ["release"]:
        return _parse_known(shared_options.add_release_parser(shared_options.make_parser_alone), words[1:])
    if words[:1] == ["override"]:  # argparse takes -2kW for an option, but not a word with a space
        words = [f" {argument}" if _NEGATIVE_NUMBER.match(argument) else argument for argument in words]
    from quartier.cli.arguments.commands import make_parser  # noqa: PLC0415 - release has no time

    return _parse_known(make_parser(), words)


def _parse_known(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    """Return what is asked for; end with exit code 2 at an option that is not there."""
    options, unknown = parser.parse_known_args(words)
    if unknown:
        what = f"unrecognized arguments: {' '.join(unknown)}"
        parser.error("; ".join((what, *_suggest_instead(options, unknown))))
    return options


def _suggest_instead(options: argparse.Namespace, unknown: Sequence[str]) -> Iterator[str]:
    """Yield what to write instead of options that this command does not have."""
    if any(argument.partition("=")[0] == "--config" for argument in unknown) and "runtime_dir" in options:
        yield "it reads no site file; where it asks a running daemon, name its --runtime-dir"
    if options.run == MAINTENANCE_COMMAND:
        yield f"to end maintenance: quartier override {options.asset} --cancel"


def _run_command(options: argparse.Namespace) -> int:
    """Run what was asked for, and find the exit code for every way it may end."""
    try:
        code = _import_command(options.run)(options)
        sys.stdout.flush()
    except ConfigError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        return 78
    except ImportError as error:
        if error.name != "quartier_native":
            raise
        print(error, file=sys.stderr)  # its engine is chosen by a variable, and cannot be had
        return os.EX_CONFIG
    except BrokenPipeError:
        # Whoever read has seen enough (quartier points | head); nothing is left to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is not None or options.run == RUN_COMMAND:
            raise
        print(f"quartier: the output cannot be written: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _import_command(place: str) -> Callable[[argparse.Namespace], int]:
    """Return the function that ``module:name`` names in this package.

    Imported when it is called for: a command, the daemon most of all, pays only for what itself needs.
    """
    module, name = place.split(":")
    found = getattr(import_module(f"{__name__}.{module}"), name)
    return lambda options: int(found(options))
