"""Start the daemon in private namespaces: its state on a disk that can be filled or fails, or systemd as
process 1.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from quartier_hil.processes.child_process import ChildProcess
from quartier_hil.processes.daemon_process import DaemonProcess

if TYPE_CHECKING:
    from quartier_hil.drill.loss_run import LossRun


DISK_MB = 16
# linux/fs.h: FS_IOC_SHUTDOWN, _IOR('X', 125, __u32); 2: neither data nor journal are flushed.
_SHUTDOWN, _NO_FLUSH = 0x8004587D, 2
_BLOCK = bytes(1 << 16)


def _unshare() -> list[str]:
    root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *root, "--mount"]


def explain_no_small_disk() -> str:
    """Return the reason why a disk of its own is impossible here; empty if it is possible."""
    if shutil.which("unshare") is None:
        return "unshare (util-linux) is missing"
    tried = subprocess.run(  # noqa: S603 - our own words
        [*_unshare(), "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True, check=False
    )
    return "" if tried.returncode == 0 else f"no mount namespace is allowed here: {tried.stderr.strip()}"


def explain_no_failing_disk() -> str:
    """Return the reason why a dying disk is impossible here; empty if it is possible."""
    if os.geteuid() != 0:
        return "needs root: an ext4 image on a loop device"
    missing = [name for name in ("mkfs.ext4", "losetup", "unshare") if _find_program(name) is None]
    if missing:
        return f"{', '.join(missing)} is missing"
    return "" if Path("/dev/loop-control").exists() else "this kernel has no loop devices"


def _find_program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


async def use_small_disk(run: "LossRun", work: Path, stack: AsyncExitStack) -> None:  # noqa: ARG001 - as all grounds
    """Let the daemon keep its state on a tmpfs of ``DISK_MB``."""
    _start_in_namespace(run, f"mount -t tmpfs -o size={DISK_MB}m none")


async def use_failing_disk(run: "LossRun", work: Path, stack: AsyncExitStack) -> None:
    """Let the daemon keep its state on an ext4 image."""
    image = work / "disk.img"
    with image.open("wb") as file:
        file.truncate(4 * DISK_MB << 20)
    made = await asyncio.create_subprocess_exec(
        _find_program("mkfs.ext4") or "mkfs.ext4", "-q", "-F", str(image)
    )
    if await made.wait():
        raise OSError(errno.EIO, "mkfs.ext4 failed", str(image))
    stack.callback(image.unlink, missing_ok=True)
    _start_in_namespace(run, f"mount -t ext4 -o loop {image}")


def _start_in_namespace(run: "LossRun", mount: str) -> None:
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


def _find_state_folder(run: "LossRun") -> Path:
    """The state directory as the daemon sees it."""
    return Path(f"/proc/{run.daemon.child.pid}/root{run.daemon.state_dir.resolve()}")


async def fill_disk(run: "LossRun") -> None:
    """Write until nothing more fits."""
    with (_find_state_folder(run) / "filler").open("wb", buffering=0) as file:
        for size in (len(_BLOCK), 512, 1):
            with contextlib.suppress(OSError):
                while file.write(_BLOCK[:size]) == size:
                    pass


async def free_disk(run: "LossRun") -> None:
    """Give the room back."""
    (_find_state_folder(run) / "filler").unlink(missing_ok=True)


async def fail_disk(run: "LossRun") -> None:
    """Let the disk die.  Raises OSError where the kernel will not."""
    folder = os.open(_find_state_folder(run), os.O_RDONLY)
    try:
        fcntl.ioctl(folder, _SHUTDOWN, struct.pack("I", _NO_FLUSH))
    finally:
        os.close(folder)


async def require_failed_disk(run: "LossRun") -> None:
    """Make sure that it was dead: whoever writes there gets an error.  Raises OSError where not."""
    try:
        (_find_state_folder(run) / "trial").write_bytes(b"1")
    except OSError as error:
        if error.errno in (errno.EIO, errno.EROFS):
            return
        raise
    raise OSError(errno.EINVAL, "the disk that was to be dead takes writes")


SYSTEMD = Path("/lib/systemd/systemd")
CONFIG = "/etc/quartier/site.toml"
ROOTS = ("gateway", "drivers", "native")
_BOOT_REAL_S, _LOOK_REAL_S = 60.0, 0.05
# A group of its own: two systemds in one would clear away each other's.
_ENTER_SCRIPT = """\
set -e
mount --make-rprivate /
mount -t cgroup2 none "$1"
mkdir "$1/{group}"
echo $$ > "$1/{group}/cgroup.procs"
umount "$1"
exec unshare --pid --uts --ipc --cgroup --mount --fork --kill-child sh "$2/boot.sh" "$1" "$2"
"""
_BOOT_SCRIPT = """\
set -e
mount --make-rprivate /
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
root="$1/root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 none "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
rm -rf "$root"/etc/systemd/system/*
sh "$2/furnish.sh" "$root"
mkdir "$root/.before"
cd "$root"
# No chroot: in one nobody may make a user namespace, and PrivateUsers asks for one.
pivot_root . .before
cd /
umount -l /.before
exec /usr/bin/env -i container=rig PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
  {systemd} --unit=rig.target --log-target=kmsg --show-status=no
"""
_INSTALL_SCRIPT = """\
set -e
root="$1" ours="$1/opt/quartier" units="$1/etc/systemd/system"
mkdir -p "$ours/bin" "$ours/python" "$ours/site" "$root/etc/quartier"
mount --bind {python} "$ours/python"
mount --bind {packages} "$ours/site"
for name in {roots}; do
  mkdir "$ours/$name"
  mount --bind "{source}/$name" "$ours/$name"
done
cp "{work}/quartier" "$ours/bin/quartier"
chmod 755 "$ours/bin/quartier"
cp "{source}/systemd/quartier.service" "$units/"
mkdir -p "$units/quartier.service.d" "$units/rig.target.wants"
cp "{work}/rig.conf" "$units/quartier.service.d/"
printf '[Unit]\\nDescription=The rig\\n' > "$units/rig.target"
ln -s ../quartier.service "$units/rig.target.wants/quartier.service"
cp "{source}"/systemd/sysusers.d/*.conf "$root/usr/lib/sysusers.d/"
chroot "$root" systemd-sysusers
: > "{work}/daemon.log"
: > "$root/var/log/rig.log"
mount --bind "{work}/daemon.log" "$root/var/log/rig.log"
cp "{work}/inside.toml" "$root{config}"
cp "{work}/issuers.json" "$root/etc/quartier/issuers.json"
chroot "$root" chown -R quartier:quartier /etc/quartier
"""
# Only where our Python lies on this machine, and on which clock it lives, is the rig's.
_DROP_IN = """\
[Service]
Environment=QUARTIER_CLOCK={clock} LD_LIBRARY_PATH=/opt/quartier/python/lib
StandardOutput=append:/var/log/rig.log
StandardError=inherit
"""
_STARTER_SCRIPT = """\
#!/opt/quartier/python/bin/python3
import sys
sys.path[1:1] = [f"/opt/quartier/{name}" for name in ("gateway", "drivers", "native", "site")]
from quartier.cli import main
sys.exit(main())
"""


def explain_no_systemd() -> str:
    """Return the reason why systemd as process 1 is impossible here; empty if it is possible."""
    if os.geteuid() != 0:
        return "needs root: namespaces with an overlay, and systemd as their first process"
    if not SYSTEMD.exists():
        return f"{SYSTEMD} is missing (apt-get install systemd)"
    known = Path("/proc/filesystems").read_text(encoding="ascii").split()
    missing = [name for name in ("overlay", "cgroup2") if name not in known]
    missing += [name for name in ("unshare", "nsenter", "chroot") if shutil.which(name) is None]
    return f"{', '.join(missing)} is missing" if missing else ""


class SystemdDaemon(DaemonProcess):
    """``quartier.service`` as systemd keeps it; started once, restarted by systemd alone."""

    def __init__(self, plain: DaemonProcess, work: Path, pty: Path) -> None:
        self.__dict__.update(plain.__dict__)
        self._booted = False
        port = str(pty.readlink())
        issuers = str(work / "issuers.json")
        text = self.site_file.read_text("utf-8").replace(str(pty), port)
        clock = self.child.env["QUARTIER_CLOCK"].partition(",word=")[0]
        places = {"source": Path(__file__).resolve().parents[3], "work": work, "config": CONFIG}
        places |= {"python": Path(sys.base_prefix), "packages": Path(sysconfig.get_path("purelib"))}
        files = {
            "inside.toml": text.replace(issuers, "/etc/quartier/issuers.json"),
            "quartier": _STARTER_SCRIPT,
            "rig.conf": _DROP_IN.format(clock=clock),
            "furnish.sh": _INSTALL_SCRIPT.format(**places, roots=" ".join(ROOTS)),
            "boot.sh": _BOOT_SCRIPT.format(systemd=SYSTEMD),
            "enter.sh": _ENTER_SCRIPT.format(group=f"quartier-rig-{os.getpid()}-{id(self)}"),
        }
        for name, content in files.items():
            (work / name).write_text(content, encoding="utf-8")
        (work / "namespace").mkdir()
        enter = ["unshare", "--mount", "sh", str(work / "enter.sh"), str(work / "namespace"), str(work)]
        self.child = ChildProcess(enter, work / "systemd.log")

    async def start(self) -> None:
        """Boot, once; afterwards systemd starts the daemon again by itself."""
        self.starts_count += 1
        if not self._booted:
            self._booted = True
            await self.child.start()
            await self._found()

    async def _found(self) -> None:
        """Wait for the daemon's first process."""
        for _ in range(round(_BOOT_REAL_S / _LOOK_REAL_S)):
            if self.main_pid is not None or not self.child.alive:
                break
            await asyncio.sleep(_LOOK_REAL_S)
        if self.main_pid is not None:
            self.runtime_dir = Path("/proc", str(self.init_pid), "root", "run", "quartier")

    @property
    def init_pid(self) -> int:
        """Process 1 of the namespace, as it is called outside."""
        return next(iter(_list_children(self.child.pid or 0)), 0)

    @property
    def main_pid(self) -> int | None:
        """The daemon, as it is called outside; None while there is none."""
        for pid in _list_children(self.init_pid):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"run" in words and CONFIG.encode() in words:
                    return pid
        return None

    @property
    def is_there(self) -> bool:
        """Return whether its process lives."""
        return self.main_pid is not None

    async def kill(self) -> None:
        """SIGKILL to the daemon; what follows is systemd's."""
        self._to_main(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP to the daemon; what follows is systemd's."""
        self._to_main(signal.SIGSTOP)

    def _to_main(self, number: int) -> None:
        if (pid := self.main_pid) is not None:
            os.kill(pid, number)

    async def release(self) -> int:
        """Nothing: systemd calls ExecStopPost."""
        return 0

    async def stop(self) -> int:
        """Stop the service in order, then end the whole namespace."""
        words = [
            "nsenter",
            "-t",
            str(self.init_pid),
            "-m",
            "-p",
            "-u",
            "-i",
            "-C",
            f"-r/proc/{self.init_pid}/root",
        ]
        stop = await asyncio.create_subprocess_exec(*words, "systemctl", "stop", "quartier")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 30.0)
        await self.child.stop(signal.SIGKILL)
        return 0


def _list_children(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (task / "children").read_text(encoding="ascii").split())


async def start_under_systemd(run: "LossRun", work: Path, _stack: AsyncExitStack) -> None:
    """Put the daemon of a run under a systemd of its own, before it is started."""
    pty = work / "rs485"
    # The unit's user is in dialout, which a pseudo terminal knows nothing of.
    pty.chmod(0o666)
    run.daemon = SystemdDaemon(run.daemon, work, pty)
