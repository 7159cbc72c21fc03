"""A backup put on this machine: its numbers go on above all that the old one can have given.

Nothing is written before every byte of the file is proved and every objection is known.
"""

import grp
import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from quartier.app import restored
from quartier.app.archive import JOURNAL, SITE, STATE, Manifest, Member, Unusable, check, contents, sha256
from quartier.app.backup import PRIVATE, Folders, last_boot
from quartier.store import boots

_ROOM_SHARE = 1.05


def objections(path: Path, folders: Folders) -> tuple[Manifest, list[str]]:
    """What the backup holds, and why it may not be put here.  Raises Unusable where it is damaged."""
    manifest = check(path)
    found = []
    if folders.state_dir.is_dir() and any(folders.state_dir.iterdir()):
        found.append(f"{folders.state_dir} holds the state of a gateway already")
    for member in manifest.members:
        target = _target(member, manifest, folders)
        if member.place not in {STATE, JOURNAL} and target.exists() and not _is_same(target, member):
            found.append(f"{target} is there already, and is another one")
    return manifest, found


def room_missing_bytes(manifest: Manifest, folders: Folders) -> int:
    """How much room the disk of the state directory lacks; 0 where there is enough."""
    folder = next(one for one in (folders.state_dir, *folders.state_dir.parents) if one.exists())
    return max(0, int(manifest.size_bytes * _ROOM_SHARE) - shutil.disk_usage(folder).free)


def put(path: Path, folders: Folders, utc_ms: int) -> Manifest:
    """Write every file and raise the numbers; what stood there is moved aside, never lost.

    The daemon's lock is held by the caller.  Raises Unusable or OSError.
    """
    manifest = check(path)
    _set_aside(folders.state_dir, utc_ms)
    folders.state_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    for member, body in contents(path):
        _place(member, body, _target(member, manifest, folders), folders, utc_ms)
    raise_numbers(manifest, folders, utc_ms)
    return manifest


def raise_numbers(manifest: Manifest, folders: Folders, utc_ms: int) -> None:
    """The next start is numbered above every start of the old machine until now: no key comes twice."""
    history = folders.state_dir / manifest.history
    floor = max(last_boot(folders, history), manifest.boot, utc_ms // 1000)
    place = history.with_name(f"{history.name}.boot")
    opened, unsettled = boots.had_history(place), boots.read_started(place)
    if not boots.keep_boot(place, floor, opened=opened, unsettled=unsettled, reserved=True):
        raise Unusable(f"{place} cannot be written: the restored gateway would repeat numbers")
    restored.keep(folders.state_dir, utc_ms, manifest.made_utc_ms, floor)
    for owned in (place, *folders.state_dir.glob(f"{restored.FILE}.*")):
        _give(owned, folders.state_dir)


def _target(member: Member, manifest: Manifest, folders: Folders) -> Path:
    if (member.place, member.path) == (SITE, manifest.site_file):
        return folders.config
    return folders.of(member.place) / member.path


def _is_same(target: Path, member: Member) -> bool:
    with suppress(OSError), target.open("rb") as file:
        return sha256(file) == member.sha256
    return False


def _set_aside(folder: Path, utc_ms: int) -> None:
    """What stands in the state directory goes into a folder of its own beside it."""
    if folder.is_dir() and any(folder.iterdir()):
        aside = folder.with_name(f"{folder.name}.before-{utc_ms}")
        aside.mkdir(mode=0o700)
        for one in tuple(folder.iterdir()):
            shutil.move(one, aside / one.name)


def _place(member: Member, body: IO[bytes], target: Path, folders: Folders, utc_ms: int) -> None:
    """One file, durable, with its mode and its owner."""
    for folder in reversed(tuple(_absent(target.parent))):
        folder.mkdir(mode=0o700 if folder.name == PRIVATE else 0o750)
        _give(folder, folder.parent)
    if member.place not in {STATE, JOURNAL} and target.exists():
        if _is_same(target, member):
            return
        target.rename(target.with_name(f"{target.name}.before-{utc_ms}"))
    beside = target.with_name(f"{target.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
        shutil.copyfileobj(body, file)
        file.flush()
        os.fsync(file.fileno())
    beside.chmod(member.mode & 0o777)
    if member.place in {STATE, JOURNAL}:
        _give(beside, folders.of(member.place) if member.place == STATE else folders.runtime_dir)
    else:
        _own(beside, member)
    beside.replace(target)


def _absent(folder: Path) -> Iterator[Path]:
    while not folder.exists():
        yield folder
        folder = folder.parent


def _give(path: Path, like: Path) -> None:
    """To whoever owns the folder: root may restore, the gateway must read."""
    if os.geteuid() == 0:
        found = like.stat()
        os.chown(path, found.st_uid, found.st_gid)


def _own(path: Path, member: Member) -> None:
    """To whom it belonged, where this machine knows them."""
    if os.geteuid() == 0:
        with suppress(KeyError):
            os.chown(path, pwd.getpwnam(member.owner).pw_uid, grp.getgrnam(member.group).gr_gid)
