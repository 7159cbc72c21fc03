"""Start-up time of the daemon, and lateness of its 1 s cycle with a silent device and with all protocols
busy.

GPIO lines are no part of the busy protocols: they need a chip, or the kernel's ``gpio-sim``.
"""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from quartier_bench import measured_process
from quartier_bench.measured_process import Process
from quartier_bench.speed import daemon_runs, site_files
from quartier_bench.speed.measurement import Figure, Setting, make_comparison, make_single_figure
from quartier_hil.runner.run import Run, RunOptions
from quartier_hil.scenario import scenario_file
from quartier_sim.load_series import standard_load
from quartier_sim.modbus.endpoints import find_free_port

_LATENESS_DEVICES, _LATENESS_REGISTERS, _LATENESS_SILENT_DEVICE = 20, 100, 7
_LATENESS_RUN_S, _LATENESS_RUN_SHORT_S = 600.0, 20.0
_PROGRESS_S = 30.0
# The same program on the same heap, and Python collects when it likes.
_DEFAULT_COLLECTOR = "import gc\ngc.freeze = gc.disable = lambda: None\ngc.collect = lambda *_: 0"


def measure_lateness(setting: Setting) -> list[Figure]:
    """Both daemons at once for ten minutes, short: 20 s.  Raises AbsentError."""
    run_s = _LATENESS_RUN_SHORT_S if setting.short else _LATENESS_RUN_S
    with ExitStack() as stack:
        runtime = {}
        for name, before in (("ours", ""), ("default", _DEFAULT_COLLECTOR)):
            arena = stack.enter_context(
                daemon_runs.open_testbed(
                    setting.cache, setting.make_scratch_folder(name), _LATENESS_DEVICES, _LATENESS_REGISTERS
                )
            )
            arena.server.ask(f"mute {_LATENESS_SILENT_DEVICE}")
            folder, task = setting.make_scratch_folder(f"{name}-daemon"), arena.task
            file = site_files.write_site(folder, task.ports, task.registers, broker_port=task.broker_port)
            stack.enter_context(daemon_runs.start_daemon(folder, file, before=before))
            runtime[name] = folder / "runtime"
        until_s = time.monotonic() + run_s
        while (left_s := until_s - time.monotonic()) > 0:
            setting.say(f"lateness, {left_s:.0f} s left")
            time.sleep(min(left_s, _PROGRESS_S))
        cycles = {name: daemon_runs.read_status(place)["cycles"] for name, place in runtime.items()}
    mine, theirs = cycles["ours"], cycles["default"]
    lasted = f"{run_s:.0f} s" if setting.short else f"{run_s / 60:.0f} min"
    what = f"cycles of 1 s in {lasted}, one of {_LATENESS_DEVICES} devices silent"
    return [
        make_single_figure("lateness.p999", f"p99.9 of {what}", [1000 * mine["late_p999_s"]], "ms", 5.0),
        make_single_figure(
            "lateness.skipped", f"skipped {what}", [float(mine["skipped_count"])], "cycles", 0.0
        ),
        make_comparison(
            "lateness.latest",
            f"latest of {what}",
            [1000 * mine["late_max_s"]],
            [max(1000 * theirs["late_max_s"], 0.1)],
            "ms",
            None,
            peer_name="the default collector",
        ),
    ]


_PROTOCOL_LOAD_RUN_S, _PROTOCOL_LOAD_RUN_SHORT_S = 600.0, 20.0
ALL_PROTOCOLS_SCENARIO = """\
title = "Every protocol at once"
start = 2026-06-12T12:30:00
duration_s = {run_s}
rate = 1

[house]                             # Modbus RTU: the meter, the heat meter and the relays, on a pty
contract_import_w = 60000
failsafe_import_w = 30000
soc_pct = 60
pv = "sunspec-7xx"                  # SunSpec over TCP; the battery is Victron's, Modbus TCP
meters = ["tic", "p1", "mbus"]      # three ptys
frequency_period_s = 0.2            # and the fast cycle

[[house.boards]]
name = "park"
fuse_a = 63
metered = true

[[house.assets]]                    # ten stations on Modbus TCP
kind = "cars"
name = "ev"
board = "park"
count = 10
arrive_from_s = 0
arrive_to_s = 10

[[house.assets]]
kind = "lights"
name = "street"
rated_w = 4000

[[house.assets]]
kind = "heat"
name = "pump"
rated_w = 3000

[[house.assets]]
kind = "chp"
name = "chp"
rated_w = 5000

[[house.assets]]                    # BACnet/IP
kind = "ventilation"
name = "air"
rated_w = 1500
protocol = "bacnet"

[[house.assets]]                    # two OPC UA servers, watched
kind = "substation"
name = "loop"
rated_w = 1500
protocol = "opcua"

[[house.assets]]
kind = "waste"
name = "waste"
rated_w = 11000
protocol = "opcua"
"""


def measure_protocol_load(setting: Setting) -> list[Figure]:
    """One daemon for ten minutes, short: 20 s.  Raises RigError when it cannot be made."""
    run_s = _PROTOCOL_LOAD_RUN_SHORT_S if setting.short else _PROTOCOL_LOAD_RUN_S
    folder = setting.make_scratch_folder("protocols")
    file = folder / "protocols.toml"
    file.write_text(ALL_PROTOCOLS_SCENARIO.format(run_s=run_s))
    asked = scenario_file.load_scenario(file)
    series = standard_load.build_standard_series(asked.start.date(), 2, asked.seed)
    setting.say(f"protocols, {run_s:.0f} s")
    run = asyncio.run(Run(RunOptions(scenario=asked, series=series, folder=folder)).perform())
    cycles = run.last_status["cycles"]
    what = f"cycles of 1 s in {run_s / 60:.0f} min, every protocol busy"
    if setting.short:
        what = f"cycles of 1 s in {run_s:.0f} s, every protocol busy"
    return [
        make_single_figure("protocols.p999", f"p99.9 of {what}", [1000 * cycles["late_p999_s"]], "ms", 5.0),
        make_single_figure(
            "protocols.skipped", f"skipped {what}", [float(cycles["skipped_count"])], "cycles", 0.0
        ),
    ]


_START_DEVICES, _START_REGISTERS = 5, 20
_READY_S = 60.0
_SETTLE_S, _SETTLE_SHORT_S = 10.0, 3.0
_HISTORY_SAMPLES, _HISTORY_SAMPLES_SHORT = 50_000_000, 1_000_000
_FILL_PROGRAM = "from quartier_bench.speed.history_speed import run_fill; run_fill()"
_POLL_S = 0.01
# What a site that speaks Modbus alone must not pay for.
_UNUSED_LIBRARIES = ("asyncua", "bacpypes3", "scipy", "numpy", "pandas", "textual", "dlms_cosem")
_IMPORT_PROGRAM = (
    "import sys, quartier.cli.gateway.run, quartier.daemon.lifecycle, quartier.district.connection.mqtt\n"
    "import quartier_drivers.modbus.driver\n"
    f"print(sum(name in sys.modules for name in {_UNUSED_LIBRARIES!r}))"
)


def measure_start(setting: Setting) -> list[Figure]:
    """Start, memory, CPU of the imports, and libraries loaded that nobody uses.  Raises AbsentError."""
    taken_s, memory_mib, cpu_s, unused = [], [], [], []
    argv = [setting.cache.compile_source("registers"), str(_START_DEVICES)]
    with Process(argv, setting.folder / "start.log", talks=True) as server:
        ports = [int(text) for text in server.line().split()]
        for number in range(setting.rounds):
            setting.say(f"start {number + 1}")
            one = _measure_one_start(setting, ports)
            taken_s.append(one[0])
            memory_mib.append(one[1])
            spent_s, loaded = _measure_imports(setting.folder / "imports.log")
            cpu_s.append(spent_s)
            unused.append(loaded)
        samples, opened_s = _measure_history_start(setting, ports)
    return [
        make_single_figure("start.time", "exec to the first finished cycle", taken_s, "s", 2.0),
        make_single_figure(
            "start.memory",
            f"resident memory, {_START_DEVICES} devices of {_START_REGISTERS} points",
            memory_mib,
            "MiB",
            60.0,
        ),
        make_single_figure(
            "start.imports", "CPU of all imports of a daemon that speaks Modbus", cpu_s, "s", 0.6
        ),
        make_single_figure(
            "start.unused",
            f"libraries loaded that it does not use, of {', '.join(_UNUSED_LIBRARIES)}",
            unused,
            "",
            0.0,
        ),
        make_single_figure(
            "start.history",
            f"exec to the first finished cycle with its history open, {samples / 1e6:g} million samples",
            opened_s,
            "s",
            5.0,
        ),
    ]


def _measure_one_start(setting: Setting, ports: list[int]) -> tuple[float, float]:
    """Seconds to READY=1, and MiB some seconds later; there is a district, but no broker."""
    with _start_until_ready(setting.make_scratch_folder("start"), ports) as (runner, taken_s):
        time.sleep(_SETTLE_SHORT_S if setting.short else _SETTLE_S)
        return taken_s, measured_process.read_memory_mib(runner.pid)


@contextmanager
def _start_until_ready(folder: Path, ports: list[int]) -> Iterator[tuple[Process, float]]:
    """A daemon that has said READY=1, and how many seconds after exec it did."""
    file = site_files.write_site(folder, ports, _START_REGISTERS, broker_port=find_free_port())
    address = folder / "notify"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(address))
        notify.settimeout(_READY_S)
        before_s = time.monotonic()
        with daemon_runs.start_daemon(folder, file, {"NOTIFY_SOCKET": str(address)}) as runner:
            try:
                while b"READY=1" not in notify.recv(4096):
                    pass
            except TimeoutError:
                raise RuntimeError(f"not ready within {_READY_S:.0f} s") from None
            yield runner, time.monotonic() - before_s


def _measure_history_start(setting: Setting, ports: list[int]) -> tuple[int, list[float]]:
    """Return the number of samples in the history, and the seconds of each start until it is open."""
    setting.say("start, a long history is made")
    folder = setting.make_scratch_folder("history")
    (folder / "state").mkdir()
    wanted = _HISTORY_SAMPLES_SHORT if setting.short else _HISTORY_SAMPLES
    argv = [sys.executable, "-c", _FILL_PROGRAM, str(folder / "state"), str(wanted)]
    with Process(
        argv, folder / "filling.log", env={"PYTHONPATH": measured_process.find_python_path()}, talks=True
    ) as child:
        text = child.line()
    if not text:
        raise RuntimeError(f"the history was not filled: {(folder / 'filling.log').read_text()[-500:]}")
    taken_s = []
    for number in range(setting.rounds):
        setting.say(f"start {number + 1} with {int(text) / 1e6:g} million samples")
        (folder / "runtime").unlink(missing_ok=True)
        with _start_until_ready(folder, ports) as (_, ready_s):
            before_s = time.monotonic()
            while not (store := daemon_runs.read_status(folder / "runtime")["store"])["is_open"]:
                if time.monotonic() - before_s > _READY_S:
                    raise RuntimeError(f"the history is not open within {_READY_S:.0f} s")
                time.sleep(_POLL_S)
            taken_s.append(ready_s + time.monotonic() - before_s)
        if store["set_aside"] or store["gaps_count"]:
            raise RuntimeError("the history was taken for a damaged one")
    return int(text), taken_s


def _measure_imports(log: Path) -> tuple[float, float]:
    """CPU in s of a process that only imports, and how many libraries came along for nothing."""
    before = os.times()
    env = {"PYTHONPATH": measured_process.find_python_path()}
    with Process([sys.executable, "-c", _IMPORT_PROGRAM], log, env=env, talks=True) as child:
        text = child.line()
        if not text:
            raise RuntimeError(f"the daemon's modules cannot be imported; see {log}")
    after = os.times()
    spent_s = after.children_user + after.children_system - before.children_user - before.children_system
    return spent_s, float(text)
