"""Requests for attributes and the association with a meter (pure).

IEC 62056-5-3, 7.3 (ACSE, BER), 9.3.4 (InitiateRequest), 5.3.2.5 (HLS authentication, mechanism 5).

IEC 62056-5-3, 9.3.6 (GET), 9.3.8 (ACTION), 9.3.14 (exception response); Blue Book 4.3.6 (profile generic).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quartier_drivers.errors import Refused
from quartier_drivers.meter.dlms import axdr
from quartier_drivers.meter.dlms.axdr import (
    AxdrReader,
    Item,
    MalformedData,
    TruncatedData,
    encode_item,
    encode_string,
)
from quartier_drivers.meter.dlms.ciphering import (
    AUTHENTICATED,
    ApduOpener,
    CipherKeys,
    DecryptionRefused,
    encrypt_apdu,
)

NO_SECURITY, LOW_SECURITY, HIGH_SECURITY_GMAC = 0, 1, 5
MECHANISMS = {"none": NO_SECURITY, "low": LOW_SECURITY, "high": HIGH_SECURITY_GMAC}
PDU_MAX = 4096
_AARQ, _AARE = 0x60, 0x61
_OBJECT = bytes([0x60, 0x85, 0x74, 0x05, 0x08])  # 2.16.756.5.8: DLMS UA
_PLAIN, _CIPHERED = 1, 3  # application contexts with logical names
# block transfer with get, multiple references, get, selective access, action (IEC 62056-5-3, Conformance).
CONFORMANCE = 1 << 12 | 1 << 9 | 1 << 4 | 1 << 2 | 1
_INITIATE_RESPONSE, _GLO_INITIATE_RESPONSE, _GLO_INITIATE_REQUEST = 0x08, 0x28, 0x21
_CONFIRMED_SERVICE_ERROR = 0x0E
_DIAGNOSTICS = {
    1: "no reason given",
    2: "application context not supported: ciphered or not",
    11: "authentication mechanism not recognised",
    12: "authentication mechanism required",
    13: "authentication failure: password or keys",
    14: "authentication required",
}


@dataclass(frozen=True, slots=True)
class AssociationGrant:
    """The answer of the meter to an association: its title, challenge and conformance, the longest APDU."""

    title: bytes
    challenge: bytes
    conformance: int
    pdu_max: int

    @property
    def is_listing(self) -> bool:
        """Return whether one request may ask for several attributes."""
        return bool(self.conformance & 1 << 9)


def make_associate_request(
    mechanism: int,
    secret: bytes,
    *,
    title: bytes = b"",
    keys: CipherKeys | None = None,
    control: int = 0,
    counter: int = 0,
) -> bytes:
    """Return an AARQ: ``secret`` is the password or the challenge to the meter.

    Ciphered if ``keys`` are given.
    """
    initiate = b"\x01\0\0\0\x06\x5f\x1f\x04\0" + CONFORMANCE.to_bytes(3, "big") + PDU_MAX.to_bytes(2, "big")
    if keys is not None:
        initiate = bytes([_GLO_INITIATE_REQUEST]) + encode_string(
            encrypt_apdu(keys, title, control, counter, initiate)
        )
    context = _CIPHERED if keys is not None else _PLAIN
    fields = _encode_field(0xA1, _encode_field(0x06, _OBJECT + bytes([1, context])))
    if title:
        fields += _encode_field(0xA6, _encode_field(0x04, title))
    if mechanism:
        fields += bytes([0x8A, 0x02, 0x07, 0x80])
        fields += _encode_field(0x8B, _OBJECT + bytes([2, mechanism]))
        fields += _encode_field(0xAC, _encode_field(0x80, secret))
    return _encode_field(_AARQ, fields + _encode_field(0xBE, _encode_field(0x04, initiate)))


def parse_grant(answer: bytes, opener: ApduOpener | None = None) -> AssociationGrant:
    """Return what an AARE grants; raises Refused if it refuses, MalformedData if the answer is no AARE."""
    reader = AxdrReader(answer)
    if reader.byte() != _AARE:
        raise MalformedData(f"APDU {answer[0]:#04x}, expected an association response")
    fields = _parse_fields(reader.string())
    result = _read_number(fields.get(0xA2, b""))
    if result:
        why = _read_number(fields.get(0xA3, b""))
        raise Refused(f"the meter refuses the association: {_DIAGNOSTICS.get(why, f'diagnostic {why}')}")
    title = _read_inner(fields.get(0xA4, b""))
    initiate = _read_inner(fields.get(0xBE, b""))
    if initiate[:1] == bytes([_GLO_INITIATE_RESPONSE]) and opener is not None:
        try:
            opened = opener.unseal(AxdrReader(initiate, 1).string(), title)
        except DecryptionRefused as error:
            raise Refused(f"the meter's association response: {error}") from error
        opener.keep(opened)
        initiate = opened.apdu
    if initiate[:1] == bytes([_CONFIRMED_SERVICE_ERROR]):
        raise Refused(f"the meter refuses to initiate: service error {initiate[1:].hex(' ')}")
    if initiate[:1] != bytes([_INITIATE_RESPONSE]):
        raise MalformedData("no initiate response in it")
    inside = AxdrReader(initiate, 1)
    if inside.byte():
        inside.byte()  # quality of service
    inside.byte()  # version
    if inside.take(4) != b"\x5f\x1f\x04\0":
        raise MalformedData("no conformance in it")
    conformance = int.from_bytes(inside.take(3), "big")
    pdu_max = int.from_bytes(inside.take(2), "big")
    return AssociationGrant(title, _read_inner(fields.get(0xAA, b"")), conformance, pdu_max or PDU_MAX)


def make_proof(keys: CipherKeys, title: bytes, counter: int, challenge: bytes) -> bytes:
    """Return the answer to a challenge: security control, counter and GMAC over it (mechanism 5)."""
    whole = encrypt_apdu(keys, title, AUTHENTICATED, counter, challenge)
    return whole[:5] + whole[-12:]


def is_proof_valid(keys: CipherKeys, title: bytes, answer: bytes, challenge: bytes) -> bool:
    """Return whether the meter's answer to our challenge is correct."""
    if len(answer) != 17 or answer[0] & 0x30 != AUTHENTICATED:
        return False
    try:
        opened = ApduOpener(keys).unseal(answer[:5] + challenge + answer[5:], title)
    except DecryptionRefused:
        return False
    return opened.is_authenticated


def _encode_field(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + encode_string(content)


def _parse_fields(content: bytes) -> dict[int, bytes]:
    reader, found = AxdrReader(content), {}
    while reader.left_bytes_count:
        tag = reader.byte()
        found[tag] = reader.string()
    return found


def _read_inner(field: bytes) -> bytes:
    """Return the content of the single field inside."""
    try:
        return AxdrReader(field, 1).string() if field else b""
    except TruncatedData as error:
        raise MalformedData(str(error)) from error


def _read_number(field: bytes) -> int:
    """Return the number at the end of nested fields."""
    return field[-1] if field else 0


_GET, _ACTION, _GOT, _ACTED, _EXCEPTION, _SERVICE_ERROR = 0xC0, 0xC3, 0xC4, 0xC7, 0xD8, 0x0E
_INVOKE = 0xC1  # high priority, confirmed, number 1
LIST_MAX = 32
"""Most attributes in one request."""


ACCESS_RESULTS = {
    1: "hardware fault",
    2: "temporary failure",
    3: "read access denied",
    4: "no such object",
    9: "object is of another class",
    11: "object not available",
    12: "type does not match",
    13: "beyond what this client may see",
    14: "block not available",
    15: "long answer aborted",
    16: "no long answer is under way",
    19: "block number is wrong",
    250: "another reason",
}
_EXCEPTIONS = {
    1: "operation not possible",
    2: "service not supported",
    3: "other reason",
    6: "invocation counter",
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of an object: class, name, number; ``selection`` is a selector with data, or empty."""

    kind: int
    name: bytes
    number: int = 2
    selection: bytes = b""

    @property
    def descriptor(self) -> bytes:
        """The encoded attribute of a request."""
        head = self.kind.to_bytes(2, "big") + self.name + bytes([self.number & 0xFF])
        return head + (b"\x01" + self.selection if self.selection else b"\0")


@dataclass(frozen=True, slots=True)
class FailedAttribute:
    """An attribute that is not returned, and the reason (DataAccessResult)."""

    code: int

    def __str__(self) -> str:
        return ACCESS_RESULTS.get(self.code, f"result {self.code}")


AttributeResult = Item | FailedAttribute


class ServiceRefused(Exception):  # noqa: N818 - what the meter said
    """The meter refused the whole request; the text gives the reason."""


@dataclass(frozen=True, slots=True)
class AnswerBlock:
    """One block of a long answer."""

    number: int
    data: bytes
    is_last: bool


def make_get(attributes: Sequence[Attribute]) -> bytes:
    """Return a request for one attribute, or for several in one request."""
    if len(attributes) == 1:
        return bytes([_GET, 1, _INVOKE]) + attributes[0].descriptor
    asked = b"".join(attribute.descriptor for attribute in attributes)
    return bytes([_GET, 3, _INVOKE]) + axdr.encode_length(len(attributes)) + asked


def make_get_next(number: int) -> bytes:
    """Return a request that acknowledges a block and asks for the next one."""
    return bytes([_GET, 2, _INVOKE]) + number.to_bytes(4, "big")


def make_action(kind: int, name: bytes, method: int, parameter: Item) -> bytes:
    """Return a request that invokes a method."""
    head = bytes([_ACTION, 1, _INVOKE]) + kind.to_bytes(2, "big") + name + bytes([method, 1])
    return head + encode_item(parameter)


def parse_get_answer(answer: bytes) -> list[AttributeResult] | AnswerBlock:
    """Return the results of a get, or one block of a long answer; raises ServiceRefused or MalformedData."""
    reader = AxdrReader(answer)
    form = _read_form(reader, _GOT)
    if form == 1:
        return [_read_result(reader)]
    if form == 3:
        return _read_results(reader)
    if form != 2:
        raise MalformedData(f"a get response of form {form}")
    is_last = reader.byte() != 0
    number = int.from_bytes(reader.take(4), "big")
    if reader.byte():
        raise ServiceRefused(f"a long answer ends: {FailedAttribute(reader.byte())}")
    return AnswerBlock(number, reader.string(), is_last)


def parse_joined_blocks(data: bytes, count: int) -> list[AttributeResult]:
    """Return the results in the joined blocks of an answer for ``count`` attributes; raises MalformedData."""
    reader = AxdrReader(data)
    return [reader.item()] if count == 1 else _read_results(reader)


def parse_action_answer(answer: bytes) -> Item | None:
    """Return the result of a method; raises ServiceRefused or MalformedData."""
    reader = AxdrReader(answer)
    form = _read_form(reader, _ACTED)
    if form != 1:
        raise MalformedData(f"an action response of form {form}")
    if code := reader.byte():
        raise ServiceRefused(str(FailedAttribute(code)))
    if not reader.left_bytes_count or not reader.byte():
        return None
    given = _read_result(reader)
    if isinstance(given, FailedAttribute):
        raise ServiceRefused(str(given))
    return given


def select_by_range(column: Attribute, begin: bytes, end: bytes) -> bytes:
    """Return a selection of rows of a load curve between two values of a column, usually its clock."""
    described = [
        Item(axdr.UINT16, column.kind),
        Item(axdr.OCTETS, column.name),
        Item(axdr.INT8, column.number),
        Item(axdr.UINT16, 0),
    ]
    parts = [
        Item(axdr.STRUCTURE, described),
        Item(axdr.OCTETS, begin),
        Item(axdr.OCTETS, end),
        Item(axdr.ARRAY, []),
    ]
    return b"\x01" + encode_item(Item(axdr.STRUCTURE, parts))


def select_by_entry(first: int, last: int = 0) -> bytes:
    """Return a selection of rows by number, from 1; ``last`` 0: to the end."""
    parts = [
        Item(axdr.UINT32, first),
        Item(axdr.UINT32, last),
        Item(axdr.UINT16, 1),
        Item(axdr.UINT16, 0),
    ]
    return b"\x02" + encode_item(Item(axdr.STRUCTURE, parts))


def _read_form(reader: AxdrReader, expected: int) -> int:
    tag = reader.byte()
    if tag == _EXCEPTION:
        reader.byte()  # state error
        code = reader.byte()
        raise ServiceRefused(f"exception: {_EXCEPTIONS.get(code, f'service error {code}')}")
    if tag == _SERVICE_ERROR:
        raise ServiceRefused(f"service error {reader.take(reader.left_bytes_count).hex(' ')}")
    if tag != expected:
        raise MalformedData(f"APDU {tag:#04x}, expected {expected:#04x}")
    form = reader.byte()
    reader.byte()  # invoke id and priority
    return form


def _read_results(reader: AxdrReader) -> list[AttributeResult]:
    count = reader.length()
    if count > reader.left_bytes_count:
        raise MalformedData(f"{reader.left_bytes_count} bytes for {count} results")
    return [_read_result(reader) for _ in range(count)]


def _read_result(reader: AxdrReader) -> AttributeResult:
    return FailedAttribute(reader.byte()) if reader.byte() else reader.item()
