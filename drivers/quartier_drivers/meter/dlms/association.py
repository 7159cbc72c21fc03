"""Association of a client with a meter: AARQ, AARE, release, and the four passes of GMAC; pure.

IEC 62056-5-3, 7.3 (ACSE, BER), 9.3.4 (InitiateRequest), 5.3.2.5 (HLS authentication, mechanism 5).
"""

from dataclasses import dataclass

from quartier_drivers.errors import Refused
from quartier_drivers.meter.dlms.axdr import Cut, Malformed, Reader, string
from quartier_drivers.meter.dlms.ciphering import AUTHENTICATED, Keys, Opener, Unopened, sealed

NONE, LOW, GMAC = 0, 1, 5
MECHANISMS = {"none": NONE, "low": LOW, "high": GMAC}
PDU_MAX = 4096
_AARQ, _AARE = 0x60, 0x61
_OBJECT = bytes([0x60, 0x85, 0x74, 0x05, 0x08])  # 2.16.756.5.8: DLMS UA
_PLAIN, _CIPHERED = 1, 3  # application contexts with logical names
# block transfer with get, multiple references, get, selective access, action (IEC 62056-5-3, Conformance).
CONFORMANCE = 1 << 12 | 1 << 9 | 1 << 4 | 1 << 2 | 1
_INITIATE_RESPONSE, _GLO_INITIATE_RESPONSE, _GLO_INITIATE_REQUEST = 0x08, 0x28, 0x21
_SERVICE_ERROR = 0x0E
_DIAGNOSTICS = {
    1: "no reason given",
    2: "application context not supported: ciphered or not",
    11: "authentication mechanism not recognised",
    12: "authentication mechanism required",
    13: "authentication failure: password or keys",
    14: "authentication required",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """What the meter grants: its ``title`` and ``challenge``, its ``conformance``, the longest APDU."""

    title: bytes
    challenge: bytes
    conformance: int
    pdu_max: int

    @property
    def is_listing(self) -> bool:
        """Whether one request may ask for several attributes."""
        return bool(self.conformance & 1 << 9)


def request(
    mechanism: int,
    secret: bytes,
    *,
    title: bytes = b"",
    keys: Keys | None = None,
    control: int = 0,
    counter: int = 0,
) -> bytes:
    """Return an AARQ: ``secret`` is the password or the challenge to the meter.

    Ciphered if ``keys`` are given.
    """
    initiate = b"\x01\0\0\0\x06\x5f\x1f\x04\0" + CONFORMANCE.to_bytes(3, "big") + PDU_MAX.to_bytes(2, "big")
    if keys is not None:
        initiate = bytes([_GLO_INITIATE_REQUEST]) + string(sealed(keys, title, control, counter, initiate))
    context = _CIPHERED if keys is not None else _PLAIN
    fields = _field(0xA1, _field(0x06, _OBJECT + bytes([1, context])))
    if title:
        fields += _field(0xA6, _field(0x04, title))
    if mechanism:
        fields += bytes([0x8A, 0x02, 0x07, 0x80])
        fields += _field(0x8B, _OBJECT + bytes([2, mechanism]))
        fields += _field(0xAC, _field(0x80, secret))
    return _field(_AARQ, fields + _field(0xBE, _field(0x04, initiate)))


def granted(answer: bytes, opener: Opener | None = None) -> Grant:
    """Return what an AARE grants; raises Refused if it refuses, Malformed if the answer is no AARE."""
    reader = Reader(answer)
    if reader.byte() != _AARE:
        raise Malformed(f"APDU {answer[0]:#04x}, expected an association response")
    fields = _fields(reader.string())
    result = _number(fields.get(0xA2, b""))
    if result:
        why = _number(fields.get(0xA3, b""))
        raise Refused(f"the meter refuses the association: {_DIAGNOSTICS.get(why, f'diagnostic {why}')}")
    title = _inner(fields.get(0xA4, b""))
    initiate = _inner(fields.get(0xBE, b""))
    if initiate[:1] == bytes([_GLO_INITIATE_RESPONSE]) and opener is not None:
        try:
            opened = opener.unseal(Reader(initiate, 1).string(), title)
        except Unopened as error:
            raise Refused(f"the meter's association response: {error}") from error
        opener.keep(opened)
        initiate = opened.apdu
    if initiate[:1] == bytes([_SERVICE_ERROR]):
        raise Refused(f"the meter refuses to initiate: service error {initiate[1:].hex(' ')}")
    if initiate[:1] != bytes([_INITIATE_RESPONSE]):
        raise Malformed("no initiate response in it")
    inside = Reader(initiate, 1)
    if inside.byte():
        inside.byte()  # quality of service
    inside.byte()  # version
    if inside.take(4) != b"\x5f\x1f\x04\0":
        raise Malformed("no conformance in it")
    conformance = int.from_bytes(inside.take(3), "big")
    pdu_max = int.from_bytes(inside.take(2), "big")
    return Grant(title, _inner(fields.get(0xAA, b"")), conformance, pdu_max or PDU_MAX)


def proof(keys: Keys, title: bytes, counter: int, challenge: bytes) -> bytes:
    """Return the answer to a challenge: security control, counter and GMAC over it (mechanism 5)."""
    whole = sealed(keys, title, AUTHENTICATED, counter, challenge)
    return whole[:5] + whole[-12:]


def is_proven(keys: Keys, title: bytes, answer: bytes, challenge: bytes) -> bool:
    """Return whether the meter's answer to our challenge is correct."""
    if len(answer) != 17 or answer[0] & 0x30 != AUTHENTICATED:
        return False
    try:
        opened = Opener(keys).unseal(answer[:5] + challenge + answer[5:], title)
    except Unopened:
        return False
    return opened.is_authenticated


def _field(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + string(content)


def _fields(content: bytes) -> dict[int, bytes]:
    reader, found = Reader(content), {}
    while reader.left:
        tag = reader.byte()
        found[tag] = reader.string()
    return found


def _inner(field: bytes) -> bytes:
    """Return the content of the single field inside."""
    try:
        return Reader(field, 1).string() if field else b""
    except Cut as error:
        raise Malformed(str(error)) from error


def _number(field: bytes) -> int:
    """Return the number at the end of nested fields."""
    return field[-1] if field else 0
