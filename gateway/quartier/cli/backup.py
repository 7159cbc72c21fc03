"""``quartier backup`` and ``quartier restore``."""

import argparse
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from quartier.app import archive, restoring
from quartier.app import backup as packing
from quartier.app.archive import Manifest, Unusable
from quartier.app.backup import Folders
from quartier.cli import output
from quartier.runtime import clock, release

_UNSURE = (
    "the clock is not synchronised: numbers that the old gateway gave since the backup could come twice; "
    "wait for the time, or say --without-clock where it is right to the hour"
)


def backup(options: argparse.Namespace) -> int:
    """Pack the gateway of this machine."""
    folders = _folders(options)

    def pack() -> int:
        utc_ms = clock.HouseClock(clock.from_environment()).utc_ms()
        manifest = packing.pack(folders, options.file, utc_ms, _version())
        _tell(options, manifest, f"{options.file}: {_size(options.file)}, {manifest.gateway}, proved")
        return 0

    return _alone(options, pack)


def restore(options: argparse.Namespace) -> int:
    """Put a backup here, or only prove it."""
    folders = _folders(options)
    if options.check:
        return _well(lambda: _checked(options))
    return _alone(options, lambda: _restored(options, folders))


def _checked(options: argparse.Namespace) -> int:
    manifest = archive.check(options.file)
    _tell(options, manifest, f"{options.file}: sound, {manifest.gateway}")
    return 0


def _restored(options: argparse.Namespace, folders: Folders) -> int:
    now = clock.HouseClock(clock.from_environment()).now()
    manifest, found = restoring.objections(options.file, folders)
    if found and not options.force:
        print(*found, sep="\n", file=sys.stderr)
        print("nothing was written; --force moves what is here aside", file=sys.stderr)
        return 1
    if not now.synced and not options.without_clock:
        print(_UNSURE, file=sys.stderr)
        return 1
    if lacking := restoring.room_missing_bytes(manifest, folders):
        print(f"{folders.state_dir}: {lacking / 1e6:.0f} MB of room are missing", file=sys.stderr)
        return 1
    restoring.put(options.file, folders, now.utc_ms)
    _tell(options, manifest, f"{manifest.gateway} is on this machine; never start the old one again")
    return 0


def _alone(options: argparse.Namespace, act: Callable[[], int]) -> int:
    """Act while no daemon does; the lock is the daemon's own."""
    try:
        options.runtime_dir.mkdir(mode=0o751, parents=True, exist_ok=True)
        lock = release.lock(options.runtime_dir)
    except release.Locked as locked:
        print(f"{locked}; stop it first: systemctl stop quartier", file=sys.stderr)
        return os.EX_TEMPFAIL
    except OSError as error:
        print(f"{options.runtime_dir}: {error.strerror}; ask with sudo", file=sys.stderr)
        return 1
    with lock:
        return _well(act)


def _well(act: Callable[[], int]) -> int:
    try:
        return act()
    except Unusable as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or 'the disk'}: {error.strerror or error}", file=sys.stderr)
    return 1


def _folders(options: argparse.Namespace) -> Folders:
    return Folders(options.config.absolute(), options.state_dir.absolute(), options.runtime_dir.absolute())


def _tell(options: argparse.Namespace, manifest: Manifest, line: str) -> None:
    told: dict[str, Any] = {**archive.about(manifest), "file": str(options.file)}
    if options.json:
        output.dump(told)
        return
    made = datetime.fromtimestamp(manifest.made_utc_ms / 1000, UTC)
    print(line)
    print(
        f"  {len(manifest.members)} files, {manifest.size_bytes / 1e6:.1f} MB, boot {manifest.boot}, "
        f"made {made:%Y-%m-%d %H:%M} UTC by {manifest.version}"
    )
    for left in manifest.left_out:
        print(f"  not in it: {left}")


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"


def _version() -> str:
    try:
        return version("quartier")
    except PackageNotFoundError:
        return "sources"
