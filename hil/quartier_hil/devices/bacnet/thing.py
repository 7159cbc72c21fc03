"""One BACnet object: what each of its properties reads as, and which may be written.

Sources: ASHRAE 135-2020 clause 12 (12.2 to 12.4 analog, 12.6 to 12.8 binary, 12.18 and 12.20 multi-state).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from quartier_hil.devices.bacnet import tags, words
from quartier_hil.devices.bacnet.commands import LOWEST, Commands
from quartier_hil.devices.bacnet.tags import Tag
from quartier_hil.devices.bacnet.words import OBJECTS, PROPERTIES

P = PROPERTIES
Value = bytes | list[bytes]
"""Encoded value of a property; a list is a BACnet array."""
_ANALOG = ("analog-input", "analog-output", "analog-value")
_BINARY = ("binary-input", "binary-output", "binary-value")
_ARRAY_ALL = 0
# in-alarm, fault, overridden, out-of-service
_WELL, _FAULTY = (0, 0, 0, 0), (0, 1, 0, 0)


class Refusal(Exception):  # noqa: N818 - it is what a device answers, not an error of the rig
    """Refusal by the object, with an error class and code of clause 18."""

    def __init__(self, error_class: int, code: int) -> None:
        super().__init__(f"error class {error_class}, code {code}")
        self.error_class = error_class
        self.code = code


def unknown_property() -> Refusal:
    """It has no such property."""
    return Refusal(words.PROPERTY_CLASS, words.UNKNOWN_PROPERTY)


class Thing:
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
        commands: Commands | None = None,
        low: float | None = None,
        high: float | None = None,
        states: Sequence[str] = (),
    ) -> None:
        self.kind = kind
        self.key = (OBJECTS[kind], instance)
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
        return tags.bits(_FAULTY if self.is_faulty else _WELL)

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
            listed = [tags.enumerated(one) for one in self.properties() if one not in hidden]
            return placed(listed, index)
        make = self._table().get(number)
        if make is None:
            raise unknown_property()
        return placed(make(), index)

    def write(
        self, number: int, index: int | None, given: Sequence[Tag], priority: int | None, now_s: float
    ) -> None:
        """Take a write.  Raises Refusal."""
        if number not in self._table():
            raise unknown_property()
        if number == P["cov-increment"] and self.cov_increment is not None:
            self.cov_increment = self._number(given, is_bound=False)
            return
        if number != P["present-value"] or self.commands is None or index is not None:
            raise Refusal(words.PROPERTY_CLASS, words.WRITE_ACCESS_DENIED)
        try:
            self.commands.put(self._number(given, nothing=True), priority or LOWEST, now_s)
        except ValueError as error:
            raise Refusal(words.PROPERTY_CLASS, words.WRITE_ACCESS_DENIED) from error

    # -- inside ------------------------------------------------------------------------------

    def _number(self, given: Sequence[Tag], *, nothing: bool = False, is_bound: bool = True) -> float | None:
        wanted = tags.REAL if self.kind in _ANALOG else tags.UNSIGNED
        wanted = tags.ENUMERATED if self.kind in _BINARY else wanted
        if len(given) != 1 or given[0].context or given[0].number not in (wanted, tags.NULL):
            raise Refusal(words.PROPERTY_CLASS, words.INVALID_DATA_TYPE)
        try:
            value = given[0].value
        except ValueError as error:
            raise Refusal(words.PROPERTY_CLASS, words.INVALID_DATA_TYPE) from error
        if value is None and not nothing:
            raise Refusal(words.PROPERTY_CLASS, words.INVALID_DATA_TYPE)
        if value is not None and is_bound and not self._may_be(value):
            raise Refusal(words.PROPERTY_CLASS, words.VALUE_OUT_OF_RANGE)
        return value

    def _may_be(self, value: float) -> bool:
        if self.kind in _BINARY:
            return value in (0, 1)
        if self.kind not in _ANALOG:
            return 1 <= value <= len(self.states)
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def _tagged(self, value: float) -> bytes:
        if self.kind in _ANALOG:
            return tags.real(value)
        return tags.enumerated(int(value)) if self.kind in _BINARY else tags.unsigned(int(value))

    def _table(self) -> Mapping[int, Callable[[], Value]]:
        """Return each property with the function that makes it, in the order of the property list."""
        table: dict[int, Callable[[], Value]] = {
            P["object-identifier"]: lambda: tags.identifier(*self.key),
            P["object-name"]: lambda: tags.text(self.name),
            P["object-type"]: lambda: tags.enumerated(self.key[0]),
            P["present-value"]: self.present,
            P["description"]: lambda: tags.text(self._about),
            P["status-flags"]: lambda: self.status_flags,
            P["event-state"]: lambda: tags.enumerated(0),
            P["out-of-service"]: lambda: tags.boolean(False),
        }
        table |= self._of_its_kind()
        if self.commands is not None:
            commands = self.commands
            table[P["priority-array"]] = lambda: [
                tags.null() if one is None else self._tagged(one) for one in commands.places
            ]
            table[P["relinquish-default"]] = lambda: self._tagged(commands.default)
            if commands.has_least_times:
                table[P["minimum-off-time"]] = lambda: tags.unsigned(int(commands.off_s))
                table[P["minimum-on-time"]] = lambda: tags.unsigned(int(commands.on_s))
        return table

    def _of_its_kind(self) -> Mapping[int, Callable[[], Value]]:
        if self.kind in _ANALOG:
            bounds = {P["min-pres-value"]: self.low, P["max-pres-value"]: self.high}
            bounds[P["cov-increment"]] = self.cov_increment
            known = {key: partial(tags.real, one) for key, one in bounds.items() if one is not None}
            return {P["units"]: lambda: tags.enumerated(words.UNITS[self._units]), **known}
        if self.kind in _BINARY:
            inactive, active = self.states or ("off", "on")
            polarity = {} if self.kind == "binary-value" else {P["polarity"]: lambda: tags.enumerated(0)}
            return {
                **polarity,
                P["inactive-text"]: lambda: tags.text(inactive),
                P["active-text"]: lambda: tags.text(active),
            }
        return {
            P["number-of-states"]: lambda: tags.unsigned(len(self.states)),
            P["state-text"]: lambda: [tags.text(one) for one in self.states],
        }


def placed(value: Value, index: int | None) -> bytes:
    """A whole value, or one place of an array: 0 is its length.  Raises Refusal."""
    if index is None:
        return tags.joined(value) if isinstance(value, list) else value
    if not isinstance(value, list):
        raise Refusal(words.PROPERTY_CLASS, words.PROPERTY_IS_NOT_AN_ARRAY)
    if index == _ARRAY_ALL:
        return tags.unsigned(len(value))
    if index > len(value):
        raise Refusal(words.PROPERTY_CLASS, words.INVALID_ARRAY_INDEX)
    return value[index - 1]


def setpoint(instance: int, name: str, units: str, default: float, low: float, high: float) -> Thing:
    """An analog value that may be commanded within bounds; without a command it is ``default``."""
    return Thing(
        "analog-value",
        instance,
        name,
        units=units,
        commands=Commands(default),
        cov_increment=0.1,
        low=low,
        high=high,
        about=name.lower(),
    )
