"""``quartier run``."""

from quartier.runtime import lean  # before all that would import what it leaves out

# isort: split
import argparse
import asyncio
import contextlib
import os
import sys
from pathlib import Path

from quartier.app import ordered
from quartier.app.daemon import Daemon
from quartier.app.places import Places
from quartier.config.load import Loaded
from quartier.runtime import clock, log, release
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.loop import Loop


def run(options: argparse.Namespace) -> int:
    """Run the daemon."""
    lean.settle()
    log.configure(style=options.log, level=options.log_level)
    loaded = ordered.in_force(options.config, options.state_dir)
    setting = clock.from_environment()
    if setting.simulated and not loaded.site.site.simulated:
        what = f"{clock.VARIABLE} is set, expected simulated = true: real devices need real time"
        raise ConfigError([Fault(str(options.config), None, "site.simulated", what)])
    places = Places(options.config, options.runtime_dir, options.state_dir)
    for folder in (places.runtime_dir, places.state_dir):
        _usable(folder)
    try:
        lock = release.lock(places.runtime_dir)
    except release.Locked as locked:
        print(locked, file=sys.stderr)
        return os.EX_TEMPFAIL
    except OSError as error:
        what = f"takes no file: {error.strerror}; expected a folder of ours, on a tmpfs"
        raise ConfigError([Fault(str(places.runtime_dir), None, "folder", what)]) from error
    if loaded.ordered:
        with contextlib.suppress(OSError):  # a disk that refuses is told by what runs
            ordered.begun(places.state_dir, loaded.ordered)
    with lock, asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(_daemon(places, loaded, clock.HouseClock(setting)))


async def _daemon(places: Places, loaded: Loaded, house_clock: clock.HouseClock) -> int:
    # Made on the loop: its events and queues belong to it.
    return await Daemon(places, loaded, house_clock, log.get()).run()


def _usable(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        what = f"cannot be made: {error.strerror}; give --runtime-dir and --state-dir, or let systemd run it"
        raise ConfigError([Fault(str(folder), None, "folder", what)]) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError([Fault(str(folder), None, "folder", "cannot be written; expected it to be ours")])
