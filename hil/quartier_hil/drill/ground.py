"""The daemon's state directory on a disk that can be filled, or dies, in a private mount namespace.

Full: a tmpfs of some MB; without root in a user namespace of one's own.  Dead: an ext4 image on a loop device
that the kernel shuts down as it does a failing disk (FS_IOC_SHUTDOWN: every later write ends in an error);
needs root.  Nothing outside the namespace sees either.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import shutil
import struct
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quartier_hil.drill.rehearsal import Rehearsal

DISK_MB = 16
# linux/fs.h: FS_IOC_SHUTDOWN, _IOR('X', 125, __u32); 2: neither data nor journal are flushed.
_SHUTDOWN, _NO_FLUSH = 0x8004587D, 2
_BLOCK = bytes(1 << 16)


def _unshare() -> list[str]:
    root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *root, "--mount"]


def why_not_full() -> str:
    """Return the reason why a disk of its own is impossible here; empty if it is possible."""
    if shutil.which("unshare") is None:
        return "unshare (util-linux) is missing"
    tried = subprocess.run(  # noqa: S603 - our own words
        [*_unshare(), "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True, check=False
    )
    return "" if tried.returncode == 0 else f"no mount namespace is allowed here: {tried.stderr.strip()}"


def why_not_dead() -> str:
    """Return the reason why a dying disk is impossible here; empty if it is possible."""
    if os.geteuid() != 0:
        return "needs root: an ext4 image on a loop device"
    missing = [name for name in ("mkfs.ext4", "losetup", "unshare") if _found(name) is None]
    if missing:
        return f"{', '.join(missing)} is missing"
    return "" if Path("/dev/loop-control").exists() else "this kernel has no loop devices"


def _found(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


async def small(run: "Rehearsal", work: Path, stack: AsyncExitStack) -> None:  # noqa: ARG001 - as all grounds
    """Let the daemon keep its state on a tmpfs of ``DISK_MB``."""
    _inside(run, f"mount -t tmpfs -o size={DISK_MB}m none")


async def mortal(run: "Rehearsal", work: Path, stack: AsyncExitStack) -> None:
    """Let the daemon keep its state on an ext4 image."""
    image = work / "disk.img"
    with image.open("wb") as file:
        file.truncate(4 * DISK_MB << 20)
    made = await asyncio.create_subprocess_exec(_found("mkfs.ext4") or "mkfs.ext4", "-q", "-F", str(image))
    if await made.wait():
        raise OSError(errno.EIO, "mkfs.ext4 failed", str(image))
    stack.callback(image.unlink, missing_ok=True)
    _inside(run, f"mount -t ext4 -o loop {image}")


def _inside(run: "Rehearsal", mount: str) -> None:
    """Start the daemon in a namespace where its state directory is that mount."""
    script = f'{mount} "$1" && shift && exec "$@"'
    run.daemon.child.argv = [
        *_unshare(),
        "sh",
        "-c",
        script,
        "sh",
        str(run.daemon.state_dir),
        *run.daemon.child.argv,
    ]


def _seen(run: "Rehearsal") -> Path:
    """The state directory as the daemon sees it."""
    return Path(f"/proc/{run.daemon.child.pid}/root{run.daemon.state_dir.resolve()}")


async def fill(run: "Rehearsal") -> None:
    """Write until nothing more fits."""
    with (_seen(run) / "filler").open("wb", buffering=0) as file:
        for size in (len(_BLOCK), 512, 1):
            with contextlib.suppress(OSError):
                while file.write(_BLOCK[:size]) == size:
                    pass


async def clear(run: "Rehearsal") -> None:
    """Give the room back."""
    (_seen(run) / "filler").unlink(missing_ok=True)


async def die(run: "Rehearsal") -> None:
    """Let the disk die.  Raises OSError where the kernel will not."""
    folder = os.open(_seen(run), os.O_RDONLY)
    try:
        fcntl.ioctl(folder, _SHUTDOWN, struct.pack("I", _NO_FLUSH))
    finally:
        os.close(folder)


async def stays_dead(run: "Rehearsal") -> None:
    """Make sure that it was dead: whoever writes there gets an error.  Raises OSError where not."""
    try:
        (_seen(run) / "trial").write_bytes(b"1")
    except OSError as error:
        if error.errno in (errno.EIO, errno.EROFS):
            return
        raise
    raise OSError(errno.EINVAL, "the disk that was to be dead takes writes")
