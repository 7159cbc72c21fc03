"""Numbers of BACnet terms (ASHRAE 135-2020 clause 21), and tagged values (clause 20.2).

Input is not trusted: a length beyond the end is a ``ValueError``.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

OBJECT_TYPES: Mapping[str, int] = {
    "analog-input": 0,
    "analog-output": 1,
    "analog-value": 2,
    "binary-input": 3,
    "binary-output": 4,
    "binary-value": 5,
    "device": 8,
    "multi-state-input": 13,
    "multi-state-value": 19,
    "load-control": 28,
}
PROPERTIES: Mapping[str, int] = {
    "active-text": 4,
    "all": 8,
    "apdu-timeout": 11,
    "application-software-version": 12,
    "cov-increment": 22,
    "description": 28,
    "device-address-binding": 30,
    "event-state": 36,
    "firmware-revision": 44,
    "inactive-text": 46,
    "local-date": 56,
    "local-time": 57,
    "max-apdu-length-accepted": 62,
    "max-pres-value": 65,
    "minimum-off-time": 66,
    "minimum-on-time": 67,
    "min-pres-value": 69,
    "model-name": 70,
    "number-of-apdu-retries": 73,
    "number-of-states": 74,
    "object-identifier": 75,
    "object-list": 76,
    "object-name": 77,
    "object-type": 79,
    "optional": 80,
    "out-of-service": 81,
    "polarity": 84,
    "present-value": 85,
    "priority-array": 87,
    "protocol-object-types-supported": 96,
    "protocol-services-supported": 97,
    "protocol-version": 98,
    "relinquish-default": 104,
    "required": 105,
    "segmentation-supported": 107,
    "state-text": 110,
    "status-flags": 111,
    "system-status": 112,
    "units": 117,
    "vendor-identifier": 120,
    "vendor-name": 121,
    "enable": 133,
    "protocol-revision": 139,
    "start-time": 142,
    "database-revision": 155,
    "actual-shed-level": 212,
    "duty-window": 213,
    "expected-shed-level": 214,
    "full-duty-baseline": 215,
    "requested-shed-level": 218,
    "shed-duration": 219,
    "shed-level-descriptions": 220,
    "shed-levels": 221,
    "state-description": 222,
    "property-list": 371,
    "serial-number": 372,
}
UNITS: Mapping[str, int] = {
    "amperes": 3,
    "volts": 5,
    "watt-hours": 18,
    "kilowatt-hours": 19,
    "hertz": 27,
    "watts": 47,
    "kilowatts": 48,
    "pascals": 53,
    "degrees-celsius": 62,
    "seconds": 73,
    "no-units": 95,
    "parts-per-million": 96,
    "percent": 98,
    "cubic-meters-per-hour": 135,
    "delta-degrees-kelvin": 121,
}

# Confirmed and unconfirmed services (21, BACnetConfirmedServiceChoice and -Unconfirmed-).
COV_NOTIFICATION, SUBSCRIBE_COV, READ_PROPERTY, READ_PROPERTY_MULTIPLE, WRITE_PROPERTY = 1, 5, 12, 14, 15
I_AM, I_HAVE, UNCONFIRMED_COV, WHO_HAS, WHO_IS = 0, 1, 2, 7, 8
# Kinds of APDU (20.1.1).
CONFIRMED, UNCONFIRMED, SIMPLE_ACK, COMPLEX_ACK, SEGMENT_ACK, ERROR, REJECT, ABORT = range(8)

DEVICE_CLASS, OBJECT_CLASS, PROPERTY_CLASS, RESOURCES_CLASS, SECURITY_CLASS, SERVICES_CLASS = range(6)
INVALID_DATA_TYPE = 9
UNKNOWN_OBJECT = 31
UNKNOWN_PROPERTY = 32
VALUE_OUT_OF_RANGE = 37
WRITE_ACCESS_DENIED = 40
INVALID_ARRAY_INDEX = 42
COV_SUBSCRIPTION_FAILED = 43
OPTIONAL_FUNCTIONALITY_NOT_SUPPORTED = 45
PROPERTY_IS_NOT_AN_ARRAY = 50

REJECT_INVALID_TAG, REJECT_MISSING_PARAMETER, REJECT_UNRECOGNIZED_SERVICE = 4, 5, 9
ABORT_BUFFER_OVERFLOW, ABORT_SEGMENTATION_NOT_SUPPORTED = 1, 4
SEGMENTED_NEITHER = 3
# The largest APDU that a client accepts (20.1.2.5).
APDU_MAX: Mapping[int, int] = {0: 50, 1: 128, 2: 206, 3: 480, 4: 1024, 5: 1476}
WILDCARD_INSTANCE = 4_194_303


NULL, BOOLEAN, UNSIGNED, SIGNED, REAL, DOUBLE, OCTETS, TEXT, BITS, ENUMERATED, DATE, TIME, OBJECT = range(13)
_OPENING, _CLOSING = 6, 7
_UTF8 = b"\0"
ANY_DATE, ANY_TIME = bytes([DATE << 4 | 4]) + b"\xff" * 4, bytes([TIME << 4 | 4]) + b"\xff" * 4


def encode_tagged(number: int, data: bytes, *, context: bool = False) -> bytes:
    """``data`` behind its tag; ``context``: the number is the parameter's, not the type's."""
    flag = 8 if context else 0
    head = number << 4 if number < 15 else 0xF0
    more = b"" if number < 15 else bytes([number])
    length = len(data)
    if length < 5:
        return bytes([head | flag | length]) + more + data
    if length < 254:
        return bytes([head | flag | 5]) + more + bytes([length]) + data
    return bytes([head | flag | 5]) + more + struct.pack(">BH", 254, length) + data


def encode_opening(number: int) -> bytes:
    """The tag before a parameter of several values."""
    return bytes([number << 4 | 8 | _OPENING])


def encode_closing(number: int) -> bytes:
    """The tag after it."""
    return bytes([number << 4 | 8 | _CLOSING])


def encode_wrapped(number: int, data: bytes) -> bytes:
    """Values between an opening and a closing tag."""
    return encode_opening(number) + data + encode_closing(number)


def encode_whole(value: int) -> bytes:
    """An unsigned number in as few octets as it needs."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def encode_null() -> bytes:
    """Return the Null value of an empty place in a priority array."""
    return bytes([NULL << 4])


def encode_boolean(value: bool) -> bytes:  # noqa: FBT001 - a value, no switch
    """Return a Boolean: the value is in the tag itself."""
    return bytes([BOOLEAN << 4 | int(value)])


def encode_unsigned(value: int) -> bytes:
    """An unsigned number."""
    return encode_tagged(UNSIGNED, encode_whole(value))


def encode_enumerated(value: int) -> bytes:
    """A word by its number."""
    return encode_tagged(ENUMERATED, encode_whole(value))


def encode_real(value: float) -> bytes:
    """An IEEE 754 single."""
    return encode_tagged(REAL, struct.pack(">f", value))


def encode_text(value: str) -> bytes:
    """Characters in UTF-8."""
    return encode_tagged(TEXT, _UTF8 + value.encode())


def encode_bits(values: Sequence[bool | int]) -> bytes:
    """Bits, the first one highest; the octet before them counts those that are unused."""
    unused = -len(values) % 8
    number = int("".join("1" if one else "0" for one in values) + "0" * unused, 2)
    return encode_tagged(BITS, bytes([unused]) + number.to_bytes((len(values) + unused) // 8, "big"))


def pack_identifier(kind: int, instance: int) -> bytes:
    """An object's identifier: ten bits of type, 22 of instance."""
    return struct.pack(">I", kind << 22 | instance)


def encode_identifier(kind: int, instance: int) -> bytes:
    """The same with its tag."""
    return encode_tagged(OBJECT, pack_identifier(kind, instance))


def encode_date_time(at: datetime) -> bytes:
    """Date and time, one after the other, to the hundredth of a second."""
    day = bytes([at.year - 1900, at.month, at.day, at.isoweekday()])
    clock = bytes([at.hour, at.minute, at.second, at.microsecond // 10_000])
    return encode_tagged(DATE, day) + encode_tagged(TIME, clock)


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag as it was read: ``opens`` and ``closes`` bear no data."""

    number: int
    context: bool
    data: bytes = b""
    opens: bool = False
    closes: bool = False

    @property
    def unsigned(self) -> int:
        """Its data as an unsigned number."""
        return int.from_bytes(self.data, "big")

    @property
    def key(self) -> tuple[int, int]:
        """Its data as an object's type and instance.  Raises ValueError for another length."""
        if len(self.data) != 4:
            raise ValueError("no object identifier")
        number = self.unsigned
        return number >> 22, number & 0x3FFFFF

    @property
    def value(self) -> float | None:
        """An application-tagged value as a number; None for Null.  Raises ValueError for what is none."""
        if self.context or self.opens or self.closes:
            raise ValueError("no application tag")
        if self.number == NULL:
            return None
        if self.number == BOOLEAN:
            return float(self.data != b"")
        if self.number in (UNSIGNED, ENUMERATED):
            return float(self.unsigned)
        if self.number == SIGNED:
            return float(int.from_bytes(self.data, "big", signed=True))
        wanted = {REAL: (4, ">f"), DOUBLE: (8, ">d")}.get(self.number)
        if wanted is None or len(self.data) != wanted[0]:
            raise ValueError("no number")
        return float(struct.unpack(wanted[1], self.data)[0])


def parse_tags(data: bytes) -> list[Tag]:
    """Every tag of ``data``.  Raises ValueError where one is cut off or cannot be."""
    found = []
    at = 0
    while at < len(data):
        tag, at = _parse_tag(data, at)
        found.append(tag)
    return found


def _parse_tag(data: bytes, at: int) -> tuple[Tag, int]:
    try:
        head = data[at]
        at += 1
        number = head >> 4
        if number == 15:
            number = data[at]
            at += 1
        context, length = bool(head & 8), head & 7
        if context and length in (_OPENING, _CLOSING):
            return Tag(number, context, opens=length == _OPENING, closes=length == _CLOSING), at
        if length == 5:
            length, at = _parse_length(data, at)
        elif length > 5:
            raise ValueError("a tag of no kind")
    except IndexError as error:
        raise ValueError("cut off") from error
    if not context and number == BOOLEAN:
        return Tag(number, context, b"\1" if length else b""), at
    if at + length > len(data):
        raise ValueError("a length beyond the end")
    return Tag(number, context, data[at : at + length]), at + length


def _parse_length(data: bytes, at: int) -> tuple[int, int]:
    if data[at] < 254:
        return data[at], at + 1
    size = 2 if data[at] == 254 else 4
    part = data[at + 1 : at + 1 + size]
    if len(part) < size:
        raise ValueError("cut off")
    return int.from_bytes(part, "big"), at + 1 + size


def find_closing(tags: Sequence[Tag], start: int) -> int:
    """The place of the closing tag that belongs to the opening one at ``start``.  Raises ValueError."""
    depth = 0
    for place in range(start, len(tags)):
        depth += tags[place].opens - tags[place].closes
        if depth == 0:
            return place
    raise ValueError("an opening tag without its closing one")


def join_values(values: Iterable[bytes]) -> bytes:
    """Values one after the other: a list, or a whole array."""
    return b"".join(values)
