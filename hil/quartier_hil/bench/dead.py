"""One device of many is dead: at which rate the others are still read, against all alive."""

import time
from contextlib import ExitStack

from quartier_hil.bench import contest, site
from quartier_hil.bench.figure import Figure, against
from quartier_hil.bench.process import Process
from quartier_hil.bench.setting import Setting

_UNITS, _BAUD, _DEVICES, _REGISTERS = 20, 19_200, 40, 10
_WARM_S, _WARM_SHORT_S = 20.0, 8.0
_WINDOW_S, _WINDOW_SHORT_S = 20.0, 8.0
_BETWEEN_MS = 200
_READY_S = 60.0


def figures(setting: Setting) -> list[Figure]:
    """Two daemons at once, one of a building where all answer, one where a unit and a device never do.

    Raises AbsentError.
    """
    counts: dict[str, list[tuple[float, float]]] = {"alive": [], "dead": []}
    with ExitStack() as stack:
        servers = {}
        for name in counts:
            servers[name] = _building(setting, stack, name)
        _await_all(servers)
        time.sleep(_WARM_SHORT_S if setting.short else _WARM_S)
        window_s = _WINDOW_SHORT_S if setting.short else _WINDOW_S
        for number in range(setting.rounds):
            setting.say(f"dead, window {number + 1}")
            from_ms = int(time.time() * 1000) + _BETWEEN_MS
            for pair in servers.values():
                for server in pair:
                    server.ask(f"window {from_ms} {from_ms + int(window_s * 1000)}")
            time.sleep(window_s + 2 * _BETWEEN_MS / 1000)
            for name, (tcp, wire) in servers.items():
                counts[name].append((tcp.count()["requests"], wire.count()["requests"]))
    return [
        _judged(f"dead.{key}", what, counts, at, of)
        for key, what, at, of in (
            ("tcp", f"reads of the others, one TCP device of {_DEVICES} silent", 0, _DEVICES),
            ("rtu", f"reads of the others, one unit of {_UNITS} silent on RTU at {_BAUD} baud", 1, _UNITS),
        )
    ]


def _await_all(servers: dict[str, tuple[Process, Process]]) -> None:
    """Until every wire was asked as often as it has devices: slow starts are no matter of this group."""
    until_s = time.monotonic() + _READY_S
    for tcp, wire in servers.values():
        while tcp.count()["all"] < _DEVICES or wire.count()["all"] < _UNITS:
            if time.monotonic() > until_s:
                raise RuntimeError(f"not all devices were asked within {_READY_S:.0f} s")
            time.sleep(0.1)


def _judged(key: str, what: str, counts: dict[str, list[tuple[float, float]]], at: int, of: int) -> Figure:
    """Compare live devices next to dead ones with as many devices of a site where all answer."""
    mine = [pair[at] for pair in counts["dead"]]
    all_alive = [pair[at] * (of - 1) / of for pair in counts["alive"]]
    return against(key, what, mine, all_alive, "reads", 0.95, "more", peer_name="all alive")


def _building(setting: Setting, stack: ExitStack, name: str) -> tuple[Process, Process]:
    folder = setting.scratch(name)
    tcp_argv = [setting.cache.compiled("registers"), str(_DEVICES)]
    wire_argv = [setting.cache.compiled("wire"), str(_BAUD), str(_UNITS)]
    tcp = stack.enter_context(Process(tcp_argv, folder / "tcp.log", talks=True))
    wire = stack.enter_context(Process(wire_argv, folder / "wire.log", talks=True))
    ports = [int(word) for word in tcp.line().split()]
    line = site.Serial(wire.line(), _BAUD, _UNITS)
    if name == "dead":
        tcp.ask(f"mute {_DEVICES // 2}")
        wire.ask(f"mute {_UNITS // 2}")
    stack.enter_context(contest.daemon(folder, site.write(folder, ports, _REGISTERS, line=line)))
    return tcp, wire
