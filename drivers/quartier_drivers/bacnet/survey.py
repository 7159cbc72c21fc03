"""Everything that one device has: its objects with names, values, units, state texts and who commands them.

Sources: ASHRAE 135-2020 clause 12 (what objects have), 19.2 (priority arrays).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from quartier_drivers.bacnet.denials import Denied, Garbled
from quartier_drivers.bacnet.inquiry import Inquiry, Said
from quartier_drivers.bacnet.units import unit_word
from quartier_drivers.bacnet.values import Date, Element, ObjectId, Time
from quartier_drivers.bacnet.words import (
    ANALOG,
    BINARY,
    COMMANDABLE,
    MULTI_STATE,
    OBJECTS,
    PROPERTIES,
    object_word,
)
from quartier_native.bacnet import NULL, Ref

_DEVICE, _LOAD_CONTROL = OBJECTS["device"], OBJECTS["load-control"]
# BACnetShedState (clause 21), from 0 on.
_SHED_STATES = ("inactive", "request pending", "compliant", "non-compliant")
_WITH_UNITS = ANALOG | {OBJECTS[name] for name in ("accumulator", "integer-value", "positive-integer-value")}
_WITH_VALUE = (
    _WITH_UNITS
    | BINARY
    | MULTI_STATE
    | COMMANDABLE
    | {OBJECTS[name] for name in ("loop", "load-control", "pulse-converter", "calendar", "command")}
)
IDENTITY = (
    "object-name",
    "vendor-name",
    "model-name",
    "firmware-revision",
    "application-software-version",
    "description",
    "location",
    "serial-number",
)
"""Properties of the Device object that say who it is."""
_LEAST_TIMES = ("minimum-on-time", "minimum-off-time")


@dataclass(frozen=True, slots=True)
class Commander:
    """Who commands an object: the priority (1..16), and the value there."""

    priority: int
    value: str


@dataclass(frozen=True, slots=True)
class Row:
    """One object.  ``value`` is None where it has none, ``why`` then says what it answered.

    ``shown`` is the value with its state's text, ``unit`` a standard word.  ``states`` begin with 1, or off.
    ``commands`` are the filled places of its priority array, None where it has no array.
    """

    object: ObjectId
    name: str
    value: float | bool | str | None
    shown: str
    unit: str
    description: str
    flags: tuple[str, ...]
    states: tuple[str, ...]
    commands: tuple[Commander, ...] | None
    least_on_s: int | None = None
    least_off_s: int | None = None
    why: str = ""

    @property
    def where(self) -> str:
        """``analog-input:3``, as a profile says it."""
        return f"{object_word(self.object.object_type)}:{self.object.instance}"


async def identity(inquiry: Inquiry, instance: int) -> Mapping[str, str]:
    """What the Device object says of itself, by the words of ``IDENTITY``; what it does not have is left out.

    Raises NoReply or LinkLost.
    """
    refs = {word: Ref(_DEVICE, instance, PROPERTIES[word]) for word in IDENTITY}
    told = await inquiry.read(refs.values())
    return {word: text for word, ref in refs.items() if (text := _text(told[ref]))}


async def object_list(inquiry: Inquiry, instance: int) -> Sequence[ObjectId]:
    """Its objects, each once, read index by index.  Raises NoReply, LinkLost; Denied: it tells no list."""
    said = await inquiry.array(Ref(_DEVICE, instance, PROPERTIES["object-list"]))
    found = [one for part in said if not isinstance(part, Denied | Garbled) for one in part]
    return list(dict.fromkeys(one.value for one in found if isinstance(one.value, ObjectId)))


async def rows(inquiry: Inquiry, objects: Iterable[ObjectId]) -> Sequence[Row]:
    """Return what each object tells.  Raises NoReply or LinkLost."""
    wanted = {one: _wanted(one) for one in objects}
    told = await inquiry.read(ref for refs in wanted.values() for ref in refs.values())
    return [_row(one, {word: told[ref] for word, ref in refs.items()}) for one, refs in wanted.items()]


def _wanted(one: ObjectId) -> dict[str, Ref]:
    kind = one.object_type
    words = ["object-name", "description"]
    if kind in _WITH_VALUE:
        words += ["present-value", "status-flags"]
    if kind in _WITH_UNITS:
        words.append("units")
    if kind in BINARY:
        words += ["inactive-text", "active-text"]
    if kind in MULTI_STATE:
        words.append("state-text")
    if kind in COMMANDABLE:
        words.append("priority-array")
    if kind in BINARY and kind in COMMANDABLE:
        words += _LEAST_TIMES
    return {word: Ref(kind, one.instance, PROPERTIES[word]) for word in words}


def _row(one: ObjectId, said: Mapping[str, Said]) -> Row:
    states = _states(one, said)
    value, why = _value(one, said.get("present-value"))
    return Row(
        object=one,
        name=_text(said["object-name"]),
        value=value,
        shown=_shown(one, value, states),
        unit=_unit(said.get("units")),
        description=_text(said["description"]),
        flags=_flags(said.get("status-flags")),
        states=states,
        commands=_commanders(one, said.get("priority-array"), states),
        least_on_s=_seconds(said.get("minimum-on-time")),
        least_off_s=_seconds(said.get("minimum-off-time")),
        why=why,
    )


def _only(said: Said | None) -> Element | None:
    """The one element of a scalar."""
    return said[0] if isinstance(said, tuple) and len(said) == 1 else None


def _text(said: Said | None) -> str:
    element = _only(said)
    return element.value.strip() if element is not None and isinstance(element.value, str) else ""


def _seconds(said: Said | None) -> int | None:
    element = _only(said)
    return element.value if element is not None and type(element.value) is int else None


def _value(one: ObjectId, said: Said | None) -> tuple[float | bool | str | None, str]:
    if isinstance(said, Denied | Garbled):
        return None, str(said)
    element = _only(said)
    return (None, "") if element is None else (plain(one, element), "")


def plain(one: ObjectId, element: Element) -> float | bool | str | None:
    """An element as a person reads it: a number, on or off, or words."""
    value = element.value
    if one.object_type in BINARY and type(value) is int:
        return bool(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return worded(value)


def worded(value: object) -> str:
    """Bits, dates, times, objects and lists in words."""
    match value:
        case Date():
            year, month, day, _ = (("*" if part is None else f"{part:02d}") for part in value)
            text = f"{year}-{month}-{day}"
        case Time():
            text = ":".join("*" if part is None else f"{part:02d}" for part in value[:3])
        case ObjectId():
            text = f"{object_word(value.object_type)}:{value.instance}"
        case bytes():
            text = value.hex()
        case tuple() if all(isinstance(part, bool) for part in value):
            text = "".join(str(int(part)) for part in value)
        case tuple():
            text = "(" + " ".join(worded(getattr(part, "value", part)) for part in value) + ")"
        case _:
            text = "–" if value is None else str(value)
    return text


def _states(one: ObjectId, said: Mapping[str, Said]) -> tuple[str, ...]:
    if one.object_type in BINARY:
        texts = (_text(said["inactive-text"]), _text(said["active-text"]))
        return texts if all(texts) else ()
    if one.object_type == _LOAD_CONTROL:
        return _SHED_STATES
    told = said.get("state-text")
    if not isinstance(told, tuple):
        return ()
    return tuple(part.value if isinstance(part.value, str) else "" for part in told)


def _shown(one: ObjectId, value: float | bool | str | None, states: Sequence[str]) -> str:  # noqa: FBT001 - a value
    if value is None:
        return "–"
    if isinstance(value, bool):
        plain_word = "on" if value else "off"
        named = states[int(value)] if states else plain_word
        return plain_word + (f" ({named})" if named != plain_word else "")
    if one.object_type in (*MULTI_STATE, _LOAD_CONTROL) and isinstance(value, int):
        place = value if one.object_type == _LOAD_CONTROL else value - 1
        named = states[place] if 0 <= place < len(states) else ""
        return f"{value}" + (f" ({named})" if named else "")
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _unit(said: Said | None) -> str:
    element = _only(said)
    if element is None or type(element.value) is not int:
        return ""
    word = unit_word(element.value)
    return "" if word == "no-units" else word


_FLAGS = ("in alarm", "fault", "overridden", "out of service")


def _flags(said: Said | None) -> tuple[str, ...]:
    element = _only(said)
    if element is None or not isinstance(element.value, tuple):
        return ()
    return tuple(word for word, is_set in zip(_FLAGS, element.value, strict=False) if is_set is True)


def _commanders(one: ObjectId, said: Said | None, states: Sequence[str]) -> tuple[Commander, ...] | None:
    if not isinstance(said, tuple):
        return None
    return tuple(
        Commander(number, _shown(one, plain(one, element), states))
        for number, element in enumerate(said, start=1)
        if element.kind != NULL
    )
