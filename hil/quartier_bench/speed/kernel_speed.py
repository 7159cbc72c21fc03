"""Speed of the allocation and tree kernels and of the series codec against twins, numpy and a Gorilla; CPU
time of this process.
"""

import random
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from types import ModuleType

from quartier_bench.peers.kernel_peers import GorillaCodec, NumpyAllocation, PreparedSeries
from quartier_bench.speed.measurement import Figure, make_comparison, make_skipped_figure
from quartier_bench.speed.meter_series import SERIES_KINDS, generate_series
from quartier_native import allocation
from quartier_native import series as codec
from quartier_native import tree as kernel
from quartier_native.reference import allocation as allocation_twin
from quartier_native.reference import series as codec_twin
from quartier_native.reference import tree as twin

TREE_NODES, TREE_ASSETS = 64, 256
TREE_BOARDS = 7
"""Nodes that hang from the connection; the others hang from them."""
UNLIMITED_W = 1e11
_PHASE_SHARES = ((1 / 3, 1 / 3, 1 / 3), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

TreeSteps = list[tuple[int, float, bool, int]]


@dataclass(frozen=True, slots=True)
class TreeProblem:
    """A tree with what it is to decide in one cycle; see ``allocate_tree``."""

    under: Sequence[int]
    home: Sequence[int]
    share: Sequence[tuple[float, float, float]]
    rest_w: Sequence[float]
    want_w: Sequence[float]
    import_max_w: Sequence[float]
    export_max_w: Sequence[float]
    down: TreeSteps
    up: TreeSteps


def make_tree_problem() -> TreeProblem:
    """Four assets a node, cars and loads, every eighth node over its caps, the connection too."""
    source = random.Random("trees")  # noqa: S311 - a plant, no secret
    under = [
        -1,
        *([0] * TREE_BOARDS),
        *(1 + node % TREE_BOARDS for node in range(TREE_NODES - TREE_BOARDS - 1)),
    ]
    home = [1 + asset % (TREE_NODES - 1) for asset in range(TREE_ASSETS)]
    share = [source.choice(_PHASE_SHARES) for _ in range(TREE_ASSETS)]
    desired_w = [source.choice([3680.0, 11_040.0, source.uniform(500, 8000)]) for _ in range(TREE_ASSETS)]
    loads_w = [0.0] * (4 * TREE_NODES)
    for asset, power_w in enumerate(desired_w):
        node = home[asset]
        while node >= 0:
            for row, part in enumerate((1.0, *share[asset])):
                loads_w[4 * node + row] += power_w * part
            node = under[node]
    import_w = [
        0.8 * load_w if row // 4 % 8 == 0 else 2 * load_w + 1000 for row, load_w in enumerate(loads_w)
    ]
    slow: TreeSteps = [(asset, 1380.0, True, home[asset]) for asset in range(TREE_ASSETS)]
    off: TreeSteps = [(asset, 0.0, False, -1) for asset in source.sample(range(TREE_ASSETS), TREE_ASSETS)]
    up: TreeSteps = [(asset, 11_040.0, True, -1) for asset in range(TREE_ASSETS)]
    slow.sort(key=lambda step: step[3])
    rest_w = [0.0] * (4 * TREE_NODES)
    return TreeProblem(
        under, home, share, rest_w, desired_w, import_w, [UNLIMITED_W] * (4 * TREE_NODES), [*slow, *off], up
    )


def make_tree_call(module: ModuleType, one: TreeProblem) -> Callable[[], twin.TreeAllocation]:
    """One cycle by the kernel or its twin, the tree made anew as control does."""

    def decide() -> twin.TreeAllocation:
        tree = module.Tree(one.under, one.home, one.share)
        found: twin.TreeAllocation = module.allocate_tree(
            tree, one.rest_w, one.rest_w, one.want_w, one.import_max_w, one.export_max_w, one.down, one.up
        )
        return found

    return decide


def make_tree_calls() -> tuple[Callable[[], object], Callable[[], object]]:
    """The kernel's and the twin's cycle.  ValueError where they do not decide the same."""
    one = make_tree_problem()
    ours, theirs = make_tree_call(kernel, one), make_tree_call(twin, one)
    if ours() != theirs():
        raise ValueError("the tree kernel and its twin do not decide the same")
    return ours, theirs


CHUNK_SAMPLES = (512, 2048, 16_384)
"""Samples of the chunks that are packed."""
ASSETS = 200
BYTES_FLOORS = {"exact": 0.25, "jittered": 0.35}
"""Kind of the times of a series, and the largest share of Gorilla's bytes that it may take."""
GORILLA_PEER = "Gorilla in C"

Call = Callable[[], object]


def measure_kernels(rounds: int) -> list[Figure]:
    """All figures of the groups ``kernel`` and ``codec``, each from ``rounds`` interleaved rounds."""
    return [*measure_allocation(rounds), *measure_codec(rounds)]


@dataclass(frozen=True, slots=True)
class AllocationProblem:
    """A plant over its cap, and the order in which its assets give way."""

    want_w: "array[float]"
    steps: list[tuple[int, float, bool]]
    caps_w: tuple[float, float, float]
    """Base, import cap and export cap."""


def _make_problem() -> AllocationProblem:
    source = random.Random("kernel")  # noqa: S311 - a plant, no secret
    desired_w = array("d", [source.uniform(2000, 11_000) for _ in range(ASSETS)])
    order = source.sample(range(ASSETS), ASSETS)
    steps = [(asset, 1380.0, source.random() < 0.7) for asset in order]
    return AllocationProblem(desired_w, steps, (5000.0, 0.4 * sum(desired_w), 0.0))


def measure_allocation(rounds: int) -> list[Figure]:
    """``allocate_in_place`` of 200 assets, each with a step to give way, and ``allocate_tree`` of 256.

    Most of the steps are taken; of the tree every eighth node is over a cap.
    """
    problem, what = _make_problem(), f"allocate, {ASSETS} assets"
    ours_w, ours = _make_kernel_call(problem)
    _, twin = _make_twin_call(problem)
    pairs = _measure_rounds_us(ours, twin, rounds, (2000, 100))
    made = [make_comparison("kernel.twin", what, *pairs, "us", 1 / 20, peer_name="its twin")]
    pairs = _measure_rounds_us(*make_tree_calls(), rounds, (200, 3))
    tree_what = f"a cycle over a tree, {TREE_ASSETS} assets, {TREE_NODES} nodes"
    made.append(make_comparison("kernel.tree", tree_what, *pairs, "us", 1 / 20, peer_name="its twin"))
    try:
        peer_w, peer = _make_numpy_call(problem)
    except ImportError:
        why = "no numpy: pip install numpy"
        return [*made, make_skipped_figure("kernel.numpy", what, why, 1 / 8, peer_name="numpy")]
    ours()
    peer()
    if (far_w := max(abs(a - b) for a, b in zip(ours_w, peer_w, strict=True))) > 1e-6:
        raise ValueError(f"numpy's allocation is {far_w} W from ours")
    pairs = _measure_rounds_us(ours, peer, rounds, (2000, 500))
    return [*made, make_comparison("kernel.numpy", what, *pairs, "us", 1 / 8, peer_name="numpy")]


def _make_kernel_call(problem: AllocationProblem) -> tuple[Sequence[float], Call]:
    setpoint_w = array("d", problem.want_w)
    down, up = allocation.Ladder(problem.steps), allocation.Ladder([])

    def call() -> None:
        setpoint_w[:] = problem.want_w
        allocation.allocate_in_place(setpoint_w, *problem.caps_w, down, up)

    return setpoint_w, call


def _make_twin_call(problem: AllocationProblem) -> tuple[Sequence[float], Call]:
    setpoint_w = array("d", problem.want_w)
    down, up = allocation_twin.Ladder(problem.steps), allocation_twin.Ladder([])

    def call() -> None:
        setpoint_w[:] = problem.want_w
        allocation_twin.allocate_in_place(setpoint_w, *problem.caps_w, down, up)

    return setpoint_w, call


def _make_numpy_call(problem: AllocationProblem) -> tuple[Sequence[float], Call]:
    vectors = NumpyAllocation(problem.steps)
    requests = vectors.make_array(problem.want_w)
    setpoint_w = requests.copy()

    def call() -> None:
        setpoint_w[:] = requests
        vectors.allocate_in_place(setpoint_w, *problem.caps_w)

    return setpoint_w, call


@dataclass(frozen=True, slots=True)
class Chunk:
    """One series to pack, with all the calls that are measured."""

    count: int
    size: int
    gorilla: PreparedSeries
    encode: Call
    decode: Call


def measure_codec(rounds: int) -> list[Figure]:
    """Bytes and time per sample of chunks of 512, 2048 and 16,384 samples of a dozen kinds of series."""
    try:
        gorilla = GorillaCodec()
    except OSError as error:
        floors = {**BYTES_FLOORS, "encode": 1.0, "decode": 1.0}
        return [
            *(
                make_skipped_figure(f"codec.{name}", name, str(error), floors[name], peer_name=GORILLA_PEER)
                for name in floors
            ),
            *_measure_codec_twins(rounds),
        ]
    made, chunks = [], []
    for name, floor in BYTES_FLOORS.items():
        some = [
            _make_chunk(gorilla, kind, count, jittered=name == "jittered")
            for count in CHUNK_SAMPLES
            for kind in SERIES_KINDS
        ]
        ours = sum(chunk.size / chunk.count for chunk in some) / len(some)
        peer = sum(chunk.gorilla.size / chunk.count for chunk in some) / len(some)
        what = f"bytes a sample, {name} times"
        made.append(
            make_comparison(f"codec.{name}", what, [ours], [peer], "B", floor, peer_name=GORILLA_PEER)
        )
        chunks += some
    encode = [
        _measure_mean_ns([(chunk, chunk.encode, chunk.gorilla.encode) for chunk in chunks])
        for _ in range(rounds)
    ]
    decode = [
        _measure_mean_ns([(chunk, chunk.decode, chunk.gorilla.decode) for chunk in chunks])
        for _ in range(rounds)
    ]
    for name, pairs in (("encode", encode), ("decode", decode)):
        made.append(
            make_comparison(
                f"codec.{name}",
                f"{name} a sample",
                [pair[0] for pair in pairs],
                [pair[1] for pair in pairs],
                "ns",
                1.0,
                peer_name=GORILLA_PEER,
            )
        )
    return [*made, *_measure_codec_twins(rounds)]


def _make_chunk(gorilla: GorillaCodec, kind: str, count: int, *, jittered: bool) -> Chunk:
    times_ms, values = generate_series(kind, count, jittered=jittered)
    data = codec.encode_series(times_ms, values)
    return Chunk(
        count,
        len(data),
        gorilla.prepare(times_ms, values),
        partial(codec.encode_series, times_ms, values),
        partial(codec.decode_series, data),
    )


def _measure_mean_ns(calls: Sequence[tuple[Chunk, Call, Call]]) -> tuple[float, float]:
    """Nanoseconds a sample on both sides, every chunk with the same weight."""
    ours = peer = 0.0
    for chunk, mine, theirs in calls:
        times = 16_384 // chunk.count + 1
        ours += _measure_call_s(mine, times) / chunk.count
        peer += _measure_call_s(theirs, times) / chunk.count
    return 1e9 * ours / len(calls), 1e9 * peer / len(calls)


def _measure_codec_twins(rounds: int) -> Iterator[Figure]:
    count = CHUNK_SAMPLES[0]
    samples = [
        generate_series(kind, count, jittered=jittered) for kind in SERIES_KINDS for jittered in (False, True)
    ][::5]
    packed = [codec.encode_series(*sample) for sample in samples]
    encode = [
        partial(_call_each, [partial(module.encode_series, *sample) for sample in samples])
        for module in (codec, codec_twin)
    ]
    decode = [
        partial(_call_each, [partial(module.decode_series, data) for data in packed])
        for module in (codec, codec_twin)
    ]
    for name, (ours, reference) in (("encode", encode), ("decode", decode)):
        sides = _measure_rounds_us(ours, reference, rounds, (100, 1))
        ours_ns, twin_ns = ([1000 * us / len(samples) / count for us in side] for side in sides)
        what = f"{name} a sample, chunks of {count}"
        yield make_comparison(
            f"codec.{name}_twin", what, ours_ns, twin_ns, "ns", 1 / 100, peer_name="its twin"
        )


def _call_each(calls: Sequence[Call]) -> None:
    for call in calls:
        call()


def _measure_rounds_us(
    ours: Call, peer: Call, rounds: int, times: tuple[int, int]
) -> tuple[list[float], list[float]]:
    """Microseconds of CPU a call, of both sides by round."""
    pairs = [(_measure_call_s(ours, times[0]), _measure_call_s(peer, times[1])) for _ in range(rounds)]
    return [1e6 * pair[0] for pair in pairs], [1e6 * pair[1] for pair in pairs]


def _measure_call_s(call: Call, times: int) -> float:
    """CPU seconds a call, after one to warm up."""
    call()
    before = time.process_time()
    for _ in repeat(None, times):
        call()
    return (time.process_time() - before) / times
