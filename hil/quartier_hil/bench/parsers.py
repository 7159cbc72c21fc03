"""Meter parsers against the usual Python packages: bytes per CPU second of the same capture.

Captures are what the rig's meters say, seeded.  Both sides must read every telegram that was said, so that no
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

from quartier_drivers.meter import dlms, mbus
from quartier_drivers.meter.iec62056 import push_decoder as iec62056_push_decoder
from quartier_drivers.meter.p1 import push_decoder as p1_push_decoder
from quartier_drivers.meter.sml import push_decoder as sml_push_decoder
from quartier_drivers.meter.telegrams import Decoder
from quartier_drivers.meter.tic import push_decoder as tic_push_decoder
from quartier_hil.bench.cache import AbsentError
from quartier_hil.bench.figure import Figure, against, alone, skipped
from quartier_hil.bench.process import Process
from quartier_hil.bench.setting import Setting
from quartier_hil.devices.meters.dlms import draw as pushes
from quartier_hil.devices.meters.dlms.pusher import HanMeter
from quartier_hil.devices.meters.iec62056.standing import StandingMeter
from quartier_hil.devices.meters.kinds import CAPTURES
from quartier_hil.devices.meters.p1.standing import P1Meter
from quartier_hil.devices.meters.sml.head import Head
from quartier_hil.devices.meters.speech import Telegram
from quartier_hil.devices.meters.tic.linky import Linky

SEED, COUNT, CHUNK = 7, 300, 256
LINE_BYTES_S = 960
"""A line of 9600 baud, seven bits, parity and a stop bit, that never stands still."""
DAY_PCT = 0.2
_AT_ONCE = 16  # bytes that a serial port gives at a time: what its adapter collects in 16 ms
_DAY_BYTES, _DAY_BYTES_SHORT = 8_000_000, 1_000_000
_TURN_S, _TURN_SHORT_S = 0.5, 0.1
_ETX = b"\x03"
_BEGIN, _STEP_S = dt.datetime(2026, 11, 25, 8, tzinfo=dt.UTC), 10

Made = Callable[[], Decoder]


@dataclass(frozen=True, slots=True)
class Contest:
    """A protocol: our decoder, the peer's package, the floor, and what the capture holds."""

    name: str
    decoder: Made
    package: str
    floor: float
    telegrams: Callable[[], list[bytes]]


def drawn(capture: str) -> list[bytes]:
    """The telegrams of one of the rig's captures."""
    return [telegram.data for telegram in CAPTURES[capture](SEED, COUNT)]


def _whole_tic() -> list[bytes]:
    """Historique without the frames that break off: kylin does not outlive them."""
    return [data for data in drawn("tic-historique") if data.endswith(_ETX)]


def _han() -> list[bytes]:
    """Pushes of the makers whose lists amshan knows, in one frame each."""
    some = pushes.pushes(SEED, COUNT, shapes=("aidon", "kamstrup"), carriers=("hdlc",), ciphers=("",))
    return [push.telegram.data for push in some]


class Speaking(Protocol):
    """A meter of the rig that is told what its house does."""

    def tell(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Take the values of the plant at ``now``."""
        ...

    def telegram(self) -> Telegram:
        """Return its next telegram."""
        ...


def one_meter(meter: Speaking) -> list[bytes]:
    """Return the telegrams of one meter of a site with a wandering load, every ten seconds, as on a port."""
    source, power_w, energy_wh = random.Random(SEED), 1500.0, 12_345_678.0  # noqa: S311 - a load, no secret
    said = []
    for place in range(COUNT):
        power_w = min(6000.0, max(100.0, power_w + source.uniform(-400, 400)))
        energy_wh += power_w * _STEP_S / 3600
        values = {"power_w": power_w, "energy_import_wh": energy_wh}
        meter.tell(values, _BEGIN + dt.timedelta(seconds=_STEP_S * place))
        said.append(meter.telegram().data)
    return said


def _one_linky() -> list[bytes]:
    return one_meter(Linky(mode="historique"))


CONTESTS: Sequence[Contest] = (
    Contest("tic", tic_push_decoder.make_decoder, "pyteleinfo", 0.4, _whole_tic),
    Contest("tic_kylin", tic_push_decoder.make_decoder, "kylin", 0.2, _whole_tic),
    Contest("p1", p1_push_decoder.make_decoder, "dsmr-parser", 4.0, lambda: drawn("p1-dutch")),
    Contest("iec62056", iec62056_push_decoder.make_decoder, "iec62056-21", 0.5, lambda: drawn("iec62056-c")),
    Contest("sml", sml_push_decoder.make_decoder, "smllib", 2.5, lambda: drawn("sml")),
    Contest("dlms", dlms.decoder, "amshan", 10.0, _han),
    Contest("mbus", mbus.decoder, "pymbusparser", 0.8, lambda: drawn("mbus")),
    Contest("tic_one", tic_push_decoder.make_decoder, "pyteleinfo", 0.4, _one_linky),
    Contest("tic_one_kylin", tic_push_decoder.make_decoder, "kylin", 0.2, _one_linky),
    Contest("p1_one", p1_push_decoder.make_decoder, "dsmr-parser", 7.0, lambda: one_meter(P1Meter())),
    Contest(
        "iec62056_one",
        iec62056_push_decoder.make_decoder,
        "iec62056-21",
        0.5,
        lambda: one_meter(StandingMeter()),
    ),
    Contest("sml_one", sml_push_decoder.make_decoder, "smllib", 2.5, lambda: one_meter(Head())),
    Contest("dlms_one", dlms.decoder, "amshan", 10.0, lambda: one_meter(HanMeter())),
)
"""Telegrams of many meters first, then of one meter, as on a port.

The floors are below what was measured, not goals: a meter sends about one telegram a second
(gateway/docs/decisions/0024-meter-kernels.md).
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """CPU time of one side for some passes over a capture, and its counts."""

    cpu_s: float
    telegrams_count: int
    values_count: int


class Ours:
    """Our decoder over a capture, in chunks of ``size`` bytes."""

    def __init__(self, made: Made, telegrams: Sequence[bytes], size: int = CHUNK) -> None:
        data = b"".join(telegrams)
        self._made = made
        self._chunks = [data[at : at + size] for at in range(0, len(data), size)]

    def turn(self, times: int) -> Turn:
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
        return Turn(time.process_time() - before_s, telegrams_count, values_count)


class Peer:
    """A peer's parser over the same capture, in a process of its own; a context."""

    def __init__(self, setting: Setting, package: str, telegrams: Sequence[bytes]) -> None:
        """Raises AbsentError when it cannot be installed."""
        python = setting.cache.parser(package)
        folder = setting.scratch(f"parser-{package}")
        capture, self._log = folder / "capture.json", folder / "log"
        capture.write_text(json.dumps([telegram.hex() for telegram in telegrams]))
        argv = [str(python), str(setting.cache.parsing()), package, str(capture)]
        self._process = Process(argv, self._log, talks=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def turn(self, times: int) -> Turn:
        """``times`` passes.  Raises RuntimeError with the last words of a peer that fell."""
        answer = self._process.ask(str(times))
        if not answer:
            raise RuntimeError(_last_words(self._log))
        told: Sequence[Any] = json.loads(answer)
        return Turn(float(told[0]), int(told[1]), int(told[2]))


def _last_words(log: Path) -> str:
    return " ".join(log.read_text().strip().splitlines()[-1:])


def figures(setting: Setting) -> list[Figure]:
    """A figure for each protocol, and a day of Linky."""
    return [*(_contested(contest, setting) for contest in CONTESTS), _linky_day(setting)]


def _contested(contest: Contest, setting: Setting) -> Figure:
    name, telegrams = f"parsers.{contest.name}", contest.telegrams()
    what = f"{contest.name}: kilobytes read per CPU second, {len(telegrams)} telegrams in chunks of {CHUNK}"
    try:
        with Peer(setting, contest.package, telegrams) as peer:
            sides = Ours(contest.decoder, telegrams).turn, peer.turn
            return _figure(contest, what, telegrams, sides, setting)
    except AbsentError as error:
        return skipped(name, what, str(error), contest.floor, "more", peer_name=contest.package)


def _figure(
    contest: Contest,
    what: str,
    telegrams: Sequence[bytes],
    sides: tuple[Callable[[int], Turn], Callable[[int], Turn]],
    setting: Setting,
) -> Figure:
    size, turn_s = sum(map(len, telegrams)), _TURN_SHORT_S if setting.short else _TURN_S
    # A first pass of each tells how many fill a turn, and warms up.
    times = [max(1, math.ceil(turn_s / max(1e-6, side(1).cpu_s))) for side in sides]
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(setting.rounds):
        for who, side, often, found in zip(("we", contest.package), sides, times, rates, strict=True):
            found.append(size * often / _checked(who, side(often), len(telegrams) * often) / 1000)
    return against(
        f"parsers.{contest.name}", what, *rates, "kB/s", contest.floor, "more", peer_name=contest.package
    )


def _checked(who: str, turn: Turn, wanted_count: int) -> float:
    """The turn's CPU seconds.  Raises RuntimeError where a telegram was not read, or nothing in it."""
    if turn.telegrams_count != wanted_count or turn.values_count < wanted_count:
        raise RuntimeError(
            f"{who} read {turn.telegrams_count} of {wanted_count} telegrams, {turn.values_count} values"
        )
    return turn.cpu_s


def _linky_day(setting: Setting) -> Figure:
    """Percent of a core that a saturated line of a Linky in standard mode takes, as a port gives it."""
    telegrams = list(_linky(_DAY_BYTES_SHORT if setting.short else _DAY_BYTES))
    ours, size = Ours(tic_push_decoder.make_decoder, telegrams, _AT_ONCE), sum(map(len, telegrams))
    shares = [
        100 * _checked("we", ours.turn(1), len(telegrams)) / (size / LINE_BYTES_S)
        for _ in range(setting.rounds)
    ]
    what = f"a Linky that fills 9600 baud all day, in pieces of {_AT_ONCE} B, percent of a core"
    return alone("parsers.linky_day", what, shares, "%", DAY_PCT)


def _linky(size: int) -> Iterator[bytes]:
    telegrams, given = drawn("tic-standard"), 0
    while given < size:
        for data in telegrams:
            given += len(data)
            yield data
