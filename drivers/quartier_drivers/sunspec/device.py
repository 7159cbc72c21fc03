"""What a device turned out to be: its models, and which of them each quantity is taken from."""

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
    """A point of a device: where its model begins, and where it stands there."""

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
    """The models of one device, and the registers that were read to know them."""

    chain: Chain
    layouts: Mapping[Found, Unfolded]
    memory: dict[int, int | None] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, str]:
        """Return who it is, as its model 1 tells."""
        told = {key: self.value(Name(_COMMON, path)) for key, path in _IDENTITY.items()}
        return {key: str(found) for key, found in told.items() if found}

    def term(self, name: Name) -> Term | None:
        """The point of this name; None where the device has no such model, or has it shorter."""
        found = self.chain.of(name.model, name.instance)
        layout = self.layouts.get(found) if found is not None else None
        leaf = layout.of(name.path) if layout is not None else None
        return None if found is None or leaf is None else Term(found.address, leaf)

    def value(self, name: Name) -> values.Plain | None:
        """Return what was read of a point; None where it is not there, not implemented or was not read."""
        term = self.term(name)
        return None if term is None else self._said(term, self._power_of(term))

    def raw(self, name: Name) -> int | None:
        """The same as a whole number, unscaled."""
        term = self.term(name)
        found = None if term is None else self._said(term, 0)
        return found if isinstance(found, int) else None

    def power(self, name: Name) -> int | None:
        """The power of ten of a point; None where its scale factor is void."""
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
        """The first that it has and tells; else the first that it has; None where it has none."""
        there: Sum | None = None
        for names in alternatives:
            if any(self.term(name) is None for name in names):
                continue
            if all(self.value(name) is not None for name in names):
                return names
            there = there or names
        return there

    def stands(self, found: Found) -> bool:
        """Return whether the model is still where it was found, by what was read last."""
        return (self.memory.get(found.address), self.memory.get(found.address + 1)) == (
            found.number,
            found.length,
        )


async def met(registers: Registers, chain: Chain, names: Iterable[Name]) -> Device:
    """Read what must be known of a device before it is polled: who it is, and what ``names`` say now.

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
    """Read what ``names`` say now.  Raises NoReply or LinkLost."""
    for block in blocks(device, names, registers.block_max):
        seams = {want.start for want in block.wants} | {want.end for want in block.wants}
        words = await registers.words(block.start, block.count, seams)
        device.memory.update(zip(range(block.start, block.end), words, strict=True))


def blocks(device: Device, names: Iterable[Name], block_max: int) -> list[Block]:
    """The fewest requests that read all of ``names``, each with its scale factor."""
    wants = []
    for name in names:
        term = device.term(name)
        if term is not None:
            wants.append(Want(0, "holding", term.place, term.leaf.entry.size, 1.0))
            if term.scale_place is not None:
                wants.append(Want(0, "holding", term.scale_place, 1, 1.0))
    # What is wider than the device allows at once is read in pieces all the same.
    longest = max([block_max, *(want.width for want in wants)])
    return plan(wants, block_max=longest, gap_max=longest - 1)


def powers(device: Device) -> dict[Address, int | None]:
    """Return what the scale factors that were read say, by their registers."""
    scales = {
        found.address + leaf.scale_offset
        for found, layout in device.layouts.items()
        for leaf in layout
        if leaf.scale_offset is not None
    }
    read = scales & device.memory.keys()
    return {Address("holding", at): census.power_of(device.memory[at]) for at in sorted(read)}


def used(device: Device, names: Iterable[Name]) -> list[Found]:
    """The models in which any of ``names`` stands."""
    places = {(name.model, name.instance) for name in names}
    return [found for found in device.layouts if (found.number, found.instance) in places]


def points(device: Device, profile: SunspecProfile, part: str, chosen: Mapping[str, Sum]) -> dict[str, Point]:
    """The quantities of a part that are one point of the device each, as registers.

    ``chosen`` is what each of them is taken from.
    """
    found = {}
    for quantity, names in chosen.items():
        taken = profile.parts[part][quantity]
        term = device.term(names[0]) if len(names) == 1 and names[0].sign > 0 else None
        if term is not None:
            found[quantity] = translation.point(quantity, taken, term.address, term.leaf)
    return found
