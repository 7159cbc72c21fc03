"""The standard's words for object types and properties, and their numbers (ASHRAE 135-2020 clause 21).
Pure.
"""

from collections.abc import Mapping
from types import MappingProxyType

OBJECTS: Mapping[str, int] = MappingProxyType(
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

BINARY = frozenset(OBJECTS[word] for word in ("binary-input", "binary-output", "binary-value"))
MULTI_STATE = frozenset(
    OBJECTS[word] for word in ("multi-state-input", "multi-state-output", "multi-state-value")
)
ANALOG = frozenset(
    OBJECTS[word] for word in ("analog-input", "analog-output", "analog-value", "large-analog-value")
)
COMMANDABLE = frozenset(
    OBJECTS[word]
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
_ANY = float("inf")
HOLDS: Mapping[int, tuple[float, float]] = MappingProxyType(
    {
        **dict.fromkeys(BINARY, (0.0, 1.0)),
        **dict.fromkeys(MULTI_STATE, (1.0, _ANY)),
        OBJECTS["accumulator"]: (0.0, _ANY),
        OBJECTS["positive-integer-value"]: (0.0, _ANY),
        OBJECTS["load-control"]: (0.0, 3.0),
        OBJECTS["lighting-output"]: (0.0, 100.0),
        OBJECTS["binary-lighting-output"]: (0.0, 5.0),
    }
)
"""What a present value can be at all, by type: a state is counted from 1 (12.18, 12.19, 12.20), inactive and
active are 0 and 1, a light is 0 to 100 % (12.54), a shed has four states (BACnetShedState), a switched light
six.
"""

_OBJECT_WORDS = {number: word for word, number in OBJECTS.items()}
_PROPERTY_WORDS = {number: word for word, number in PROPERTIES.items()}


def object_word(kind: int) -> str:
    """``analog-input``; the number where it is a maker's own."""
    return _OBJECT_WORDS.get(kind, str(kind))


def property_word(number: int) -> str:
    """``present-value``; the number where the word is not known here."""
    return _PROPERTY_WORDS.get(number, str(number))
