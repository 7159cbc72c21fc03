"""Keep release.json and the daemon's locks; write the release values of a stopped daemon.

The daemon keeps ``release.json``, and a copy beside it, in its runtime directory.  It holds endpoints and
encoded writes, so that ``quartier release`` (``ExecStopPost``) needs no other file and little time.  That
command refuses while the daemon's lock is held: two masters on one battery are worse than none.
"""

import asyncio
import fcntl
import json
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from quartier.runtime.owned_files import open_plain
from quartier.runtime.supervisor import run_once
from quartier_drivers.errors import QuartierError
from quartier_drivers.registry import load_release as replay_of

RELEASE_FILE = "release.json"
RELEASE_COPY = "release.copy.json"
LOCK_FILE = "quartier.lock"
WRITE_TIMEOUT_S = 4.0


class DaemonLocked(QuartierError):  # noqa: N818 - a state, named as the house names it
    """Another daemon holds the lock of this runtime directory, or of this state directory."""


class StateFolderLocked(DaemonLocked):
    """Another process holds the lock of this state directory."""


@dataclass(frozen=True, slots=True)
class BusRelease:
    """The part of one bus: its kind and dumped section, and its writes in order.

    ``safe`` is for the ledger: the value of each write by point (None: the device's own control).
    """

    bus: str
    section: Mapping[str, Any]
    writes: Sequence[Mapping[str, Any]]
    safe: Mapping[str, float | None] = field(default_factory=dict)


def take_locks(runtime_dir: Path, state_dir: Path) -> ExitStack:
    """Take the lock of both directories until the stack is closed or the process is gone.

    Raises DaemonLocked if one is held already, and OSError if the runtime directory takes no lock.
    """
    with ExitStack() as locks:
        locks.enter_context(take_lock(runtime_dir))
        locks.enter_context(take_state_lock(state_dir))
        return locks.pop_all()


def take_state_lock(state_dir: Path) -> ExitStack:
    """Take the lock of the state directory: two daemons would write one history and one list of alarms.

    The lock is on the directory itself, so it works on a full disk.  If the directory is missing, or its file
    system has no locks, the gateway runs all the same: then no lock is held.

    Raises StateFolderLocked if it is held already.
    """
    lock = ExitStack()
    try:
        folder = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return lock
    lock.callback(os.close, folder)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise StateFolderLocked(
            f"{state_dir} is in use by another quartier process, with another --runtime-dir"
        ) from error
    except OSError:
        lock.close()
    return lock


def take_lock(runtime_dir: Path) -> IO[str]:
    """Take the daemon's lock; it is held until the file is closed or the process is gone.

    Raises DaemonLocked if it is held already.
    """
    path = runtime_dir / LOCK_FILE
    file = TextIOWrapper(open_plain(path, os.O_RDWR | os.O_CREAT, "rb+"), encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise DaemonLocked(f"{path} is held by process {holder}: a daemon is running") from error
    file.seek(0)
    file.truncate()
    _share_with_owner(file, runtime_dir)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _share_with_owner(file: IO[str], folder: Path) -> None:
    """Give the lock file to the owner of the folder, so that the daemon can open it after root made it."""
    if os.geteuid() == 0:
        found = folder.stat()
        os.fchown(file.fileno(), found.st_uid, found.st_gid)


def save_release(runtime_dir: Path, wires: Sequence[BusRelease]) -> None:
    """Write the table in two copies, each atomically; make the folder again if it is gone."""
    runtime_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    fresh = runtime_dir / f"{RELEASE_FILE}.new"
    table = [
        {"bus": wire.bus, "section": wire.section, "writes": list(wire.writes), "safe": dict(wire.safe)}
        for wire in wires
    ]
    body = json.dumps(table, indent=1)
    for name in (RELEASE_FILE, RELEASE_COPY):
        fresh.write_text(f'{{"crc32": "{_find_crc(body)}",\n"table": {body}}}\n', encoding="utf-8")
        fresh.replace(runtime_dir / name)


def load_release(runtime_dir: Path, say: Callable[[str], None] = lambda _: None) -> list[BusRelease]:
    """Load the table as the daemon left it, from the first sound copy; empty if there is none.

    ``say`` is called with each damaged copy.  Raises ValueError if no copy is sound.
    """
    faults = []
    for name in (RELEASE_FILE, RELEASE_COPY):
        path = runtime_dir / name
        try:
            found = _parse_release(path.read_bytes())
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError) as error:
            faults.append(f"{path}: damaged: {error}")
            continue
        for fault in faults:
            say(f"{fault}; its copy is used")
        return found
    if faults:
        raise ValueError("; ".join(faults))
    return []


def find_stamps(runtime_dir: Path) -> list[object]:
    """Return inode, time and size of each copy, which show whether somebody else wrote or removed it."""
    found: list[object] = []
    for name in (RELEASE_FILE, RELEASE_COPY):
        try:
            stat = (runtime_dir / name).stat()
        except OSError:
            found.append(None)
        else:
            found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return found


def _parse_release(content: bytes) -> list[BusRelease]:
    held = json.loads(content)
    table = held["table"]
    if held["crc32"] != _find_crc(json.dumps(table, indent=1)):
        raise ValueError("its checksum does not hold")
    return [
        BusRelease(entry["bus"], entry["section"], entry["writes"], entry.get("safe", {})) for entry in table
    ]


def _find_crc(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"


async def write_releases(wires: Sequence[BusRelease]) -> dict[str, Sequence[str]]:
    """Make every write, on all buses at once and independently; return the failures by bus.

    A bus whose part cannot be read (another version wrote it) does not affect the others.
    """
    failures = await asyncio.gather(*(_write_bus_release(wire) for wire in wires))
    return {wire.bus: failed for wire, failed in zip(wires, failures, strict=True)}


async def _write_bus_release(wire: BusRelease) -> Sequence[str]:
    if not wire.writes:
        return ()
    failures: list[str] = []

    async def write() -> None:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            failures.extend(await replay_of(wire.section["kind"])(wire.section, wire.writes))

    def report(error: Exception) -> None:
        slow = isinstance(error, TimeoutError)
        failures.append(
            f"not finished within {WRITE_TIMEOUT_S:g} s" if slow else f"{type(error).__name__}: {error}"
        )

    await run_once(write, report)
    return failures
