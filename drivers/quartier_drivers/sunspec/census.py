"""Everything that a device tells: each model of its chain, each point of it, with name, value and unit.

The words come from outside; what they mean is decided here.  Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from quartier_drivers import codec
from quartier_drivers.contract import Quality
from quartier_drivers.sunspec.chain import Found
from quartier_drivers.sunspec.leaves import Leaf, Unfolded, unfold
from quartier_drivers.sunspec.models import HEAD_WORDS, Model, model
from quartier_drivers.sunspec.values import Plain, named, value

Words = Sequence[int | None]
"""The registers of a model from its ID on; None for what the device refuses."""
_UNSCALED = "as it stands: its scale factor is not implemented"


@dataclass(frozen=True, slots=True)
class Row:
    """One point: ``text`` are the names of what an enumeration or a bit field says.

    ``value`` is None where there is none: not implemented, or refused; ``quality`` is then BAD.  A number
    whose scale factor is not implemented is shown as it stands, and BAD.
    """

    point: str
    value: Plain | None
    unit: str
    text: str
    raw: str
    quality: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """One model of a device and its points; ``faults`` say how it departs from its definition."""

    found: Found
    label: str
    rows: Sequence[Row] = ()
    faults: Sequence[str] = field(default_factory=tuple)


def title(found: Found) -> str:
    """``103``, or ``103#2`` for the second of its like."""
    return f"{found.number}#{found.instance}" if found.instance > 1 else str(found.number)


def chapter(found: Found, words: Words) -> Chapter:
    """What ``words`` of a model on a device say."""
    definition = model(found.number)
    if definition is None:
        return Chapter(found, "a maker's own model, which the standard does not describe")
    unfolded = layout(definition, found, words)
    rows = [_row(title(found), leaf, words) for leaf in unfolded if leaf.entry.type_name != "pad"]
    return Chapter(found, definition.label, rows, tuple(unfolded.faults))


def layout(definition: Model, found: Found, words: Words) -> Unfolded:
    """Where its points stand; counts are taken from ``words``."""
    return unfold(definition, found.length, lambda at: words[at] if at < len(words) else None)


def power(leaf: Leaf, words: Words) -> int | None:
    """The power of ten of a point; None where its scale factor is not implemented or no power."""
    if leaf.scale_offset is None:
        return leaf.power
    return power_of(words[leaf.scale_offset] if leaf.scale_offset < len(words) else None)


def power_of(word: int | None) -> int | None:
    """What a scale factor says; None where it is refused, not implemented or beyond -10..10."""
    return None if word is None else codec.power_of([word])


def counted(definition: Model) -> int:
    """How many registers, from its ID on, hold what says how often its groups are repeated."""
    return definition.group.size if definition.repeats else HEAD_WORDS


def _row(model_title: str, leaf: Leaf, words: Words) -> Row:
    entry = leaf.entry
    point = f"{model_title}.{leaf.path}"
    own = words[leaf.offset : leaf.offset + entry.size]
    held = [word for word in own if word is not None]
    if len(held) < entry.size:
        return Row(point, None, entry.units, "refused", "", Quality.BAD.name)
    scale = power(leaf, words)
    if scale is None and value(entry, held) is not None:  # it means something, but nobody can say how much
        return Row(point, value(entry, held), entry.units, _UNSCALED, _hex(held), Quality.BAD.name)
    found = value(entry, held, scale)
    raw = "" if entry.type_name == "string" else _hex(held)
    quality = Quality.BAD if found is None else Quality.GOOD
    return Row(point, found, entry.units, named(entry, found), raw, quality.name)


def _hex(words: Sequence[int]) -> str:
    return " ".join(f"{word:04X}" for word in words)
