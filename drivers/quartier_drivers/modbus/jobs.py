"""One planned request and how its answer becomes columns: the native reader does nearly all of it.

What it leaves (texts, numbers beyond 2**53, odd scalings) is read here point by point and lands in the same
columns.
"""

import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from quartier_drivers import codec
from quartier_drivers.contract import EXACT_INT_MAX, KINDS, TEXT, Layout, Quality, Readings, Value
from quartier_drivers.fields import BITS, field_of
from quartier_drivers.modbus.frame import read_request
from quartier_drivers.modbus.plan import Block
from quartier_drivers.modbus.served import SCALE, Served
from quartier_drivers.schema import Address
from quartier_native import BAD, ELSEWHERE, GOOD, LEFT, Field, Registers

Powers = Mapping[tuple[int, Address], int | None]
"""What the scale registers hold, by unit and address: a power of ten, None where it is void."""

_NONE: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where a point's words are in the answer, and how they are read; ``power`` None: its scale is void."""

    one: Served
    start: int
    end: int
    power: int | None
    decode: codec.Decoder

    def words(self, data: bytes) -> Sequence[int]:
        if self.one.point.address.table in BITS:
            return [data[at // 8] >> at % 8 & 1 for at in range(self.start, self.end)]
        return struct.unpack(f">{self.end - self.start}H", data[2 * self.start : 2 * self.end])


class Job:
    """A block of the plan, when it is due, and in which connection it was last read.

    ``powers`` are the driver's; ``refit`` takes over what changed there.  A point whose scale register has
    not been read yet is left out.  ``known`` are values from before, kept while nothing better is there.
    """

    def __init__(
        self,
        block: Block,
        due_ns: int,
        points: Mapping[str, Served],
        powers: Powers,
        known: Mapping[str, Value],
        *,
        shows_raw: bool = False,
    ) -> None:
        self.block = block
        self.request = read_request(block.unit, block.table, block.start, block.count)
        self.due_ns = due_ns
        self.period_ns = int(block.period_s * 1_000_000_000)
        self.connects_count = 0.0
        self.keys = frozenset(key for want in block.wants for key in want.keys)
        self.layout = Layout((), b"")
        self._points = points
        self._shows_raw = shows_raw
        self._scales: list[tuple[int, tuple[int, Address]]] = []
        self._cuts: tuple[_Cut, ...] = ()
        self._registers = Registers(())
        self._values = array("d")
        self._texts: dict[int, str] = {}
        for want in block.wants:
            self._scales += [
                (2 * (want.start - block.start), (block.unit, place))
                for key in want.keys
                if key.startswith(SCALE)
                and (place := points[key.removeprefix(SCALE)].point.scale_address) is not None
            ]
        self.refit(powers, known)

    @property
    def scaled(self) -> bool:
        """Whether scale registers are in the answer."""
        return bool(self._scales)

    @property
    def names(self) -> list[str]:
        """The points whose own registers are in the block."""
        return [key for want in self.block.wants for key in want.keys if not key.startswith(SCALE)]

    @property
    def known(self) -> dict[str, Value]:
        """The last good value of each point of the layout, or the nought of its kind."""
        now = Readings(self.layout, self._values, bytes(len(self.layout)), 0, self._texts)
        return {name: now.value(place) for place, name in enumerate(self.layout.points)}

    def powers(self, data: bytes) -> dict[tuple[int, Address], int | None]:
        """What the scale registers in the answer say."""
        return {place: codec.power_of(struct.unpack_from(">H", data, start)) for start, place in self._scales}

    def refit(self, powers: Powers, known: Mapping[str, Value]) -> None:
        """Prepare anew for the scales that are known now; the layout stays if its points do."""
        before = self.known | dict(known)
        block, cuts, fields = self.block, [], []
        for want in block.wants:
            start = want.start - block.start
            for one in (self._points[key] for key in want.keys if not key.startswith(SCALE)):
                place = one.point.scale_address
                if place is not None and (one.unit, place) not in powers:
                    continue
                power = 0 if place is None else powers[one.unit, place]
                decode = codec.decoder(one.quantity, one.point)
                cuts.append(_Cut(one, start, start + want.width, power, decode))
                fields.append(
                    Field(start, ELSEWHERE)
                    if power is None
                    else field_of(one.quantity, one.point, start, power)
                )
        self._cuts = tuple(cuts)
        self._registers = Registers(fields)
        names = tuple(cut.one.name for cut in cuts)
        if names != self.layout.points:
            self.layout = Layout(names, bytes(KINDS[cut.one.kind] for cut in cuts))
            self._values = array("d", bytes(8 * len(names)))
            self._texts = {}
            for at, name in enumerate(names):
                if name in before:
                    _put(self._values, self._texts, at, before[name])

    def told(self, data: bytes, now_ns: int) -> Readings:
        """What the data of a checked answer say."""
        values, qualities = self._registers.read(data, self._values)
        if LEFT in qualities or self._texts:
            qualities = self._finished(values, bytearray(qualities), data)
        self._values = values
        raws: Mapping[int, str] = _NONE
        if self._shows_raw or BAD in qualities:
            raws = _Raws(self._cuts, data, qualities, shows_good=self._shows_raw)
        return Readings(self.layout, values, qualities, now_ns, self._texts, raws)

    def failed(self, why: str, now_ns: int) -> Readings:
        """Every point BAD, with its last value and why in place of what stood on the wire."""
        count = len(self.layout)
        raws = dict.fromkeys(range(count), why)
        return Readings(self.layout, self._values, bytes([BAD]) * count, now_ns, self._texts, raws)

    def _finished(self, values: "array[float]", qualities: bytearray, data: bytes) -> bytes:
        """Decide what the native reader left; texts of numbers that fit a double again go."""
        texts = {
            place: text
            for place, text in self._texts.items()
            if qualities[place] != GOOD or self.layout.kinds[place] == TEXT
        }
        for place, cut in enumerate(self._cuts):
            if qualities[place] != LEFT:
                continue
            value, quality = (
                (None, Quality.BAD) if cut.power is None else cut.decode(cut.words(data), cut.power)
            )
            if value is None or quality is not Quality.GOOD:
                qualities[place] = BAD
            else:
                qualities[place] = GOOD
                texts.pop(place, None)
                _put(values, texts, place, value)
        self._texts = texts
        return bytes(qualities)


class _Raws(Mapping[int, str]):
    """What stood on the wire for the points that are not GOOD, or for all; read only when asked."""

    def __init__(self, cuts: Sequence[_Cut], data: bytes, qualities: bytes, *, shows_good: bool) -> None:
        self._cuts = cuts
        self._data = data
        self._qualities = qualities
        self._shows_good = shows_good

    def __getitem__(self, place: int) -> str:
        if not 0 <= place < len(self._cuts) or (not self._shows_good and self._qualities[place] == GOOD):
            raise KeyError(place)
        cut = self._cuts[place]
        return codec.raw_of(cut.one.point, cut.words(self._data))

    def __iter__(self) -> Iterator[int]:
        return (
            place for place in range(len(self._cuts)) if self._shows_good or self._qualities[place] != GOOD
        )

    def __len__(self) -> int:
        return len(self._cuts) if self._shows_good else len(self._cuts) - self._qualities.count(GOOD)


def _put(values: "array[float]", texts: dict[int, str], place: int, value: Value) -> None:
    if isinstance(value, str) or (type(value) is int and not -EXACT_INT_MAX <= value <= EXACT_INT_MAX):
        texts[place] = str(value)
        values[place] = 0.0
    else:
        values[place] = float(value)
