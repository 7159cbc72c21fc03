"""Figures of the arithmetic: ``allocate`` against its twin and numpy, the series codec against a Gorilla and its twin.

All times are CPU time of this process.
"""

import random
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import repeat

from quartier_hil.bench.figure import Figure, against, skipped
from quartier_hil.bench.gorilla import Gorilla, Prepared
from quartier_hil.bench.meters import KINDS, series
from quartier_hil.bench.vectors import Vectors
from quartier_native import allocation as kernel
from quartier_native import series as codec
from quartier_native.reference import allocation as kernel_twin
from quartier_native.reference import series as codec_twin

COUNTS = (512, 2048, 16_384)
"""Samples of the chunks that are packed."""
ASSETS = 200

Call = Callable[[], object]


def figures(rounds: int) -> list[Figure]:
    """All figures of the groups ``kernel`` and ``codec``, each from ``rounds`` interleaved rounds."""
    return [*kernel_figures(rounds), *codec_figures(rounds)]


def kernel_figures(rounds: int) -> list[Figure]:
    """``allocate_in_place`` of 200 assets and as many steps."""
    source = random.Random("kernel")  # noqa: S311 - a plant, no secret
    want_w = array("d", [source.uniform(2000, 11_000) for _ in range(ASSETS)])
    steps = [(asset, 1380.0, source.random() < 0.7) for asset in source.sample(range(ASSETS), ASSETS)]
    caps = (5000.0, 0.4 * sum(want_w), 0.0)

    def prepared(module: object) -> Call:
        setpoint_w, down, up = array("d", want_w), module.Ladder(steps), module.Ladder([])  # type: ignore[attr-defined]
        allocate = module.allocate_in_place  # type: ignore[attr-defined]

        def call() -> object:
            setpoint_w[:] = want_w
            return allocate(setpoint_w, *caps, down, up), setpoint_w

        return call

    ours, twin = prepared(kernel), prepared(kernel_twin)
    found = _pairs(ours, twin, rounds, (2000, 100))
    made = [against("kernel.twin", f"allocate, {ASSETS} assets", *found, "us", 1 / 20, peer_name="its twin")]
    what, floor = f"allocate, {ASSETS} assets", 1 / 8
    try:
        vectors = Vectors(steps)
    except ImportError:
        return [*made, skipped("kernel.numpy", what, "no numpy: pip install numpy", floor, peer_name="numpy")]
    wishes = vectors.wishes(want_w)
    setpoint_w = wishes.copy()

    def numpy_call() -> object:
        setpoint_w[:] = wishes
        return vectors.allocate_in_place(setpoint_w, *caps)

    numpy_call()
    (_, ours_w), far = ours(), 0.0  # type: ignore[misc]
    far = max(abs(a - b) for a, b in zip(ours_w, setpoint_w, strict=True))
    if far > 1e-6:
        raise ValueError(f"numpy's allocation is {far} W from ours")
    found = _pairs(ours, numpy_call, rounds, (2000, 500))
    return [*made, against("kernel.numpy", what, *found, "us", floor, peer_name="numpy")]


def codec_figures(rounds: int) -> list[Figure]:
    """Bytes and time per sample of chunks of 512, 2048 and 16,384 samples of a dozen kinds of meter series."""
    floors = {"exact": 0.25, "jittered": 0.35}
    try:
        gorilla = Gorilla()
    except OSError as error:
        names = ("exact", "jittered", "encode", "decode")
        return [
            *(skipped(f"codec.{name}", name, str(error), floors.get(name, 1.0)) for name in names),
            *_twin_figures(rounds),
        ]
    made = []
    calls: list[tuple[int, Prepared, Call, Call]] = []
    for name, floor in floors.items():
        ours, peer = 0.0, 0.0
        for count in COUNTS:
            for kind in KINDS:
                times_ms, values = series(kind, count, jittered=name == "jittered")
                prepared = gorilla.prepare(times_ms, values)
                data = codec.encode_series(times_ms, values)
                ours, peer = ours + len(data) / count, peer + prepared.size / count
                calls.append(
                    (
                        count,
                        prepared,
                        partial(codec.encode_series, times_ms, values),
                        partial(codec.decode_series, data),
                    )
                )
        share = len(COUNTS) * len(KINDS)
        what = f"bytes a sample, {name} times"
        made.append(
            against(f"codec.{name}", what, [ours / share], [peer / share], "B", floor, peer_name=PEER)
        )
    for name, pick in (("encode", 0), ("decode", 1)):
        found: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            pairs = [
                _pair(call[2 + pick], (call[1].encode, call[1].decode)[pick], (8 * 2048 // call[0] + 1,) * 2)
                for call in calls
            ]
            for side in (0, 1):
                found[side].append(
                    sum(pair[side] / call[0] for pair, call in zip(pairs, calls, strict=True))
                    / len(calls)
                    * 1e9
                )
        made.append(against(f"codec.{name}", f"{name} a sample", *found, "ns", 1.0, peer_name=PEER))
    return [*made, *_twin_figures(rounds)]


PEER = "Gorilla in C"


def _twin_figures(rounds: int) -> Iterator[Figure]:
    samples = [series(kind, COUNTS[0], jittered=jittered) for kind in KINDS for jittered in (False, True)][
        ::5
    ]
    data = [codec.encode_series(*chunk) for chunk in samples]
    for name, modules in (
        (
            "encode",
            [[partial(module.encode_series, *chunk) for chunk in samples] for module in (codec, codec_twin)],
        ),
        (
            "decode",
            [[partial(module.decode_series, chunk) for chunk in data] for module in (codec, codec_twin)],
        ),
    ):
        scale = 1e9 / len(samples) / COUNTS[0]
        ours, twin = _pairs(partial(_each, modules[0]), partial(_each, modules[1]), rounds, (100, 1))
        found = [[taken / 1e6 * scale for taken in side] for side in (ours, twin)]
        what = f"{name} a sample, chunks of {COUNTS[0]}"
        yield against(f"codec.{name}_twin", what, *found, "ns", 1 / 100, peer_name="its twin")


def _each(calls: Sequence[Call]) -> None:
    for call in calls:
        call()


def _pairs(ours: Call, peer: Call, rounds: int, times: tuple[int, int]) -> tuple[list[float], list[float]]:
    """Microseconds of CPU a call, of both sides by round."""
    taken = [_pair(ours, peer, times) for _ in range(rounds)]
    return [1e6 * pair[0] for pair in taken], [1e6 * pair[1] for pair in taken]


def _pair(ours: Call, peer: Call, times: tuple[int, int]) -> tuple[float, float]:
    return _seconds(ours, times[0]), _seconds(peer, times[1])


def _seconds(call: Call, times: int) -> float:
    """CPU seconds a call, after one to warm up."""
    call()
    before = time.process_time()
    for _ in repeat(None, times):
        call()
    return (time.process_time() - before) / times
