"""Meters that send all the time at little cost: a new clock in each telegram, new values each ten seconds.

So two telegrams are never alike, and the encoding costs less than the reading.  The load is random and
repeatable; its counters rise.
"""

import datetime as dt
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from quartier_drivers.meter.telegrams import Telegram as Told
from quartier_sim.meters.p1.p1_meters import P1Meter
from quartier_sim.meters.p1.telegrams import make_clock_entry as p1_clock
from quartier_sim.meters.telegrams import Statement, Telegram, TelegramPart
from quartier_sim.meters.tic.frames import build_standard_group
from quartier_sim.meters.tic.linky import Linky
from quartier_sim.meters.tic.meter_state import make_stamp

_LOW_W, _HIGH_W, _STEP_W = -3000.0, 6000.0, 400.0


class RandomLoad:
    """Import is plus; ``import_wh`` and ``export_wh`` never shrink."""

    def __init__(self, seed: int, import_wh: float = 12_345_678.0) -> None:
        self.power_w = 1_500.0
        self.import_wh, self.export_wh = import_wh, 0.0
        self._random = Random(seed)  # noqa: S311 - a load that can be repeated, no secret

    def go_on(self, seconds: float) -> None:
        """Let so much time pass at the present power, then take another."""
        energy_wh = self.power_w * seconds / 3600
        self.import_wh += max(energy_wh, 0.0)
        self.export_wh += max(-energy_wh, 0.0)
        wandered_w = self.power_w + self._random.uniform(-_STEP_W, _STEP_W)
        self.power_w = min(_HIGH_W, max(_LOW_W, wandered_w))

    @property
    def values(self) -> dict[str, float]:
        """As meters of the rig take them."""
        return {
            "power_w": self.power_w,
            "energy_import_wh": self.import_wh,
            "energy_export_wh": self.export_wh,
        }


UPDATE_S = 10.0
"""Interval at which a meter gets new values, s."""
_BITS_PER_BYTE = 10
_ARC_POLYNOMIAL = 0xA001
_DATE, _CLOCK = "DATE", "0-0:1.0.0"

Word = Hashable


@dataclass(frozen=True, slots=True)
class SentTelegram:
    """A telegram, the words it says whole, and how long it takes on the wire, s."""

    telegram: Telegram
    data: bytes
    words: tuple[Word, ...]
    lasts_s: float


class MeterSender(Protocol):
    """A meter that speaks by itself."""

    bytes_per_s: float
    values: dict[str, float]
    """Values that the image must show of it, by quantity, in gateway units."""

    def next(self, now: dt.datetime) -> SentTelegram:
        """Return its output at ``now``."""
        ...

    def words(self, pieces: Iterable[TelegramPart]) -> list[Word]:
        """Return the words in pieces of its telegrams."""
        ...

    def extract_words(self, telegram: Told) -> list[Word]:
        """Return the content of a received telegram, in the same words."""
        ...


class LinkySender:
    """A Linky in standard mode that fills its line: a frame follows the other.  A word is a group."""

    bytes_per_s = 9600 / _BITS_PER_BYTE

    def __init__(self, load: RandomLoad) -> None:
        self.values: dict[str, float] = {}
        self._load = load
        self._meter = Linky(phases=3, reference_kva=15, start_wh=load.import_wh)
        self._next_s = 0.0
        self._pieces: tuple[TelegramPart, ...] = ()
        self._date = 0
        self._second = ""
        self._sent_telegram: SentTelegram | None = None

    def next(self, now: dt.datetime) -> SentTelegram:
        """A frame; only its DATE is made anew where nothing else has changed."""
        if now.timestamp() >= self._next_s:
            self._next_s = now.timestamp() + UPDATE_S
            self._load.go_on(UPDATE_S)
            self._meter.tell({**self._load.values, "energy_import_wh": self._load.import_wh}, now)
            self._pieces = self._meter.telegram().pieces
            self._date = next(n for n, one in enumerate(self._pieces) if _get_label(one) == _DATE)
            values = {_get_label(piece): piece.says[0].value for piece in self._pieces if piece.says}
            self.values = {
                "apparent_power_va": float(values["SINSTS"]),
                "energy_import_wh": float(values["EAST"]),
            }
            self._second = ""
        when = make_stamp(now)
        if when.text != self._second or self._sent_telegram is None:
            self._second = when.text
            date = build_standard_group(_DATE, "", stamp=when.text, time=when.iso, season=when.season)
            telegram = Telegram((*self._pieces[: self._date], date, *self._pieces[self._date + 1 :]))
            data = telegram.data
            words = tuple(self.words(telegram.pieces))
            self._sent_telegram = SentTelegram(telegram, data, words, len(data) / self.bytes_per_s)
        return self._sent_telegram

    def words(self, pieces: Iterable[TelegramPart]) -> list[Word]:
        """Label, value and time of each group."""
        return [
            (statement.label, statement.value, statement.time) for piece in pieces for statement in piece.says
        ]

    def extract_words(self, telegram: Told) -> list[Word]:
        """The same of what was heard."""
        return [(group.label, group.value, group.time) for group in telegram.groups]


class P1Sender:
    """A Dutch meter of version 5 with a gas meter: a telegram a second.  A word is a telegram."""

    bytes_per_s = 115_200 / _BITS_PER_BYTE

    def __init__(self, load: RandomLoad) -> None:
        self.values: dict[str, float] = {}
        self._load = load
        self._meter = P1Meter(children={1: 3})
        self._next_s = 0.0
        self._before, self._behind, self._before_crc = b"", b"", 0
        self._says: tuple[Statement, ...] = ()

    def next(self, now: dt.datetime) -> SentTelegram:
        """A telegram; only its clock and its CRC are made anew where nothing else has changed."""
        if now.timestamp() >= self._next_s:
            self._next_s = now.timestamp() + UPDATE_S
            self._make(now)
        clock = p1_clock(now)
        body = self._before + clock.line.encode() + self._behind
        crc = compute_arc(clock.line.encode() + self._behind, self._before_crc)
        data = body + f"{crc:04X}\r\n".encode()
        statements = (*clock.says, *self._says)
        telegram = Telegram((TelegramPart(data, statements),))
        return SentTelegram(telegram, data, (_make_word(statements),), 1.0)

    def _make(self, now: dt.datetime) -> None:
        self._load.go_on(UPDATE_S)
        self._meter.tell(self._load.values, now)
        self._meter.count(1, round(self._load.import_wh / 10_000, 3))
        whole = self._meter.telegram()
        data, line = whole.data, p1_clock(now).line.encode()
        at, end = data.index(line), data.rindex(b"!") + 1
        self._before, self._behind = data[:at], data[at + len(line) : end]
        self._before_crc = compute_arc(self._before)
        assert f"{compute_arc(data[:end]):04X}\r\n".encode() == data[end:], (
            "the CRC by table is that of the standard"
        )
        self._says = tuple(one for one in whole.statements if one.label != _CLOCK)
        values = {one.label: float(one.value) for one in self._says if one.is_number}
        self.values = {
            "power_w": round(1000 * (values["1-0:1.7.0"] - values["1-0:2.7.0"]), 6),
            "energy_import_wh": round(1000 * (values["1-0:1.8.1"] + values["1-0:1.8.2"]), 6),
        }

    def words(self, pieces: Iterable[TelegramPart]) -> list[Word]:
        """All numbers of a telegram and its clock, as one word."""
        return [_make_word(piece.says) for piece in pieces if piece.says]

    def extract_words(self, telegram: Told) -> list[Word]:
        """The same of what was heard."""
        return [
            tuple(
                (group.label, group.value, group.time)
                for group in telegram.groups
                if not isinstance(group.value, str) or group.label == _CLOCK
            )
        ]


def _make_word(statements: Iterable[Statement]) -> Word:
    return tuple(
        (statement.label, statement.value, statement.time)
        for statement in statements
        if statement.is_number or statement.label == _CLOCK
    )


def _get_label(piece: TelegramPart) -> str:
    return piece.says[0].label if piece.says else ""


def _make_table_entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ _ARC_POLYNOMIAL if value & 1 else value >> 1
    return value


_ARC_TABLE = tuple(map(_make_table_entry, range(256)))


def compute_arc(data: bytes, crc: int = 0) -> int:
    """``checks.arc`` by a table, for millions of telegrams; goes on from ``crc``."""
    table = _ARC_TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc
