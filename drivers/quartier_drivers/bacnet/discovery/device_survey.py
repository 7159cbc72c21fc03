"""Read all objects of one device: names, values, units, state texts and the holders of their priorities.

Sources: ASHRAE 135-2020 clause 12 (properties of objects), 19.2 (priority arrays).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from quartier_drivers.bacnet.codec.application_data import Date, Element, ObjectId, Time
from quartier_drivers.bacnet.codec.device_errors import DeviceRefused, GarbledAnswer
from quartier_drivers.bacnet.network.property_reads import PropertyInquiry, ReadElements
from quartier_drivers.bacnet.standard_names import (
    ANALOG_TYPES,
    BINARY_TYPES,
    COMMANDABLE_TYPES,
    MULTI_STATE_TYPES,
    OBJECT_TYPES,
    PROPERTIES,
    render_object_type,
    render_unit,
)
from quartier_native.bacnet import NULL, Ref

_DEVICE, _LOAD_CONTROL = OBJECT_TYPES["device"], OBJECT_TYPES["load-control"]
# BACnetShedState (clause 21), from 0 on.
_SHED_STATES = ("inactive", "request pending", "compliant", "non-compliant")
_WITH_UNITS = ANALOG_TYPES | {
    OBJECT_TYPES[name] for name in ("accumulator", "integer-value", "positive-integer-value")
}
_WITH_VALUE = (
    _WITH_UNITS
    | BINARY_TYPES
    | MULTI_STATE_TYPES
    | COMMANDABLE_TYPES
    | {OBJECT_TYPES[name] for name in ("loop", "load-control", "pulse-converter", "calendar", "command")}
)
IDENTITY_PROPERTIES = (
    "object-name",
    "vendor-name",
    "model-name",
    "firmware-revision",
    "application-software-version",
    "description",
    "location",
    "serial-number",
)
"""Properties of the Device object with its identity."""
_MINIMUM_TIMES = ("minimum-on-time", "minimum-off-time")


@dataclass(frozen=True, slots=True)
class PriorityHolderReport:
    """An occupied priority of an object (1..16), and the value there."""

    priority: int
    value: str


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One object.  ``value`` is None if it has none; ``why`` is then its answer.

    ``shown`` is the value with its state's text, ``unit`` a standard word.  ``states`` begin with 1, or off.
    ``commands`` are the occupied slots of its priority array, None if it has no array.
    """

    object: ObjectId
    name: str
    value: float | bool | str | None
    shown: str
    unit: str
    description: str
    flags: tuple[str, ...]
    states: tuple[str, ...]
    commands: tuple[PriorityHolderReport, ...] | None
    least_on_s: int | None = None
    least_off_s: int | None = None
    why: str = ""

    @property
    def where(self) -> str:
        """The object as a profile writes it, such as ``analog-input:3``."""
        return f"{render_object_type(self.object.object_type)}:{self.object.instance}"


async def read_identity(inquiry: PropertyInquiry, instance: int) -> Mapping[str, str]:
    """Return the properties of ``IDENTITY_PROPERTIES`` in the device object; missing ones are left out.

    Raises NoReply or LinkLost.
    """
    refs = {word: Ref(_DEVICE, instance, PROPERTIES[word]) for word in IDENTITY_PROPERTIES}
    told = await inquiry.read(refs.values())
    return {word: text for word, ref in refs.items() if (text := _read_text(told[ref]))}


async def read_object_list(inquiry: PropertyInquiry, instance: int) -> Sequence[ObjectId]:
    """Return the objects of the device, each once, read index by index.

    Raises NoReply, LinkLost, or DeviceRefused if it has no list.
    """
    said = await inquiry.array(Ref(_DEVICE, instance, PROPERTIES["object-list"]))
    found = [one for part in said if not isinstance(part, DeviceRefused | GarbledAnswer) for one in part]
    return list(dict.fromkeys(one.value for one in found if isinstance(one.value, ObjectId)))


async def read_rows(inquiry: PropertyInquiry, objects: Iterable[ObjectId]) -> Sequence[ObjectRow]:
    """Return the row of each object.  Raises NoReply or LinkLost."""
    wanted = {one: _list_wanted(one) for one in objects}
    told = await inquiry.read(ref for refs in wanted.values() for ref in refs.values())
    return [_make_row(one, {word: told[ref] for word, ref in refs.items()}) for one, refs in wanted.items()]


def _list_wanted(one: ObjectId) -> dict[str, Ref]:
    kind = one.object_type
    words = ["object-name", "description"]
    if kind in _WITH_VALUE:
        words += ["present-value", "status-flags"]
    if kind in _WITH_UNITS:
        words.append("units")
    if kind in BINARY_TYPES:
        words += ["inactive-text", "active-text"]
    if kind in MULTI_STATE_TYPES:
        words.append("state-text")
    if kind in COMMANDABLE_TYPES:
        words.append("priority-array")
    if kind in BINARY_TYPES and kind in COMMANDABLE_TYPES:
        words += _MINIMUM_TIMES
    return {word: Ref(kind, one.instance, PROPERTIES[word]) for word in words}


def _make_row(one: ObjectId, said: Mapping[str, ReadElements]) -> ObjectRow:
    states = _read_states(one, said)
    value, why = _read_value(one, said.get("present-value"))
    return ObjectRow(
        object=one,
        name=_read_text(said["object-name"]),
        value=value,
        shown=_render_shown(one, value, states),
        unit=_read_unit(said.get("units")),
        description=_read_text(said["description"]),
        flags=_read_flags(said.get("status-flags")),
        states=states,
        commands=_read_holders(one, said.get("priority-array"), states),
        least_on_s=_read_seconds(said.get("minimum-on-time")),
        least_off_s=_read_seconds(said.get("minimum-off-time")),
        why=why,
    )


def _find_only(said: ReadElements | None) -> Element | None:
    """Return the one element of a scalar; None if there is not exactly one."""
    return said[0] if isinstance(said, tuple) and len(said) == 1 else None


def _read_text(said: ReadElements | None) -> str:
    element = _find_only(said)
    return element.value.strip() if element is not None and isinstance(element.value, str) else ""


def _read_seconds(said: ReadElements | None) -> int | None:
    element = _find_only(said)
    return element.value if element is not None and type(element.value) is int else None


def _read_value(one: ObjectId, said: ReadElements | None) -> tuple[float | bool | str | None, str]:
    if isinstance(said, DeviceRefused | GarbledAnswer):
        return None, str(said)
    element = _find_only(said)
    return (None, "") if element is None else (render_element(one, element), "")


def render_element(one: ObjectId, element: Element) -> float | bool | str | None:
    """Return an element for people: a number, on or off, or words."""
    value = element.value
    if one.object_type in BINARY_TYPES and type(value) is int:
        return bool(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return render_value(value)


def render_value(value: object) -> str:
    """Return bits, dates, times, objects and lists in words."""
    match value:
        case Date():
            year, month, day, _ = (("*" if part is None else f"{part:02d}") for part in value)
            text = f"{year}-{month}-{day}"
        case Time():
            text = ":".join("*" if part is None else f"{part:02d}" for part in value[:3])
        case ObjectId():
            text = f"{render_object_type(value.object_type)}:{value.instance}"
        case bytes():
            text = value.hex()
        case tuple() if all(isinstance(part, bool) for part in value):
            text = "".join(str(int(part)) for part in value)
        case tuple():
            text = "(" + " ".join(render_value(getattr(part, "value", part)) for part in value) + ")"
        case _:
            text = "–" if value is None else str(value)
    return text


def _read_states(one: ObjectId, said: Mapping[str, ReadElements]) -> tuple[str, ...]:
    if one.object_type in BINARY_TYPES:
        texts = (_read_text(said["inactive-text"]), _read_text(said["active-text"]))
        return texts if all(texts) else ()
    if one.object_type == _LOAD_CONTROL:
        return _SHED_STATES
    told = said.get("state-text")
    if not isinstance(told, tuple):
        return ()
    return tuple(part.value if isinstance(part.value, str) else "" for part in told)


def _render_shown(one: ObjectId, value: float | bool | str | None, states: Sequence[str]) -> str:  # noqa: FBT001 - a value
    if value is None:
        return "–"
    if isinstance(value, bool):
        plain_word = "on" if value else "off"
        named = states[int(value)] if states else plain_word
        return plain_word + (f" ({named})" if named != plain_word else "")
    if one.object_type in (*MULTI_STATE_TYPES, _LOAD_CONTROL) and isinstance(value, int):
        place = value if one.object_type == _LOAD_CONTROL else value - 1
        named = states[place] if 0 <= place < len(states) else ""
        return f"{value}" + (f" ({named})" if named else "")
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _read_unit(said: ReadElements | None) -> str:
    element = _find_only(said)
    if element is None or type(element.value) is not int:
        return ""
    word = render_unit(element.value)
    return "" if word == "no-units" else word


_FLAGS = ("in alarm", "fault", "overridden", "out of service")


def _read_flags(said: ReadElements | None) -> tuple[str, ...]:
    element = _find_only(said)
    if element is None or not isinstance(element.value, tuple):
        return ()
    return tuple(word for word, is_set in zip(_FLAGS, element.value, strict=False) if is_set is True)


def _read_holders(
    one: ObjectId, said: ReadElements | None, states: Sequence[str]
) -> tuple[PriorityHolderReport, ...] | None:
    if not isinstance(said, tuple):
        return None
    return tuple(
        PriorityHolderReport(number, _render_shown(one, render_element(one, element), states))
        for number, element in enumerate(said, start=1)
        if element.kind != NULL
    )
