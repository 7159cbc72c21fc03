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


def ip(space: str, *lines: str) -> None:
    """Commands of iproute2 in a namespace (empty: here); what it complains of is the test's failure."""
    words = ["ip", *(("-n", space) if space else ()), "-batch", "-"]
    subprocess.run(words, input="\n".join(lines), check=True, capture_output=True, text=True, timeout=RUN_S)


class Village:
    """Hosts by name; ``host`` adds one with its address (``10.77.1.1/24``)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tag = f"qb{os.getpid() % 100_000}"
        self._spaces: list[str] = []
        self._running: list[subprocess.Popen[str]] = []
        self._bridge = self._space("hub")
        ip(self._bridge, "link set lo up", "link add br0 type bridge", "link set br0 up")

    def _space(self, name: str) -> str:
        space = f"{self._tag}{name}"
        ip("", f"netns add {space}")
        self._spaces.append(space)
        return space

    def host(self, name: str, address: str, *reaches: str) -> None:
        """A host on the Ethernet; ``reaches`` are other subnets on it."""
        ip(
            self._space(name),
            "link set lo up",
            f"link add eth0 type veth peer name {name} netns {self._bridge}",
            f"address add {address} broadcast + dev eth0",
            "link set eth0 up",
            *(f"route add {subnet} dev eth0" for subnet in reaches),
        )
        ip(self._bridge, f"link set {name} master br0 up")

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
        return self.start(name, "-m", "quartier_sim.bacnet.program", str(file))

    def begin(self, name: str, *words: str) -> subprocess.Popen[str]:
        """Start a command of ours on a host."""
        argv = ["ip", "netns", "exec", self._tag + name, sys.executable, "-m", "quartier.cli", *words]
        pipe = subprocess.PIPE
        one = subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=_environment(), cwd=ROOT
        )
        self._running.append(one)
        return one

    def quartier(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """One command of ours on a host, to its end."""
        return ended(self.begin(name, *words))

    def close(self) -> None:
        """End what was started here, and take the hosts away."""
        for one in self._running:
            one.kill()
            one.wait()
            for pipe in (one.stdin, one.stdout, one.stderr):
                if pipe is not None:
                    pipe.close()
        for space in reversed(self._spaces):
            ip("", f"netns del {space}")


def ended(command: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """What became of a command of ours."""
    out, err = command.communicate(timeout=RUN_S)
    return subprocess.CompletedProcess(command.args, command.returncode, out, err)


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


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """An Ethernet without hosts."""
    if why := _why_not():
        pytest.skip(why)
    made = Village(tmp_path_factory.mktemp("village"))
    yield made
    made.close()
