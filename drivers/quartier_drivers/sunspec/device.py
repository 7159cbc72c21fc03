"""The structure of an identified device: its models, and the source of each quantity."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from quartier_drivers.modbus.plan import Block, Want, plan
from quartier_drivers.schema import Address, Point
from quartier_drivers.sunspec import census, translation, values
from quartier_drivers.sunspec.chain import Chain, Found
from quartier_drivers.sunspec.leaves import Leaf, Unfolded
from quartier_drivers.sunspec.models import model
from quartier_drivers.sunspec.names import Name, Sum
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.registers import Registers

_COMMON = 1
_IDENTITY = {"maker": "Mn", "model": "Md", "serial": "SN", "firmware": "Vr"}


@dataclass(frozen=True, slots=True)
class Term:
    """A point of a device: the beginning of its model, and its place in it."""

    address: int
    leaf: Leaf

    @property
    def place(self) -> int:
        """Its first register."""
        return self.address + self.leaf.offset

    @property
    def scale_place(self) -> int | None:
        """The register of its scale factor."""
        return None if self.leaf.scale_offset is None else self.address + self.leaf.scale_offset


@dataclass(slots=True)
class Device:
    """The models of one device, and the registers that were read to identify them."""

    chain: Chain
    layouts: Mapping[Found, Unfolded]
    memory: dict[int, int | None] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, str]:
        """The identity of the device, as its model 1 states it."""
        told = {key: self.value(Name(_COMMON, path)) for key, path in _IDENTITY.items()}
        return {key: str(found) for key, found in told.items() if found}

    def term(self, name: Name) -> Term | None:
        """Return the point of this name; None if the device has no such model, or has it shorter."""
        found = self.chain.of(name.model, name.instance)
        layout = self.layouts.get(found) if found is not None else None
        leaf = layout.of(name.path) if layout is not None else None
        return None if found is None or leaf is None else Term(found.address, leaf)

    def value(self, name: Name) -> values.Plain | None:
        """Return the value read of a point; None if it is missing, not implemented or was not read."""
        term = self.term(name)
        return None if term is None else self._said(term, self._power_of(term))

    def raw(self, name: Name) -> int | None:
        """Return the value as an unscaled whole number; None if there is none."""
        term = self.term(name)
        found = None if term is None else self._said(term, 0)
        return found if isinstance(found, int) else None

    def power(self, name: Name) -> int | None:
        """Return the power of ten of a point; None if its scale factor is invalid."""
        term = self.term(name)
        return None if term is None else self._power_of(term)

    def _power_of(self, term: Term) -> int | None:
        scale = term.scale_place
        return term.leaf.power if scale is None else census.power_of(self.memory.get(scale))

    def _said(self, term: Term, power: int | None) -> values.Plain | None:
        entry = term.leaf.entry
        words = [self.memory.get(at) for at in range(term.place, term.place + entry.size)]
        held = [word for word in words if word is not None]
        return values.value(entry, held, power) if len(held) == entry.size else None

    def chosen(self, alternatives: Iterable[Sum]) -> Sum | None:
        """Return the first alternative that the device has and that has values.

        Else the first that the device has; None if it has none.
        """
        there: Sum | None = None
        for names in alternatives:
            if any(self.term(name) is None for name in names):
                continue
            if all(self.value(name) is not None for name in names):
                return names
            there = there or names
        return there

    def stands(self, found: Found) -> bool:
        """Return whether the model is still at its place, by what was read last."""
        return (self.memory.get(found.address), self.memory.get(found.address + 1)) == (
            found.number,
            found.length,
        )


async def met(registers: Registers, chain: Chain, names: Iterable[Name]) -> Device:
    """Read what is needed before a device is polled: its identity, and the values of ``names``.

    Raises NoReply or LinkLost.
    """
    wanted = {Name(_COMMON, path) for path in _IDENTITY.values()} | set(names)
    layouts: dict[Found, Unfolded] = {}
    device = Device(chain, layouts)
    for number, instance in sorted({(name.model, name.instance) for name in wanted}):
        found, definition = chain.of(number, instance), model(number)
        if found is None or definition is None:
            continue
        words: list[int | None] = [number, found.length]
        if definition.repeats:
            words = await registers.words(found.address, min(census.counted(definition), 2 + found.length))
        layouts[found] = census.layout(definition, found, words)
    await remember(device, registers, wanted)
    return device


async def remember(device: Device, registers: Registers, names: Iterable[Name]) -> None:
    """Read the values of ``names``.  Raises NoReply or LinkLost."""
    for block in blocks(device, names, registers.block_max):
        seams = {want.start for want in block.wants} | {want.end for want in block.wants}
        words = await registers.words(block.start, block.count, seams)
        device.memory.update(zip(range(block.start, block.end), words, strict=True))


def blocks(device: Device, names: Iterable[Name], block_max: int) -> list[Block]:
    """Return the fewest requests that read all of ``names``, each with its scale factor."""
    wants = []
    for name in names:
        term = device.term(name)
        if term is not None:
            wants.append(Want(0, "holding", term.place, term.leaf.entry.size, 1.0))
            if term.scale_place is not None:
                wants.append(Want(0, "holding", term.scale_place, 1, 1.0))
    # A point that is wider than the device allows at once is read in pieces all the same.
    longest = max([block_max, *(want.width for want in wants)])
    return plan(wants, block_max=longest, gap_max=longest - 1)


def powers(device: Device) -> dict[Address, int | None]:
    """Return the powers of ten of the scale factors that were read, by register."""
    scales = {
        found.address + leaf.scale_offset
        for found, layout in device.layouts.items()
        for leaf in layout
        if leaf.scale_offset is not None
    }
    read = scales & device.memory.keys()
    return {Address("holding", at): census.power_of(device.memory[at]) for at in sorted(read)}


def used(device: Device, names: Iterable[Name]) -> list[Found]:
    """Return the models that contain any of ``names``."""
    places = {(name.model, name.instance) for name in names}
    return [found for found in device.layouts if (found.number, found.instance) in places]


def points(device: Device, profile: SunspecProfile, part: str, chosen: Mapping[str, Sum]) -> dict[str, Point]:
    """Return the quantities of a part that are a single point of the device, as registers.

    ``chosen`` gives the source of each of them.
    """
    found = {}
    for quantity, names in chosen.items():
        taken = profile.parts[part][quantity]
        term = device.term(names[0]) if len(names) == 1 and names[0].sign > 0 else None
        if term is not None:
            found[quantity] = translation.point(quantity, taken, term.address, term.leaf)
    return found
