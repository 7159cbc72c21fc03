"""Lists everything that a device states: each model and each of its points, with name, value and unit.

The words come from outside; this module interprets them.  Pure.
"""

import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from quartier_drivers import codec
from quartier_drivers.contract import Quality
from quartier_drivers.sunspec.chain import Found
from quartier_drivers.sunspec.leaves import Leaf, Unfolded, unfold
from quartier_drivers.sunspec.models import HEAD_WORDS, Model, model
from quartier_drivers.sunspec.sheets import Sheet, sheet, sheet_of
from quartier_drivers.sunspec.values import Plain, named, value

Words = Sequence[int | None]
"""The registers of a model from its ID on; None for what the device refuses."""
_STRANGER = "a maker's own model, which the standard does not describe"
_UNSCALED = "as it stands: its scale factor is not implemented"


@dataclass(frozen=True, slots=True)
class Row:
    """One point: ``text`` has the names of the values of an enumeration or a bit field.

    ``value`` is None if there is none: not implemented, or refused; ``quality`` is then BAD.  A number whose
    scale factor is not implemented is shown unscaled, and BAD.
    """

    point: str
    value: Plain | None
    unit: str
    text: str
    raw: str
    quality: str


class Chapter:
    """One model of a device and its points; ``faults`` are its deviations from the definition.

    ``values`` holds the value of each point, in the order of its registers; ``rows`` are made on demand.
    """

    def __init__(self, found: Found, words: Words | bytes) -> None:
        """Create it; ``words`` as bytes are the registers as received, without gaps."""
        self.found = found
        definition = model(found.number)
        self.label = _STRANGER if definition is None else definition.label
        self.values: Sequence[Plain | None] = ()
        self.faults: Sequence[str] = ()
        self._unscaled: Collection[int] = ()
        self._told = words
        self._sheet: Sheet | None = None
        if definition is None:
            return
        if not isinstance(words, bytes) and None in words:
            self._sheet = sheet(found.number, found.length, words)
        else:
            data = words if isinstance(words, bytes) else struct.pack(f">{len(words)}H", *words)
            self._sheet = sheet_of(found.number, found.length, data)
            self.values, self._unscaled = self._sheet.values(data)
        self.faults = self._sheet.faults

    @property
    def rows(self) -> list[Row]:
        """Its points in readable form; fillers are left out."""
        if self._sheet is None:
            return []
        told = self._told
        words = struct.unpack(f">{len(told) // 2}H", told) if isinstance(told, bytes) else told
        return [
            self._row(place, leaf, words)
            for place, leaf in enumerate(self._sheet.unfolded)
            if leaf.entry.type_name != "pad"
        ]

    def _row(self, place: int, leaf: Leaf, words: Words) -> Row:
        entry, point = leaf.entry, f"{title(self.found)}.{leaf.path}"
        own = words[leaf.offset : leaf.offset + entry.size]
        held = [word for word in own if word is not None]
        if len(held) < entry.size:
            return Row(point, None, entry.units, "refused", "", Quality.BAD.name)
        if self.values:
            found = self.values[place]
            unscaled = found is not None and place in self._unscaled
        else:  # a part of the model is refused
            scale = power(leaf, words)
            found = value(entry, held, 0 if scale is None else scale)
            unscaled = scale is None and found is not None
        raw = "" if entry.type_name == "string" else " ".join(f"{word:04X}" for word in held)
        if unscaled:
            return Row(point, found, entry.units, _UNSCALED, raw, Quality.BAD.name)
        quality = Quality.BAD if found is None else Quality.GOOD
        return Row(point, found, entry.units, named(entry, found), raw, quality.name)


def title(found: Found) -> str:
    """Return ``103``, or ``103#2`` for the second model of that number."""
    return f"{found.number}#{found.instance}" if found.instance > 1 else str(found.number)


def layout(definition: Model, found: Found, words: Words) -> Unfolded:
    """Return the places of its points; counts are taken from ``words``."""
    return unfold(definition, found.length, lambda at: words[at] if at < len(words) else None)


def power(leaf: Leaf, words: Words) -> int | None:
    """Return the power of ten of a point; None if its scale factor is not implemented or invalid."""
    if leaf.scale_offset is None:
        return leaf.power
    return power_of(words[leaf.scale_offset] if leaf.scale_offset < len(words) else None)


def power_of(word: int | None) -> int | None:
    """Return a scale factor; None if it is refused, not implemented or beyond -10..10."""
    return None if word is None else codec.power_of([word])


def counted(definition: Model) -> int:
    """Return the number of registers, from its ID on, that contain the counts of its repeated groups."""
    return definition.group.size if definition.repeats else HEAD_WORDS
