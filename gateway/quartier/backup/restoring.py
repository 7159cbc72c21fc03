"""Restore a backup on this machine; number the next start above every start of the old one.

The file may come from a stranger.  Nothing is written before its signature and every byte are verified, and
before every file has a target that belongs to this gateway.  Root writes with the rights of the service
wherever the service owns the folder.
"""

import grp
import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO

from quartier.backup import archive
from quartier.backup.archive import (
    ELSEWHERE,
    JOURNAL,
    SITE,
    STATE,
    ArchivedFile,
    SignedManifest,
    UnusableBackup,
    hash_file,
)
from quartier.backup.packing import PRIVATE_FOLDER, GatewayFolders, find_last_boot, find_referenced_files
from quartier.config import loading
from quartier.config.sections.site_file import SiteFile
from quartier.runtime import signing, state_file
from quartier.runtime.owned_files import Owner, open_folder, open_plain, replace_file, use_rights
from quartier.store import boots
from quartier_drivers.device_profile.toml_files import TEXT_MAX_BYTES
from quartier_drivers.errors import ConfigError

SERVICE_USER = "quartier"
_DISK_SPACE_SHARE = 1.05
ACTION_NEW, ACTION_SAME, ACTION_REPLACES, ACTION_LEFT_OUT = "new", "same", "replaces", "not written"


@dataclass(frozen=True, slots=True)
class RestoreStep:
    """One file with its target and action (NEW, SAME, REPLACES or LEFT_OUT); ``reason`` explains LEFT_OUT."""

    member: ArchivedFile
    target: Path
    action: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """The steps of a restore; ``objections`` forbid it unless a person overrules them."""

    signed: SignedManifest
    site: SiteFile
    steps: tuple[RestoreStep, ...]
    objections: tuple[str, ...]
    is_known: bool
    """True if the backup is signed with the key that this machine already has."""


def make_restore_plan(path: Path, folders: GatewayFolders, *, needs_room: bool = True) -> RestorePlan:
    """Verify a whole backup and find the target of each file.

    Raises UnusableBackup if it is damaged or, with ``needs_room``, if the disk has too little free space.
    """
    signed = archive.read_manifest(path)
    if needs_room and (missing_bytes := find_missing_bytes(signed, folders)):
        raise UnusableBackup(f"{folders.state_dir}: {missing_bytes / 1e6:.1f} MB of free space are missing")
    site = _read_site(path, signed)
    archive.check_archive(path, signed)
    service = find_service(folders)
    allowed = _find_allowed_files(site, folders)
    steps = tuple(_plan_step(member, signed, folders, service, allowed) for member in signed.manifest.members)
    objections = []
    if folders.state_dir.is_dir() and any(folders.state_dir.iterdir()):
        objections.append(f"{folders.state_dir} holds the state of a gateway already")
    objections += [
        f"{one.target} exists already, with other content" for one in steps if one.action == ACTION_REPLACES
    ]
    return RestorePlan(signed, site, steps, tuple(objections), _is_known(signed, folders, service))


def find_service(folders: GatewayFolders) -> Owner:
    """Find the user of the service: owner of the state directory, else ``quartier``, else this one."""
    with suppress(OSError):
        return Owner.of(folders.state_dir)
    if os.geteuid() == 0:
        with suppress(KeyError):
            found = pwd.getpwnam(SERVICE_USER)
            return Owner(found.pw_uid, found.pw_gid)
    return Owner(os.geteuid(), os.getegid())


def find_missing_bytes(signed: SignedManifest, folders: GatewayFolders) -> int:
    """Return the free space in bytes that the disk of the state directory lacks; 0 if there is enough."""
    folder = next(one for one in (folders.state_dir, *folders.state_dir.parents) if one.exists())
    return max(0, int(signed.manifest.size_bytes * _DISK_SPACE_SHARE) - shutil.disk_usage(folder).free)


def restore_backup(path: Path, plan: RestorePlan, folders: GatewayFolders, utc_ms: int) -> None:
    """Write every file of the plan and raise the boot numbers; existing files are moved aside, never lost.

    The caller holds the daemon's lock.  Raises UnusableBackup or OSError.
    """
    service = find_service(folders)
    _make_state_folder(folders.state_dir, service, utc_ms)
    if not folders.config.parent.exists():
        folders.config.parent.mkdir(mode=0o750, parents=True)
        _set_owner(folders.config.parent, Owner(0, service.gid))
    steps = {step.member.name: step for step in plan.steps}
    for member, body in archive.iterate_files(path, plan.signed):
        step = steps[member.name]
        if step.action in {ACTION_NEW, ACTION_REPLACES}:
            _write_file(step, body, folders, service, utc_ms)
    with use_rights(service):
        raise_numbers(plan, folders, utc_ms)


def raise_numbers(plan: RestorePlan, folders: GatewayFolders, utc_ms: int) -> None:
    """Number the next start above every start of the old machine, so that no sample number is used twice.

    Raises UnusableBackup if the number cannot be saved.
    """
    manifest = plan.signed.manifest
    history = plan.site.store.file(folders.state_dir)
    floor = max(find_last_boot(folders, history), manifest.boot, utc_ms // 1000)
    place = history.with_name(f"{history.name}.boot")
    opened, unsettled = boots.had_history(place), boots.read_started(place)
    if not boots.save_boot(place, floor, opened=opened, unsettled=unsettled, reserved=True):
        raise UnusableBackup(f"{place} cannot be written: the restored gateway would repeat numbers")
    state_file.mark_restored(folders.state_dir, utc_ms, manifest.made_utc_ms, floor)


# Targets


def _read_site(path: Path, signed: SignedManifest) -> SiteFile:
    """Read the site file of the backup: it decides which files outside the folders belong to the gateway.

    Raises UnusableBackup if it is too large, cannot be used, or contradicts the manifest.
    """
    member = signed.manifest.site_member
    if member.size > TEXT_MAX_BYTES:
        raise UnusableBackup(f"{path}: its site file has {member.size} bytes; at most {TEXT_MAX_BYTES}")
    try:
        text = archive.read_member(path, signed, member).decode("utf-8-sig")
        site = loading.read_site(loading.ReplacementText(f"{path}: {member.path}", text))
    except (ConfigError, UnicodeDecodeError) as error:
        raise UnusableBackup(f"{path}: its site file cannot be used: {error}") from error
    manifest = signed.manifest
    if f"{site.site.district}.{site.site.id}" != manifest.gateway or site.store.path != manifest.history:
        raise UnusableBackup(f"{path}: its manifest and its site file name different gateways or histories")
    return site


def _find_allowed_files(site: SiteFile, folders: GatewayFolders) -> "_AllowedFiles":
    history = site.store.file(folders.state_dir)
    named = frozenset(str(Path(one).absolute()) for one in find_referenced_files(site))
    profiles = tuple((folders.config.parent / one).absolute() for one in site.site.profiles)
    return _AllowedFiles(history, named, profiles)


@dataclass(frozen=True, slots=True)
class _AllowedFiles:
    """The files outside the gateway's folders that its site file names."""

    history: Path
    named: frozenset[str]
    profiles: tuple[Path, ...]

    def holds(self, target: Path) -> bool:
        """Return whether the site file names this file."""
        is_history = target.parent == self.history.parent and target.name.startswith(self.history.name)
        return (
            is_history
            or str(target) in self.named
            or any(target.is_relative_to(one) for one in self.profiles)
        )


def _plan_step(
    member: ArchivedFile,
    signed: SignedManifest,
    folders: GatewayFolders,
    service: Owner,
    allowed: _AllowedFiles,
) -> RestoreStep:
    target = _find_target(member, signed, folders)
    if member.place == ELSEWHERE and not allowed.holds(target):
        raise UnusableBackup(
            f"{target}: the backup holds it, but its site file does not name it; nothing was written"
        )
    if member.place in {STATE, JOURNAL}:
        return RestoreStep(member, target, ACTION_NEW)  # the existing folder is moved aside as a whole
    with use_rights(service) if member.place == ELSEWHERE else nullcontext():
        if _is_same(target, member):
            return RestoreStep(member, target, ACTION_SAME)
        if member.place == ELSEWHERE and not os.access(target.parent, os.W_OK | os.X_OK, effective_ids=True):
            reason = f"{target.parent} is not writable for the service; copy the file by hand"
            return RestoreStep(member, target, ACTION_LEFT_OUT, reason)
        return RestoreStep(member, target, ACTION_REPLACES if os.path.lexists(target) else ACTION_NEW)


def _find_target(member: ArchivedFile, signed: SignedManifest, folders: GatewayFolders) -> Path:
    if member == signed.manifest.site_member:
        return folders.config
    return folders.of(member.place) / member.path


def _is_same(target: Path, member: ArchivedFile) -> bool:
    with suppress(OSError), open_plain(target) as file:
        return hash_file(file) == member.sha256
    return False


def _is_known(signed: SignedManifest, folders: GatewayFolders, service: Owner) -> bool:
    try:
        with use_rights(service):
            private = signing.find_key(folders.state_dir)
    except (OSError, ValueError):
        return False
    return private is not None and signing.find_public_key(private) == signed.public_key


# Writing


def _make_state_folder(folder: Path, service: Owner, utc_ms: int) -> None:
    """Make the state directory; move existing content to a new folder beside it."""
    if not folder.exists():
        folder.mkdir(mode=0o750, parents=True)
        _set_owner(folder, service)
    if any(folder.iterdir()):
        aside = folder.with_name(f"{folder.name}.before-{utc_ms}")
        aside.mkdir(mode=0o700)
        _set_owner(aside, service)
        with use_rights(service):
            for one in tuple(folder.iterdir()):
                shutil.move(one, aside / one.name)


def _write_file(
    step: RestoreStep, body: IO[bytes], folders: GatewayFolders, service: Owner, utc_ms: int
) -> None:
    """Write one file durably, with its mode and owner."""
    member, target = step.member, step.target
    if member.place == ELSEWHERE:
        with use_rights(service):
            _replace_file(Path(target.anchor), target, body, None, member, utc_ms)
    elif member.place == SITE:
        _replace_file(folders.config.parent, target, body, _find_owner(member, service), member, utc_ms)
    else:
        base = folders.state_dir if member.place == STATE else folders.runtime_dir
        with use_rights(service if member.place == STATE else Owner.of(base)):
            _replace_file(base, target, body, None, member, utc_ms)


def _replace_file(
    base: Path, target: Path, body: IO[bytes], owner: Owner | None, member: ArchivedFile, utc_ms: int
) -> None:
    below = PurePath(target.relative_to(base)).parent
    mode = 0o700 if PRIVATE_FOLDER in below.parts else 0o750
    with open_folder(base, below, make_mode=mode) as folder:
        with suppress(FileNotFoundError):
            if member.place not in {STATE, JOURNAL}:
                aside = f"{target.name}.before-{utc_ms}"
                os.rename(target.name, aside, src_dir_fd=folder, dst_dir_fd=folder)
        replace_file(folder, target.name, body, member.mode & 0o664, owner)


def _find_owner(member: ArchivedFile, service: Owner) -> Owner:
    """Return the owner of a file beside the site file: root or the service, never anybody else."""
    uids, gids = {"root": 0}, {"root": 0}
    with suppress(KeyError):
        uids[pwd.getpwuid(service.uid).pw_name] = service.uid
    with suppress(KeyError):
        gids[grp.getgrgid(service.gid).gr_name] = service.gid
    return Owner(uids.get(member.owner, 0), gids.get(member.group, service.gid))


def _set_owner(path: Path, owner: Owner) -> None:
    if os.geteuid() == 0:
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


def render_steps(plan: RestorePlan) -> Iterator[str]:
    """Describe for people where each file goes, one line per file."""
    for step in plan.steps:
        yield f"{step.action:11} {step.target}" + (f": {step.reason}" if step.reason else "")
