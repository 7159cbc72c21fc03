"""The rig's command line, ``quartier-hil``.

Exit codes: 0 every promise kept · 1 one broken · 2 it could not be run or judged · 3 one not shown.
"""

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence

REQUIRED_PACKAGES = ("demandlib", "highspy", "pandas", "pvlib", "iotcore")
NO_RUN = 2
# To import every command takes half a second: those that scripts start again and again are found without it.
STANDALONE_COMMANDS = {
    "devices": ("quartier_sim.building.command_line", "add_devices_options"),
    "district": ("quartier_district.district_command", "add_arguments"),
    "replay": ("quartier_hil.replay.replay_command", "add_arguments"),
    "tell": ("quartier_sim.building.command_line", "add_tell_options"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = _read_options(sys.argv[1:] if arguments is None else list(arguments))
    absent = [
        name
        for name in getattr(options, "needed", REQUIRED_PACKAGES)
        if importlib.util.find_spec(name) is None
    ]
    if absent:
        print(
            f"quartier-hil needs {', '.join(absent)}: install it again with what it needs: "
            "`pip install quartier-hil` or, in a clone, `pip install -e . -e ./hil`",
            file=sys.stderr,
        )
        return NO_RUN
    try:
        code = int(options.command(options))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough (quartier-hil list | head); nothing is left to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _read_options(words: Sequence[str]) -> argparse.Namespace:
    if words and words[0] in STANDALONE_COMMANDS:
        module, function = STANDALONE_COMMANDS[words[0]]
        parser = argparse.ArgumentParser(prog=f"quartier-hil {words[0]}")
        getattr(importlib.import_module(module), function)(parser)
        return parser.parse_args(words[1:])
    from quartier_hil.cli import commands  # noqa: PLC0415 - as STANDALONE_COMMANDS says

    return commands.make_parser().parse_args(words)
