"""The doors of a house without wires: bytes go to the meters' drivers as a port would give them."""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import NoReply
from quartier_drivers.meter.bus_section import MbusBus, MeterBus
from quartier_drivers.meter.driver import PolledMeter, PushMeter
from quartier_drivers.meter.line import MeterLine
from quartier_drivers.meter.line_settings import list_settings
from quartier_drivers.meter.profile import MeterProfile
from quartier_drivers.meter.telegrams import Conversation, Group, Result
from quartier_drivers.meter.telegrams import Telegram as Told
from quartier_drivers.readings import NO_READINGS, Readings
from quartier_hil.devices.meters.mbus.line import Line
from quartier_hil.devices.meters.mbus.standing import ElectricitySlave
from quartier_hil.devices.meters.noise import Noise, damage
from quartier_hil.devices.meters.port import Port as WireEnd
from quartier_hil.devices.meters.speech import Statement, Telegram
from quartier_hil.offline.soak.ledger import Ledger
from quartier_hil.offline.soak.load import Load
from quartier_hil.offline.soak.spells import Spells
from quartier_hil.offline.soak.talkers import Talker, Word

AT_ONCE_S = 0.1
"""Time for which incoming bytes are collected for a driver, as its port does, s."""
ASKED_EACH_S = 10.0
_NOWHERE = "/dev/null"
_ADDRESS = 7
_S = 1_000_000_000

Take = Callable[[Readings], None]


class HouseTime:
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
        return dt.datetime.fromtimestamp(self._utc_s + self.ns / _S, dt.UTC)

    async def sleep(self, seconds: float) -> None:
        """Return at once: no time passes here."""
        del seconds
        await asyncio.sleep(0)


class Fed(Protocol):
    """One meter and all that is between it and the image; ``values`` are what the image must show of it.

    ``is_clean``: the line was good when it spoke last.  ``silent_count``: how often its driver called it
    silent, since noise left nothing of it for long.
    """

    name: str
    ledger: Ledger
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

    async def turn(self, take: Take) -> float:
        """Say the next, have what its driver makes of it taken; how long that lasted on the wire, s."""
        ...

    async def flush(self, take: Take) -> None:
        """Give its driver what is still on the way."""
        ...


class _Heard(PushMeter):
    """The driver as it is, with a callback to the ledger for each telegram."""

    hears: Callable[[Sequence[Told]], None] = staticmethod(lambda _: None)

    def _take(self, telegrams: Sequence[Told]) -> None:
        self.hears(telegrams)
        super()._take(telegrams)


class Spoken:
    """A meter that sends by itself, at the pace of its wire."""

    def __init__(
        self, name: str, kind: str, profile_name: str, talker: Talker, spells: Spells, clock: HouseTime
    ) -> None:
        self.name = name
        self.ledger = Ledger()
        self.bytes_count = 0
        self.is_clean = False
        self.silent_count = 0
        self._talker, self._spells, self._clock = talker, spells, clock
        self._at_once = int(talker.bytes_per_s * AT_ONCE_S)
        self._rest = b""
        self._seed = 0
        bus = MeterBus(kind=kind, port=_NOWHERE)
        self._port = MeterLine(name, kind, bus.port, list_settings(bus.habit, None, None), clock)
        self._port.why = ""  # it is open, as far as its driver can see
        spec = DeviceSpec(f"{name}_meter", 0, {"": name})
        self._driver = _Heard(self._port, spec, _loaded(profile_name), clock)
        self._driver.hears = self._hears

    @property
    def values(self) -> Mapping[str, float]:
        """The values last sent."""
        return self._talker.values

    async def open(self) -> None:
        """Raise the driver's error for a meter that has not sent anything yet."""
        with suppress(NoReply):
            await self._driver.open()

    async def turn(self, take: Take) -> float:
        """One telegram, over the line as it is now; what fills no portion is given with the next."""
        uttered, noise = self._talker.next(self._clock.utc()), self._spells.next()
        self.is_clean = noise is None
        if noise is None:
            self.ledger.say(uttered.words, is_sound=True)
            data = uttered.data
        else:
            data = self._damaged(uttered.telegram, noise)
        self.bytes_count += len(data)
        stream, size = self._rest + data, self._at_once
        end = len(stream) - len(stream) % size
        for at in range(0, end, size):
            await self._give(stream[at : at + size], take)
        self._rest = stream[end:]
        return uttered.lasts_s

    async def flush(self, take: Take) -> None:
        """Give what is left."""
        rest, self._rest = self._rest, b""
        await self._give(rest, take)

    async def _give(self, data: bytes, take: Take) -> None:
        self._driver.hear(data)
        try:
            while (readings := await self._driver.read()) is not NO_READINGS:
                take(readings)
        except NoReply:
            self.silent_count += 1

    def _damaged(self, telegram: Telegram, noise: Noise) -> bytes:
        self._seed += 1
        heard = damage([telegram], noise, self._seed)
        sound, gone = ({id(piece) for piece in pieces} for pieces in (heard.intact, heard.gone))
        for piece in telegram.pieces:
            words = self._talker.words([piece])
            if id(piece) in gone:
                self.ledger.say_nothing_came(words)
            else:
                self.ledger.say(words, is_sound=id(piece) in sound)
        return bytes(heard.data)

    def _hears(self, telegrams: Sequence[Told]) -> None:
        for telegram in telegrams:
            self.ledger.hear(self._talker.heard(telegram))


class _Mouth(WireEnd):
    """The end of a wire that is no wire: what is said is there at once."""

    url, plugged = _NOWHERE, True

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


class _Cord(MeterLine):
    """A line on which answers are there when they are asked for, or never."""

    def __init__(
        self,
        name: str,
        bus: MbusBus,
        clock: HouseTime,
        ask: Callable[[bytes], bytes],
        hears: Callable[[Sequence[Told]], None],
    ) -> None:
        super().__init__(
            name, bus.kind, bus.port, list_settings(bus.habit, None, None), clock, None, bus.asks
        )
        self._ask, self._hears = ask, hears

    async def converse(self, talk: Conversation[Result]) -> Result:
        """Lead a conversation to its end."""
        try:
            ask = next(talk)
            while True:
                ask = talk.send(self._ask(ask.send))
        except StopIteration as end:
            result: Result = end.value
            self._hears(result)  # type: ignore[arg-type]  # what a meter's reader gives are telegrams
            return result
        finally:
            talk.close()


class Asked:
    """An electricity meter on M-Bus that is asked every ten seconds; a word is a telegram."""

    def __init__(self, name: str, profile_name: str, load: Load, spells: Spells, clock: HouseTime) -> None:
        self.name = name
        self.ledger = Ledger()
        self.bytes_count = 0
        self.is_clean = False
        self.values: Mapping[str, float] = {}
        self.silent_count = 0
        self._said: dict[Word, bool] = {}
        self._load, self._spells, self._clock = load, spells, clock
        self._mouth = _Mouth()
        self._slave = ElectricitySlave(12_345_678, address=_ADDRESS)
        self._line = Line([self._slave], self._mouth, seed=1)
        port = _Cord(name, MbusBus(kind="mbus", port=_NOWHERE), clock, self._answer, self._hears)
        spec = DeviceSpec(f"{name}_meter", _ADDRESS, {"": name})
        loaded = _loaded(profile_name)
        assert port.asks is not None
        self._driver = PolledMeter(port, spec, loaded, clock, port.asks)
        self._period_s = max(ASKED_EACH_S, min(loaded.scan.values()))

    async def open(self) -> None:
        """Nothing is asked yet."""
        await self._driver.open()

    async def turn(self, take: Take) -> float:
        """One reading of it, repeated as the master repeats; nothing where no answer came through."""
        self._load.go_on(self._period_s)
        self._slave.tell(self._load.values, self._clock.utc())
        self._line.noise = self._spells.next()
        self.is_clean = self._line.noise is None
        self.values = {
            "power_w": float(round(self._load.power_w)),
            "energy_import_wh": float(round(self._load.import_wh)),
        }
        try:
            readings = await self._driver.read()
        except NoReply:
            self._enter()
            self.silent_count += 1
        else:
            if readings is not NO_READINGS:
                take(readings)
        return self._period_s

    async def flush(self, take: Take) -> None:
        """Nothing is ever left."""

    def _answer(self, asked: bytes) -> bytes:
        before = self._line.sound_count, self._line.hit_count
        self._mouth.hear(asked)
        if (self._line.sound_count, self._line.hit_count) != before:
            # One that was hit is asked for again, and is the same.
            self._said[_numbers(self._slave.told[-1].numbers)] = self._line.hit_count == before[1]
        said = bytes(self._mouth.said)
        self._mouth.said.clear()
        self.bytes_count += len(said)
        return said

    def _hears(self, telegrams: Sequence[Told]) -> None:
        self._enter()
        for telegram in telegrams:
            self.ledger.hear([_numbers(telegram.groups)])

    def _enter(self) -> None:
        for word, is_sound in self._said.items():
            self.ledger.say([word], is_sound=is_sound)
        self._said.clear()


def _loaded(name: str) -> MeterProfile:
    found = loading.load_profile(name)
    assert isinstance(found, MeterProfile)
    return found


def _numbers(statements: Iterable[Statement | Group]) -> Word:
    return tuple((one.label, one.value) for one in statements if not isinstance(one.value, str))
