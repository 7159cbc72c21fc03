"""The Debian package under systemd: installation, upgrade, and the ways back from a bad version.

Run by ``make package-test``, which builds the package and a Debian 13 without compiler. Needs root.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE, DEBIAN = (os.environ.get(name) for name in ("QUARTIER_PACKAGE", "QUARTIER_DEBIAN"))

pytestmark = [
    pytest.mark.peer,
    pytest.mark.measurement,  # minutes: `make package-test` runs it, not `make test`
    pytest.mark.skipif(not (PACKAGE and DEBIAN), reason="run by make package-test"),
]

LIB = "/usr/lib/quartier"
SITE = """\
site = { id = "b012", district = "issy", time_zone = "Europe/Paris" }
limits = { contract_import_w = 12000, contract_export_w = 6000 }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1", port = 5020 }
devices.meter = { bus = "lan", profile = "eastron/sdm630", unit = 1 }
assets.grid = { role = "grid", device = "meter" }
"""
ENTER = """\
set -e
mount --make-rprivate /
mkdir -p "$1/cgroup"
mount -t cgroup2 none "$1/cgroup"
mkdir "$1/cgroup/$2"
echo $$ > "$1/cgroup/$2/cgroup.procs"
umount "$1/cgroup"
exec unshare --pid --uts --ipc --cgroup --mount --net --fork --kill-child sh "$1/boot.sh" "$1"
"""
BOOT = """\
set -e
mount --make-rprivate /
root="$1/root"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 none "$root/sys/fs/cgroup"
mkdir -p "$root/dev"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mkdir -p "$root/.before"
cd "$root"
pivot_root . .before
cd /
umount -l /.before
exec /usr/bin/env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
  /lib/systemd/systemd --unit=multi-user.target --log-target=kmsg --show-status=no
"""


class Machine:
    """A Debian 13 with systemd as process 1, in namespaces of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.root.mkdir()
        subprocess.run(
            ["tar", "--extract", "--exclude=./dev/*", f"--file={DEBIAN}", f"--directory={self.root}"],
            check=True,
        )
        (folder / "enter.sh").write_text(ENTER, encoding="utf-8")
        (folder / "boot.sh").write_text(BOOT, encoding="utf-8")
        words = [
            "unshare",
            "--mount",
            "sh",
            str(folder / "enter.sh"),
            str(folder),
            f"quartier-package-{os.getpid()}",
        ]
        self._log = (folder / "systemd.log").open("wb")
        self.process = subprocess.Popen(words, stdout=self._log, stderr=self._log)
        self._wait_until(
            lambda: self.run("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"}
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside."""
        children = (
            Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii").split()
        )
        if not children:
            return subprocess.CompletedProcess(words, 255, "", "not started")
        enter = [
            "nsenter",
            "-t",
            children[0],
            *("-m", "-p", "-u", "-i", "-C", "-n"),
            f"-r/proc/{children[0]}/root",
        ]
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "DEBIAN_FRONTEND": "noninteractive",
            "LANG": "C.UTF-8",
        }
        return subprocess.run(
            [*enter, *words],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=environment,
            timeout=300,
        )

    def install(self, package: Path) -> subprocess.CompletedProcess[str]:
        """Install a package; what it needs is there already."""
        shutil.copy(package, self.root / "var" / "quartier.deb")
        return self.run("dpkg", "--install", "/var/quartier.deb")

    def show(self, name: str) -> str:
        """Return a property of the service."""
        return self.run("systemctl", "show", "--property", name, "--value", "quartier.service").stdout.strip()

    def find_tree(self) -> str:
        """Return which tree is in use."""
        return str((self.root / LIB[1:] / "current").readlink())

    def _wait_until(self, holds: object) -> None:
        end_s = time.monotonic() + 120
        while time.monotonic() < end_s:
            if self.process.poll() is not None:
                break
            if callable(holds) and holds():
                return
            time.sleep(0.2)
        pytest.fail(f"systemd did not come up: {(self.folder / 'systemd.log').read_text()}")

    def end(self) -> None:
        """End everything inside."""
        self.process.kill()
        self.process.wait()
        self._log.close()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("machine")
    machine = Machine(folder)
    try:
        yield machine
    finally:
        machine.end()
        shutil.rmtree(folder, ignore_errors=True)


def make_variant(folder: Path, version: str, start: str = "") -> Path:
    """Make the same package with another version, and another start script."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", str(PACKAGE), str(tree)], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", control.read_text()))
    (info,) = tree.glob("usr/lib/quartier/tree/quartier-*.dist-info")
    metadata = info / "METADATA"
    metadata.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", metadata.read_text(), count=1))
    if start:
        (tree / LIB[1:] / "tree" / "start").write_text(start)
    package = folder / f"quartier_{version}.deb"
    subprocess.run(
        ["dpkg-deb", "-Znone", "--build", str(tree), str(package)], check=True, capture_output=True
    )
    shutil.rmtree(tree)
    return package


def test_package_is_installed_upgraded_and_goes_back_from_bad_versions(
    machine: Machine, tmp_path: Path
) -> None:
    # Installed without a site file: nothing runs, and the next step is named.
    done = machine.install(Path(PACKAGE or ""))
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "next: write /etc/quartier/site.toml" in done.stdout + done.stderr
    first = machine.run("quartier", "--version").stdout.split()[1]
    assert "inactive" == machine.show("ActiveState")
    assert "compiled" in machine.run("quartier", "engines").stdout

    # With a site file it runs as its own user.
    (machine.root / "etc" / "quartier" / "site.toml").write_text(SITE)
    assert 0 == machine.run("systemctl", "start", "quartier").returncode, machine.run(
        "journalctl", "-u", "quartier"
    )
    assert "active" == machine.show("ActiveState")
    first_pid = machine.show("MainPID")
    assert "quartier" == machine.run("ps", "-o", "user=", "-p", first_pid).stdout.strip()
    assert 0 == machine.run("quartier", "status").returncode

    # A good version is used at once.
    done = machine.install(make_variant(tmp_path, "0.1.1"))
    assert 0 == done.returncode, done.stdout + done.stderr
    assert ("active", "tree") == (machine.show("ActiveState"), machine.find_tree())
    assert "quartier 0.1.1" == machine.run("quartier", "--version").stdout.strip()
    good_pid = machine.show("MainPID")
    assert first_pid != good_pid
    assert first != "0.1.1"

    # A version that refuses the site file changes nothing: the same process runs on.
    refusing = '#!/bin/sh\necho "site.toml:1: site: is wrong" >&2\nexit 78\n'
    done = machine.install(make_variant(tmp_path, "0.1.2", refusing))
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "the previous version stays in use" in done.stdout + done.stderr
    assert ("active", "previous", good_pid) == (
        machine.show("ActiveState"),
        machine.find_tree(),
        machine.show("MainPID"),
    )
    assert "quartier 0.1.1" == machine.run("quartier", "--version").stdout.strip()

    # A version that never becomes ready is left after 60 s.
    hanging = '#!/bin/sh\n[ "$1" = run ] || exit 0\nexec sleep 1000\n'
    began_s = time.monotonic()
    done = machine.install(make_variant(tmp_path, "0.1.3", hanging))
    assert time.monotonic() - began_s >= 60
    assert "was not ready in 60 s" in done.stdout + done.stderr
    assert ("active", "previous") == (machine.show("ActiveState"), machine.find_tree())
    assert "quartier 0.1.1" == machine.run("quartier", "--version").stdout.strip()

    # A good one afterwards is used, and keeps the last good one as the way back.
    done = machine.install(make_variant(tmp_path, "0.1.4"))
    assert ("active", "tree") == (machine.show("ActiveState"), machine.find_tree())
    assert "quartier 0.1.4" == machine.run("quartier", "--version").stdout.strip()
    previous = machine.root / LIB[1:] / "previous"
    assert [f"quartier-{first}.dist-info"] == [path.name for path in previous.glob("quartier-*.dist-info")]
    assert "Version: 0.1.1" in next(previous.glob("quartier-*.dist-info/METADATA")).read_text()

    # Removal stops it and leaves what belongs to the building.
    assert 0 == machine.run("dpkg", "--purge", "quartier").returncode
    assert not (machine.root / LIB[1:]).exists()
    assert (machine.root / "etc" / "quartier" / "site.toml").exists()
    assert (machine.root / "var" / "lib" / "quartier").is_dir()
