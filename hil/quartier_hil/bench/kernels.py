"""Figures of the arithmetic: ``allocate``, its tree and the series codec against twins, numpy and a Gorilla.

All times are CPU time of this process.
"""

import random
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat

from quartier_hil.bench import trees
from quartier_hil.bench.figure import Figure, against, skipped
from quartier_hil.bench.gorilla import Gorilla, Prepared
from quartier_hil.bench.meters import KINDS, series
from quartier_hil.bench.vectors import Vectors
from quartier_native import allocation
from quartier_native import series as codec
from quartier_native.reference import allocation as allocation_twin
from quartier_native.reference import series as codec_twin

COUNTS = (512, 2048, 16_384)
"""Samples of the chunks that are packed."""
ASSETS = 200
TIMES = {"exact": 0.25, "jittered": 0.35}
"""Kind of the times of a series, and the largest share of Gorilla's bytes that it may take."""
PEER = "Gorilla in C"

Call = Callable[[], object]


def figures(rounds: int) -> list[Figure]:
    """All figures of the groups ``kernel`` and ``codec``, each from ``rounds`` interleaved rounds."""
    return [*kernel_figures(rounds), *codec_figures(rounds)]


@dataclass(frozen=True, slots=True)
class Problem:
    """A plant over its cap, and the order in which its assets give way."""

    want_w: "array[float]"
    steps: list[tuple[int, float, bool]]
    caps_w: tuple[float, float, float]
    """Base, import cap and export cap."""


def _problem() -> Problem:
    source = random.Random("kernel")  # noqa: S311 - a plant, no secret
    want_w = array("d", [source.uniform(2000, 11_000) for _ in range(ASSETS)])
    order = source.sample(range(ASSETS), ASSETS)
    steps = [(asset, 1380.0, source.random() < 0.7) for asset in order]
    return Problem(want_w, steps, (5000.0, 0.4 * sum(want_w), 0.0))


def kernel_figures(rounds: int) -> list[Figure]:
    """``allocate_in_place`` of 200 assets, each with a step to give way, and ``allocate_tree`` of 256.

    Most of the ladder is walked; of the tree every eighth node is over a cap.
    """
    problem, what = _problem(), f"allocate, {ASSETS} assets"
    ours_w, ours = _kernel_call(problem)
    _, twin = _twin_call(problem)
    pairs = _rounds(ours, twin, rounds, (2000, 100))
    made = [against("kernel.twin", what, *pairs, "us", 1 / 20, peer_name="its twin")]
    pairs = _rounds(*trees.calls(), rounds, (200, 3))
    tree_what = f"a cycle over a tree, {trees.ASSETS} assets, {trees.NODES} nodes"
    made.append(against("kernel.tree", tree_what, *pairs, "us", 1 / 20, peer_name="its twin"))
    try:
        peer_w, peer = _numpy_call(problem)
    except ImportError:
        why = "no numpy: pip install numpy"
        return [*made, skipped("kernel.numpy", what, why, 1 / 8, peer_name="numpy")]
    ours()
    peer()
    if (far_w := max(abs(a - b) for a, b in zip(ours_w, peer_w, strict=True))) > 1e-6:
        raise ValueError(f"numpy's allocation is {far_w} W from ours")
    pairs = _rounds(ours, peer, rounds, (2000, 500))
    return [*made, against("kernel.numpy", what, *pairs, "us", 1 / 8, peer_name="numpy")]


def _kernel_call(problem: Problem) -> tuple[Sequence[float], Call]:
    setpoint_w = array("d", problem.want_w)
    down, up = allocation.Ladder(problem.steps), allocation.Ladder([])

    def call() -> None:
        setpoint_w[:] = problem.want_w
        allocation.allocate_in_place(setpoint_w, *problem.caps_w, down, up)

    return setpoint_w, call


def _twin_call(problem: Problem) -> tuple[Sequence[float], Call]:
    setpoint_w = array("d", problem.want_w)
    down, up = allocation_twin.Ladder(problem.steps), allocation_twin.Ladder([])

    def call() -> None:
        setpoint_w[:] = problem.want_w
        allocation_twin.allocate_in_place(setpoint_w, *problem.caps_w, down, up)

    return setpoint_w, call


def _numpy_call(problem: Problem) -> tuple[Sequence[float], Call]:
    vectors = Vectors(problem.steps)
    wishes = vectors.wishes(problem.want_w)
    setpoint_w = wishes.copy()

    def call() -> None:
        setpoint_w[:] = wishes
        vectors.allocate_in_place(setpoint_w, *problem.caps_w)

    return setpoint_w, call


@dataclass(frozen=True, slots=True)
class Chunk:
    """One series to pack, with all the calls that are measured."""

    count: int
    size: int
    gorilla: Prepared
    encode: Call
    decode: Call


def codec_figures(rounds: int) -> list[Figure]:
    """Bytes and time per sample of chunks of 512, 2048 and 16,384 samples of a dozen kinds of series."""
    try:
        gorilla = Gorilla()
    except OSError as error:
        floors = {**TIMES, "encode": 1.0, "decode": 1.0}
        return [
            *(skipped(f"codec.{name}", name, str(error), floors[name], peer_name=PEER) for name in floors),
            *_twin_figures(rounds),
        ]
    made, chunks = [], []
    for name, floor in TIMES.items():
        some = [
            _chunk(gorilla, kind, count, jittered=name == "jittered") for count in COUNTS for kind in KINDS
        ]
        ours = sum(chunk.size / chunk.count for chunk in some) / len(some)
        peer = sum(chunk.gorilla.size / chunk.count for chunk in some) / len(some)
        what = f"bytes a sample, {name} times"
        made.append(against(f"codec.{name}", what, [ours], [peer], "B", floor, peer_name=PEER))
        chunks += some
    encode = [_mean([(chunk, chunk.encode, chunk.gorilla.encode) for chunk in chunks]) for _ in range(rounds)]
    decode = [_mean([(chunk, chunk.decode, chunk.gorilla.decode) for chunk in chunks]) for _ in range(rounds)]
    for name, pairs in (("encode", encode), ("decode", decode)):
        sides = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        made.append(against(f"codec.{name}", f"{name} a sample", *sides, "ns", 1.0, peer_name=PEER))
    return [*made, *_twin_figures(rounds)]


def _chunk(gorilla: Gorilla, kind: str, count: int, *, jittered: bool) -> Chunk:
    times_ms, values = series(kind, count, jittered=jittered)
    data = codec.encode_series(times_ms, values)
    return Chunk(
        count,
        len(data),
        gorilla.prepare(times_ms, values),
        partial(codec.encode_series, times_ms, values),
        partial(codec.decode_series, data),
    )


def _mean(calls: Sequence[tuple[Chunk, Call, Call]]) -> tuple[float, float]:
    """Nanoseconds a sample on both sides, every chunk with the same weight."""
    ours = peer = 0.0
    for chunk, mine, theirs in calls:
        times = 16_384 // chunk.count + 1
        ours += _seconds(mine, times) / chunk.count
        peer += _seconds(theirs, times) / chunk.count
    return 1e9 * ours / len(calls), 1e9 * peer / len(calls)


def _twin_figures(rounds: int) -> Iterator[Figure]:
    count = COUNTS[0]
    samples = [series(kind, count, jittered=jittered) for kind in KINDS for jittered in (False, True)][::5]
    packed = [codec.encode_series(*sample) for sample in samples]
    encode = [
        partial(_each, [partial(module.encode_series, *sample) for sample in samples])
        for module in (codec, codec_twin)
    ]
    decode = [
        partial(_each, [partial(module.decode_series, data) for data in packed])
        for module in (codec, codec_twin)
    ]
    for name, (ours, twin) in (("encode", encode), ("decode", decode)):
        sides = _rounds(ours, twin, rounds, (100, 1))
        ours_ns, twin_ns = ([1000 * us / len(samples) / count for us in side] for side in sides)
        what = f"{name} a sample, chunks of {count}"
        yield against(f"codec.{name}_twin", what, ours_ns, twin_ns, "ns", 1 / 100, peer_name="its twin")


def _each(calls: Sequence[Call]) -> None:
    for call in calls:
        call()


def _rounds(ours: Call, peer: Call, rounds: int, times: tuple[int, int]) -> tuple[list[float], list[float]]:
    """Microseconds of CPU a call, of both sides by round."""
    pairs = [(_seconds(ours, times[0]), _seconds(peer, times[1])) for _ in range(rounds)]
    return [1e6 * pair[0] for pair in pairs], [1e6 * pair[1] for pair in pairs]


def _seconds(call: Call, times: int) -> float:
    """CPU seconds a call, after one to warm up."""
    call()
    before = time.process_time()
    for _ in repeat(None, times):
        call()
    return (time.process_time() - before) / times
