"""Plan the restore of a backup: verify the file and find a target for each file in it.

The file may come from a stranger.  Nothing is written before its signature and every byte are verified, and
before every file has a target that belongs to this gateway.
"""

import os
import pwd
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from quartier.backup import archive
from quartier.backup.archive import (
    JOURNAL,
    SITE,
    STATE,
    ArchivedFile,
    SignedManifest,
    UnusableBackup,
    hash_file,
)
from quartier.backup.packing import (
    ASIDE,
    NOTIFY_FILE,
    PRIVATE_FOLDER,
    PROFILE_SUFFIX,
    GatewayFolders,
    find_profile_folders,
    find_referenced_files,
)
from quartier.config import loading
from quartier.config.sections.site_file import SiteFile
from quartier.runtime import signing
from quartier.runtime.owned_files import Owner, open_folder, open_plain, use_rights
from quartier_drivers.device_profile.toml_files import TEXT_MAX_BYTES
from quartier_drivers.errors import ConfigError

SERVICE_USER = "quartier"
_SHARED_NAMES = (
    "bin boot dev etc home lib lib64 media mnt opt root run sbin srv sys tmp usr var "
    "etc/systemd run/systemd usr/bin usr/lib usr/local usr/sbin usr/share var/cache var/lib var/log var/spool"
)
SHARED_FOLDERS = frozenset(Path("/", name) for name in ("", *_SHARED_NAMES.split(" ")))
"""Folders of the system (Filesystem Hierarchy Standard 3.0, section 3): never those of one program."""
_KERNEL_FOLDERS = ("/dev", "/proc", "/sys")
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
    folders: GatewayFolders
    """The folders of this machine, without symbolic links."""
    service: Owner
    steps: tuple[RestoreStep, ...]
    objections: tuple[str, ...]
    is_known: bool
    """True if the backup is signed with the key that this machine already has."""

    @property
    def history(self) -> Path:
        """The file of the history on this machine."""
        return self.site.store.file(self.folders.state_dir)


def make_restore_plan(path: Path, folders: GatewayFolders, *, needs_room: bool = True) -> RestorePlan:
    """Verify a whole backup and find the target of each file.

    Raises UnusableBackup if it is damaged, holds a file for a place that is not the gateway's or, with
    ``needs_room``, if a disk has too little free space.
    """
    folders = folders.resolve()
    _check_folders(path, folders)
    signed = archive.read_manifest(path)
    site = _read_site(path, signed)
    service = find_service(folders)
    allowed = _find_allowed_files(site, folders)
    if os.geteuid() == 0 and service.uid == 0 and not allowed.history.is_relative_to(folders.state_dir):
        raise UnusableBackup(
            f"{allowed.history}: the history is outside {folders.state_dir}, and the service is root here, "
            "who may write anywhere; make the user quartier first (systemd-sysusers)"
        )
    steps = tuple(_plan_step(member, signed, folders, service, allowed) for member in signed.manifest.members)
    _check_targets(path, steps)
    if needs_room and (lack := "; ".join(_find_missing_space(steps))):
        raise UnusableBackup(lack)
    archive.check_archive(path, signed)
    plan = RestorePlan(signed, site, folders, service, steps, (), _is_known(signed, folders, service))
    return replace(plan, objections=tuple(_find_objections(plan)))


def find_service(folders: GatewayFolders) -> Owner:
    """Find the user of the service: owner of the state directory, else ``quartier``, else this one.

    A state directory of root, which a person may have made, does not make root the user of the service.
    """
    with suppress(OSError):
        if (found := Owner.of(folders.state_dir)).uid != 0:
            return found
    if os.geteuid() == 0:
        with suppress(KeyError):
            user = pwd.getpwnam(SERVICE_USER)
            return Owner(user.pw_uid, user.pw_gid)
    return Owner(os.geteuid(), os.getegid())


# Checks of a plan


def _check_folders(path: Path, folders: GatewayFolders) -> None:
    """Raise UnusableBackup if a folder is not the gateway's alone, or if the backup lies in one of them."""
    for option, folder in (("--config", folders.config.parent), ("--state-dir", folders.state_dir)):
        if folder in SHARED_FOLDERS or any(folder.is_relative_to(one) for one in _KERNEL_FOLDERS):
            raise UnusableBackup(
                f"{option}: {folder} belongs to the system; give a folder of the gateway's own, such as "
                f"{'/etc/quartier/site.toml' if option == '--config' else '/var/lib/quartier'}"
            )
    for option, folder in (("--config", folders.config.parent), ("--runtime-dir", folders.runtime_dir)):
        if folder.is_relative_to(folders.state_dir):
            raise UnusableBackup(
                f"{option}: {folder} is in {folders.state_dir}, which a restore moves aside; "
                "give another folder"
            )
    if folders.of(JOURNAL).is_symlink():
        raise UnusableBackup(f"{folders.of(JOURNAL)} is a link; expected a folder: remove the link")
    for folder in (folders.state_dir, folders.of(JOURNAL)):
        if path.resolve().is_relative_to(folder):
            raise UnusableBackup(
                f"{path}: lies in {folder}, which a restore moves aside; move the backup elsewhere first"
            )


def _check_targets(path: Path, steps: Sequence[RestoreStep]) -> None:
    """Raise UnusableBackup if two files have one target, or if one lies below another."""
    targets = Counter(step.target for step in steps)
    for target, count in targets.items():
        if count > 1 or any(parent in targets for parent in target.parents):
            raise UnusableBackup(f"{path}: holds two files for {target}; nothing of the backup is written")


def _find_missing_space(steps: Sequence[RestoreStep]) -> Iterator[str]:
    """Say for each disk how much free space it lacks."""
    needed: dict[int, tuple[Path, int]] = {}
    for step in steps:
        if step.action in {ACTION_NEW, ACTION_REPLACES}:
            folder = next(one for one in step.target.parents if one.exists())
            first, size = needed.get(folder.stat().st_dev, (folder, 0))
            needed[folder.stat().st_dev] = first, size + step.member.size
    for folder, size in needed.values():
        missing_bytes = int(size * _DISK_SPACE_SHARE) - shutil.disk_usage(folder).free
        if missing_bytes > 0:
            yield f"{folder}: {missing_bytes / 1e6:.1f} MB of free space are missing"


def _find_objections(plan: RestorePlan) -> Iterator[str]:
    for folder, what in ((plan.folders.state_dir, "state"), (plan.folders.of(JOURNAL), "journal")):
        if list_folder(folder):
            yield f"{folder} is not empty: the {what} of a gateway may be there"
    for step in plan.steps:
        if step.action == ACTION_REPLACES and step.member.place not in {STATE, JOURNAL}:
            yield f"{step.target} exists already, with other content"
    for stale in find_stale_companions(plan):
        yield f"{stale} belongs to a history that is here already"


def list_folder(folder: Path) -> tuple[Path, ...]:
    """Return what a folder holds; nothing if it is missing."""
    return tuple(folder.iterdir()) if folder.is_dir() else ()


def find_stale_companions(plan: RestorePlan) -> tuple[Path, ...]:
    """Find old files beside a history that is outside the state directory, such as a write-ahead log.

    SQLite would apply that log to the new database: it finds it by its name alone (SQLite, "Write-Ahead
    Logging").
    """
    history = plan.history
    if history.is_relative_to(plan.folders.state_dir):
        return ()  # moved aside with the folder
    targets = {step.target for step in plan.steps}
    with use_rights(plan.service), suppress(OSError):
        return tuple(
            one
            for one in list_folder(history.parent)
            if one.name.startswith((f"{history.name}-", f"{history.name}."))
            and ASIDE not in one.name
            and one not in targets
        )
    return ()


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
    named = frozenset(Path(one) for one in find_referenced_files(site))
    return _AllowedFiles(history, named, find_profile_folders(folders, site), folders.config.parent)


@dataclass(frozen=True, slots=True)
class _AllowedFiles:
    """The files that the site file names, besides state and journal."""

    history: Path
    named: frozenset[Path]
    profiles: tuple[Path, ...]
    site_folder: Path

    def holds(self, member: ArchivedFile, target: Path) -> bool:
        """Return whether the site file names this file, or it is a key or ``notify.toml`` beside it."""
        if member.place == SITE and (
            PurePath(member.path).parts[0] == PRIVATE_FOLDER
            or member.path == NOTIFY_FILE
            or self._is_named(member)
        ):
            return True
        is_history = target.parent == self.history.parent and target.name.startswith(self.history.name)
        is_profile = target.suffix == PROFILE_SUFFIX and any(
            target.is_relative_to(one) for one in self.profiles
        )
        return is_history or is_profile or target in self.named

    def _is_named(self, member: ArchivedFile) -> bool:
        """Return whether the old gateway, whose folder may have had another name, named this file."""
        path = PurePath(member.path)
        return any(one.is_absolute() and one.parts[-len(path.parts) :] == path.parts for one in self.named)


def _plan_step(
    member: ArchivedFile,
    signed: SignedManifest,
    folders: GatewayFolders,
    service: Owner,
    allowed: _AllowedFiles,
) -> RestoreStep:
    target = _find_target(member, signed, folders)
    if member.place in {STATE, JOURNAL}:  # the existing folder is moved aside as a whole
        return RestoreStep(member, target, ACTION_REPLACES if os.path.lexists(target) else ACTION_NEW)
    if target != folders.config and not allowed.holds(member, target):
        raise UnusableBackup(
            f"{target}: the backup holds it, but its site file does not name it; "
            "nothing of the backup is written"
        )
    if member.place == SITE:
        _check_no_link(folders.config.parent, target)
        return _compare_with_target(member, target)
    with use_rights(service):
        target = Path(os.path.realpath(target.parent)) / target.name
        step = _compare_with_target(member, target)
        if step.action != ACTION_SAME and (reason := _find_hindrance(target, service)):
            return RestoreStep(member, target, ACTION_LEFT_OUT, reason)
        return step


def _find_hindrance(target: Path, service: Owner) -> str:
    """Say why a file outside the folders is not written; "" if it is."""
    if os.geteuid() == 0 and service.uid == 0:
        return "the service is root here, who may write anywhere; copy the file by hand"
    if not target.parent.is_dir():
        return f"{target.parent} is no folder; copy the file by hand"
    if not os.access(target.parent, os.W_OK | os.X_OK, effective_ids=True):
        return f"{target.parent} is not writable for the service; copy the file by hand"
    return ""


def _compare_with_target(member: ArchivedFile, target: Path) -> RestoreStep:
    if _is_same(target, member):
        return RestoreStep(member, target, ACTION_SAME)
    return RestoreStep(member, target, ACTION_REPLACES if os.path.lexists(target) else ACTION_NEW)


def _check_no_link(base: Path, target: Path) -> None:
    """Raise UnusableBackup if a folder between ``base`` and ``target`` is a link or no folder."""
    try:
        with open_folder(base, target.relative_to(base).parent):
            pass
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UnusableBackup(
            f"{target.parent} is a link, or is no folder ({error.strerror}); make it a folder"
        ) from error


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


def render_steps(plan: RestorePlan) -> Iterator[str]:
    """Describe for people where each file goes, one line per file."""
    for step in plan.steps:
        yield f"{step.action:11} {step.target}" + (f": {step.reason}" if step.reason else "")
