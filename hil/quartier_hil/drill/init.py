"""The daemon under a systemd of its own: our unit as it is shipped, systemd as process 1 of a namespace.

The machine's own root is seen through an overlay that is thrown away; the network is the machine's, so that
the rig's devices are met as always.  What is ours stands in /opt/quartier, as the unit says.  Needs root.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from quartier_hil.stage.child import Child
from quartier_hil.stage.daemon import Daemon

if TYPE_CHECKING:
    from quartier_hil.drill.rehearsal import Rehearsal

SYSTEMD = Path("/lib/systemd/systemd")
CONFIG = "/etc/quartier/site.toml"
ROOTS = ("gateway", "drivers", "native")
_BOOT_REAL_S, _LOOK_REAL_S = 60.0, 0.05
# A group of its own: two systemds in one would clear away each other's.
_ENTER = """\
set -e
mount --make-rprivate /
mount -t cgroup2 none "$1"
mkdir "$1/{group}"
echo $$ > "$1/{group}/cgroup.procs"
umount "$1"
exec unshare --pid --uts --ipc --cgroup --mount --fork --kill-child sh "$2/boot.sh" "$1" "$2"
"""
_BOOT = """\
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
_FURNISH = """\
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
_STARTER = """\
#!/opt/quartier/python/bin/python3
import sys
sys.path[1:1] = [f"/opt/quartier/{name}" for name in ("gateway", "drivers", "native", "site")]
from quartier.cli import main
sys.exit(main())
"""


def why_not() -> str:
    """Return the reason why systemd as process 1 is impossible here; empty if it is possible."""
    if os.geteuid() != 0:
        return "needs root: namespaces with an overlay, and systemd as their first process"
    if not SYSTEMD.exists():
        return f"{SYSTEMD} is missing (apt-get install systemd)"
    known = Path("/proc/filesystems").read_text(encoding="ascii").split()
    missing = [name for name in ("overlay", "cgroup2") if name not in known]
    missing += [name for name in ("unshare", "nsenter", "chroot") if shutil.which(name) is None]
    return f"{', '.join(missing)} is missing" if missing else ""


class UnderSystemd(Daemon):
    """``quartier.service`` as systemd keeps it; started once, restarted by systemd alone."""

    def __init__(self, plain: Daemon, work: Path, pty: Path) -> None:
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
            "quartier": _STARTER,
            "rig.conf": _DROP_IN.format(clock=clock),
            "furnish.sh": _FURNISH.format(**places, roots=" ".join(ROOTS)),
            "boot.sh": _BOOT.format(systemd=SYSTEMD),
            "enter.sh": _ENTER.format(group=f"quartier-rig-{os.getpid()}-{id(self)}"),
        }
        for name, content in files.items():
            (work / name).write_text(content, encoding="utf-8")
        (work / "namespace").mkdir()
        enter = ["unshare", "--mount", "sh", str(work / "enter.sh"), str(work / "namespace"), str(work)]
        self.child = Child(enter, work / "systemd.log")

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
        return next(iter(_children(self.child.pid or 0)), 0)

    @property
    def main_pid(self) -> int | None:
        """The daemon, as it is called outside; None while there is none."""
        for pid in _children(self.init_pid):
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


def _children(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (task / "children").read_text(encoding="ascii").split())


async def under_systemd(run: "Rehearsal", work: Path, _stack: AsyncExitStack) -> None:
    """Put the daemon of a run under a systemd of its own, before it is started."""
    pty = work / "rs485"
    # The unit's user is in dialout, which a pseudo terminal knows nothing of.
    pty.chmod(0o666)
    run.daemon = UnderSystemd(run.daemon, work, pty)
