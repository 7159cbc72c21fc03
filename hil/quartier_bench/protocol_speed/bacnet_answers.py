"""BACnet: CPU per point of decoding a ReadPropertyMultiple answer of 50, against bacpypes3 and
node-bacnet.

The same datagrams go to each side, from the first byte of the network to a number for each point.  All
sides
must read the same sum, so that no figure comes from doing nothing.
"""

import json
import math
import os
import random
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any, Self

from quartier_bench.measured_process import Process, read_memory_mib
from quartier_bench.peers.peer_cache import MissingPeerError, PeerCache
from quartier_bench.speed.measurement import (
    Figure,
    Setting,
    make_comparison,
    make_single_figure,
    make_skipped_figure,
)
from quartier_drivers.bacnet.codec.answers import PreparedRead, hear
from quartier_drivers.errors import WireError
from quartier_native.bacnet import Ref

POINTS, ANSWERS, SEED = 50, 40, 7
RATIO_FLOOR, NODE_RATIO_FLOOR = 1 / 15, 1.0
MEMORY_MAX_KIB = 256.0
_LIBRARY, _MODULE = "bacpypes3", "node-bacnet"
_TURN_S, _TURN_SHORT_S = 0.5, 0.1
_NOISE_BYTES = 1476
_WARM_PASSES = 20
_PRESENT_VALUE = 85


@dataclass(frozen=True, slots=True)
class TurnResult:
    """CPU time of one side for some passes over the capture, and the sum of the values read in one."""

    cpu_s: float
    points_count: int
    total: float


def encode_answer(numbers: Sequence[float]) -> bytes:
    """A datagram: present values of analog inputs 1, 2, … (ASHRAE 135-2020, clauses 15.7 and 20)."""
    data = b"".join(
        b"\x0c"
        + place.to_bytes(4, "big")
        + b"\x1e\x29"
        + bytes((_PRESENT_VALUE,))
        + b"\x4e\x44"
        + struct.pack(">f", number)
        + b"\x4f\x1f"
        for place, number in enumerate(numbers, start=1)
    )
    body = b"\x01\x00\x30\x01\x0e" + data
    return b"\x81\x0a" + (4 + len(body)).to_bytes(2, "big") + body


def make_capture() -> list[bytes]:
    """Answers of one device whose values wander."""
    source = random.Random(SEED)  # noqa: S311 - values, no secret
    return [encode_answer([source.uniform(-50.0, 500.0) for _ in range(POINTS)]) for _ in range(ANSWERS)]


def generate_noise() -> Iterator[bytes]:
    """Answers whose inside is anything, as long as a datagram may be."""
    source = random.Random(SEED)  # noqa: S311 - the same
    while True:
        body = b"\x01\x00\x30\x01\x0e" + source.randbytes(_NOISE_BYTES - 3)
        yield b"\x81\x0a" + (4 + len(body)).to_bytes(2, "big") + body


class OurDecoder:
    """Our hot path."""

    def __init__(self, datagrams: Sequence[bytes]) -> None:
        self._datagrams = datagrams
        self._read = PreparedRead([Ref(0, place, _PRESENT_VALUE) for place in range(1, POINTS + 1)])

    def turn(self, times: int) -> TurnResult:
        """``times`` passes."""
        points_count, total = 0, 0.0
        before_s = time.process_time()
        for _ in repeat(None, times):
            total = 0.0
            for data in self._datagrams:
                heard = hear(data)
                if heard is None:
                    raise RuntimeError("an answer was not heard")
                answer = self._read.take(data, heard)
                points_count += len(answer)
                total += sum(answer.values)
        return TurnResult(time.process_time() - before_s, points_count, total)

    def refuse(self, datagrams: Sequence[bytes]) -> int:
        """Return the number of datagrams that are no answers."""
        count = 0
        for data in datagrams:
            heard = hear(data)
            try:
                if heard is not None:
                    self._read.take(data, heard)
            except WireError:
                count += 1
        return count


class PeerDecoder:
    """Another stack's in a process of its own; a context."""

    def __init__(self, argv: Sequence[str], folder: Path, datagrams: Sequence[bytes]) -> None:
        place, self._log = folder / "capture.json", folder / "log"
        place.write_text(json.dumps([data.hex() for data in datagrams]))
        self._process = Process([*argv, str(place)], self._log, talks=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def turn(self, times: int) -> TurnResult:
        """``times`` passes.  Raises RuntimeError with the last words of a peer that fell."""
        text = self._process.ask(str(times))
        if not text:
            raise RuntimeError(" ".join(self._log.read_text().strip().splitlines()[-1:]))
        found: Sequence[Any] = json.loads(text)
        return TurnResult(float(found[0]), int(found[1]), float(found[2]))


def measure_bacnet(setting: Setting) -> list[Figure]:
    """Both peers on the same answers, a device polled, what holds the loop, and what remains in memory."""
    from quartier_bench.protocol_speed import bacnet_polls  # noqa: PLC0415 - it takes its peer from here

    return [
        _measure_peer("multiple", _LIBRARY, RATIO_FLOOR, _make_library_argv, setting),
        _measure_peer("multiple_node", _MODULE, NODE_RATIO_FLOOR, _make_node_argv, setting),
        *bacnet_polls.measure_polls(setting),
        _measure_memory(setting),
    ]


def _make_library_argv(cache: PeerCache) -> list[str]:
    return [str(cache.library(_LIBRARY)), str(Path(__file__).parents[1] / "peers" / "bacpypes3_decoder.py")]


def _make_node_argv(cache: PeerCache) -> list[str]:
    node = cache.program("node", "nodejs")
    script = Path(__file__).parents[1] / "peers" / "node_bacnet_decoder.js"
    return [node, str(script), str(cache.module(_MODULE) / "node_modules" / _MODULE)]


def _measure_peer(
    name: str, peer_name: str, floor: float, argv: Callable[[PeerCache], list[str]], setting: Setting
) -> Figure:
    name, what = f"bacnet.{name}", f"a ReadPropertyMultiple answer of {POINTS}, CPU per point"
    datagrams = make_capture()
    try:
        with PeerDecoder(argv(setting.cache), setting.make_scratch_folder("bacnet"), datagrams) as peer:
            ours, theirs = measure_sides(OurDecoder(datagrams).turn, peer.turn, setting)
    except MissingPeerError as error:
        return make_skipped_figure(name, what, str(error), floor, peer_name=peer_name)
    return make_comparison(name, what, ours, theirs, "us", floor, peer_name=peer_name)


def measure_sides(
    ours: Callable[[int], TurnResult], theirs: Callable[[int], TurnResult], setting: Setting
) -> tuple[list[float], list[float]]:
    """Microseconds of CPU per point of both, round by round.

    Raises RuntimeError where they did not read the same.
    """
    turn_s = _TURN_SHORT_S if setting.short else _TURN_S
    # A first pass of each tells how many fill a turn, and warms up: a compiler in a peer wants some.
    times = [max(1, math.ceil(turn_s / max(1e-6, warm_up(side)))) for side in (ours, theirs)]
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(setting.rounds):
        turns = [side(often) for side, often in zip((ours, theirs), times, strict=True)]
        if not math.isclose(turns[0].total, turns[1].total, rel_tol=1e-9):
            raise RuntimeError(f"the sides read {turns[0].total} and {turns[1].total}, not the same")
        for turn, often, costs in zip(turns, times, found, strict=True):
            if turn.points_count != POINTS * ANSWERS * often:
                raise RuntimeError(f"a side read {turn.points_count} points of {POINTS * ANSWERS * often}")
            costs.append(1e6 * turn.cpu_s / turn.points_count)
    return found


def warm_up(side: Callable[[int], TurnResult]) -> float:
    """CPU seconds of one pass, after some."""
    side(20)
    return side(1).cpu_s


def _measure_memory(setting: Setting) -> Figure:
    """Return the growth of resident memory from a few to many answers, whole ones and noise."""
    grown = [_measure_growth_kib(100 if setting.short else 1000) for _ in range(setting.rounds)]
    what = f"memory after {'100' if setting.short else '1,000'} more passes, half of them noise"
    return make_single_figure("bacnet.memory", what, grown, "KiB", MEMORY_MAX_KIB)


def _measure_growth_kib(passes: int) -> float:
    ours, strange = OurDecoder(make_capture()), generate_noise()
    for _ in range(_WARM_PASSES):
        _run_pass(ours, strange)
    before_mib = read_memory_mib(os.getpid())
    for _ in range(passes):
        _run_pass(ours, strange)
    return 1024 * (read_memory_mib(os.getpid()) - before_mib)


def _run_pass(ours: OurDecoder, strange: Iterator[bytes]) -> None:
    ours.turn(1)
    ours.refuse([next(strange) for _ in range(ANSWERS)])
