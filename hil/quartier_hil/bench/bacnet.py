"""BACnet answers against bacpypes3 and node-bacnet: CPU per point of a ReadPropertyMultiple of 50.

The same datagrams go to each side, from the first byte of the network to a number for each point.  All sides
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

from quartier_drivers.bacnet.codec.answers import PreparedRead, hear
from quartier_drivers.errors import WireError
from quartier_hil.bench.cache import AbsentError, Cache
from quartier_hil.bench.figure import Figure, against, alone, skipped
from quartier_hil.bench.process import Process, memory_mib
from quartier_hil.bench.setting import Setting
from quartier_native.bacnet import Ref

POINTS, ANSWERS, SEED = 50, 40, 7
FLOOR, FLOOR_NODE = 1 / 15, 1.0
MEMORY_KIB = 256.0
_LIBRARY, _MODULE = "bacpypes3", "node-bacnet"
_TURN_S, _TURN_SHORT_S = 0.5, 0.1
_NOISE = 1476
_WARM = 20
_PRESENT_VALUE = 85


@dataclass(frozen=True, slots=True)
class Turn:
    """CPU time of one side for some passes over the capture, and the sum of the values read in one."""

    cpu_s: float
    points_count: int
    total: float


def answer(numbers: Sequence[float]) -> bytes:
    """A datagram: present values of analog inputs 1, 2, … (ASHRAE 135-2020, clauses 15.7 and 20)."""
    told = b"".join(
        b"\x0c"
        + place.to_bytes(4, "big")
        + b"\x1e\x29"
        + bytes((_PRESENT_VALUE,))
        + b"\x4e\x44"
        + struct.pack(">f", number)
        + b"\x4f\x1f"
        for place, number in enumerate(numbers, start=1)
    )
    body = b"\x01\x00\x30\x01\x0e" + told
    return b"\x81\x0a" + (4 + len(body)).to_bytes(2, "big") + body


def capture() -> list[bytes]:
    """Answers of one device whose values wander."""
    source = random.Random(SEED)  # noqa: S311 - values, no secret
    return [answer([source.uniform(-50.0, 500.0) for _ in range(POINTS)]) for _ in range(ANSWERS)]


def noise() -> Iterator[bytes]:
    """Answers whose inside is anything, as long as a datagram may be."""
    source = random.Random(SEED)  # noqa: S311 - the same
    while True:
        body = b"\x01\x00\x30\x01\x0e" + source.randbytes(_NOISE - 3)
        yield b"\x81\x0a" + (4 + len(body)).to_bytes(2, "big") + body


class Ours:
    """Our hot path."""

    def __init__(self, datagrams: Sequence[bytes]) -> None:
        self._datagrams = datagrams
        self._read = PreparedRead([Ref(0, place, _PRESENT_VALUE) for place in range(1, POINTS + 1)])

    def turn(self, times: int) -> Turn:
        """``times`` passes."""
        points_count, total = 0, 0.0
        before_s = time.process_time()
        for _ in repeat(None, times):
            total = 0.0
            for data in self._datagrams:
                heard = hear(data)
                if heard is None:
                    raise RuntimeError("an answer was not heard")
                told = self._read.take(data, heard)
                points_count += len(told)
                total += sum(told.values)
        return Turn(time.process_time() - before_s, points_count, total)

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


class Peer:
    """Another stack's in a process of its own; a context."""

    def __init__(self, argv: Sequence[str], folder: Path, datagrams: Sequence[bytes]) -> None:
        place, self._log = folder / "capture.json", folder / "log"
        place.write_text(json.dumps([data.hex() for data in datagrams]))
        self._process = Process([*argv, str(place)], self._log, talks=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def turn(self, times: int) -> Turn:
        """``times`` passes.  Raises RuntimeError with the last words of a peer that fell."""
        told = self._process.ask(str(times))
        if not told:
            raise RuntimeError(" ".join(self._log.read_text().strip().splitlines()[-1:]))
        found: Sequence[Any] = json.loads(told)
        return Turn(float(found[0]), int(found[1]), float(found[2]))


def figures(setting: Setting) -> list[Figure]:
    """Both peers on the same answers, a device polled, what holds the loop, and what remains in memory."""
    from quartier_hil.bench import polled  # noqa: PLC0415 - it takes its peer from here

    return [
        _contested("multiple", _LIBRARY, FLOOR, _library, setting),
        _contested("multiple_node", _MODULE, FLOOR_NODE, _node, setting),
        *polled.figures(setting),
        _memory(setting),
    ]


def _library(cache: Cache) -> list[str]:
    return [str(cache.library(_LIBRARY)), str(Path(__file__).with_name("decoding.py"))]


def _node(cache: Cache) -> list[str]:
    node = cache.program("node", "nodejs")
    script = Path(__file__).parent / "peers" / "decoding.js"
    return [node, str(script), str(cache.module(_MODULE) / "node_modules" / _MODULE)]


def _contested(
    name: str, peer_name: str, floor: float, argv: Callable[[Cache], list[str]], setting: Setting
) -> Figure:
    name, what = f"bacnet.{name}", f"a ReadPropertyMultiple answer of {POINTS}, CPU per point"
    datagrams = capture()
    try:
        with Peer(argv(setting.cache), setting.scratch("bacnet"), datagrams) as peer:
            ours, theirs = sides(Ours(datagrams).turn, peer.turn, setting)
    except AbsentError as error:
        return skipped(name, what, str(error), floor, peer_name=peer_name)
    return against(name, what, ours, theirs, "us", floor, peer_name=peer_name)


def sides(
    ours: Callable[[int], Turn], theirs: Callable[[int], Turn], setting: Setting
) -> tuple[list[float], list[float]]:
    """Microseconds of CPU per point of both, round by round.

    Raises RuntimeError where they did not read the same.
    """
    turn_s = _TURN_SHORT_S if setting.short else _TURN_S
    # A first pass of each tells how many fill a turn, and warms up: a compiler in a peer wants some.
    times = [max(1, math.ceil(turn_s / max(1e-6, warm(side)))) for side in (ours, theirs)]
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


def warm(side: Callable[[int], Turn]) -> float:
    """CPU seconds of one pass, after some."""
    side(20)
    return side(1).cpu_s


def _memory(setting: Setting) -> Figure:
    """Return the growth of resident memory from a few to many answers, whole ones and noise."""
    grown = [_grown_kib(100 if setting.short else 1000) for _ in range(setting.rounds)]
    what = f"memory after {'100' if setting.short else '1,000'} more passes, half of them noise"
    return alone("bacnet.memory", what, grown, "KiB", MEMORY_KIB)


def _grown_kib(passes: int) -> float:
    ours, strange = Ours(capture()), noise()
    for _ in range(_WARM):
        _pass(ours, strange)
    before_mib = memory_mib(os.getpid())
    for _ in range(passes):
        _pass(ours, strange)
    return 1024 * (memory_mib(os.getpid()) - before_mib)


def _pass(ours: Ours, strange: Iterator[bytes]) -> None:
    ours.turn(1)
    ours.refuse([next(strange) for _ in range(ANSWERS)])
