"""Meters of a site without wires: their bytes reach the drivers as from a port, with periods of noise."""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Protocol

from quartier_bench.soak.meter_senders import MeterSender, RandomLoad, Word
from quartier_bench.soak.word_ledger import WordLedger
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import NoReply
from quartier_drivers.meter.bus_section import MbusBus, MeterBus
from quartier_drivers.meter.connection.line import MeterLine
from quartier_drivers.meter.connection.line_settings import list_settings
from quartier_drivers.meter.driver import PolledMeter, PushMeter
from quartier_drivers.meter.profile import MeterProfile
from quartier_drivers.meter.telegrams import Conversation, Group, Result
from quartier_drivers.meter.telegrams import Telegram as Told
from quartier_drivers.readings import NO_READINGS, Readings
from quartier_sim.devices.serial_ports import Port as WireEnd
from quartier_sim.meters.line_noise import LINE_QUALITIES, LineNoise, damage_telegrams
from quartier_sim.meters.mbus.bus_line import MbusLine
from quartier_sim.meters.mbus.slaves import ElectricitySlave
from quartier_sim.meters.telegrams import Statement, Telegram

NOISE_MEAN_COUNT = 100.0
"""Telegrams of a spell of noise, on the average."""
_CLEAN = "clean"


class NoisePeriods:
    """Over which line each telegram is heard: ``noisy_pct`` of them over a bad one of ``noise.LINES``."""

    def __init__(self, seed: int, noisy_pct: float) -> None:
        self._random = Random(seed)  # noqa: S311 - noise that can be repeated, no secret
        self._calm_mean = NOISE_MEAN_COUNT * (100.0 / noisy_pct - 1.0) if noisy_pct else 0.0
        self._left = 0 if noisy_pct else -1
        self._noise: LineNoise | None = None
        self._bad = [noise for name, noise in LINE_QUALITIES.items() if name != _CLEAN]
        self._is_first = True

    def next(self) -> LineNoise | None:
        """The noise of the next telegram; None for a clean line."""
        if self._left == 0:
            if self._noise is None and not self._is_first:
                self._noise, mean = self._random.choice(self._bad), NOISE_MEAN_COUNT
            else:
                self._noise, mean = None, self._calm_mean
            self._is_first = False
            self._left = 1 + int(self._random.expovariate(1.0 / mean)) if mean else 1
        self._left -= 1
        return self._noise


COLLECT_S = 0.1
"""Time for which incoming bytes are collected for a driver, as its port does, s."""
POLL_INTERVAL_S = 10.0
_NOWHERE = "/dev/null"
_ADDRESS = 7
_NS_PER_S = 1_000_000_000

ReadingsCallback = Callable[[Readings], None]


class SiteTime:
    """A clock that stands until ``ns`` is set; ``utc_s`` is what it shows at 0."""

    def __init__(self, utc_s: float) -> None:
        self.ns = 0
        self._utc_s = utc_s

    def now_ns(self) -> int:
        """Nanoseconds since the start."""
        return self.ns

    def utc_ms(self) -> int:
        """UTC in milliseconds."""
        return int(self._utc_s * 1000) + self.ns // 1_000_000

    def utc(self) -> dt.datetime:
        """The same, aware."""
        return dt.datetime.fromtimestamp(self._utc_s + self.ns / _NS_PER_S, dt.UTC)

    async def sleep(self, seconds: float) -> None:
        """Return at once: no time passes here."""
        del seconds
        await asyncio.sleep(0)


class TestedMeter(Protocol):
    """One meter and all that is between it and the image; ``values`` are what the image must show of it.

    ``is_clean``: the line was good when it spoke last.  ``silent_count``: how often its driver called it
    silent, since noise left nothing of it for long.
    """

    name: str
    ledger: WordLedger
    bytes_count: int
    silent_count: int
    is_clean: bool

    @property
    def values(self) -> Mapping[str, float]:
        """Values by quantity, in gateway units."""
        ...

    async def open(self) -> None:
        """Make its driver ready."""
        ...

    async def turn(self, take: ReadingsCallback) -> float:
        """Say the next, have what its driver makes of it taken; how long that lasted on the wire, s."""
        ...

    async def flush(self, take: ReadingsCallback) -> None:
        """Give its driver what is still on the way."""
        ...


class _ObservedDriver(PushMeter):
    """The driver as it is, with a callback to the ledger for each telegram."""

    hears: Callable[[Sequence[Told]], None] = staticmethod(lambda _: None)

    def _take(self, telegrams: Sequence[Told]) -> None:
        self.hears(telegrams)
        super()._take(telegrams)


class CheckedPushMeter:
    """A meter that sends by itself, at the pace of its wire."""

    def __init__(
        self,
        name: str,
        kind: str,
        profile_name: str,
        talker: MeterSender,
        spells: NoisePeriods,
        clock: SiteTime,
    ) -> None:
        self.name = name
        self.ledger = WordLedger()
        self.bytes_count = 0
        self.is_clean = False
        self.silent_count = 0
        self._sender, self._noise_periods, self._clock = talker, spells, clock
        self._at_once = int(talker.bytes_per_s * COLLECT_S)
        self._rest = b""
        self._seed = 0
        bus = MeterBus(kind=kind, port=_NOWHERE)
        self._port = MeterLine(name, kind, bus.port, list_settings(bus.speeds_name, None, None), clock)
        self._port.why = ""  # it is open, as far as its driver can see
        spec = DeviceSpec(f"{name}_meter", 0, {"": name})
        self._driver = _ObservedDriver(self._port, spec, _load_meter_profile(profile_name), clock)
        self._driver.hears = self._hears

    @property
    def values(self) -> Mapping[str, float]:
        """The values last sent."""
        return self._sender.values

    async def open(self) -> None:
        """Raise the driver's error for a meter that has not sent anything yet."""
        with suppress(NoReply):
            await self._driver.open()

    async def turn(self, take: ReadingsCallback) -> float:
        """One telegram, over the line as it is now; what fills no portion is given with the next."""
        uttered, noise = self._sender.next(self._clock.utc()), self._noise_periods.next()
        self.is_clean = noise is None
        if noise is None:
            self.ledger.say(uttered.words, is_sound=True)
            data = uttered.data
        else:
            data = self._damage_telegram(uttered.telegram, noise)
        self.bytes_count += len(data)
        stream, size = self._rest + data, self._at_once
        end = len(stream) - len(stream) % size
        for at in range(0, end, size):
            await self._give(stream[at : at + size], take)
        self._rest = stream[end:]
        return uttered.lasts_s

    async def flush(self, take: ReadingsCallback) -> None:
        """Give what is left."""
        rest, self._rest = self._rest, b""
        await self._give(rest, take)

    async def _give(self, data: bytes, take: ReadingsCallback) -> None:
        self._driver.hear(data)
        try:
            while (readings := await self._driver.read()) is not NO_READINGS:
                take(readings)
        except NoReply:
            self.silent_count += 1

    def _damage_telegram(self, telegram: Telegram, noise: LineNoise) -> bytes:
        self._seed += 1
        output = damage_telegrams([telegram], noise, self._seed)
        sound, gone = ({id(piece) for piece in pieces} for pieces in (output.intact, output.gone))
        for piece in telegram.pieces:
            words = self._sender.words([piece])
            if id(piece) in gone:
                self.ledger.record_lost(words)
            else:
                self.ledger.say(words, is_sound=id(piece) in sound)
        return bytes(output.data)

    def _hears(self, telegrams: Sequence[Told]) -> None:
        for telegram in telegrams:
            self.ledger.hear(self._sender.extract_words(telegram))


class _DirectPort(WireEnd):
    """The end of a wire that is no wire: what is said is there at once."""

    url, is_plugged = _NOWHERE, True

    def __init__(self) -> None:
        super().__init__()
        self.said = bytearray()

    async def plug(self) -> None:
        """It is."""

    async def unplug(self) -> None:
        """It stays."""

    def say(self, data: bytes) -> int:
        """All of it."""
        self.said += data
        return len(data)

    async def room(self) -> None:
        """Always."""


class _DirectLine(MeterLine):
    """A line on which answers are there when they are asked for, or never."""

    def __init__(
        self,
        name: str,
        bus: MbusBus,
        clock: SiteTime,
        ask: Callable[[bytes], bytes],
        hears: Callable[[Sequence[Told]], None],
    ) -> None:
        settings = list_settings(bus.speeds_name, None, None)
        super().__init__(name, bus.kind, bus.port, settings, clock, asks=bus.asks)
        self._ask, self._hears = ask, hears

    async def converse(self, conversation: Conversation[Result]) -> Result:
        """Lead a conversation to its end."""
        try:
            ask = next(conversation)
            while True:
                ask = conversation.send(self._ask(ask.send))
        except StopIteration as end:
            result: Result = end.value
            self._hears(result)  # type: ignore[arg-type]  # what a meter's reader gives are telegrams
            return result
        finally:
            conversation.close()


class CheckedPolledMeter:
    """An electricity meter on M-Bus that is asked every ten seconds; a word is a telegram."""

    def __init__(
        self, name: str, profile_name: str, load: RandomLoad, spells: NoisePeriods, clock: SiteTime
    ) -> None:
        self.name = name
        self.ledger = WordLedger()
        self.bytes_count = 0
        self.is_clean = False
        self.values: Mapping[str, float] = {}
        self.silent_count = 0
        self._said: dict[Word, bool] = {}
        self._load, self._noise_periods, self._clock = load, spells, clock
        self._direct_port = _DirectPort()
        self._slave = ElectricitySlave(12_345_678, address=_ADDRESS)
        self._line = MbusLine([self._slave], self._direct_port, seed=1)
        port = _DirectLine(name, MbusBus(kind="mbus", port=_NOWHERE), clock, self._answer, self._hears)
        spec = DeviceSpec(f"{name}_meter", _ADDRESS, {"": name})
        loaded = _load_meter_profile(profile_name)
        assert port.asks is not None
        self._driver = PolledMeter(port, spec, loaded, clock, port.asks)
        self._period_s = max(POLL_INTERVAL_S, min(loaded.scan.values()))

    async def open(self) -> None:
        """Nothing is asked yet."""
        await self._driver.open()

    async def turn(self, take: ReadingsCallback) -> float:
        """One reading of it, repeated as the master repeats; nothing where no answer came through."""
        self._load.go_on(self._period_s)
        self._slave.tell(self._load.values, self._clock.utc())
        self._line.noise = self._noise_periods.next()
        self.is_clean = self._line.noise is None
        self.values = {
            "power_w": float(round(self._load.power_w)),
            "energy_import_wh": float(round(self._load.import_wh)),
        }
        try:
            readings = await self._driver.read()
        except NoReply:
            self._record_sent()
            self.silent_count += 1
        else:
            if readings is not NO_READINGS:
                take(readings)
        return self._period_s

    async def flush(self, take: ReadingsCallback) -> None:
        """Nothing is ever left."""

    def _answer(self, asked: bytes) -> bytes:
        before = self._line.sound_count, self._line.hit_count
        self._direct_port.hear(asked)
        if (self._line.sound_count, self._line.hit_count) != before:
            # One that was hit is asked for again, and is the same.
            self._said[_list_numbers(self._slave.told[-1].numbers)] = self._line.hit_count == before[1]
        data = bytes(self._direct_port.said)
        self._direct_port.said.clear()
        self.bytes_count += len(data)
        return data

    def _hears(self, telegrams: Sequence[Told]) -> None:
        self._record_sent()
        for telegram in telegrams:
            self.ledger.hear([_list_numbers(telegram.groups)])

    def _record_sent(self) -> None:
        for word, is_sound in self._said.items():
            self.ledger.say([word], is_sound=is_sound)
        self._said.clear()


def _load_meter_profile(name: str) -> MeterProfile:
    found = loading.load_profile(name)
    assert isinstance(found, MeterProfile)
    return found


def _list_numbers(statements: Iterable[Statement | Group]) -> Word:
    return tuple((one.label, one.value) for one in statements if not isinstance(one.value, str))
