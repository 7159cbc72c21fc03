"""Run Quartier, Node-RED or thingsboard-gateway alone on the same registers and broker, and measure one
window.
"""

import json
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from quartier_bench import measured_process
from quartier_bench.measured_process import Process
from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.speed import site_files
from quartier_sim.modbus.endpoints import find_free_port

BLOCK_MAX = 125
# Without delay: what is measured is the contestants, not how long the broker holds a small packet back.
_BROKER_CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
set_tcp_nodelay true
log_type error
"""
_READY_S = 60.0
_DRAIN_S = 5.0
_WINDOW_LEAD_MS = 200


@dataclass(frozen=True, slots=True)
class Workload:
    """``ports`` devices of ``registers`` each, every register once a second, published to ``broker_port``."""

    ports: Sequence[int]
    registers: int
    broker_port: int


Launcher = Callable[[Path, Workload], Process]


@dataclass(frozen=True, slots=True)
class WindowResult:
    """One window of one contestant.  ``points`` of ``asked`` arrived; CPU is of its whole process tree."""

    points: int
    asked: int
    cpu_us_per_point: float
    memory_mib: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    bytes_per_point: float
    kept: bool | None = None
    """True if the contestant's own history took every sample; None without a history."""

    @property
    def missing_points_count(self) -> int:
        """Registers that were answered in the window and never published; below 0 where some came twice."""
        return self.asked - self.points


def start_quartier(folder: Path, task: Workload) -> Process:
    """``quartier run`` with store, cycle and Sparkplug."""
    return start_daemon(
        folder, site_files.write_site(folder, task.ports, task.registers, broker_port=task.broker_port)
    )


def start_daemon(
    folder: Path, file: Path, env: Mapping[str, str] = MappingProxyType({}), before: str = ""
) -> Process:
    """``quartier run`` on a site file, its directories in ``folder``; ``before`` is code that runs first.

    The runtime directory lies in memory, as /run does: on a disk each write may wait for another's sync.
    """
    runtime, state = folder / "runtime", folder / "state"
    state.mkdir(exist_ok=True)  # a history may have been laid there
    memory = Path("/dev/shm")  # noqa: S108 - where Linux keeps shared memory
    kept = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else folder))
    runtime.symlink_to(kept)
    code = f"{before}\nimport sys\nfrom quartier.cli import main\nsys.exit(main())"
    return _DaemonProcess(
        [sys.executable, "-c", code, "run", "--config", str(file)],
        folder / "log",
        kept,
        {
            "PYTHONPATH": measured_process.find_python_path(),
            "RUNTIME_DIRECTORY": str(runtime),
            "STATE_DIRECTORY": str(state),
            **env,
        },
    )


class _DaemonProcess(Process):
    """``kept`` is in memory and goes when it ends."""

    def __init__(self, argv: Sequence[str], log: Path, kept: Path, env: Mapping[str, str]) -> None:
        super().__init__(argv, log, env=env)
        self._kept = kept

    def end(self, with_signal: int = signal.SIGTERM) -> int:
        """End it and wait."""
        try:
            return super().end(with_signal)
        finally:
            shutil.rmtree(self._kept, ignore_errors=True)


def read_status(runtime_dir: Path) -> dict[str, Any]:
    """Return the status of the daemon from its read-only socket.

    Raises RuntimeError when it does not answer.
    """
    try:
        with socket.socket(socket.AF_UNIX) as desk:
            desk.settimeout(10.0)
            desk.connect(str(runtime_dir / "quartier.sock"))
            desk.sendall(b'{"ask": "status"}\n')
            with desk.makefile("rb") as answer:
                found: dict[str, Any] = json.loads(answer.readline())
    except (OSError, ValueError) as error:
        raise RuntimeError(f"the daemon does not answer at its desk: {error}") from error
    return found


def prepare_node_red(cache: PeerCache) -> Launcher:
    """Node-RED with its Modbus nodes.  Raises AbsentError."""
    root, node = cache.node_red(), cache.program("node", "nodejs")

    def launch(folder: Path, task: Workload) -> Process:
        flow = site_files.build_node_red_flow(task.ports, task.registers, BLOCK_MAX, task.broker_port)
        (folder / "flows.json").write_text(flow)
        (folder / "package.json").write_text(json.dumps({"name": "bench", "private": True}))
        (folder / "node_modules").symlink_to(root / "node_modules")
        (folder / "settings.js").write_text(
            "module.exports = {flowFile: 'flows.json', httpAdminRoot: false, httpNodeRoot: false, "
            f"uiPort: {find_free_port()}, uiHost: '127.0.0.1', "
            "telemetry: {enabled: false}, logging: {console: {level: 'warn'}}};\n"
        )
        script = str(root / "node_modules" / "node-red" / "red.js")
        return Process([node, script, "--userDir", str(folder)], folder / "log", cwd=folder)

    return launch


def prepare_thingsboard_gateway(cache: PeerCache) -> Launcher:
    """thingsboard-gateway, which takes the broker for its platform.  Raises AbsentError."""
    python = cache.thingsboard()

    def launch(folder: Path, task: Workload) -> Process:
        place = site_files.write_thingsboard_config(
            folder / "config", task.ports, task.registers, BLOCK_MAX, task.broker_port
        )
        shipped = next(python.parents[1].glob("lib/*/site-packages/thingsboard_gateway/config/logs.json"))
        shutil.copy(shipped, place)
        (folder / "logs").mkdir()
        argv = [str(python), "-c", "from thingsboard_gateway.tb_gateway import daemon; daemon()"]
        env = {"TB_GW_CONFIG_DIR": str(place), "PYTHONPATH": ""}
        return Process(argv, folder / "log", cwd=folder, env=env)

    return launch


@dataclass(frozen=True, slots=True)
class FaultBench:
    """Registers, broker and listener that all contestants share."""

    server: Process
    listener: Process
    task: Workload

    def measure(self, launch: Launcher, folder: Path, *, warm_s: float, window_s: float) -> WindowResult:
        """Run one contestant alone: wait for its first values, let it warm up, measure a window.

        Raises RuntimeError when nothing arrives, with the last of its log.
        """
        with launch(folder, self.task) as runner:
            self._await_values(runner, folder)
            time.sleep(warm_s)
            from_ms = int(time.time() * 1000) + _WINDOW_LEAD_MS
            order = f"window {from_ms} {from_ms + int(window_s * 1000)}"
            self.server.ask(order)
            self.listener.ask(order)
            time.sleep(_WINDOW_LEAD_MS / 1000)
            before_s = measured_process.read_cpu_s(runner.pid)
            time.sleep(max(0.0, from_ms / 1000 + window_s - time.time()))
            spent_s = measured_process.read_cpu_s(runner.pid) - before_s
            memory_mib = measured_process.read_memory_mib(runner.pid)
            asked = self.server.count()["registers"]
            heard = self._await_drain(asked)
            kept = _is_history_complete(folder)
        points = int(heard["points"])
        return WindowResult(
            points,
            asked,
            1e6 * spent_s / max(points, 1),
            memory_mib,
            heard["p50_ms"],
            heard["p99_ms"],
            heard["max_ms"],
            heard["bytes"] / max(points, 1),
            kept,
        )

    def _await_values(self, runner: Process, folder: Path) -> None:
        before, until_s = self.listener.count()["all"], time.monotonic() + _READY_S
        wanted = len(self.task.ports) * self.task.registers
        while self.listener.count()["all"] < before + wanted:
            if time.monotonic() > until_s or not runner.alive:
                last = (folder / "log").read_text(errors="replace").strip()[-2000:]
                raise RuntimeError(f"no values within {_READY_S:.0f} s; the last it said:\n{last}")
            time.sleep(0.1)

    def _await_drain(self, asked: int) -> dict[str, float]:
        """Return the counts received of the window, once all has arrived or the waiting time is over."""
        until_s = time.monotonic() + _DRAIN_S
        heard = self.listener.count()
        while heard["points"] < asked and time.monotonic() < until_s:
            time.sleep(0.1)
            heard = self.listener.count()
        return heard


def _is_history_complete(folder: Path) -> bool | None:
    if not (folder / "runtime").is_dir():
        return None
    return not read_status(folder / "runtime")["store"]["dropped_count"]


@contextmanager
def open_testbed(cache: PeerCache, folder: Path, devices: int, registers: int) -> Iterator[FaultBench]:
    """Start what all contestants share.  Raises AbsentError."""
    broker = cache.program("mosquitto", "mosquitto")
    server_argv, listener_argv = cache.compile_source("registers"), cache.compile_source("listener")
    config = folder / "mosquitto.conf"
    with ExitStack() as running:
        # The devices take their ports first: the broker's port is chosen from those that are left.
        server = running.enter_context(
            Process([server_argv, str(devices)], folder / "server.log", talks=True)
        )
        ports = [int(text) for text in server.line().split()]
        port = find_free_port()
        config.write_text(_BROKER_CONFIG.format(port=port))
        running.enter_context(Process([broker, "-c", str(config)], folder / "broker.log"))
        if not measured_process.wait_for_listener(port, _READY_S):
            raise RuntimeError(f"mosquitto does not accept connections; see {folder / 'broker.log'}")
        with Process([listener_argv, str(port)], folder / "listener.log", talks=True) as listener:
            listener.line()
            yield FaultBench(server, listener, Workload(ports, registers, port))
