"""``quartier run``: run the daemon."""

from quartier.runtime import daemon_setup  # before all that would import what it leaves out

# isort: split
import argparse
import asyncio
import contextlib
import os
import pwd
import sys
from pathlib import Path

from quartier.config import stored_site_file
from quartier.config.loading import LoadedSite
from quartier.config.stored_site_file import GatewayPaths
from quartier.daemon.lifecycle import Daemon
from quartier.runtime import clock, log, release
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.transport.event_loop import EventLoop

NEXT_STEP = "stop that one first, or give this one a --runtime-dir and a --state-dir of its own"


def run_daemon(options: argparse.Namespace) -> int:
    """Run the daemon."""
    daemon_setup.set_malloc_limits()
    log.configure_logging(style=options.log, level=options.log_level)
    loaded = stored_site_file.load_site_file_in_force(options.config, options.state_dir)
    setting = clock.load_clock_setting()
    if setting.is_simulated and not loaded.site.site.simulated:
        what = f"{clock.CLOCK_VARIABLE} is set, expected simulated = true: real devices need real time"
        raise ConfigError([Fault(str(options.config), None, "site.simulated", what)])
    places = GatewayPaths(options.config, options.runtime_dir, options.state_dir)
    for folder in (places.runtime_dir, places.state_dir):
        _check_folder(folder)
    try:
        locks = release.take_locks(places.runtime_dir, places.state_dir)
    except release.DaemonLocked as locked:
        print(f"{locked}; {NEXT_STEP}", file=sys.stderr)
        return os.EX_TEMPFAIL
    except OSError as error:
        what = f"takes no file: {error.strerror}; expected a folder of ours, on a tmpfs"
        raise ConfigError([Fault(str(places.runtime_dir), None, "folder", what)]) from error
    if loaded.ordered:
        with contextlib.suppress(OSError):  # a disk that refuses is told by what runs
            stored_site_file.note_run_began(places.state_dir, loaded.ordered)
    with locks, asyncio.Runner(loop_factory=EventLoop) as runner:
        return runner.run(_run_daemon(places, loaded, clock.SiteClock(setting)))


async def _run_daemon(places: GatewayPaths, loaded: LoadedSite, site_clock: clock.SiteClock) -> int:
    # Made on the loop: its events and queues belong to it.
    return await Daemon(places, loaded, site_clock, log.get_logger()).run()


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        what = f"cannot be made: {error.strerror}; give --runtime-dir and --state-dir, or let systemd run it"
        raise ConfigError([Fault(str(folder), None, "folder", what)]) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError([Fault(str(folder), None, "folder", _explain_foreign_folder(folder))])


def _explain_foreign_folder(folder: Path) -> str:
    user, owner = _find_user_name(os.geteuid()), _find_user_name(folder.stat().st_uid)
    places = "give --runtime-dir and --state-dir folders that you may write"
    if user == owner:
        return f"user {user} may not write in it; run chmod u+rwx {folder}, or {places}"
    return f"user {user} may not write in it, it belongs to {owner}; run as {owner}, or {places}"


def _find_user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
