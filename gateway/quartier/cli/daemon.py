"""``quartier run``, ``release`` and ``engines``."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import quartier_native
from quartier.cli import output
from quartier.config import load
from quartier.runtime import clock, log, release
from quartier_drivers.errors import ConfigError, Fault

EX_TEMPFAIL = 75


def run(options: argparse.Namespace) -> int:
    """Run the daemon."""
    from quartier.app.daemon import Daemon, Places  # noqa: PLC0415 - the other commands start without it

    log.configure(style=options.log, level=options.log_level)
    loaded = load.load_lenient(options.config)
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
        return EX_TEMPFAIL
    except OSError as error:
        what = f"takes no file: {error.strerror}; expected a folder of ours, on a tmpfs"
        raise ConfigError([Fault(str(places.runtime_dir), None, "folder", what)]) from error
    with lock:
        return asyncio.run(_daemon(Daemon, places, loaded, clock.HouseClock(setting)))


async def _daemon(kind: type, places: object, loaded: load.Loaded, house_clock: clock.HouseClock) -> int:
    # Made on the loop: its events and queues belong to it.
    return int(await kind(places, loaded, house_clock, log.get()).run())


def _usable(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        what = f"cannot be made: {error.strerror}; give --runtime-dir and --state-dir, or let systemd run it"
        raise ConfigError([Fault(str(folder), None, "folder", what)]) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError([Fault(str(folder), None, "folder", "cannot be written; expected it to be ours")])


def release_outputs(options: argparse.Namespace) -> int:
    """Write the safe values that a stopped daemon left."""
    try:
        lock = release.lock(options.runtime_dir)
    except release.Locked as locked:
        print(locked, file=sys.stderr)
        return EX_TEMPFAIL
    except OSError as error:
        print(f"{options.runtime_dir}: {error.strerror}; is this where the daemon ran?", file=sys.stderr)
        return 1
    with lock:
        try:
            wires = release.load(options.runtime_dir)
        except (ValueError, KeyError, TypeError) as error:
            print(f"{options.runtime_dir / release.FILE}: damaged: {error}", file=sys.stderr)
            return 1
        failures = asyncio.run(release.replay(wires))
    return _tell(options, wires, failures)


def _tell(options: argparse.Namespace, wires: list[release.Wire], failures: dict[str, Sequence[str]]) -> int:
    failed = {bus: list(found) for bus, found in failures.items() if found}
    if options.json:
        output.dump(
            [
                {"bus": wire.bus, "writes": len(wire.writes), "failed": failed.get(wire.bus, [])}
                for wire in wires
            ]
        )
    else:
        for wire in wires:
            count = len(wire.writes)
            print(
                f"{wire.bus}: {count} safe value{'s' * (count != 1)}, {len(failed.get(wire.bus, ()))} failed"
            )
        for lines in failed.values():
            print(*lines, sep="\n", file=sys.stderr)
        if not wires:
            print(f"nothing to release: no {release.FILE} in {options.runtime_dir}")
    return 1 if failed else 0


def engines(options: argparse.Namespace) -> int:
    """Which arithmetic is in use, and why."""
    engine = quartier_native.engine()
    if options.json:
        output.dump({"engine": engine.name, "why": engine.why, "kernels": dict(engine.kernels)})
    else:
        print(f"{engine.name}: {engine.why}")
        output.console().print(output.table("", ("kernel", "module"), list(engine.kernels.items())))
    return 0
