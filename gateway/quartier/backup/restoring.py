"""Restore a backup on this machine; number the next start above every start of the old one.

Root writes with the rights of the service wherever the service owns the folder.
"""

import errno
import grp
import os
import pwd
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePath

from quartier.backup import archive
from quartier.backup.archive import ELSEWHERE, JOURNAL, SITE, STATE, ArchivedFile, UnusableBackup
from quartier.backup.packing import ASIDE, PRIVATE_FOLDER, GatewayFolders, find_last_boot
from quartier.backup.restore_plan import (
    ACTION_NEW,
    ACTION_REPLACES,
    RestorePlan,
    RestoreStep,
    find_stale_companions,
    list_folder,
)
from quartier.runtime import state_file
from quartier.runtime.owned_files import Owner, Readable, open_folder, replace_file, use_rights
from quartier.store import boots


def restore_backup(path: Path, plan: RestorePlan, utc_ms: int) -> None:
    """Write every file of the plan and raise the boot numbers; existing files are moved aside, never lost.

    The caller holds the daemon's lock.  Raises UnusableBackup or OSError.
    """
    folders, service = plan.folders, plan.service
    _move_state_aside(plan, utc_ms)
    if not folders.config.parent.exists():
        folders.config.parent.mkdir(mode=0o750, parents=True)
        _set_owner(folders.config.parent, Owner(0, service.gid))
    steps = {step.member.name: step for step in plan.steps}
    for member, body in archive.iterate_files(path, plan.signed):
        step = steps[member.name]
        if step.action in {ACTION_NEW, ACTION_REPLACES}:
            _write_file(step, body, folders, service, utc_ms)
    with use_rights(service):
        _raise_numbers(plan, utc_ms)


def _raise_numbers(plan: RestorePlan, utc_ms: int) -> None:
    """Number the next start above every start of the old machine, so that no sample number is used twice.

    Raises UnusableBackup if the number cannot be saved.
    """
    manifest = plan.signed.manifest
    floor = max(find_last_boot(plan.folders, plan.history), manifest.boot, utc_ms // 1000)
    place = plan.history.with_name(f"{plan.history.name}.boot")
    opened, unsettled = boots.had_history(place), boots.read_started(place)
    if not boots.save_boot(place, floor, opened=opened, unsettled=unsettled, reserved=True):
        raise UnusableBackup(f"{place} cannot be written: the restored gateway would repeat numbers")
    state_file.mark_restored(plan.folders.state_dir, utc_ms, manifest.made_utc_ms, floor)


# Writing


def _move_state_aside(plan: RestorePlan, utc_ms: int) -> None:
    """Make the state directory; move existing state, journal and history to new names."""
    folder, journal, service = plan.folders.state_dir, plan.folders.of(JOURNAL), plan.service
    for stale in find_stale_companions(plan):
        with use_rights(service):
            stale.rename(stale.with_name(f"{stale.name}{ASIDE}{utc_ms}"))
    if not folder.exists():
        folder.mkdir(mode=0o750, parents=True)
        _set_owner(folder, service)
    aside = folder.with_name(f"{folder.name}{ASIDE}{utc_ms}")
    for source, target, owner in (
        (folder, aside, Owner.of(folder)),
        (journal, aside / journal.name, Owner.of(plan.folders.runtime_dir)),
    ):
        if found := list_folder(source):
            for made in dict.fromkeys((aside, target)):
                made.mkdir(mode=0o700, exist_ok=True)
                _set_owner(made, owner)
            _move_files(found, source, target, owner)
    _set_owner(folder, service)


def _move_files(files: Sequence[Path], source: Path, target: Path, owner: Owner) -> None:
    """Move files of one folder to another, following no link; copy them where the disk is another one."""
    with open_folder(source, PurePath()) as old, open_folder(target, PurePath()) as new:
        for file in files:
            try:
                os.rename(file.name, file.name, src_dir_fd=old, dst_dir_fd=new)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                with use_rights(owner):
                    shutil.move(file, target / file.name)


def _write_file(
    step: RestoreStep, body: Readable, folders: GatewayFolders, service: Owner, utc_ms: int
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
    base: Path, target: Path, body: Readable, owner: Owner | None, member: ArchivedFile, utc_ms: int
) -> None:
    below = PurePath(target.relative_to(base)).parent
    is_secret = member.place in {STATE, JOURNAL} or PRIVATE_FOLDER in below.parts
    aside = None if member.place in {STATE, JOURNAL} else f"{target.name}{ASIDE}{utc_ms}"
    with open_folder(base, below, make_mode=0o700 if PRIVATE_FOLDER in below.parts else 0o750) as folder:
        mode = member.mode & (0o640 if is_secret else 0o664)
        replace_file(folder, target.name, body, mode, owner, aside=aside)


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
