"""From exec to the first finished cycle; memory and imports of a daemon that speaks Modbus alone.

Then the same with a long history: until the first cycle is finished and the history is open.
"""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quartier_hil.bench import contest, process, site
from quartier_hil.bench.figure import Figure, alone
from quartier_hil.bench.process import Process
from quartier_hil.bench.setting import Setting

_DEVICES, _REGISTERS = 5, 20
_READY_S = 60.0
_SETTLE_S, _SETTLE_SHORT_S = 10.0, 3.0
_SAMPLES, _SAMPLES_SHORT = 50_000_000, 1_000_000
_FILLING = "from quartier_hil.bench.filling import main; main()"
_LOOK_S = 0.01
# What a site that speaks Modbus alone must not pay for.
_UNUSED = ("asyncua", "bacpypes3", "scipy", "numpy", "pandas", "textual", "dlms_cosem")
_IMPORTS = (
    "import sys, quartier.cli.gateway.run, quartier.daemon.lifecycle, quartier.district.connection.mqtt\n"
    "import quartier_drivers.modbus.driver\n"
    f"print(sum(name in sys.modules for name in {_UNUSED!r}))"
)


def figures(setting: Setting) -> list[Figure]:
    """Start, memory, CPU of the imports, and libraries loaded that nobody uses.  Raises AbsentError."""
    taken_s, memory_mib, cpu_s, unused = [], [], [], []
    argv = [setting.cache.compiled("registers"), str(_DEVICES)]
    with Process(argv, setting.folder / "start.log", talks=True) as server:
        ports = [int(word) for word in server.line().split()]
        for number in range(setting.rounds):
            setting.say(f"start {number + 1}")
            one = _started(setting, ports)
            taken_s.append(one[0])
            memory_mib.append(one[1])
            spent_s, loaded = _imports(setting.folder / "imports.log")
            cpu_s.append(spent_s)
            unused.append(loaded)
        samples, opened_s = _with_history(setting, ports)
    return [
        alone("start.time", "exec to the first finished cycle", taken_s, "s", 2.0),
        alone(
            "start.memory",
            f"resident memory, {_DEVICES} devices of {_REGISTERS} points",
            memory_mib,
            "MiB",
            60.0,
        ),
        alone("start.imports", "CPU of all imports of a daemon that speaks Modbus", cpu_s, "s", 0.6),
        alone(
            "start.unused", f"libraries loaded that it does not use, of {', '.join(_UNUSED)}", unused, "", 0.0
        ),
        alone(
            "start.history",
            f"exec to the first finished cycle with its history open, {samples / 1e6:g} million samples",
            opened_s,
            "s",
            5.0,
        ),
    ]


def _started(setting: Setting, ports: list[int]) -> tuple[float, float]:
    """Seconds to READY=1, and MiB some seconds later; there is a district, but no broker."""
    with _ready(setting.scratch("start"), ports) as (runner, taken_s):
        time.sleep(_SETTLE_SHORT_S if setting.short else _SETTLE_S)
        return taken_s, process.memory_mib(runner.pid)


@contextmanager
def _ready(folder: Path, ports: list[int]) -> Iterator[tuple[Process, float]]:
    """A daemon that has said READY=1, and how many seconds after exec it did."""
    file = site.write(folder, ports, _REGISTERS, broker_port=process.free_port())
    address = folder / "notify"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(address))
        notify.settimeout(_READY_S)
        before_s = time.monotonic()
        with contest.daemon(folder, file, {"NOTIFY_SOCKET": str(address)}) as runner:
            try:
                while b"READY=1" not in notify.recv(4096):
                    pass
            except TimeoutError:
                raise RuntimeError(f"not ready within {_READY_S:.0f} s") from None
            yield runner, time.monotonic() - before_s


def _with_history(setting: Setting, ports: list[int]) -> tuple[int, list[float]]:
    """Return the number of samples in the history, and the seconds of each start until it is open."""
    setting.say("start, a long history is made")
    folder = setting.scratch("history")
    (folder / "state").mkdir()
    wanted = _SAMPLES_SHORT if setting.short else _SAMPLES
    argv = [sys.executable, "-c", _FILLING, str(folder / "state"), str(wanted)]
    with Process(
        argv, folder / "filling.log", env={"PYTHONPATH": process.python_path()}, talks=True
    ) as child:
        told = child.line()
    if not told:
        raise RuntimeError(f"the history was not filled: {(folder / 'filling.log').read_text()[-500:]}")
    taken_s = []
    for number in range(setting.rounds):
        setting.say(f"start {number + 1} with {int(told) / 1e6:g} million samples")
        (folder / "runtime").unlink(missing_ok=True)
        with _ready(folder, ports) as (_, ready_s):
            before_s = time.monotonic()
            while not (store := contest.status(folder / "runtime")["store"])["is_open"]:
                if time.monotonic() - before_s > _READY_S:
                    raise RuntimeError(f"the history is not open within {_READY_S:.0f} s")
                time.sleep(_LOOK_S)
            taken_s.append(ready_s + time.monotonic() - before_s)
        if store["set_aside"] or store["gaps_count"]:
            raise RuntimeError("the history was taken for a damaged one")
    return int(told), taken_s


def _imports(log: Path) -> tuple[float, float]:
    """CPU in s of a process that only imports, and how many libraries came along for nothing."""
    before = os.times()
    env = {"PYTHONPATH": process.python_path()}
    with Process([sys.executable, "-c", _IMPORTS], log, env=env, talks=True) as child:
        told = child.line()
        if not told:
            raise RuntimeError(f"the daemon's modules cannot be imported; see {log}")
    after = os.times()
    spent_s = after.children_user + after.children_system - before.children_user - before.children_system
    return spent_s, float(told)
