"""Drivers of meters: some send by themselves, others are polled.  Nothing is written."""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quartier_drivers.contract import Clock, Command, DeviceSpec, Note, PointInfo
from quartier_drivers.errors import ConfigError, LinkLost, NoReply, Refused
from quartier_drivers.meter import keys, protocols
from quartier_drivers.meter.bus_section import MeterBus
from quartier_drivers.meter.connection.line import MeterLine
from quartier_drivers.meter.connection.line_settings import PROTOCOL_TRIALS, list_settings
from quartier_drivers.meter.device_readings import MeterReadings
from quartier_drivers.meter.meaning import list_labels
from quartier_drivers.meter.profile import MeterProfile
from quartier_drivers.meter.telegrams import Decoder, DecoderCounts, Telegram
from quartier_drivers.readings import NO_READINGS, Readings

if TYPE_CHECKING:
    from quartier_drivers.meter.telegrams import MeterReader

_S = 1_000_000_000
# The bus calls a device silent after 15 s or three of its periods; the reason is given shortly before.
_SILENT_S = 12.0
_SILENT_PERIODS = 2.4
# Readings that wait to be read; a bus that is blocked for longer drops the oldest.
_WAITING_MAX = 64
_UNKNOWN_TELEGRAM_TEXT = (
    "it speaks, but says nothing that its profile asks for: another mode of the meter, or another profile"
)


class _MeterDriver:
    """Base of both kinds of meters: their points, counters and keys."""

    def __init__(self, port: MeterLine, device: DeviceSpec, profile: MeterProfile, clock: Clock) -> None:
        self._port = port
        self._device = device
        self._profile = profile
        self._clock = clock
        self._meter_readings = MeterReadings(device, profile, self._utc_s)
        self._serial = ""
        protocols.load_protocol(profile.protocol)

    @property
    def points(self) -> Mapping[str, PointInfo]:
        """Every point that this meter serves, by full name."""
        return self._meter_readings.points

    def notes(self) -> Sequence[Note]:
        """Return the notes about its counters since the last call."""
        return self._meter_readings.notes()

    def dump_state(self) -> Mapping[str, Any]:
        """Return the state of its counters that must survive a restart."""
        return self._meter_readings.dump_state()

    def recall(self, kept: Mapping[str, Any], away_s: float) -> None:
        """Restore the state of its counters that was kept ``away_s`` seconds ago."""
        self._meter_readings.recall(kept, self._clock.now_ns(), away_s)

    async def write(self, command: Command) -> None:
        """Refuse: meters are read only.  Raises Refused."""
        raise Refused(f"{command.point} cannot be written")

    async def release(self, points: Collection[str] = ()) -> None:
        """Do nothing: a meter takes no orders."""

    def releases(self) -> Sequence[Mapping[str, Any]]:
        """Return no writes."""
        return ()

    def _identity(self) -> dict[str, str]:
        head = self._profile.head
        identity = {"maker": head.maker, "model": head.model}
        return identity | ({"serial": self._serial} if self._serial else {})

    def _keys(self) -> keys.MeterKeys:
        """Load the keys; each opening reads them anew, so that a corrected file is used.  Raises NoReply."""
        try:
            return keys.load_keys(self._device.key_file)
        except ConfigError as error:
            raise NoReply(str(error.faults[0])) from error

    def _utc_s(self) -> float | None:
        utc_ms = getattr(self._clock, "utc_ms", None)
        return None if utc_ms is None else utc_ms() / 1000


class PushMeter(_MeterDriver):
    """A meter that sends by itself; its telegrams wake the bus."""

    def __init__(self, port: MeterLine, device: DeviceSpec, profile: MeterProfile, clock: Clock) -> None:
        super().__init__(port, device, profile, clock)
        self._decoder: Decoder | None = None
        self._used_keys: keys.MeterKeys | None = None
        self._none = DecoderCounts()
        self._wake: Callable[[], None] = lambda: None
        self._waiting: deque[Readings] = deque(maxlen=_WAITING_MAX)
        self._is_strange = False
        self._receive_ns = clock.now_ns()
        self._silent_ns = int(max(_SILENT_S, _SILENT_PERIODS * self._meter_readings.period_s) * _S)
        port.attach(self)

    # Interface for the port

    @property
    def counts(self) -> DecoderCounts:
        """The counts of the decoder; zeros before the meter is opened."""
        return self._none if self._decoder is None else self._decoder.counts

    @property
    def why(self) -> str:
        """The fault that the decoder reports, such as a wrong key; empty if none."""
        return str(getattr(self._decoder, "why", ""))

    def hear(self, data: bytes) -> None:
        """Take received bytes."""
        if self._decoder is not None:
            self._take(self._decoder.feed(data))
            ahead = getattr(self._decoder, "ahead", None)
            if ahead is not None and (groups := ahead()):
                self._put(self._meter_readings.ahead(groups, self._clock.now_ns()))

    def handle_closed_line(self) -> None:
        """Handle a closed line: use the good content of an unfinished frame, then wake the bus."""
        if self._decoder is not None:
            self._take(self._decoder.end())
        self._wake()

    # Interface for the bus

    def on_data(self, wake: Callable[[], None]) -> None:
        """Register ``wake``, which is called when a telegram arrived or the line was closed."""
        self._wake = wake

    @property
    def due_ns(self) -> int:
        """The time of the next ``read`` in monotonic ns: the waiting telegram's, or when one is overdue."""
        if self._waiting:
            return self._waiting[0].taken_ns
        return self._clock.now_ns() if self._port.why else self._receive_ns + self._silent_ns

    async def open(self) -> Mapping[str, str]:
        """Return the identity of the meter once it has sent something.

        Raises NoReply until then, or LinkLost.
        """
        self._begin()
        if not self._waiting:
            # The next attempt is one silence period away: if the meter were due at once, the bus would ask
            # for ever and receive nothing.
            self._receive_ns = self._clock.now_ns()
            self._complain()
        return self._identity()

    async def read(self) -> Readings:
        """Return the received readings; nothing while it is not due.

        Raises NoReply after too long a silence, or LinkLost.
        """
        if self._waiting:
            return self._waiting.popleft()
        if self._port.why:
            raise LinkLost(self._port.why)
        if self._clock.now_ns() - self._receive_ns >= self._silent_ns:
            self._receive_ns = self._clock.now_ns()
            self._complain()
        return NO_READINGS

    async def close(self) -> None:
        """Forget the meter; the line stays open."""
        self._decoder = None
        self._waiting.clear()

    def _begin(self) -> None:
        known = self._keys()
        if self._decoder is None or known != self._used_keys:
            try:
                self._decoder = protocols.make_decoder(
                    self._profile.protocol, self._profile.decoder, known, over_tcp=self._port.is_tcp
                )
            except ValueError as error:
                raise NoReply(str(error)) from error
            self._used_keys = known

    def _complain(self) -> None:
        if self._port.why:
            raise LinkLost(self._port.why)
        self._meter_readings.forget()
        strange, self._is_strange = self._is_strange, False
        raise NoReply(
            _UNKNOWN_TELEGRAM_TEXT
            if strange
            else self._port.texts["advice_text"] or "nothing sound has come from it"
        )

    def _take(self, telegrams: Sequence[Telegram]) -> None:
        now_ns = self._clock.now_ns()
        for telegram in telegrams:
            self._serial = telegram.meter or self._serial
            readings = self._meter_readings.make_readings((telegram,), now_ns)
            self._is_strange = readings is None and bool(telegram.groups)
            self._put(readings)

    def _put(self, readings: Readings | None) -> None:
        if readings is None:
            return
        self._receive_ns = readings.taken_ns
        self._waiting.append(readings)
        self._wake()


class PolledMeter(_MeterDriver):
    """A meter that is polled; one reading of the meter is one exchange."""

    why = ""

    def __init__(
        self,
        port: MeterLine,
        device: DeviceSpec,
        profile: MeterProfile,
        clock: Clock,
        line: Mapping[str, Any],
    ) -> None:
        super().__init__(port, device, profile, clock)
        self._line = line
        self._reader: MeterReader | None = None
        self._period_ns = int(self._meter_readings.period_s * _S)
        self._due_ns = clock.now_ns()
        self.counts = DecoderCounts()
        port.attach(self)

    def hear(self, data: bytes) -> None:
        """Ignore the bytes: they belong to a conversation."""

    def handle_closed_line(self) -> None:
        """Do nothing: the conversation notices it."""

    @property
    def due_ns(self) -> int:
        """The time of the next ``read`` in monotonic ns."""
        return self._due_ns

    async def open(self) -> Mapping[str, str]:
        """Return the identity in the profile, and the serial number once it was read.  Raises NoReply."""
        try:
            self._reader = protocols.make_reader(
                self._profile.protocol,
                self._profile.decoder,
                self._keys(),
                unit=self._device.unit,
                address=self._device.address,
                wanted=list_labels(self._meter_readings.statements.values()),
                **self._line,
            )
        except ValueError as error:  # its address, or a key
            raise NoReply(str(error)) from error
        self._meter_readings.forget()
        return self._identity()

    async def read(self) -> Readings:
        """Read everything from the meter if it is due.  Raises NoReply, also if it refuses, or LinkLost."""
        now_ns = self._clock.now_ns()
        if now_ns < self._due_ns or self._reader is None:
            return NO_READINGS
        self._due_ns += ((now_ns - self._due_ns) // self._period_ns + 1) * self._period_ns
        try:
            telegrams = await self._port.converse(self._reader.read())
        except (NoReply, Refused) as error:
            self._due_ns = self._clock.now_ns()  # the caller decides when to ask again
            # A meter is read as a whole: one that refuses may as well be silent.
            raise NoReply(str(error)) from error
        for telegram in telegrams:
            self.counts.frames_count += 1
            self.counts.good_count += len(telegram.groups)
            self.counts.bad_count += telegram.bad_count
            self._serial = telegram.meter or self._serial
        return self._meter_readings.make_readings(telegrams, self._clock.now_ns()) or NO_READINGS

    async def close(self) -> None:
        """Forget the meter; the line stays open for the others."""
        self._reader = None


class MeterFactory:
    """Smart meters: Linky TIC, DSMR P1, IEC 62056-21, SML, DLMS/COSEM and wired M-Bus."""

    def line(self, name: str, bus: MeterBus, clock: Clock) -> MeterLine:
        """Make the line of the bus ``name``; ``bus`` is its checked section of the site file."""
        settings = list_settings(bus.speeds_name, bus.baud, bus.framing)
        patience = PROTOCOL_TRIALS.get(bus.speeds_name)
        return MeterLine(name, bus.kind, bus.port, settings, clock, patience=patience, asks=bus.asks)

    def driver(
        self, line: MeterLine, device: DeviceSpec, profile: MeterProfile, clock: Clock
    ) -> PushMeter | PolledMeter:
        """Make the driver of one meter on ``line``."""
        if line.asks is None:
            return PushMeter(line, device, profile, clock)
        return PolledMeter(line, device, profile, clock, line.asks)

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Return a failure for each write: a meter cannot be written."""
        del bus
        return [f"{write['point']}: cannot be written" for write in writes]


FACTORY = MeterFactory()
