"""The tables of a meter's profile: the groups of a point in telegrams and how their value is converted."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from quartier_drivers.schema import Bits, Finite, Quantity, Scale, Section

Said = str | int | float
"""A code, or a content sent by a meter."""
Labels = tuple[tuple[str, ...], ...]
"""Alternatives; the labels of one alternative are added up."""
OF_NOW = ("clock", "countdown")
"""Forms whose value changes although the meter sends the same: the content is compared with our clock."""
Choice = tuple[Mapping[str, tuple[Said, ...]], ...]
"""Alternatives of conditions on a group: each key must have one of its values."""


def _labels(raw: object) -> object:
    alternatives = raw if isinstance(raw, list | tuple) else [raw]
    found = tuple(tuple(one) if isinstance(one, list | tuple) else (one,) for one in alternatives)
    if not found or not all(one and all(_is_label(label) for label in one) for one in found):
        raise ValueError(f'{raw!r} names no group, expected "LABEL", ["EITHER", "OR"] or [["ADDED", "UP"]]')
    return found


def _labels_or_none(raw: object) -> object:
    """Parse labels; an empty alternative subtracts nothing."""
    alternatives = raw if isinstance(raw, list | tuple) else [raw]
    return tuple(() if one in ("", [], ()) else _alternative(one) for one in alternatives)


def _alternative(raw: object) -> object:
    found = _labels([raw])
    assert isinstance(found, tuple)
    return found[0]


def _is_label(label: object) -> bool:
    return isinstance(label, str) and bool(label.strip())


def _choice(raw: object) -> object:
    tables = list(raw) if isinstance(raw, list | tuple) else [raw]
    if not tables or not all(isinstance(table, dict) and table for table in tables):
        raise ValueError(f"{raw!r} selects nothing, expected a table such as {{ quantity = 'energy' }}")
    return tuple(
        {key: tuple(one) if isinstance(one, list | tuple) else (one,) for key, one in table.items()}
        for table in tables
        if isinstance(table, dict)
    )


def _codes(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list | tuple) else (raw,)


def _states(raw: object) -> object:
    return {label: _codes(one) for label, one in raw.items()} if isinstance(raw, dict) else raw


def code(text: Said) -> Said:
    """Return a code in the form for comparison: a whole decimal number becomes an int.

    Outer blanks are removed.
    """
    if isinstance(text, float) and text.is_integer():
        return int(text)
    if not isinstance(text, str):
        return text
    bare = text.strip()
    return int(bare) if bare.isascii() and bare.isdecimal() and len(bare) <= _DIGITS_MAX else bare


_DIGITS_MAX = 18


def _named(raw: object) -> object:
    return {code(key): name for key, name in raw.items()} if isinstance(raw, dict) else raw


class Counter(Section):
    """What a counter can do: its largest rate and where it rolls over."""

    rate_max: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Largest increase in an hour, in the unit of the point."""
    roll_over: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """The value at which it rolls over to 0; 0: never."""
    step: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Its resolution in the unit of the point, if one step is more than an hour of rate_max."""


class Marks(Section):
    """What a meter of this profile states about itself.  Patterns: ``*`` and ``?``, any case."""

    makers: Annotated[tuple[str, ...], BeforeValidator(_codes)] = ()
    """Three letters each, as assigned by the FLAG association."""
    head: Annotated[tuple[str, ...], BeforeValidator(_codes)] = ()
    """Patterns of its identification line (P1, IEC 62056-21), without the slash."""
    states: Annotated[Mapping[str, tuple[str, ...]], BeforeValidator(_states)] = Field(default_factory=dict)
    """Labels of groups and patterns of their values; "*": the group is stated."""
    lacks: Annotated[tuple[str, ...], BeforeValidator(_codes)] = ()
    """Labels of groups that it never states."""
    media: Annotated[tuple[str, ...], BeforeValidator(_codes)] = ()
    """Media of M-Bus."""
    versions: Annotated[tuple[int, ...], BeforeValidator(_codes)] = ()
    """Version numbers of M-Bus."""
    hint: str = ""
    """What no telegram states, so that a person must compare it: the profile is never more than likely."""


class Statement(Quantity):
    """One quantity of a meter: value = sign * scale * (group in our unit) + offset."""

    group: Annotated[Labels, BeforeValidator(_labels)] = ()
    select: Annotated[Choice, BeforeValidator(_choice)] = ()
    minus: Annotated[Labels, BeforeValidator(_labels_or_none)] = ()
    """What is subtracted.  As many as in ``group``: each belongs to one of these; "" subtracts nothing."""
    unit: str = ""
    """The unit of the meter if its group carries none."""
    form: Literal["number", "hex", "text", "clock", "countdown"] = "number"
    bit: Annotated[int, Field(ge=0, le=63)] | None = None
    bits: Bits | None = None
    mask: Annotated[int, Field(gt=0, lt=1 << 64)] | None = None
    """The value is the set bits under this mask."""
    values: Annotated[Mapping[int | str, int | float | str], BeforeValidator(_named)] | None = None
    unstated: Finite | None = None
    """The value while a whole telegram does not state it."""
    unstated_beside: Annotated[tuple[str, ...], BeforeValidator(_codes)] = ()
    """Only in telegrams that state one of these groups; empty: in any."""
    absent: Annotated[tuple[int | float | str, ...], BeforeValidator(_codes)] = ()
    """Codes that mean "not there"."""
    scale: Scale = 1.0
    offset: Finite = 0.0
    sign: Literal[1, -1] = 1
    counter: Counter | None = None

    @property
    def field(self) -> tuple[int, int] | None:
        """Lowest and highest bit of its bit field; None if it is none."""
        return self.bits if self.bit is None else (self.bit, self.bit)
