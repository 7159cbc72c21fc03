"""The models of one device: the sources of its quantities, selected groups, and percent scales."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from fractions import Fraction

from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.device_profile.schema import Point
from quartier_drivers.modbus.request_plan import RequestBlock, WantedRegisters, plan_blocks
from quartier_drivers.sunspec import model_reading, values
from quartier_drivers.sunspec.model_chain import FoundModel, ModelChain
from quartier_drivers.sunspec.models import ModelPoint, UnfoldedModel, find_model
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.registers import RegisterReader
from quartier_drivers.sunspec.schema import PointName, PointSum, SunspecPoint
from quartier_drivers.sunspec.values import render_names

_COMMON_MODEL = 1
_IDENTITY_POINTS = {"maker": "Mn", "model": "Md", "serial": "SN", "firmware": "Vr"}


@dataclass(frozen=True, slots=True)
class DevicePoint:
    """A point of a device: the beginning of its model, and its place in it."""

    address: int
    leaf: ModelPoint

    @property
    def place(self) -> int:
        """Its first register."""
        return self.address + self.leaf.offset

    @property
    def scale_place(self) -> int | None:
        """The register of its scale factor."""
        return None if self.leaf.scale_offset is None else self.address + self.leaf.scale_offset


@dataclass(slots=True)
class SunspecDevice:
    """The models of one device, and the registers that were read to identify them."""

    chain: ModelChain
    layouts: Mapping[FoundModel, UnfoldedModel]
    memory: dict[int, int | None] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, str]:
        """The identity of the device, as its model 1 states it."""
        told = {key: self.value(PointName(_COMMON_MODEL, path)) for key, path in _IDENTITY_POINTS.items()}
        return {key: str(found) for key, found in told.items() if found}

    def term(self, name: PointName) -> DevicePoint | None:
        """Return the point of this name; None if the device has no such model, or has it shorter."""
        found = self.chain.of(name.model, name.instance)
        layout = self.layouts.get(found) if found is not None else None
        leaf = layout.of(name.path) if layout is not None else None
        return None if found is None or leaf is None else DevicePoint(found.address, leaf)

    def value(self, name: PointName) -> values.PlainValue | None:
        """Return the value read of a point; None if it is missing, not implemented or was not read."""
        term = self.term(name)
        return None if term is None else self._decode_point(term, self._power_of(term))

    def raw(self, name: PointName) -> int | None:
        """Return the value as an unscaled whole number; None if there is none."""
        term = self.term(name)
        found = None if term is None else self._decode_point(term, 0)
        return found if isinstance(found, int) else None

    def power(self, name: PointName) -> int | None:
        """Return the power of ten of a point; None if its scale factor is invalid."""
        term = self.term(name)
        return None if term is None else self._power_of(term)

    def _power_of(self, term: DevicePoint) -> int | None:
        scale = term.scale_place
        return term.leaf.power if scale is None else model_reading.decode_power(self.memory.get(scale))

    def _decode_point(self, term: DevicePoint, power: int | None) -> values.PlainValue | None:
        entry = term.leaf.entry
        words = [self.memory.get(at) for at in range(term.place, term.place + entry.size)]
        held = [word for word in words if word is not None]
        return values.decode_value(entry, held, power) if len(held) == entry.size else None

    def find_first_sum(self, alternatives: Iterable[PointSum]) -> PointSum | None:
        """Return the first alternative that the device has and that has values.

        Else the first that the device has; None if it has none.
        """
        there: PointSum | None = None
        for names in alternatives:
            if any(self.term(name) is None for name in names):
                continue
            if all(self.value(name) is not None for name in names):
                return names
            there = there or names
        return there

    def is_at_its_place(self, found: FoundModel) -> bool:
        """Return whether the model is still at its place, by what was read last."""
        return (self.memory.get(found.address), self.memory.get(found.address + 1)) == (
            found.number,
            found.length,
        )


async def meet_device(
    registers: RegisterReader, chain: ModelChain, names: Iterable[PointName]
) -> SunspecDevice:
    """Read what is needed before a device is polled: its identity, and the values of ``names``.

    Raises NoReply or LinkLost.
    """
    wanted = {PointName(_COMMON_MODEL, path) for path in _IDENTITY_POINTS.values()} | set(names)
    layouts: dict[FoundModel, UnfoldedModel] = {}
    device = SunspecDevice(chain, layouts)
    for number, instance in sorted({(name.model, name.instance) for name in wanted}):
        found, definition = chain.of(number, instance), find_model(number)
        if found is None or definition is None:
            continue
        words: list[int | None] = [number, found.length]
        if definition.repeats:
            words = await registers.words(
                found.address, min(model_reading.find_counted_size(definition), 2 + found.length)
            )
        layouts[found] = model_reading.find_leaves(definition, found, words)
    await read_names(device, registers, wanted)
    return device


async def read_names(device: SunspecDevice, registers: RegisterReader, names: Iterable[PointName]) -> None:
    """Read the values of ``names``.  Raises NoReply or LinkLost."""
    for block in plan_device_blocks(device, names, registers.block_max):
        seams = {want.start for want in block.wants} | {want.end for want in block.wants}
        words = await registers.words(block.start, block.count, seams)
        device.memory.update(zip(range(block.start, block.end), words, strict=True))


def plan_device_blocks(
    device: SunspecDevice, names: Iterable[PointName], block_max: int
) -> list[RequestBlock]:
    """Return the fewest requests that read all of ``names``, each with its scale factor."""
    wants = []
    for name in names:
        term = device.term(name)
        if term is not None:
            wants.append(WantedRegisters(0, "holding", term.place, term.leaf.entry.size, 1.0))
            if term.scale_place is not None:
                wants.append(WantedRegisters(0, "holding", term.scale_place, 1, 1.0))
    # A point that is wider than the device allows at once is read in pieces all the same.
    longest = max([block_max, *(want.width for want in wants)])
    return plan_blocks(wants, block_max=longest, gap_max=longest - 1)


def find_powers(device: SunspecDevice) -> dict[Address, int | None]:
    """Return the powers of ten of the scale factors that were read, by register."""
    scales = {
        found.address + leaf.scale_offset
        for found, layout in device.layouts.items()
        for leaf in layout
        if leaf.scale_offset is not None
    }
    read = scales & device.memory.keys()
    return {Address("holding", at): model_reading.decode_power(device.memory[at]) for at in sorted(read)}


def find_used_models(device: SunspecDevice, names: Iterable[PointName]) -> list[FoundModel]:
    """Return the models that contain any of ``names``."""
    places = {(name.model, name.instance) for name in names}
    return [found for found in device.layouts if (found.number, found.instance) in places]


def make_points(
    device: SunspecDevice, profile: SunspecProfile, part: str, chosen: Mapping[str, PointSum]
) -> dict[str, Point]:
    """Return the quantities of a part that are a single point of the device, as registers.

    ``chosen`` gives the source of each of them.
    """
    found = {}
    for quantity, names in chosen.items():
        taken = profile.parts[part][quantity]
        term = device.term(names[0]) if len(names) == 1 and names[0].sign > 0 else None
        if term is not None:
            found[quantity] = values.make_register_point(quantity, taken, term.address, term.leaf)
    return found


_SELECTED = re.compile(r"(?P<group>[^\[\]]+)\[(?P<point>\w+)=(?P<value>[^\]]+)\](?P<rest>\..+)")
_MAX = 64


def list_selectors(device: SunspecDevice, names: Sequence[PointName]) -> list[PointName]:
    """Return the points by which groups are selected: they must be read to find the groups."""
    return [
        replace(name, path=f"{found['group']}[{number}].{found['point']}", sign=1)
        for name in names
        if (found := _SELECTED.fullmatch(name.path)) is not None
        for number in _find_numbers(device, name, found)
    ]


def expand_selections(device: SunspecDevice, names: PointSum) -> PointSum | None:
    """Return the names with each selected group by its number; None if none of them matches."""
    every: list[PointName] = []
    for name in names:
        found = _SELECTED.fullmatch(name.path)
        if found is None:
            every.append(name)
            continue
        fitting = [
            replace(name, path=f"{found['group']}[{number}]{found['rest']}")
            for number in _find_numbers(device, name, found)
            if _fits_selection(
                device, replace(name, path=f"{found['group']}[{number}].{found['point']}"), found["value"]
            )
        ]
        if not fitting:
            return None
        every += fitting
    return tuple(every)


def _find_numbers(device: SunspecDevice, name: PointName, found: "re.Match[str]") -> Iterator[int]:
    for number in range(1, _MAX + 1):
        if device.term(replace(name, path=f"{found['group']}[{number}].{found['point']}")) is None:
            return
        yield number


def _fits_selection(device: SunspecDevice, name: PointName, wanted: str) -> bool:
    term, value = device.term(name), device.value(name)
    if term is None or value is None:
        return False
    text = render_names(term.leaf.entry, value) or str(value)
    return fnmatchcase(text.lower(), wanted.lower())


@dataclass(frozen=True, slots=True)
class PercentScale:
    """A point with a percentage of a rating, or in W: ``unit`` is the value of one count in W.

    ``whole`` is the count of 100 %; None if the point is in W.
    """

    name: PointName
    unit: Fraction
    whole: int | None = None

    def watts(self, raw: int) -> float:
        """Return the power of ``raw`` counts in W."""
        return float(raw * self.unit)

    @property
    def rated_w(self) -> float:
        """The power of 100 % in W, as far as counts can express it; infinite for a point in W."""
        return math.inf if self.whole is None else self.watts(self.whole)

    def below(self, watts: float) -> int:
        """Return the largest count that is not more than ``watts``."""
        return math.floor(Fraction(watts) / self.unit)

    def nearest(self, watts: float) -> int:
        """Return the count nearest to ``watts``."""
        return round(Fraction(watts) / self.unit)

    def above(self, watts: float) -> int:
        """Return the smallest count that is not less than ``watts``."""
        return math.ceil(Fraction(watts) / self.unit)


def make_percent_scale(device: SunspecDevice, name: PointName, ratings: Sequence[PointName]) -> PercentScale:
    """Return the scale of ``name`` in percent of the first of ``ratings`` that the device states.

    Raises ValueError in words if a rating or a scale factor is invalid.
    """
    power = _find_power(device, name)
    rated = next((found for one in ratings if _is_rating_valid(found := device.value(one))), None)
    if rated is None:
        text = " nor ".join(str(one) for one in ratings)
        raise ValueError(f"{text} tells no rating, so that a share of it in {name} means nothing")
    unit = Fraction(str(rated)) * Fraction(10) ** power / 100
    return PercentScale(name, unit, math.floor(100 / Fraction(10) ** power))


def make_watt_scale(device: SunspecDevice, name: PointName) -> PercentScale:
    """Return the scale of a point in W."""
    return PercentScale(name, Fraction(10) ** _find_power(device, name))


def _find_power(device: SunspecDevice, name: PointName) -> int:
    power = device.power(name)
    if power is None:
        raise ValueError(
            f"the scale factor of {name} is not implemented, so that no number in it means anything"
        )
    return power


def _is_rating_valid(rated: object) -> bool:
    return isinstance(rated, int | float) and rated > 0


async def choose_sources(
    known: SunspecDevice, registers: RegisterReader, taken: Mapping[str, SunspecPoint]
) -> dict[str, PointSum]:
    """Return the source by full name of the quantity, without those that the device does not have.

    Raises NoReply or LinkLost.
    """
    offered = {
        point: [names for one in taken_.source if (names := expand_selections(known, one)) is not None]
        for point, taken_ in taken.items()
    }
    every = {name for sums in offered.values() for names in sums for name in names}
    await read_names(known, registers, every)
    found = {point: known.find_first_sum(sums) for point, sums in offered.items()}
    return {point: names for point, names in found.items() if names is not None}
