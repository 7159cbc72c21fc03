"""BACnet objects: their properties, and the priority array with minimum times.

Sources: ASHRAE 135-2020 clause 12 (12.2 to 12.4 analog, 12.6 to 12.8 binary, 12.18 and 12.20 multi-state).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from quartier_sim.bacnet import encoding
from quartier_sim.bacnet.encoding import OBJECT_TYPES, PROPERTIES, Tag

LOWEST_PRIORITY = 16
MINIMUM_TIMES_PRIORITY = 6


class PriorityArray:
    """Priority array: place 1 overrides place 2, and so on; with all empty, ``default`` counts.

    ``on_s`` and ``off_s`` are the minimum times of a binary object: whenever its value changes, the new one
    is at place 6 for that time, and only places 1 to 5 override it.  ``written_s`` is the time of the last
    order.
    """

    def __init__(self, default: float, on_s: float = 0.0, off_s: float = 0.0) -> None:
        self.default = default
        self.on_s = on_s
        self.off_s = off_s
        self.places: list[float | None] = [None] * LOWEST_PRIORITY
        self.written_s = -math.inf
        self._held_until_s: float | None = None
        self._was = default

    @property
    def value(self) -> float:
        """The value in force."""
        return next((one for one in self.places if one is not None), self.default)

    @property
    def has_minimum_times(self) -> bool:
        """Return whether place 6 is its own."""
        return self.on_s > 0 or self.off_s > 0

    def put(self, value: float | None, priority: int, now_s: float) -> None:
        """Order, or with None give back.  Raises ValueError for a place that is not to be written."""
        if not 1 <= priority <= LOWEST_PRIORITY or (
            priority == MINIMUM_TIMES_PRIORITY and self.has_minimum_times
        ):
            raise ValueError(f"nobody writes at priority {priority}")
        self.places[priority - 1] = value
        self.written_s = now_s
        self._changed(now_s)

    def expire(self, now_s: float) -> None:
        """Let a least time end."""
        if self._held_until_s is not None and now_s >= self._held_until_s:
            self._held_until_s = None
            self.places[MINIMUM_TIMES_PRIORITY - 1] = None
            self._changed(now_s)

    def forget(self) -> None:
        """Without power every order is lost."""
        self.places = [None] * LOWEST_PRIORITY
        self._held_until_s = None
        self._was = self.default

    def _changed(self, now_s: float) -> None:
        if self.value == self._was:
            return
        self._was = self.value
        if not self.has_minimum_times:
            return
        least_s = self.on_s if self._was else self.off_s
        self._held_until_s = now_s + least_s if least_s > 0 else None
        self.places[MINIMUM_TIMES_PRIORITY - 1] = self._was if least_s > 0 else None


P = PROPERTIES
PropertyValue = bytes | list[bytes]
"""Encoded value of a property; a list is a BACnet array."""
_ANALOG = ("analog-input", "analog-output", "analog-value")
_BINARY = ("binary-input", "binary-output", "binary-value")
_ARRAY_ALL = 0
# in-alarm, fault, overridden, out-of-service
_NORMAL_FLAGS, _FAULT_FLAGS = (0, 0, 0, 0), (0, 1, 0, 0)


class Refusal(Exception):  # noqa: N818 - it is what a device answers, not an error of the rig
    """Refusal by the object, with an error class and code of clause 18."""

    def __init__(self, error_class: int, code: int) -> None:
        super().__init__(f"error class {error_class}, code {code}")
        self.error_class = error_class
        self.code = code


def make_unknown_property() -> Refusal:
    """It has no such property."""
    return Refusal(encoding.PROPERTY_CLASS, encoding.UNKNOWN_PROPERTY)


class BacnetObject:
    """An object with a number as its present value.

    ``commands`` makes it commandable.  ``low`` and ``high`` bound what may be written.  ``states`` are the
    names of a multi-state or binary object's values, the first one of 1, or of off.
    """

    def __init__(
        self,
        kind: str,
        instance: int,
        name: str,
        *,
        value: float = 0.0,
        units: str = "no-units",
        about: str = "",
        cov_increment: float | None = None,
        commands: PriorityArray | None = None,
        low: float | None = None,
        high: float | None = None,
        states: Sequence[str] = (),
    ) -> None:
        self.kind = kind
        self.key = (OBJECT_TYPES[kind], instance)
        self.name = name
        self.commands = commands
        self.low = low
        self.high = high
        self.states = tuple(states)
        self.cov_increment = cov_increment
        self.is_faulty = False
        self._value = value
        self._units = units
        self._about = about

    # -- for the plant's side ----------------------------------------------------------------

    @property
    def value(self) -> float:
        """Its present value: a state counts from 1."""
        return self._value if self.commands is None else self.commands.value

    def show(self, value: float) -> None:
        """Let it measure ``value``; what is commanded shows its command."""
        self._value = value

    def expire(self, now_s: float) -> None:
        """Let its times run out."""
        if self.commands is not None:
            self.commands.expire(now_s)

    def forget(self) -> None:
        """Lose what a loss of power loses."""
        if self.commands is not None:
            self.commands.forget()

    # -- for the wire's side -----------------------------------------------------------------

    @property
    def status_flags(self) -> bytes:
        """In alarm, fault, overridden, out of service."""
        return encoding.encode_bits(_FAULT_FLAGS if self.is_faulty else _NORMAL_FLAGS)

    def present(self) -> bytes:
        """Its present value with its tag."""
        return self._tagged(self.value)

    def properties(self) -> list[int]:
        """Those that it has, without the list of them."""
        return list(self._table())

    def read(self, number: int, index: int | None = None) -> bytes:
        """A property, or one place of an array.  Raises Refusal."""
        if number == P["property-list"]:
            hidden = {P["object-identifier"], P["object-name"], P["object-type"]}
            listed = [encoding.encode_enumerated(one) for one in self.properties() if one not in hidden]
            return get_array_item(listed, index)
        make = self._table().get(number)
        if make is None:
            raise make_unknown_property()
        return get_array_item(make(), index)

    def write(
        self, number: int, index: int | None, given: Sequence[Tag], priority: int | None, now_s: float
    ) -> None:
        """Take a write.  Raises Refusal."""
        if number not in self._table():
            raise make_unknown_property()
        if number == P["cov-increment"] and self.cov_increment is not None:
            self.cov_increment = self._number(given, is_bound=False)
            return
        if number != P["present-value"] or self.commands is None or index is not None:
            raise Refusal(encoding.PROPERTY_CLASS, encoding.WRITE_ACCESS_DENIED)
        try:
            self.commands.put(self._number(given, nothing=True), priority or LOWEST_PRIORITY, now_s)
        except ValueError as error:
            raise Refusal(encoding.PROPERTY_CLASS, encoding.WRITE_ACCESS_DENIED) from error

    # -- inside ------------------------------------------------------------------------------

    def _number(self, given: Sequence[Tag], *, nothing: bool = False, is_bound: bool = True) -> float | None:
        wanted = encoding.REAL if self.kind in _ANALOG else encoding.UNSIGNED
        wanted = encoding.ENUMERATED if self.kind in _BINARY else wanted
        if len(given) != 1 or given[0].context or given[0].number not in (wanted, encoding.NULL):
            raise Refusal(encoding.PROPERTY_CLASS, encoding.INVALID_DATA_TYPE)
        try:
            value = given[0].value
        except ValueError as error:
            raise Refusal(encoding.PROPERTY_CLASS, encoding.INVALID_DATA_TYPE) from error
        if value is None and not nothing:
            raise Refusal(encoding.PROPERTY_CLASS, encoding.INVALID_DATA_TYPE)
        if value is not None and is_bound and not self._is_allowed(value):
            raise Refusal(encoding.PROPERTY_CLASS, encoding.VALUE_OUT_OF_RANGE)
        return value

    def _is_allowed(self, value: float) -> bool:
        if self.kind in _BINARY:
            return value in (0, 1)
        if self.kind not in _ANALOG:
            return 1 <= value <= len(self.states)
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def _tagged(self, value: float) -> bytes:
        if self.kind in _ANALOG:
            return encoding.encode_real(value)
        return (
            encoding.encode_enumerated(int(value))
            if self.kind in _BINARY
            else encoding.encode_unsigned(int(value))
        )

    def _table(self) -> Mapping[int, Callable[[], PropertyValue]]:
        """Return each property with the function that makes it, in the order of the property list."""
        table: dict[int, Callable[[], PropertyValue]] = {
            P["object-identifier"]: lambda: encoding.encode_identifier(*self.key),
            P["object-name"]: lambda: encoding.encode_text(self.name),
            P["object-type"]: lambda: encoding.encode_enumerated(self.key[0]),
            P["present-value"]: self.present,
            P["description"]: lambda: encoding.encode_text(self._about),
            P["status-flags"]: lambda: self.status_flags,
            P["event-state"]: lambda: encoding.encode_enumerated(0),
            P["out-of-service"]: lambda: encoding.encode_boolean(False),
        }
        table |= self._of_its_kind()
        if self.commands is not None:
            commands = self.commands
            table[P["priority-array"]] = lambda: [
                encoding.encode_null() if one is None else self._tagged(one) for one in commands.places
            ]
            table[P["relinquish-default"]] = lambda: self._tagged(commands.default)
            if commands.has_minimum_times:
                table[P["minimum-off-time"]] = lambda: encoding.encode_unsigned(int(commands.off_s))
                table[P["minimum-on-time"]] = lambda: encoding.encode_unsigned(int(commands.on_s))
        return table

    def _of_its_kind(self) -> Mapping[int, Callable[[], PropertyValue]]:
        if self.kind in _ANALOG:
            bounds = {P["min-pres-value"]: self.low, P["max-pres-value"]: self.high}
            bounds[P["cov-increment"]] = self.cov_increment
            known = {
                key: partial(encoding.encode_real, one) for key, one in bounds.items() if one is not None
            }
            return {P["units"]: lambda: encoding.encode_enumerated(encoding.UNITS[self._units]), **known}
        if self.kind in _BINARY:
            inactive, active = self.states or ("off", "on")
            polarity = (
                {} if self.kind == "binary-value" else {P["polarity"]: lambda: encoding.encode_enumerated(0)}
            )
            return {
                **polarity,
                P["inactive-text"]: lambda: encoding.encode_text(inactive),
                P["active-text"]: lambda: encoding.encode_text(active),
            }
        return {
            P["number-of-states"]: lambda: encoding.encode_unsigned(len(self.states)),
            P["state-text"]: lambda: [encoding.encode_text(one) for one in self.states],
        }


def get_array_item(value: PropertyValue, index: int | None) -> bytes:
    """A whole value, or one place of an array: 0 is its length.  Raises Refusal."""
    if index is None:
        return encoding.join_values(value) if isinstance(value, list) else value
    if not isinstance(value, list):
        raise Refusal(encoding.PROPERTY_CLASS, encoding.PROPERTY_IS_NOT_AN_ARRAY)
    if index == _ARRAY_ALL:
        return encoding.encode_unsigned(len(value))
    if index > len(value):
        raise Refusal(encoding.PROPERTY_CLASS, encoding.INVALID_ARRAY_INDEX)
    return value[index - 1]


def make_setpoint(
    instance: int, name: str, units: str, default: float, low: float, high: float
) -> BacnetObject:
    """An analog value that may be commanded within bounds; without a command it is ``default``."""
    return BacnetObject(
        "analog-value",
        instance,
        name,
        units=units,
        commands=PriorityArray(default),
        cov_increment=0.1,
        low=low,
        high=high,
        about=name.lower(),
    )
