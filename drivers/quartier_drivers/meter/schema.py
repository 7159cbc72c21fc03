"""Tables of a meter's profile and of its decoder.

The keys are the keywords of ``quartier_drivers.meter.<protocol>.decoder``.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, Strict

from quartier_drivers.device_profile.schema import (
    Bits,
    Difference,
    Finite,
    Quantity,
    Scale,
    Section,
    StatedName,
)

StatedValue = str | int | float
"""A code, or a content sent by a meter."""


Labels = tuple[tuple[str, ...], ...]
"""Alternatives; the labels of one alternative are added up."""


CLOCK_FORMS = ("clock", "countdown")
"""Forms whose value changes although the meter sends the same: the content is compared with our clock."""


GroupChoice = tuple[Mapping[str, tuple[StatedValue, ...]], ...]
"""Alternatives of conditions on a group: each key must have one of its values."""


def _parse_labels(raw: object) -> object:
    alternatives = raw if isinstance(raw, list | tuple) else [raw]
    found = tuple(tuple(one) if isinstance(one, list | tuple) else (one,) for one in alternatives)
    if not found or not all(one and all(_is_label(label) for label in one) for one in found):
        raise ValueError(f'{raw!r} names no group, expected "LABEL", ["EITHER", "OR"] or [["ADDED", "UP"]]')
    return found


def _parse_labels_or_none(raw: object) -> object:
    """Parse labels; an empty alternative subtracts nothing."""
    alternatives = raw if isinstance(raw, list | tuple) else [raw]
    return tuple(() if one in ("", [], ()) else _parse_alternative(one) for one in alternatives)


def _parse_alternative(raw: object) -> object:
    found = _parse_labels([raw])
    assert isinstance(found, tuple)
    return found[0]


def _is_label(label: object) -> bool:
    return isinstance(label, str) and bool(label.strip())


def _parse_choice(raw: object) -> object:
    tables = list(raw) if isinstance(raw, list | tuple) else [raw]
    if not tables or not all(isinstance(table, dict) and table for table in tables):
        raise ValueError(f"{raw!r} selects nothing, expected a table such as {{ quantity = 'energy' }}")
    return tuple(
        {key: tuple(one) if isinstance(one, list | tuple) else (one,) for key, one in table.items()}
        for table in tables
        if isinstance(table, dict)
    )


def _parse_codes(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list | tuple) else (raw,)


def _parse_states(raw: object) -> object:
    return {label: _parse_codes(one) for label, one in raw.items()} if isinstance(raw, dict) else raw


def parse_code(text: StatedValue) -> StatedValue:
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


def _parse_named(raw: object) -> object:
    return {parse_code(key): name for key, name in raw.items()} if isinstance(raw, dict) else raw


class CounterLimits(Section):
    """Bounds of a counter: its largest rate and the value at which it rolls over."""

    rate_max: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Largest increase in an hour, in the unit of the point."""
    roll_over: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """The value at which it rolls over to 0; 0: never."""
    step: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Its resolution in the unit of the point, if one step is more than an hour of rate_max."""


class MeterMarks(Section):
    """Identity that a meter of this profile states.  Patterns: ``*`` and ``?``, any case."""

    makers: Annotated[tuple[str, ...], BeforeValidator(_parse_codes)] = ()
    """Three letters each, as assigned by the FLAG association."""
    head: Annotated[tuple[str, ...], BeforeValidator(_parse_codes)] = ()
    """Patterns of its identification line (P1, IEC 62056-21), without the slash."""
    states: Annotated[Mapping[str, tuple[str, ...]], BeforeValidator(_parse_states)] = Field(
        default_factory=dict
    )
    """Labels of groups and patterns of their values; "*": the group is stated."""
    lacks: Annotated[tuple[str, ...], BeforeValidator(_parse_codes)] = ()
    """Labels of groups that it never states."""
    media: Annotated[tuple[str, ...], BeforeValidator(_parse_codes)] = ()
    """Media of M-Bus."""
    versions: Annotated[tuple[int, ...], BeforeValidator(_parse_codes)] = ()
    """Version numbers of M-Bus."""
    hint: str = ""
    """What no telegram states, so that a person must compare it: the profile is never more than likely."""


class MeterPoint(Quantity):
    """One quantity of a meter: value = sign * scale * (group in our unit) + offset."""

    group: Annotated[Labels, BeforeValidator(_parse_labels)] = ()
    select: Annotated[GroupChoice, BeforeValidator(_parse_choice)] = ()
    minus: Annotated[Labels, BeforeValidator(_parse_labels_or_none)] = ()
    """What is subtracted.  As many as in ``group``: each belongs to one of these; "" subtracts nothing."""
    unit: str = ""
    """The unit of the meter if its group carries none."""
    form: Literal["number", "hex", "text", "clock", "countdown"] = "number"
    bit: Annotated[int, Field(ge=0, le=63)] | None = None
    bits: Bits | None = None
    mask: Annotated[int, Field(gt=0, lt=1 << 64)] | None = None
    """The value is the set bits under this mask."""
    values: Annotated[Mapping[int | str, int | float | str], BeforeValidator(_parse_named)] | None = None
    unstated: Finite | None = None
    """The value while a whole telegram does not state it."""
    unstated_beside: Annotated[tuple[str, ...], BeforeValidator(_parse_codes)] = ()
    """Only in telegrams that state one of these groups; empty: in any."""
    absent: Annotated[tuple[int | float | str, ...], BeforeValidator(_parse_codes)] = ()
    """Codes that mean "not there"."""
    scale: Scale = 1.0
    offset: Finite = 0.0
    sign: Literal[1, -1] = 1
    counter: CounterLimits | None = None

    @property
    def field(self) -> tuple[int, int] | None:
        """Lowest and highest bit of its bit field; None if it is none."""
        return self.bits if self.bit is None else (self.bit, self.bit)

    def compare_name(self, key: str, stated: StatedName) -> Difference | None:
        """Return how the labels or the unit that a source states differ."""
        del key
        if not any(stated.is_label(stated.group, labels) for labels in self.group):
            return "has group", (" + ".join(stated.group), self.group or self.select)
        if stated.minus and not any(stated.is_label((stated.minus,), labels) for labels in self.minus):
            return "takes off", (stated.minus, self.minus or "nothing")
        if stated.unit and self.unit and not stated.is_in_unit(self.unit):
            return "is in", (stated.unit, self.unit)
        return None

    def describe_place(self) -> str:
        """Return the groups, by label or by what they say of themselves."""
        chosen = [
            " ".join(f"{key}={','.join(map(str, of))}" for key, of in one.items()) for one in self.select
        ]
        return " or ".join([" + ".join(labels) for labels in self.group] + chosen)


class TicSettings(Section):
    """Linky TIC."""


class P1Settings(Section):
    """DSMR P1."""


class Iec62056Settings(Section):
    """IEC 62056-21."""

    bcc: Literal["xor", "sum", "none"] = "xor"
    """How the block check is made: by the standard, as a sum, or not checked."""
    speed_max: Literal[300, 600, 1200, 2400, 4800, 9600, 19200] = 19200
    """Highest speed that is requested."""
    wake_count: Annotated[int, Field(ge=0, le=400)] = 0
    """Number of NULs that wake a meter with a battery."""


class SmlSettings(Section):
    """Smart Message Language."""

    checksum: Literal["x25", "kermit"] = "x25"
    """The CRC of the meter; with ``kermit`` the CRC of the standard is accepted too."""
    defects: Annotated[tuple[Literal["unsigned-power", "narrow-power"], ...], Strict(False)] = ()
    """Known defects of its telegrams: see ``sml/messages.py``."""


class DlmsSettings(Section):
    """DLMS/COSEM; all but ``defects`` is for meters that are polled."""

    defects: Annotated[tuple[Literal["energy-in-wh"], ...], Strict(False)] = ()
    """Known defects of what it pushes: counters in Wh where its list says 10 Wh."""
    transport: Literal["auto", "hdlc", "wrapper"] = "auto"
    """The transport of requests; ``auto`` takes the wrapper over TCP."""
    logical: Annotated[int, Field(ge=1, le=0x3FFF)] = 1
    """Its logical device, over TCP its port in the wrapper."""
    address_size: Literal[0, 1, 2, 4] = 0
    """Bytes of its HDLC address; 0: as few as possible."""
    is_optical: bool = False
    """Whether it is woken through an optical head first (IEC 62056-21 mode E)."""
    title: Annotated[str, Field(pattern="[0-9A-Fa-f]{16}")] = "5154520000000001"
    """Our system title where keys are used."""
    is_ciphered: bool = False
    """Whether requests and answers are encrypted and authenticated."""
    counter: str = ""
    """The object with the last invocation counter, readable by everybody, such as 0-0:43.1.0."""
    classes: Mapping[str, Literal["data", "register", "extended", "demand", "profile", "clock"]] = {}
    """The class of an object whose name does not tell it."""
    rows: Annotated[int, Field(ge=1, le=4096)] = 96
    """Number of rows of a load curve that are read the first time."""
    wait_s: Annotated[float, Field(gt=0, le=30)] = 2.0
    """Longest time for an answer, in s."""


class MbusSettings(Section):
    """Wired M-Bus."""

    reset: Literal["link", "none"] = "link"
    """Whether the link is reset before a reading, so that the meter begins with its first telegram."""
    application: Annotated[int, Field(ge=-1, le=255)] = -1
    """Subcode of an application reset before a reading, which makes some send other telegrams; -1: none."""
    telegrams_max: Annotated[int, Field(ge=1, le=100)] = 16
    """Largest number of telegrams in a reading."""
