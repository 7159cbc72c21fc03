"""Planned reads of a device: one request with its columns, and several requests in one batch.

The native reader decodes most points of an answer.  What it leaves (texts, numbers beyond 2**53, unusual
scalings) is decoded here point by point into the same columns.

The readings of a batch are returned one by one, in the order in which they came.
"""

import struct
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType

from quartier_drivers import register_codec
from quartier_drivers.contract import SLOT_NS, Clock
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.frames import make_read
from quartier_drivers.modbus.read_layout import AnswerLayout, DeviceOwners, Power, RequestLayout
from quartier_drivers.modbus.served_points import ServedPoint
from quartier_drivers.modbus.wire.exchanges import ReadSequence
from quartier_drivers.native_fields import BIT_TABLES
from quartier_drivers.readings import EXACT_INT_MAX, TEXT, Layout, Quality, Readings, Value
from quartier_native import BAD, GOOD, LEFT

ScalePowers = Mapping[tuple[int, Address], Power]
"""The scale registers by unit and address: a power of ten, None if invalid."""


_NONE: Mapping[int, str] = MappingProxyType({})
_UNREAD = AnswerLayout(())


class ReadJob:
    """A request of the plan for one device, its due time, and the connection in which it was last read.

    ``powers`` are the driver's; ``refit`` takes over changes there.  A point whose scale register has not
    been read yet is left out.  ``known`` are earlier values, kept until there is a better one.
    """

    __slots__ = (
        "_fit",
        "_owners",
        "_registers",
        "_scale_words",
        "_shows_raw",
        "_texts",
        "_values",
        "connects_count",
        "due_ns",
        "layout",
        "period_ns",
        "request",
        "settled_ns",
        "sheet",
        "unit",
    )

    def __init__(
        self,
        sheet: RequestLayout,
        owners: DeviceOwners,
        due_ns: int,
        powers: ScalePowers,
        known: Mapping[str, Value],
        *,
        shows_raw: bool = False,
    ) -> None:
        block = sheet.block
        self.sheet = sheet
        self.unit = owners.unit_of(block)
        self.request = make_read(self.unit, block.table, block.start, block.count)
        self.due_ns = due_ns
        self.period_ns = int(block.period_s * 1_000_000_000)
        self.connects_count = 0.0
        self.settled_ns = 0
        self.layout = Layout((), b"")
        self._owners = owners
        self._shows_raw = shows_raw
        self._scale_words: tuple[bytes, ...] = ()
        self._fit = _UNREAD
        self._registers = _UNREAD.registers
        self._values = array("d")
        self._texts: dict[int, str] = {}
        self.refit(powers, known)

    @property
    def keys(self) -> frozenset[str]:
        """The points that it reads, by their names in the shared plan."""
        return self.sheet.keys

    @property
    def names(self) -> list[str]:
        """The points whose own registers are in the block."""
        return [self._owners.name(key) for key in self.sheet.names()]

    @property
    def last_values(self) -> dict[str, Value]:
        """The last good value of each point of the layout, or the zero of its kind."""
        now = Readings(self.layout, self._values, bytes(len(self.layout)), 0, self._texts)
        return {name: now.value(place) for place, name in enumerate(self.layout.points)}

    def move_on(self, now_ns: int, phase_ns: int) -> int:
        """Move the due time to the next point of its grid; return how many points have passed already."""
        skipped = (now_ns - self.due_ns) // self.period_ns
        if self.period_ns % SLOT_NS:
            self.due_ns += (skipped + 1) * self.period_ns
        else:
            self.due_ns = phase_ns - (phase_ns - now_ns - 1) // self.period_ns * self.period_ns  # next slot
        if self.settled_ns > now_ns:  # read in between, it may still have shown the old value
            self.due_ns = min(self.due_ns, self.settled_ns)
        return skipped

    def powers(self, data: bytes) -> dict[tuple[int, Address], Power]:
        """Return the scale registers in the answer; empty while they are unchanged."""
        pieces = self.sheet.scale_words(data)
        if pieces == self._scale_words:
            return {}
        self._scale_words = pieces
        words = struct.unpack(f">{len(self.sheet.scales)}H", b"".join(pieces))
        return {
            (self.unit, place): register_codec.decode_power([word])
            for word, (_, place) in zip(words, self.sheet.scales, strict=True)
        }

    def refit(self, powers: ScalePowers, known: Mapping[str, Value]) -> None:
        """Prepare anew for the scales that are known now; the layout stays if its points do."""
        read = {
            place: powers[self.unit, place] for place in self.sheet.places if (self.unit, place) in powers
        }
        fit, before = self.sheet.fit(read), self._fit
        self._fit, self._registers = fit, fit.registers
        if fit.keys == before.keys:
            return
        values = self.last_values | dict(known)
        self.layout = fit.layout(self._owners)
        self._values = array("d", bytes(8 * len(fit)))
        self._texts = {}
        for at, name in enumerate(self.layout.points) if values else ():
            if name in values:
                _put_value(self._values, self._texts, at, values[name])

    def make_readings(self, data: bytes, now_ns: int) -> Readings:
        """Return the readings of a checked answer."""
        values, qualities = self._registers.read(data, self._values)
        if LEFT in qualities or self._texts:
            qualities = self._finish_values(values, bytearray(qualities), data)
        self._values = values
        raws: Mapping[int, str] = _NONE
        if self._shows_raw or BAD in qualities:
            raws = _RawTexts(self._fit, data, qualities, shows_good=self._shows_raw)
        return Readings(self.layout, values, qualities, now_ns, self._texts, raws)

    def make_bad_readings(self, why: str, now_ns: int) -> Readings:
        """Return every point BAD, with its last value and the reason as the raw content."""
        count = len(self.layout)
        raws = dict.fromkeys(range(count), why)
        return Readings(self.layout, self._values, bytes([BAD]) * count, now_ns, self._texts, raws)

    def _finish_values(self, values: "array[float]", qualities: bytearray, data: bytes) -> bytes:
        """Decide what the native reader left; remove texts of numbers that fit a double again."""
        texts = {
            place: text
            for place, text in self._texts.items()
            if qualities[place] != GOOD or self.layout.kinds[place] == TEXT
        }
        place = -1
        while (place := qualities.find(LEFT, place + 1)) >= 0:
            one, start, power = self._fit.points[place]
            value, quality = register_codec.NO_VALUE
            if power is not None:
                value, quality = self._fit.decoder(place)(_read_words(one, start, data), power)
            if value is None or quality is not Quality.GOOD:
                qualities[place] = BAD
            else:
                qualities[place] = GOOD
                texts.pop(place, None)
                _put_value(values, texts, place, value)
        self._texts = texts
        return bytes(qualities)


class _RawTexts(Mapping[int, str]):
    """The raw contents of the points that are not GOOD, or of all; decoded on demand."""

    __slots__ = ("_data", "_fit", "_qualities", "_shows_good")

    def __init__(self, fit: AnswerLayout, data: bytes, qualities: bytes, *, shows_good: bool) -> None:
        self._fit = fit
        self._data = data
        self._qualities = qualities
        self._shows_good = shows_good

    def __getitem__(self, place: int) -> str:
        if not 0 <= place < len(self._fit) or (not self._shows_good and self._qualities[place] == GOOD):
            raise KeyError(place)
        one, start, _ = self._fit.points[place]
        return register_codec.render_raw(one.point, _read_words(one, start, self._data))

    def __iter__(self) -> Iterator[int]:
        return (
            place for place in range(len(self._fit)) if self._shows_good or self._qualities[place] != GOOD
        )

    def __len__(self) -> int:
        return len(self._fit) if self._shows_good else len(self._fit) - self._qualities.count(GOOD)


def _read_words(one: ServedPoint, start: int, data: bytes) -> Sequence[int]:
    """Return a point's words, or bits, from their start in the answer."""
    width = one.point.width
    if one.point.address.table in BIT_TABLES:
        return [data[at // 8] >> at % 8 & 1 for at in range(start, start + width)]
    return struct.unpack_from(f">{width}H", data, 2 * start)


def _put_value(values: "array[float]", texts: dict[int, str], place: int, value: Value) -> None:
    if isinstance(value, str) or (type(value) is int and not -EXACT_INT_MAX <= value <= EXACT_INT_MAX):
        texts[place] = str(value)
        values[place] = 0.0
    else:
        values[place] = float(value)


ReadResult = Readings | NoReply | LinkLost
"""The readings of one request, or the failure that ended it."""


# Most requests in one go: other devices of the bus wait meanwhile.
READS_MAX = 8
_DUE = attrgetter("due_ns")


class ReadBatch:
    """The batches of one device: several due requests made in one go.

    ``results`` is what is still to be returned of the last batch: its readings, and then the failure that
    ended it.  No batch is made until ``allow`` was called.
    """

    def __init__(self, clock: Clock) -> None:
        self._is_urgent: Callable[[], bool] | None = None
        self._clock = clock
        self.results: deque[ReadResult] = deque()
        self._jobs: Sequence[ReadJob] = ()
        self._sequence: ReadSequence | None = None

    def allow(self, is_urgent: Callable[[], bool] | None) -> None:
        """Allow batches until ``is_urgent``; None: each request is made alone."""
        self._is_urgent, self._sequence = is_urgent, None

    def due(self, jobs: Sequence[ReadJob], now_ns: int) -> list[ReadJob]:
        """Return the due jobs, the most overdue first; empty if they may not be made in one batch."""
        if self._is_urgent is None or self._is_urgent():
            return []
        return sorted([job for job in jobs if job.due_ns <= now_ns], key=_DUE)[:READS_MAX]

    def prepare(self, jobs: Sequence[ReadJob]) -> ReadSequence:
        """Return the requests of these jobs, to be made by the line."""
        sequence = self._sequence
        if sequence is None or sequence.refusal is not None or self._jobs != jobs:
            assert self._is_urgent is not None
            requests = [job.request for job in jobs]
            sequence = self._sequence = ReadSequence(requests, self._clock.now_ns, self._is_urgent)
            self._jobs = jobs
        else:  # mostly the same are due again
            sequence.again()
        return sequence

    def next(self) -> Readings:
        """Return the readings of the next request of the last batch.

        Raises NoReply or LinkLost if it failed.
        """
        result = self.results.popleft()
        if isinstance(result, Readings):
            return result
        raise result

    def rest(self) -> Iterator[Readings]:
        """Yield all that is still to be returned; raises as ``next``."""
        while self.results:
            yield self.next()


def list_asked_ns(sequence: ReadSequence, started_ns: int) -> list[int]:
    """Return when each request of a sequence was sent: each when the one before was answered."""
    asked_ns = [started_ns, *sequence.taken_ns]
    if sequence.is_over:
        asked_ns.pop()
    return asked_ns
