"""The whole daemon against Node-RED and thingsboard-gateway, growth with the number of points, and the
cost of one dead device.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import pairwise
from statistics import median

from quartier_bench import measured_process
from quartier_bench.measured_process import Process
from quartier_bench.peers.peer_cache import MissingPeerError, PeerCache
from quartier_bench.speed import daemon_runs, site_files
from quartier_bench.speed.daemon_runs import Launcher, WindowResult
from quartier_bench.speed.measurement import (
    Figure,
    Setting,
    make_comparison,
    make_single_figure,
    make_skipped_figure,
)

OURS, NODE_RED, THINGSBOARD = "quartier", "Node-RED", "thingsboard-gateway"
_PREPARE_PEER: Mapping[str, Callable[[PeerCache], Launcher]] = {
    NODE_RED: daemon_runs.prepare_node_red,
    THINGSBOARD: daemon_runs.prepare_thingsboard_gateway,
}
# Devices and registers of each; every register once a second.
_SIZES = ((20, 100), (40, 500))
_WARM_S, _WARM_SHORT_S = 8.0, 5.0
# Whole commits of the store (10 s) belong in a window.
_WINDOW_S, _WINDOW_SHORT_S = 20.0, 10.0


def measure_daemon(setting: Setting) -> list[Figure]:
    """CPU a point, memory, latency and losses at 2,000 and 20,000 points a second.  Raises AbsentError."""
    launches: dict[str, Launcher] = {OURS: daemon_runs.start_quartier}
    absent: dict[str, str] = {}
    for name, make in _PREPARE_PEER.items():
        try:
            launches[name] = make(setting.cache)
        except MissingPeerError as error:
            absent[name] = str(error)
    found = []
    for devices, registers in _SIZES:
        rounds = _measure_rounds(setting, launches, devices, registers)
        found += evaluate_daemon(
            f"{devices * registers}", rounds, absent, devices * registers * _choose_window_s(setting)
        )
    return found


def _choose_window_s(setting: Setting) -> float:
    return _WINDOW_SHORT_S if setting.short else _WINDOW_S


def _measure_rounds(
    setting: Setting, launches: Mapping[str, Launcher], devices: int, registers: int
) -> dict[str, list[WindowResult]]:
    """Each contestant once a round, alone, and each in turn the first of its round."""
    found: dict[str, list[WindowResult]] = {name: [] for name in launches}
    folder = setting.make_scratch_folder("arena")
    with daemon_runs.open_testbed(setting.cache, folder, devices, registers) as arena:
        names = list(launches)
        for number in range(setting.rounds):
            for at in range(len(names)):
                name = names[(number + at) % len(names)]
                setting.say(f"{devices * registers} points/s, round {number + 1}: {name}")
                one = arena.measure(
                    launches[name],
                    setting.make_scratch_folder("contestant"),
                    warm_s=_WARM_SHORT_S if setting.short else _WARM_S,
                    window_s=_choose_window_s(setting),
                )
                found[name].append(one)
                setting.say(
                    f"    {one.cpu_us_per_point:.1f} µs a point, {one.memory_mib:.0f} MiB, "
                    f"p99 {one.p99_ms:.0f} ms, {one.points} of {one.asked} points"
                )
    return found


def evaluate_daemon(
    size: str, rounds: Mapping[str, Sequence[WindowResult]], absent: Mapping[str, str], wanted: float
) -> list[Figure]:
    """The figures of one size.

    ``absent`` says for a peer what to install, ``wanted`` how many points a window should have.
    """

    def column(name: str, take: Callable[[WindowResult], float]) -> list[float]:
        return [take(one) for one in rounds[name]]

    found = []
    for peer, floor in ((NODE_RED, 0.5), (THINGSBOARD, 0.1)):
        key, what = f"daemon.cpu_{size}_{_make_key(peer)}", f"CPU a point at {size} points/s"
        if peer in absent:
            found.append(make_skipped_figure(key, what, absent[peer], floor, peer_name=peer))
            continue
        mine, theirs = (column(name, lambda one: one.cpu_us_per_point) for name in (OURS, peer))
        found.append(make_comparison(key, what, mine, theirs, "µs", floor, peer_name=peer))
    key, what = f"daemon.memory_{size}", f"resident memory at {size} points/s"
    if absent:
        found.append(
            make_skipped_figure(key, what, "; ".join(absent.values()), 0.8, peer_name="the smaller peer")
        )
    else:
        mine = column(OURS, lambda one: one.memory_mib)
        both = zip(*(column(peer, lambda one: one.memory_mib) for peer in _PREPARE_PEER), strict=True)
        least = [min(pair) for pair in both]
        found.append(make_comparison(key, what, mine, least, "MiB", 0.8, peer_name="the smaller peer"))
    key, what = f"daemon.p99_{size}", f"wire to subscriber, p99, at {size} points/s"
    if NODE_RED in absent:
        found.append(make_skipped_figure(key, what, absent[NODE_RED], 1.0, peer_name=NODE_RED))
    else:
        mine, theirs = (column(name, lambda one: max(one.p99_ms, 1.0)) for name in (OURS, NODE_RED))
        found.append(make_comparison(key, what, mine, theirs, "ms", 1.0, peer_name=NODE_RED))
    lost = [max(column(OURS, lambda one: abs(one.missing_points_count)))]
    found.append(
        make_single_figure(
            f"daemon.lost_{size}", f"points lost or told twice at {size}/s, worst round", lost, "points", 0.0
        )
    )
    unkept = sum(one.kept is False for one in rounds[OURS])
    what = f"rounds in which the history dropped samples at {size} points/s"
    found.append(make_single_figure(f"daemon.unkept_{size}", what, [float(unkept)], "rounds", 0.0))
    polled = column(OURS, lambda one: one.asked / wanted)
    found.append(
        make_single_figure(
            f"daemon.polled_{size}", f"share of {size} points/s polled", polled, "", 0.98, "more"
        )
    )
    return found


def _make_key(peer: str) -> str:
    return peer.partition("-")[0].lower() if peer != NODE_RED else "nodered"


# Devices and registers of each.
GROWTH_SIZES = ((10, 20), (20, 100), (40, 500))
_GROWTH_WARM_S, _GROWTH_WINDOW_S, _GROWTH_WINDOW_SHORT_S = 5.0, 20.0, 10.0
_GROWTH_DAYS, _GROWTH_DAYS_SHORT = 30, 2
_GROWTH_PER_DAY_MAX_MIB = 1.0
_GROWTH_FACTOR_MAX = 1.1
_AGING_PROGRAM = "from quartier_bench.speed.history_speed import run_aging; run_aging()"


def measure_growth(setting: Setting) -> list[Figure]:
    """CPU a point from 200 to 20,000 points a second; memory after an hour and after a month of samples.

    Raises AbsentError.
    """
    rounds: dict[int, list[WindowResult]] = {devices * registers: [] for devices, registers in GROWTH_SIZES}
    for number in range(setting.rounds):
        for devices, registers in GROWTH_SIZES:
            setting.say(f"growth, round {number + 1}: {devices * registers} points/s")
            rounds[devices * registers].append(_measure_growth_round(setting, devices, registers))
    days = _GROWTH_DAYS_SHORT if setting.short else _GROWTH_DAYS
    return [*evaluate_growth(rounds), *_measure_aging(setting, days)]


def _measure_growth_round(setting: Setting, devices: int, registers: int) -> WindowResult:
    with daemon_runs.open_testbed(
        setting.cache, setting.make_scratch_folder("arena"), devices, registers
    ) as arena:
        window_s = _GROWTH_WINDOW_SHORT_S if setting.short else _GROWTH_WINDOW_S
        return arena.measure(
            daemon_runs.start_quartier,
            setting.make_scratch_folder("growth"),
            warm_s=_GROWTH_WARM_S,
            window_s=window_s,
        )


def evaluate_growth(rounds: dict[int, list[WindowResult]]) -> list[Figure]:
    """Each size against the one a tenth of it; memory is told for each further thousand points."""
    sizes = sorted(rounds)
    found = []
    for small, large in pairwise(sizes):
        mine, before = ([one.cpu_us_per_point for one in rounds[size]] for size in (large, small))
        what = f"CPU a point at {large} points/s, against {small} points/s"
        found.append(make_comparison(f"growth.cpu_{large}", what, mine, before, "µs", _GROWTH_FACTOR_MAX))
    least, most = sizes[0], sizes[-1]
    grown = median(one.memory_mib for one in rounds[most]) - median(one.memory_mib for one in rounds[least])
    each = 1000 * grown / (most - least)
    what = f"memory for each 1,000 points more, {least} to {most}"
    return [*found, Figure("growth.memory", what, each, None, "MiB", each, None)]


def _measure_aging(setting: Setting, days: int) -> list[Figure]:
    """Return the memory of a process that stores 200 points each minute after an hour, a day and ``days``."""
    setting.say(f"growth, {days} days of samples")
    folder = setting.make_scratch_folder("aging")
    argv = [sys.executable, "-c", _AGING_PROGRAM, str(folder), str(days)]
    with Process(
        argv, folder / "log", env={"PYTHONPATH": measured_process.find_python_path()}, talks=True
    ) as child:
        fields = child.line().split()
    if len(fields) != 3:
        raise RuntimeError(f"the store did not age: {(folder / 'log').read_text()[-500:]}")
    hour_mib, day_mib, days_mib = map(float, fields)
    slope_mib = (days_mib - day_mib) / (days - 1)
    what = f"memory after {days} days of samples of 200 points, against one hour"
    return [
        make_single_figure(
            "growth.slope",
            f"memory a day more, from day 1 to day {days}",
            [slope_mib],
            "MiB",
            _GROWTH_PER_DAY_MAX_MIB,
        ),
        make_comparison("growth.days", what, [days_mib], [hour_mib], "MiB", None),
    ]


_DEAD_UNITS, _DEAD_BAUD, _DEAD_DEVICES, _DEAD_REGISTERS = 20, 19_200, 40, 10
_DEAD_WARM_S, _DEAD_WARM_SHORT_S = 20.0, 8.0
_DEAD_WINDOW_S, _DEAD_WINDOW_SHORT_S = 20.0, 8.0
_DEAD_WINDOW_LEAD_MS = 200
_READY_S = 60.0


def measure_dead_device(setting: Setting) -> list[Figure]:
    """Two daemons at once, one of a building where all answer, one where a unit and a device never do.

    Raises AbsentError.
    """
    counts: dict[str, list[tuple[float, float]]] = {"alive": [], "dead": []}
    with ExitStack() as stack:
        servers = {}
        for name in counts:
            servers[name] = _start_site(setting, stack, name)
        _wait_until_all_asked(servers)
        time.sleep(_DEAD_WARM_SHORT_S if setting.short else _DEAD_WARM_S)
        window_s = _DEAD_WINDOW_SHORT_S if setting.short else _DEAD_WINDOW_S
        for number in range(setting.rounds):
            setting.say(f"dead, window {number + 1}")
            from_ms = int(time.time() * 1000) + _DEAD_WINDOW_LEAD_MS
            for pair in servers.values():
                for server in pair:
                    server.ask(f"window {from_ms} {from_ms + int(window_s * 1000)}")
            time.sleep(window_s + 2 * _DEAD_WINDOW_LEAD_MS / 1000)
            for name, (tcp, wire) in servers.items():
                counts[name].append((tcp.count()["requests"], wire.count()["requests"]))
    return [
        _compare_reads(f"dead.{key}", what, counts, at, of)
        for key, what, at, of in (
            ("tcp", f"reads of the others, one TCP device of {_DEAD_DEVICES} silent", 0, _DEAD_DEVICES),
            (
                "rtu",
                f"reads of the others, one unit of {_DEAD_UNITS} silent on RTU at {_DEAD_BAUD} baud",
                1,
                _DEAD_UNITS,
            ),
        )
    ]


def _wait_until_all_asked(servers: dict[str, tuple[Process, Process]]) -> None:
    """Until every wire was asked as often as it has devices: slow starts are no matter of this group."""
    until_s = time.monotonic() + _READY_S
    for tcp, wire in servers.values():
        while tcp.count()["all"] < _DEAD_DEVICES or wire.count()["all"] < _DEAD_UNITS:
            if time.monotonic() > until_s:
                raise RuntimeError(f"not all devices were asked within {_READY_S:.0f} s")
            time.sleep(0.1)


def _compare_reads(
    key: str, what: str, counts: dict[str, list[tuple[float, float]]], at: int, of: int
) -> Figure:
    """Compare live devices next to dead ones with as many devices of a site where all answer."""
    mine = [pair[at] for pair in counts["dead"]]
    all_alive = [pair[at] * (of - 1) / of for pair in counts["alive"]]
    return make_comparison(key, what, mine, all_alive, "reads", 0.95, "more", peer_name="all alive")


def _start_site(setting: Setting, stack: ExitStack, name: str) -> tuple[Process, Process]:
    folder = setting.make_scratch_folder(name)
    tcp_argv = [setting.cache.compile_source("registers"), str(_DEAD_DEVICES)]
    wire_argv = [setting.cache.compile_source("wire"), str(_DEAD_BAUD), str(_DEAD_UNITS)]
    tcp = stack.enter_context(Process(tcp_argv, folder / "tcp.log", talks=True))
    wire = stack.enter_context(Process(wire_argv, folder / "wire.log", talks=True))
    ports = [int(text) for text in tcp.line().split()]
    line = site_files.SerialLine(wire.line(), _DEAD_BAUD, _DEAD_UNITS)
    if name == "dead":
        tcp.ask(f"mute {_DEAD_DEVICES // 2}")
        wire.ask(f"mute {_DEAD_UNITS // 2}")
    stack.enter_context(
        daemon_runs.start_daemon(folder, site_files.write_site(folder, ports, _DEAD_REGISTERS, line=line))
    )
    return tcp, wire
