"""Object types, properties and engineering units of the standard by name and number (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NO_UNITS = 95


@dataclass(frozen=True, slots=True)
class UnitConversion:
    """A conversion: our value = ``factor`` times the value on the wire, plus ``offset``.

    ``unit`` is the suffix of point names.
    """

    unit: str
    factor: float
    offset: float = 0.0


_BTU_WH = 0.29307107
_UNIT_TABLE: tuple[tuple[int, str, str, float, float], ...] = (
    (2, "milliamperes", "a", 0.001, 0.0),
    (3, "amperes", "a", 1.0, 0.0),
    (124, "millivolts", "v", 0.001, 0.0),
    (5, "volts", "v", 1.0, 0.0),
    (6, "kilovolts", "v", 1e3, 0.0),
    (7, "megavolts", "v", 1e6, 0.0),
    (8, "volt-amperes", "va", 1.0, 0.0),
    (9, "kilovolt-amperes", "va", 1e3, 0.0),
    (10, "megavolt-amperes", "va", 1e6, 0.0),
    (11, "volt-amperes-reactive", "var", 1.0, 0.0),
    (12, "kilovolt-amperes-reactive", "var", 1e3, 0.0),
    (13, "megavolt-amperes-reactive", "var", 1e6, 0.0),
    (132, "milliwatts", "w", 0.001, 0.0),
    (47, "watts", "w", 1.0, 0.0),
    (48, "kilowatts", "w", 1e3, 0.0),
    (49, "megawatts", "w", 1e6, 0.0),
    (50, "btus-per-hour", "w", _BTU_WH, 0.0),
    (157, "kilo-btus-per-hour", "w", 1e3 * _BTU_WH, 0.0),
    (51, "horsepower", "w", 745.69987, 0.0),
    (52, "tons-refrigeration", "w", 3516.8528, 0.0),
    (16, "joules", "wh", 1 / 3600, 0.0),
    (17, "kilojoules", "wh", 1 / 3.6, 0.0),
    (126, "megajoules", "wh", 1e3 / 3.6, 0.0),
    (18, "watt-hours", "wh", 1.0, 0.0),
    (19, "kilowatt-hours", "wh", 1e3, 0.0),
    (146, "megawatt-hours", "wh", 1e6, 0.0),
    (20, "btus", "wh", _BTU_WH, 0.0),
    (147, "kilo-btus", "wh", 1e3 * _BTU_WH, 0.0),
    (148, "mega-btus", "wh", 1e6 * _BTU_WH, 0.0),
    (203, "watt-hours-reactive", "varh", 1.0, 0.0),
    (204, "kilowatt-hours-reactive", "varh", 1e3, 0.0),
    (205, "megawatt-hours-reactive", "varh", 1e6, 0.0),
    (25, "cycles-per-hour", "hz", 1 / 3600, 0.0),
    (26, "cycles-per-minute", "hz", 1 / 60, 0.0),
    (27, "hertz", "hz", 1.0, 0.0),
    (129, "kilohertz", "hz", 1e3, 0.0),
    (104, "revolutions-per-minute", "hz", 1 / 60, 0.0),
    (29, "percent-relative-humidity", "pct", 1.0, 0.0),
    (98, "percent", "pct", 1.0, 0.0),
    (15, "power-factor", "pct", 100.0, 0.0),
    (96, "parts-per-million", "ppm", 1.0, 0.0),
    (97, "parts-per-billion", "ppm", 0.001, 0.0),
    (62, "degrees-celsius", "c", 1.0, 0.0),
    (63, "degrees-kelvin", "c", 1.0, -273.15),
    (64, "degrees-fahrenheit", "c", 5 / 9, -160 / 9),
    (63, "degrees-kelvin", "k", 1.0, 0.0),
    (121, "delta-degrees-kelvin", "k", 1.0, 0.0),
    (120, "delta-degrees-fahrenheit", "k", 5 / 9, 0.0),
    (53, "pascals", "pa", 1.0, 0.0),
    (133, "hectopascals", "pa", 100.0, 0.0),
    (54, "kilopascals", "pa", 1e3, 0.0),
    (134, "millibars", "pa", 100.0, 0.0),
    (55, "bars", "pa", 1e5, 0.0),
    (56, "pounds-force-per-square-inch", "pa", 6894.7573, 0.0),
    (57, "centimeters-of-water", "pa", 98.0665, 0.0),
    (58, "inches-of-water", "pa", 249.08891, 0.0),
    (59, "millimeters-of-mercury", "pa", 133.32239, 0.0),
    (61, "inches-of-mercury", "pa", 3386.3886, 0.0),
    (79, "cubic-feet", "m3", 0.028316846592, 0.0),
    (80, "cubic-meters", "m3", 1.0, 0.0),
    (82, "liters", "m3", 0.001, 0.0),
    (83, "us-gallons", "m3", 0.003785411784, 0.0),
    (85, "cubic-meters-per-second", "m3_per_h", 3600.0, 0.0),
    (165, "cubic-meters-per-minute", "m3_per_h", 60.0, 0.0),
    (135, "cubic-meters-per-hour", "m3_per_h", 1.0, 0.0),
    (87, "liters-per-second", "m3_per_h", 3.6, 0.0),
    (88, "liters-per-minute", "m3_per_h", 0.06, 0.0),
    (136, "liters-per-hour", "m3_per_h", 0.001, 0.0),
    (84, "cubic-feet-per-minute", "m3_per_h", 1.69901079552, 0.0),
    (89, "us-gallons-per-minute", "m3_per_h", 0.22712470704, 0.0),
    (70, "days", "s", 86400.0, 0.0),
    (71, "hours", "s", 3600.0, 0.0),
    (72, "minutes", "s", 60.0, 0.0),
    (73, "seconds", "s", 1.0, 0.0),
    (158, "hundredths-seconds", "s", 0.01, 0.0),
    (159, "milliseconds", "s", 0.001, 0.0),
)
UNIT_NUMBERS: Mapping[str, int] = MappingProxyType(
    {word: number for number, word, *_ in _UNIT_TABLE} | {"no-units": NO_UNITS}
)
"""The number of each unit that can be converted."""


_UNIT_WORDS = {number: word for word, number in UNIT_NUMBERS.items()}
_CONVERSIONS = {
    (number, unit): UnitConversion(unit, factor, offset) for number, _, unit, factor, offset in _UNIT_TABLE
}


def find_conversion(number: int, unit: str) -> UnitConversion | None:
    """Return the conversion of an engineering unit to ``unit``; None if there is none."""
    return _CONVERSIONS.get((number, unit))


def render_unit(number: int) -> str:
    """Return the name of a unit, such as ``kilowatts``; its number if the table does not know it."""
    return _UNIT_WORDS.get(number, str(number))


def list_units(unit: str) -> list[str]:
    """Return the names of the engineering units that can be converted to ``unit``."""
    return [word for number, word, of, *_ in _UNIT_TABLE if of == unit]


OBJECT_TYPES: Mapping[str, int] = MappingProxyType(
    {
        "analog-input": 0,
        "analog-output": 1,
        "analog-value": 2,
        "binary-input": 3,
        "binary-output": 4,
        "binary-value": 5,
        "calendar": 6,
        "command": 7,
        "device": 8,
        "event-enrollment": 9,
        "file": 10,
        "group": 11,
        "loop": 12,
        "multi-state-input": 13,
        "multi-state-output": 14,
        "notification-class": 15,
        "program": 16,
        "schedule": 17,
        "averaging": 18,
        "multi-state-value": 19,
        "trend-log": 20,
        "life-safety-point": 21,
        "life-safety-zone": 22,
        "accumulator": 23,
        "pulse-converter": 24,
        "event-log": 25,
        "global-group": 26,
        "trend-log-multiple": 27,
        "load-control": 28,
        "structured-view": 29,
        "access-door": 30,
        "timer": 31,
        "access-credential": 32,
        "access-point": 33,
        "access-rights": 34,
        "access-user": 35,
        "access-zone": 36,
        "credential-data-input": 37,
        "bitstring-value": 39,
        "characterstring-value": 40,
        "date-pattern-value": 41,
        "date-value": 42,
        "datetime-pattern-value": 43,
        "datetime-value": 44,
        "integer-value": 45,
        "large-analog-value": 46,
        "octetstring-value": 47,
        "positive-integer-value": 48,
        "time-pattern-value": 49,
        "time-value": 50,
        "notification-forwarder": 51,
        "alert-enrollment": 52,
        "channel": 53,
        "lighting-output": 54,
        "binary-lighting-output": 55,
        "network-port": 56,
        "elevator-group": 57,
        "escalator": 58,
        "lift": 59,
        "staging": 60,
        "audit-log": 61,
        "audit-reporter": 62,
        "color": 63,
        "color-temperature": 64,
    }
)
PROPERTIES: Mapping[str, int] = MappingProxyType(
    {
        "action": 2,
        "active-text": 4,
        "application-software-version": 12,
        "apdu-timeout": 11,
        "change-of-state-count": 15,
        "change-of-state-time": 16,
        "cov-increment": 22,
        "description": 28,
        "device-type": 31,
        "elapsed-active-time": 33,
        "enable": 133,
        "event-state": 36,
        "feedback-value": 40,
        "firmware-revision": 44,
        "high-limit": 45,
        "inactive-text": 46,
        "local-date": 56,
        "local-time": 57,
        "location": 58,
        "low-limit": 59,
        "max-apdu-length-accepted": 62,
        "max-pres-value": 65,
        "minimum-off-time": 66,
        "minimum-on-time": 67,
        "min-pres-value": 69,
        "model-name": 70,
        "number-of-states": 74,
        "object-identifier": 75,
        "object-list": 76,
        "object-name": 77,
        "object-type": 79,
        "out-of-service": 81,
        "polarity": 84,
        "present-value": 85,
        "priority-array": 87,
        "protocol-revision": 139,
        "protocol-services-supported": 97,
        "protocol-version": 98,
        "reliability": 103,
        "relinquish-default": 104,
        "resolution": 106,
        "segmentation-supported": 107,
        "setpoint": 108,
        "state-text": 110,
        "status-flags": 111,
        "system-status": 112,
        "time-of-active-time-reset": 114,
        "units": 117,
        "utc-offset": 119,
        "vendor-identifier": 120,
        "vendor-name": 121,
        "start-time": 142,
        "database-revision": 155,
        "pulse-rate": 186,
        "scale": 187,
        "tracking-value": 164,
        "actual-shed-level": 212,
        "duty-window": 213,
        "expected-shed-level": 214,
        "full-duty-baseline": 215,
        "requested-shed-level": 218,
        "shed-duration": 219,
        "shed-level-descriptions": 220,
        "shed-levels": 221,
        "serial-number": 372,
        "current-command-priority": 431,
    }
)
BINARY_TYPES = frozenset(OBJECT_TYPES[word] for word in ("binary-input", "binary-output", "binary-value"))
MULTI_STATE_TYPES = frozenset(
    OBJECT_TYPES[word] for word in ("multi-state-input", "multi-state-output", "multi-state-value")
)
ANALOG_TYPES = frozenset(
    OBJECT_TYPES[word] for word in ("analog-input", "analog-output", "analog-value", "large-analog-value")
)
COMMANDABLE_TYPES = frozenset(
    OBJECT_TYPES[word]
    for word in (
        "analog-output",
        "analog-value",
        "binary-output",
        "binary-value",
        "multi-state-output",
        "multi-state-value",
        "integer-value",
        "positive-integer-value",
        "large-analog-value",
        "characterstring-value",
        "lighting-output",
        "binary-lighting-output",
    )
)
"""Objects that have, or may have, a priority array (clause 19.2)."""


_UNLIMITED = float("inf")
VALUE_RANGES: Mapping[int, tuple[float, float]] = MappingProxyType(
    {
        **dict.fromkeys(BINARY_TYPES, (0.0, 1.0)),
        **dict.fromkeys(MULTI_STATE_TYPES, (1.0, _UNLIMITED)),
        OBJECT_TYPES["accumulator"]: (0.0, _UNLIMITED),
        OBJECT_TYPES["positive-integer-value"]: (0.0, _UNLIMITED),
        OBJECT_TYPES["load-control"]: (0.0, 3.0),
        OBJECT_TYPES["lighting-output"]: (0.0, 100.0),
        OBJECT_TYPES["binary-lighting-output"]: (0.0, 5.0),
    }
)
"""What a present value can be at all, by type: a state is counted from 1 (12.18, 12.19, 12.20), inactive and
active are 0 and 1, a light is 0 to 100 % (12.54), a shed has four states (BACnetShedState), a switched light
six.
"""


_OBJECT_WORDS = {number: word for word, number in OBJECT_TYPES.items()}
_PROPERTY_WORDS = {number: word for word, number in PROPERTIES.items()}


def render_object_type(kind: int) -> str:
    """Return the name of an object type, such as ``analog-input``; its number if it is a maker's own."""
    return _OBJECT_WORDS.get(kind, str(kind))


def render_property(number: int) -> str:
    """Return the name of a property, such as ``present-value``; its number if the table does not know it."""
    return _PROPERTY_WORDS.get(number, str(number))
