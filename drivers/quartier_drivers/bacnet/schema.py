"""The tables of a BACnet profile: property and object of each point, and how it is commanded."""

import math
import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from quartier_drivers.bacnet.standard_names import (
    COMMANDABLE_TYPES,
    OBJECT_TYPES,
    PROPERTIES,
    UNIT_NUMBERS,
    render_object_type,
    render_property,
)
from quartier_drivers.contract import Fallback
from quartier_drivers.device_profile.schema import (
    Difference,
    Finite,
    Names,
    Numbers,
    OnRelease,
    Quantity,
    Scale,
    Section,
    StatedName,
)
from quartier_drivers.device_profile.toml_files import suggest_key

PRESENT_VALUE = PROPERTIES["present-value"]
LOAD_CONTROL = OBJECT_TYPES["load-control"]
DEFAULT_PRIORITY = 10
"""The default: below life safety, minimum times (6) and operators at a panel (8)."""
LOW_PRIORITY = 7
"""Up to here a priority wants a reason."""
INSTANCE_MAX = 4194302

_OBJECT = re.compile(r"([a-z-]+|[0-9]{1,4}):([0-9]{1,7})")
_KIND_MAX = 1023


@dataclass(frozen=True, slots=True)
class ObjectName:
    """An object: its type and its instance (clause 12.1)."""

    kind: int
    instance: int

    def __str__(self) -> str:
        """Return ``analog-input:3``."""
        return f"{render_object_type(self.kind)}:{self.instance}"


def parse_object_name(text: object) -> ObjectName:
    """Parse ``"analog-input:3"``, a maker's own type as ``"130:3"``.  Raises ValueError."""
    if isinstance(text, ObjectName):
        return text
    found = _OBJECT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f'{text!r} is no object; expected its type and instance as "analog-input:3"')
    kind = int(found[1]) if found[1].isdecimal() else OBJECT_TYPES.get(found[1])
    if kind is None:
        raise ValueError(f"{found[1]!r} is no type of object; {suggest_key(found[1], list(OBJECT_TYPES))}")
    if kind > _KIND_MAX or int(found[2]) > INSTANCE_MAX:
        raise ValueError(
            f"{text!r} is no object; expected a type up to {_KIND_MAX}, an instance up to {INSTANCE_MAX}"
        )
    return ObjectName(kind, int(found[2]))


def parse_property_number(text: object) -> int:
    """Parse ``"present-value"``, or the number of a property.  Raises ValueError."""
    if isinstance(text, int) and not isinstance(text, bool) and 0 <= text < 1 << 22:
        return text
    if isinstance(text, str) and text in PROPERTIES:
        return PROPERTIES[text]
    raise ValueError(f"{text!r} is no property; {suggest_key(str(text), list(PROPERTIES))}, or its number")


def _check_unit(text: object) -> object:
    if isinstance(text, str) and text not in UNIT_NUMBERS:
        raise ValueError(
            f"{text!r} is no engineering unit known here; {suggest_key(text, list(UNIT_NUMBERS))}"
        )
    return text


ObjectAt = Annotated[ObjectName, BeforeValidator(parse_object_name)]
PropertyAt = Annotated[int, BeforeValidator(parse_property_number)]


class Watchdog(Section):
    """The fallback of the device when nobody writes, and the object that it supervises for that.

    It is needed because a priority never expires.
    """

    place: ObjectAt = Field(alias="object")
    """The object that is written together with the point, and that the device supervises."""
    property_id: PropertyAt = Field(PRESENT_VALUE, alias="property")
    feeds: Literal["seconds", "beat"] = "seconds"
    """``seconds``: ``after_s`` is written there; ``beat``: 1 and 0 in turn."""
    value: Annotated[
        Literal["own"] | Finite, BeforeValidator(lambda raw: float(raw) if type(raw) is int else raw)
    ]
    """The value that the point then takes, in our units; "own": the device's own control decides."""
    after_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    refresh_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @property
    def plain(self) -> Fallback:
        """The same as a ``Fallback`` of the contract."""
        value = None if self.value == "own" else self.value
        return Fallback(value, self.after_s, str(self.place), self.refresh_s or self.after_s / 3)


class ShedCommand(Section):
    """The shed command for a Load Control object (clause 12.28): it ends by itself after its duration."""

    percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """What of its baseline it may still take."""
    level: Annotated[int, Field(ge=1, le=1000)] | None = None
    """One of the object's own levels."""
    amount: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """How much less it is to take, kW."""
    duration_s: Annotated[float, Field(ge=60, le=86_400)] = 900.0
    """After so long without another order the load runs again; whole minutes."""

    @property
    def minutes(self) -> int:
        """The duration in minutes, as the object counts it."""
        return math.ceil(self.duration_s / 60)


class Write(Section):
    """The ``write`` table of a point that is commanded."""

    low: Finite | None = None
    high: Finite | None = None
    priority: Annotated[int, Field(ge=1, le=16)] = DEFAULT_PRIORITY
    """Place in the priority array; 1..7 only with a reason."""
    low_priority_reason: Annotated[str, Field(min_length=8)] | None = None
    """The reason for a priority of 1..7, which is above the operators of the building."""
    commandable: bool = True
    """Whether the object has a priority array; without one nothing can be relinquished."""
    on_release: OnRelease
    fallback: Watchdog | None = None
    shed: ShedCommand | None = None
    confirm: Literal["read", "none"] = "read"


class BacnetPoint(Quantity):
    """One quantity: value = sign * scale * (value from the device, its unit converted) + offset."""

    place: ObjectAt = Field(alias="object")
    property_id: PropertyAt = Field(PRESENT_VALUE, alias="property")
    index: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Element of an array."""
    units: Annotated[str, BeforeValidator(_check_unit)] | None = None
    """The unit that the device must have there; absent: the one that it states."""
    bit: Annotated[int, Field(ge=0, le=52)] | None = None
    """A bit of a bit string, counted from 0."""
    values: Names | None = None
    scale: Scale = 1.0
    offset: Finite = 0.0
    sign: Literal[1, -1] = 1
    absent: Numbers = ()
    """The numbers in the device that mean "not measured"."""
    cov: Literal["confirmed", "unconfirmed"] | None = None
    """Subscribe to its changes, with notifications of that kind; polling by ``scan`` continues."""
    write: Write | None = None

    @property
    def writable(self) -> bool:
        """Return whether it can be written."""
        return self.write is not None

    @property
    def fallback(self) -> Fallback | None:
        """Return the fallback that its device takes by itself when nobody writes; None if there is none."""
        if self.write is None:
            return None
        if self.write.shed is not None:
            return Fallback(
                1.0, 60.0 * self.write.shed.minutes, str(self.place), 20.0 * self.write.shed.minutes
            )
        return None if self.write.fallback is None else self.write.fallback.plain

    @property
    def has_priorities(self) -> bool:
        """Return whether a command takes a slot in a priority array."""
        commands = self.write is not None and self.write.commandable and self.write.shed is None
        return (
            commands
            and self.property_id == PRESENT_VALUE
            and (self.place.kind in COMMANDABLE_TYPES or self.place.kind > 127)
        )

    def describe_place(self) -> str:
        """Return object, property and element, for people."""
        return self.where

    def compare_name(self, key: str, stated: StatedName) -> Difference | None:
        """Return how the object that a source names differs."""
        del key
        return None if stated.object_name == str(self.place) else ("is", (stated.object_name, self.place))

    def _list_form_words(self) -> list[str]:
        words = [self.units.replace("-", " ")] if self.units else []
        return words + ([f"followed by {self.cov} notifications"] if self.cov else [])

    @property
    def where(self) -> str:
        """Object, property and element, for people."""
        named = "" if self.property_id == PRESENT_VALUE else f" {render_property(self.property_id)}"
        return f"{self.place}{named}" + ("" if self.index is None else f"[{self.index}]")


class BacnetLimits(Section):
    """Limits and peculiarities of the device."""

    apdu_max: Annotated[int, Field(ge=50, le=1476)] | None = None
    """Largest message that it can send, if it states more than it can."""
    properties_max: Annotated[int, Field(ge=1, le=500)] = 100
    """Most properties of one ReadPropertyMultiple."""
    multiple: bool = True
    """Whether it may be asked for several properties at once; one that refuses is found out."""
    status_flags: bool = True
    """Whether status flags are read with present values: in fault, or out of service, is BAD."""
    cov_lifetime_s: Annotated[int, Field(ge=10, le=86_400)] = 300
    """How long a subscription lasts; it is renewed at half of that."""
    settle_s: Annotated[float, Field(ge=0, le=600)] = 0.0
    """How long after a write the device may still show the old value."""
    no_fallback: Annotated[str, Field(min_length=8)] | None = None
    """Why points without a watchdog have no fallback, with the source."""


class RecognitionMarks(Section):
    """Properties of the device object by which a scan of the network recognises this device."""

    vendor_id: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Vendor identifier, as assigned by ASHRAE."""
    model: Annotated[str, Field(min_length=1)] | None = None
    """Model name, ``*`` and ``?`` for any letters."""
