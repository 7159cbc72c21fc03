"""Open and write files as root in folders of the service, following no links.

The service may put links into its own folders.  Root must not read, truncate or
change the owner of the files that they name.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Protocol

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def open_plain(path: Path, flags: int = os.O_RDONLY, mode: str = "rb") -> IO[bytes]:
    """Open a regular file that has only one name.

    Raises OSError: ELOOP if the last part of ``path`` is a symbolic link, PermissionError if it is not a
    regular file or has a second name.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(descriptor)
        raise PermissionError(1, "is not a regular file: a link or a device is in its place", str(path))
    return os.fdopen(descriptor, mode)


@dataclass(frozen=True, slots=True)
class Owner:
    """A user id and a group id."""

    uid: int
    gid: int

    @staticmethod
    def of(path: Path) -> "Owner":
        """Return the owner of a file or folder.  Raises OSError."""
        found = path.stat()
        return Owner(found.st_uid, found.st_gid)


@contextmanager
def use_rights(owner: Owner) -> Iterator[None]:
    """Act with no more rights than ``owner`` if root runs this process; else change nothing."""
    if os.geteuid() != 0 or owner.uid == 0:
        yield
        return
    groups, gid = os.getgroups(), os.getegid()
    os.setgroups(_find_groups(owner))
    os.setegid(owner.gid)
    os.seteuid(owner.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)


@contextmanager
def use_rights_of_owner(folder: Path) -> Iterator[None]:
    """Act with the rights of the owner of ``folder``; change nothing if there is no such folder."""
    try:
        owner = Owner.of(folder)
    except OSError:
        yield
        return
    with use_rights(owner):
        yield


def _find_groups(owner: Owner) -> list[int]:
    """Return the groups of a login of this user: serial ports and GPIO chips are given to groups."""
    import pwd  # noqa: PLC0415 - root alone needs it

    try:
        return os.getgrouplist(pwd.getpwuid(owner.uid).pw_name, owner.gid)
    except KeyError:
        return []


@contextmanager
def open_folder(base: Path, below: PurePath, *, make_mode: int | None = None) -> Iterator[int]:
    """Open the folder ``below`` in ``base`` part by part, following no link; yield its descriptor.

    ``make_mode``: the mode of missing folders, which are made.  Raises OSError.
    """
    descriptor = os.open(base, _FOLDER_FLAGS)
    try:
        for part in below.parts:
            inner = _enter_folder(part, descriptor, make_mode)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _enter_folder(part: str, folder: int, make_mode: int | None) -> int:
    try:
        return os.open(part, _FOLDER_FLAGS, dir_fd=folder)
    except FileNotFoundError:
        if make_mode is None:
            raise
    os.mkdir(part, make_mode, dir_fd=folder)
    made = os.open(part, _FOLDER_FLAGS, dir_fd=folder)
    if os.geteuid() == 0:
        found = os.fstat(folder)
        os.fchown(made, found.st_uid, found.st_gid)
    return made


class Readable(Protocol):
    """Something that is read in parts, such as an open file."""

    def read(self, size: int = -1, /) -> bytes:
        """Read up to ``size`` bytes, or all.  Empty at the end."""


def replace_file(
    folder: int, name: str, body: Readable, mode: int, owner: Owner | None, *, aside: str | None = None
) -> None:
    """Write a whole file durably in an open folder, then rename it to ``name``.

    ``aside``: the new name of what has ``name`` before.  Raises OSError, and what ``body.read`` raises; then
    what was there before is unchanged.
    """
    fresh = f"{name}.new"
    with suppress(FileNotFoundError):
        os.unlink(fresh, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(fresh, flags, 0o600, dir_fd=folder), "wb") as file:
            while part := body.read(1 << 20):
                file.write(part)
            if owner is not None and os.geteuid() == 0:
                os.fchown(file.fileno(), owner.uid, owner.gid)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        if aside is not None:
            with suppress(FileNotFoundError):
                os.rename(name, aside, src_dir_fd=folder, dst_dir_fd=folder)
        os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(fresh, dir_fd=folder)
        raise
