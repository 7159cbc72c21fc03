"""The whole daemon against the whole of its peers: the same registers to the same broker."""

from collections.abc import Callable, Mapping, Sequence

from quartier_hil.bench import contest
from quartier_hil.bench.cache import AbsentError, Cache
from quartier_hil.bench.contest import Launch, Round
from quartier_hil.bench.figure import Figure, against, alone, skipped
from quartier_hil.bench.setting import Setting

OURS, NODE_RED, THINGSBOARD = "quartier", "Node-RED", "thingsboard-gateway"
_PEERS: Mapping[str, Callable[[Cache], Launch]] = {
    NODE_RED: contest.node_red,
    THINGSBOARD: contest.thingsboard,
}
# Devices and registers of each; every register once a second.
_SIZES = ((20, 100), (40, 500))
_WARM_S, _WARM_SHORT_S = 8.0, 5.0
# Whole commits of the store (10 s) belong in a window.
_WINDOW_S, _WINDOW_SHORT_S = 20.0, 10.0


def figures(setting: Setting) -> list[Figure]:
    """CPU a point, memory, latency and losses at 2,000 and 20,000 points a second.  Raises AbsentError."""
    launches: dict[str, Launch] = {OURS: contest.ours}
    absent: dict[str, str] = {}
    for name, make in _PEERS.items():
        try:
            launches[name] = make(setting.cache)
        except AbsentError as error:
            absent[name] = str(error)
    found = []
    for devices, registers in _SIZES:
        rounds = _rounds(setting, launches, devices, registers)
        found += judged(f"{devices * registers}", rounds, absent, devices * registers * _window_s(setting))
    return found


def _window_s(setting: Setting) -> float:
    return _WINDOW_SHORT_S if setting.short else _WINDOW_S


def _rounds(
    setting: Setting, launches: Mapping[str, Launch], devices: int, registers: int
) -> dict[str, list[Round]]:
    """Each contestant once a round, alone, and each in turn the first of its round."""
    found: dict[str, list[Round]] = {name: [] for name in launches}
    folder = setting.scratch("arena")
    with contest.arena(setting.cache, folder, devices, registers) as arena:
        names = list(launches)
        for number in range(setting.rounds):
            for at in range(len(names)):
                name = names[(number + at) % len(names)]
                setting.say(f"{devices * registers} points/s, round {number + 1}: {name}")
                one = arena.measure(
                    launches[name],
                    setting.scratch("contestant"),
                    warm_s=_WARM_SHORT_S if setting.short else _WARM_S,
                    window_s=_window_s(setting),
                )
                found[name].append(one)
                setting.say(
                    f"    {one.cpu_us_per_point:.1f} µs a point, {one.memory_mib:.0f} MiB, "
                    f"p99 {one.p99_ms:.0f} ms, {one.points} of {one.asked} points"
                )
    return found


def judged(
    size: str, rounds: Mapping[str, Sequence[Round]], absent: Mapping[str, str], wanted: float
) -> list[Figure]:
    """The figures of one size.

    ``absent`` says for a peer what to install, ``wanted`` how many points a window should have.
    """

    def column(name: str, take: Callable[[Round], float]) -> list[float]:
        return [take(one) for one in rounds[name]]

    found = []
    for peer, floor in ((NODE_RED, 0.5), (THINGSBOARD, 0.1)):
        key, what = f"daemon.cpu_{size}_{_short(peer)}", f"CPU a point at {size} points/s"
        if peer in absent:
            found.append(skipped(key, what, absent[peer], floor, peer_name=peer))
            continue
        mine, theirs = (column(name, lambda one: one.cpu_us_per_point) for name in (OURS, peer))
        found.append(against(key, what, mine, theirs, "µs", floor, peer_name=peer))
    key, what = f"daemon.memory_{size}", f"resident memory at {size} points/s"
    if absent:
        found.append(skipped(key, what, "; ".join(absent.values()), 0.8, peer_name="the smaller peer"))
    else:
        mine = column(OURS, lambda one: one.memory_mib)
        both = zip(*(column(peer, lambda one: one.memory_mib) for peer in _PEERS), strict=True)
        least = [min(pair) for pair in both]
        found.append(against(key, what, mine, least, "MiB", 0.8, peer_name="the smaller peer"))
    key, what = f"daemon.p99_{size}", f"wire to subscriber, p99, at {size} points/s"
    if NODE_RED in absent:
        found.append(skipped(key, what, absent[NODE_RED], 1.0, peer_name=NODE_RED))
    else:
        mine, theirs = (column(name, lambda one: max(one.p99_ms, 1.0)) for name in (OURS, NODE_RED))
        found.append(against(key, what, mine, theirs, "ms", 1.0, peer_name=NODE_RED))
    lost = [max(column(OURS, lambda one: abs(one.lost)))]
    found.append(
        alone(
            f"daemon.lost_{size}", f"points lost or told twice at {size}/s, worst round", lost, "points", 0.0
        )
    )
    unkept = sum(one.kept is False for one in rounds[OURS])
    what = f"rounds in which the history dropped samples at {size} points/s"
    found.append(alone(f"daemon.unkept_{size}", what, [float(unkept)], "rounds", 0.0))
    polled = column(OURS, lambda one: one.asked / wanted)
    found.append(alone(f"daemon.polled_{size}", f"share of {size} points/s polled", polled, "", 0.98, "more"))
    return found


def _short(peer: str) -> str:
    return peer.partition("-")[0].lower() if peer != NODE_RED else "nodered"
