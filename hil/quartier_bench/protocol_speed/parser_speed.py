"""Meter parsers: bytes per CPU second of the same capture against the usual Python packages.

Captures are seeded telegrams of the simulated meters.  Both sides must read every telegram, so that no
figure comes from doing nothing.
"""

import datetime as dt
import json
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any, Protocol, Self

from quartier_bench.measured_process import Process
from quartier_bench.peers.peer_cache import MissingPeerError
from quartier_bench.speed.measurement import (
    Figure,
    Setting,
    make_comparison,
    make_single_figure,
    make_skipped_figure,
)
from quartier_drivers.meter import dlms, mbus
from quartier_drivers.meter.iec62056 import push_decoder as iec62056_push_decoder
from quartier_drivers.meter.p1 import push_decoder as p1_push_decoder
from quartier_drivers.meter.sml import push_decoder as sml_push_decoder
from quartier_drivers.meter.telegrams import Decoder
from quartier_drivers.meter.tic import push_decoder as tic_push_decoder
from quartier_sim.meters.captures import CAPTURES
from quartier_sim.meters.dlms import push_meters as pushes
from quartier_sim.meters.dlms.push_meters import HanMeter
from quartier_sim.meters.iec62056.optical_meter import ElectricityMeter
from quartier_sim.meters.p1.p1_meters import P1Meter
from quartier_sim.meters.sml.sml_meters import OpticalHead
from quartier_sim.meters.telegrams import Telegram
from quartier_sim.meters.tic.linky import Linky

CAPTURE_SEED, CAPTURE_TELEGRAMS, CHUNK_BYTES = 7, 300, 256
LINE_BYTES_S = 960
"""A line of 9600 baud, seven bits, parity and a stop bit, that never stands still."""
DAY_MAX_PCT = 0.2
_SERIAL_CHUNK_BYTES = 16  # bytes that a serial port gives at a time: what its adapter collects in 16 ms
_DAY_BYTES, _DAY_BYTES_SHORT = 8_000_000, 1_000_000
_TURN_S, _TURN_SHORT_S = 0.5, 0.1
_ETX = b"\x03"
_BEGIN_UTC, _STEP_S = dt.datetime(2026, 11, 25, 8, tzinfo=dt.UTC), 10

DecoderFactory = Callable[[], Decoder]


@dataclass(frozen=True, slots=True)
class ParserComparison:
    """A protocol: our decoder, the peer's package, the floor, and what the capture holds."""

    name: str
    decoder: DecoderFactory
    package: str
    floor: float
    telegrams: Callable[[], list[bytes]]


def draw_telegrams(capture: str) -> list[bytes]:
    """The telegrams of one of the rig's captures."""
    return [telegram.data for telegram in CAPTURES[capture](CAPTURE_SEED, CAPTURE_TELEGRAMS)]


def _draw_whole_tic_frames() -> list[bytes]:
    """Historique without the frames that break off: kylin does not outlive them."""
    return [data for data in draw_telegrams("tic-historique") if data.endswith(_ETX)]


def _draw_han_pushes() -> list[bytes]:
    """Pushes of the makers whose lists amshan knows, in one frame each."""
    some = pushes.generate_pushes(
        CAPTURE_SEED, CAPTURE_TELEGRAMS, shapes=("aidon", "kamstrup"), carriers=("hdlc",), ciphers=("",)
    )
    return [push.telegram.data for push in some]


class SimulatedMeter(Protocol):
    """A meter of the rig that is told what its house does."""

    def tell(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Take the values of the plant at ``now``."""
        ...

    def telegram(self) -> Telegram:
        """Return its next telegram."""
        ...


def collect_meter_telegrams(meter: SimulatedMeter) -> list[bytes]:
    """Return the telegrams of one meter of a site with a wandering load, every ten seconds, as on a port."""
    source, power_w, energy_wh = random.Random(CAPTURE_SEED), 1500.0, 12_345_678.0  # noqa: S311 - a load, no secret
    telegrams = []
    for place in range(CAPTURE_TELEGRAMS):
        power_w = min(6000.0, max(100.0, power_w + source.uniform(-400, 400)))
        energy_wh += power_w * _STEP_S / 3600
        values = {"power_w": power_w, "energy_import_wh": energy_wh}
        meter.tell(values, _BEGIN_UTC + dt.timedelta(seconds=_STEP_S * place))
        telegrams.append(meter.telegram().data)
    return telegrams


def _collect_linky_telegrams() -> list[bytes]:
    return collect_meter_telegrams(Linky(mode="historique"))


COMPARISONS: Sequence[ParserComparison] = (
    ParserComparison("tic", tic_push_decoder.make_decoder, "pyteleinfo", 0.4, _draw_whole_tic_frames),
    ParserComparison("tic_kylin", tic_push_decoder.make_decoder, "kylin", 0.2, _draw_whole_tic_frames),
    ParserComparison(
        "p1", p1_push_decoder.make_decoder, "dsmr-parser", 4.0, lambda: draw_telegrams("p1-dutch")
    ),
    ParserComparison(
        "iec62056",
        iec62056_push_decoder.make_decoder,
        "iec62056-21",
        0.5,
        lambda: draw_telegrams("iec62056-c"),
    ),
    ParserComparison("sml", sml_push_decoder.make_decoder, "smllib", 2.5, lambda: draw_telegrams("sml")),
    ParserComparison("dlms", dlms.decoder, "amshan", 10.0, _draw_han_pushes),
    ParserComparison("mbus", mbus.decoder, "pymbusparser", 0.8, lambda: draw_telegrams("mbus")),
    ParserComparison("tic_one", tic_push_decoder.make_decoder, "pyteleinfo", 0.4, _collect_linky_telegrams),
    ParserComparison("tic_one_kylin", tic_push_decoder.make_decoder, "kylin", 0.2, _collect_linky_telegrams),
    ParserComparison(
        "p1_one", p1_push_decoder.make_decoder, "dsmr-parser", 7.0, lambda: collect_meter_telegrams(P1Meter())
    ),
    ParserComparison(
        "iec62056_one",
        iec62056_push_decoder.make_decoder,
        "iec62056-21",
        0.5,
        lambda: collect_meter_telegrams(ElectricityMeter()),
    ),
    ParserComparison(
        "sml_one",
        sml_push_decoder.make_decoder,
        "smllib",
        2.5,
        lambda: collect_meter_telegrams(OpticalHead()),
    ),
    ParserComparison("dlms_one", dlms.decoder, "amshan", 10.0, lambda: collect_meter_telegrams(HanMeter())),
)
"""Telegrams of many meters first, then of one meter, as on a port.

The floors are below what was measured, not goals: a meter sends about one telegram a second
(gateway/docs/decisions/0024-meter-kernels.md).
"""


@dataclass(frozen=True, slots=True)
class TurnResult:
    """CPU time of one side for some passes over a capture, and its counts."""

    cpu_s: float
    telegrams_count: int
    values_count: int


class OurParser:
    """Our decoder over a capture, in chunks of ``size`` bytes."""

    def __init__(self, made: DecoderFactory, telegrams: Sequence[bytes], size: int = CHUNK_BYTES) -> None:
        data = b"".join(telegrams)
        self._made = made
        self._chunks = [data[at : at + size] for at in range(0, len(data), size)]

    def turn(self, times: int) -> TurnResult:
        """``times`` passes, each by a new decoder."""
        telegrams_count = values_count = 0
        before_s = time.process_time()
        for _ in repeat(None, times):
            decoder = self._made()
            for chunk in self._chunks:
                for telegram in decoder.feed(chunk):
                    telegrams_count += 1
                    values_count += len(telegram.groups)
            telegrams_count += len(decoder.end())
        return TurnResult(time.process_time() - before_s, telegrams_count, values_count)


class PeerParser:
    """A peer's parser over the same capture, in a process of its own; a context."""

    def __init__(self, setting: Setting, package: str, telegrams: Sequence[bytes]) -> None:
        """Raises AbsentError when it cannot be installed."""
        python = setting.cache.parser(package)
        folder = setting.make_scratch_folder(f"parser-{package}")
        capture, self._log = folder / "capture.json", folder / "log"
        capture.write_text(json.dumps([telegram.hex() for telegram in telegrams]))
        argv = [str(python), str(setting.cache.find_parser_script()), package, str(capture)]
        self._process = Process(argv, self._log, talks=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def turn(self, times: int) -> TurnResult:
        """``times`` passes.  Raises RuntimeError with the last words of a peer that fell."""
        answer = self._process.ask(str(times))
        if not answer:
            raise RuntimeError(_read_last_log_line(self._log))
        results: Sequence[Any] = json.loads(answer)
        return TurnResult(float(results[0]), int(results[1]), int(results[2]))


def _read_last_log_line(log: Path) -> str:
    return " ".join(log.read_text().strip().splitlines()[-1:])


def measure_parsers(setting: Setting) -> list[Figure]:
    """A figure for each protocol, and a day of Linky."""
    return [*(_measure_comparison(contest, setting) for contest in COMPARISONS), _measure_linky_day(setting)]


def _measure_comparison(contest: ParserComparison, setting: Setting) -> Figure:
    name, telegrams = f"parsers.{contest.name}", contest.telegrams()
    count = len(telegrams)
    what = f"{contest.name}: kilobytes read per CPU second, {count} telegrams in chunks of {CHUNK_BYTES}"
    try:
        with PeerParser(setting, contest.package, telegrams) as peer:
            sides = OurParser(contest.decoder, telegrams).turn, peer.turn
            return _compare_rounds(contest, what, telegrams, sides, setting)
    except MissingPeerError as error:
        return make_skipped_figure(name, what, str(error), contest.floor, "more", peer_name=contest.package)


def _compare_rounds(
    contest: ParserComparison,
    what: str,
    telegrams: Sequence[bytes],
    sides: tuple[Callable[[int], TurnResult], Callable[[int], TurnResult]],
    setting: Setting,
) -> Figure:
    size, turn_s = sum(map(len, telegrams)), _TURN_SHORT_S if setting.short else _TURN_S
    # A first pass of each tells how many fill a turn, and warms up.
    times = [max(1, math.ceil(turn_s / max(1e-6, side(1).cpu_s))) for side in sides]
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(setting.rounds):
        for who, side, often, found in zip(("we", contest.package), sides, times, rates, strict=True):
            found.append(size * often / _check_turn(who, side(often), len(telegrams) * often) / 1000)
    return make_comparison(
        f"parsers.{contest.name}", what, *rates, "kB/s", contest.floor, "more", peer_name=contest.package
    )


def _check_turn(who: str, turn: TurnResult, wanted_count: int) -> float:
    """The turn's CPU seconds.  Raises RuntimeError where a telegram was not read, or nothing in it."""
    if turn.telegrams_count != wanted_count or turn.values_count < wanted_count:
        raise RuntimeError(
            f"{who} read {turn.telegrams_count} of {wanted_count} telegrams, {turn.values_count} values"
        )
    return turn.cpu_s


def _measure_linky_day(setting: Setting) -> Figure:
    """Percent of a core that a saturated line of a Linky in standard mode takes, as a port gives it."""
    telegrams = list(_repeat_linky_telegrams(_DAY_BYTES_SHORT if setting.short else _DAY_BYTES))
    ours, size = (
        OurParser(tic_push_decoder.make_decoder, telegrams, _SERIAL_CHUNK_BYTES),
        sum(map(len, telegrams)),
    )
    shares = [
        100 * _check_turn("we", ours.turn(1), len(telegrams)) / (size / LINE_BYTES_S)
        for _ in range(setting.rounds)
    ]
    what = f"a Linky that fills 9600 baud all day, in pieces of {_SERIAL_CHUNK_BYTES} B, percent of a core"
    return make_single_figure("parsers.linky_day", what, shares, "%", DAY_MAX_PCT)


def _repeat_linky_telegrams(size: int) -> Iterator[bytes]:
    telegrams, given = draw_telegrams("tic-standard"), 0
    while given < size:
        for data in telegrams:
            given += len(data)
            yield data
