"""Buildings of network namespaces: each a host of its own on one Ethernet, joined by veth pairs and a bridge."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
READY_S = 30
RUN_S = 60


def ip(*words: str) -> None:
    """One command of iproute2; what it complains of is the test's failure."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=RUN_S)


class Village:
    """Hosts by name; ``host`` adds one with its address (``10.77.1.1/24``)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tag = f"qb{os.getpid() % 100_000}"
        self._spaces: list[str] = []
        self._running: list[subprocess.Popen[str]] = []
        self._bridge = self._space("hub")
        ip("-n", self._bridge, "link", "add", "br0", "type", "bridge")
        ip("-n", self._bridge, "link", "set", "br0", "up")

    def _space(self, name: str) -> str:
        space = f"{self._tag}{name}"
        ip("netns", "add", space)
        self._spaces.append(space)
        ip("-n", space, "link", "set", "lo", "up")
        return space

    def host(self, name: str, address: str, *reaches: str) -> None:
        """A host on the Ethernet; ``reaches`` are other subnets on it."""
        space = self._space(name)
        ip("-n", space, "link", "add", "eth0", "type", "veth", "peer", "name", name, "netns", self._bridge)
        ip("-n", self._bridge, "link", "set", name, "master", "br0", "up")
        ip("-n", space, "address", "add", address, "broadcast", "+", "dev", "eth0")
        ip("-n", space, "link", "set", "eth0", "up")
        for subnet in reaches:
            ip("-n", space, "route", "add", subnet, "dev", "eth0")

    def start(self, name: str, *argv: str) -> subprocess.Popen[str]:
        """Start a program there that says ``ready``, by its path after this Python."""
        words = ["ip", "netns", "exec", self._tag + name, sys.executable, *argv]
        one = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment(), cwd=ROOT
        )
        self._running.append(one)
        assert one.stdout is not None
        said = one.stdout.readline()
        assert said.startswith("ready"), said
        return one

    def serve(self, name: str, **plan: object) -> subprocess.Popen[str]:
        """The rig's devices on a host."""
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(plan))
        return self.start(name, "-m", "quartier_hil.devices.bacnet.program", str(file))

    def quartier(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """One command of ours on a host."""
        argv = ["ip", "netns", "exec", self._tag + name, sys.executable, "-m", "quartier.cli", *words]
        return subprocess.run(
            argv, capture_output=True, text=True, check=False, env=_environment(), timeout=RUN_S, cwd=ROOT
        )

    def close(self) -> None:
        """End what was started here, and take the hosts away."""
        for one in self._running:
            one.kill()
            one.wait()
            for pipe in (one.stdin, one.stdout):
                if pipe is not None:
                    pipe.close()
        for space in reversed(self._spaces):
            ip("netns", "del", space)


def _environment() -> dict[str, str]:
    paths = [str(ROOT / folder) for folder in ("gateway", "drivers", "native", "hil")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _why_not() -> str:
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "iproute2 is missing: apt-get install iproute2"
    tried: Sequence[str] = ("unshare", "--net", "true")
    done = subprocess.run(tried, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"no network namespaces here: {done.stderr.strip()}"


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    """Hosts on one Ethernet."""
    if why := _why_not():
        pytest.skip(why)
    made = Village(tmp_path)
    yield made
    made.close()
