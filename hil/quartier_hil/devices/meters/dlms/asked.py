"""A COSEM meter that is asked, from the association to the last block: APDUs in, APDUs out.

Source: IEC 62056-5-3 sections 7.3 and 9.3 (ACSE, InitiateRequest, GET, ACTION, block transfer, security
suite 0), 5.3.2.5 (the four passes of GMAC).  It knows logical names, get (normal, next, with list), selective
access to load curves, action 1 of the association, passwords, GMAC and global ciphering.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from quartier_hil.devices.meters import cipher
from quartier_hil.devices.meters.cipher import Keys
from quartier_hil.devices.meters.dlms import cosem
from quartier_hil.devices.meters.dlms.cosem import Attributes, Curve
from quartier_hil.devices.meters.dlms.data import length, number, octets
from quartier_hil.devices.meters.dlms.draw import KEYS

NONE, LOW, HIGH = 0, 1, 5
"""Authentication of a client: none, by a password, by GMAC."""
TITLE = b"LGZ\x00\x00\x00\x00\x07"
CHALLENGE = b"0123456789abcdef"
_AARQ, _AARE, _RELEASE, _RELEASED = 0x60, 0x61, 0x62, b"\x63\x03\x80\x01\x00"
_GENERAL_GLO = 0xDB
_GET, _GET_NEXT, _GET_LIST, _ACTION = b"\xc0\x01", b"\xc0\x02", b"\xc0\x03", b"\xc3\x01"
# Ciphered answers by the plain ones, as global keys have them.
_CIPHERED = {0xC4: 0xCC, 0xC7: 0xCF}
_REPLY_TO_HLS = b"\x00\x0f\x00\x00\x28\x00\x00\xff\x01\x01"
_NOT_SUPPORTED, _NO_OBJECT = b"\xd8\x01\x02", b"\x01\x04"
_CONTEXT = b"\x60\x85\x74\x05\x08\x01"
_CIPHERED_CONTEXT = 3
_MECHANISM_REFUSED, _SECRET_REFUSED = 11, 13
# block transfer with get, get, selective access, action; with multiple references beside them.
_CONFORMANCE, _WITH_LISTS = b"\x00\x10\x15", b"\x00\x12\x15"


@dataclass
class AskedMeter:
    """``objects`` and ``curves`` are what it holds; ``mechanism`` is the authentication of a client.

    A client without one is public and may read all the same.  ``block_size`` splits long answers,
    ``lists``: it takes several attributes in one request.  ``log`` has the APDUs received.
    """

    objects: Attributes = field(default_factory=dict)
    curves: Mapping[bytes, Curve] = field(default_factory=dict)
    mechanism: int = NONE
    password: bytes = b""
    keys: Keys = KEYS
    is_ciphered: bool = False
    block_size: int = 0
    lists: bool = True
    counter: int = 0
    seen_counter: int = -1
    log: list[bytes] = field(default_factory=list)
    _client_title: bytes = b""
    _client_challenge: bytes = b""
    _is_public: bool = True
    _pending: list[bytes] = field(default_factory=list)

    def answer(self, apdu: bytes) -> bytes:
        """Return the answer to an APDU; raises ValueError for one that no client of the standard sends."""
        self.log.append(apdu)
        if apdu[0] == _AARQ:
            return self._associate(apdu)
        if apdu[0] == _RELEASE:
            return _RELEASED
        if not self.is_ciphered or self._is_public:
            return self._serve(apdu)
        if apdu[0] == _GENERAL_GLO:
            if apdu[1:10] != b"\x08" + self._client_title:
                raise ValueError("another system title than in the association")
            sealed = self._sealed(self._serve(self._opened(apdu[10:])))
            return bytes([_GENERAL_GLO]) + length(len(TITLE)) + TITLE + sealed
        inner = self._serve(self._opened(apdu[1:]))
        return bytes([_CIPHERED[inner[0]]]) + self._sealed(inner)

    def _opened(self, sized: bytes) -> bytes:
        content, _ = _string(sized)
        count = int.from_bytes(content[1:5], "big")
        if count <= self.seen_counter:
            raise ValueError(f"invocation counter {count} after {self.seen_counter}")
        self.seen_counter = count
        return cipher.opened(self.keys, self._client_title, content)

    def _sealed(self, apdu: bytes) -> bytes:
        self.counter += 1
        control = cipher.AUTHENTICATED | cipher.ENCRYPTED
        content = cipher.content(self.keys, TITLE, self.counter, apdu, control)
        return length(len(content)) + content

    # -- the association -----------------------------------------------------------------

    def _associate(self, apdu: bytes) -> bytes:
        content, _ = _string(apdu[1:])
        asked = _fields(content)
        context = asked[0xA1][-1]
        mechanism = asked[0x8B][-1] if 0x8B in asked else NONE
        secret = asked.get(0xAC, b"\0\0")[2:]
        self._is_public = mechanism == NONE
        self._client_title = asked.get(0xA6, b"\0\0")[2:]
        if mechanism and mechanism != self.mechanism:
            return _refused(_MECHANISM_REFUSED)
        if mechanism == LOW and secret != self.password:
            return _refused(_SECRET_REFUSED)
        initiate = asked[0xBE][2:]
        if context == _CIPHERED_CONTEXT:
            initiate = self._opened(initiate[1:])
        if not initiate.startswith(b"\x01\0\0\0\x06"):
            raise ValueError(f"no initiate request: {initiate.hex()}")
        response = (
            b"\x08\0\x06\x5f\x1f\x04\0" + (_WITH_LISTS if self.lists else _CONFORMANCE) + b"\x04\x00\x00\x07"
        )
        if context == _CIPHERED_CONTEXT:
            response = b"\x28" + self._sealed(response)
        fields = _field(0xA1, _field(0x06, _CONTEXT + bytes([context]))) + _field(0xA2, b"\x02\x01\x00")
        fields += _field(0xA3, _field(0xA1, b"\x02\x01" + (b"\x0e" if mechanism == HIGH else b"\x00")))
        if mechanism == HIGH or context == _CIPHERED_CONTEXT:
            fields += _field(0xA4, _field(0x04, TITLE))
        if mechanism == HIGH:
            self._client_challenge = secret
            fields += b"\x88\x02\x07\x80\x89\x07\x60\x85\x74\x05\x08\x02\x05"
            fields += _field(0xAA, _field(0x80, CHALLENGE))
        return _field(_AARE, fields + _field(0xBE, _field(0x04, response)))

    # -- services ------------------------------------------------------------------------

    def _serve(self, apdu: bytes) -> bytes:
        service = apdu[:2]
        if service == _GET:
            found, _ = self._read(apdu[3:])
            return self._blocked(b"\x00" + found if found else _NO_OBJECT, b"\xc4\x01\xc1", found)
        if service == _GET_LIST and self.lists:
            count, rest = apdu[3], apdu[4:]
            results = bytes([count])
            for _ in range(count):
                found, rest = self._read(rest)
                results += b"\x00" + found if found else _NO_OBJECT
            return self._blocked(results, b"\xc4\x03\xc1", results)
        if service == _GET_NEXT:
            return self._next(int.from_bytes(apdu[3:7], "big"))
        if service == _ACTION and apdu[3:13] == _REPLY_TO_HLS:
            return self._prove(apdu[15:])
        return _NOT_SUPPORTED

    def _prove(self, proof: bytes) -> bytes:
        """Passes three and four."""
        count = int.from_bytes(proof[1:5], "big")
        if proof != cipher.gmac(self.keys, self._client_title, count, CHALLENGE):
            return b"\xc7\x01\xc1\x03\x00"
        self.counter += 1
        own = cipher.gmac(self.keys, TITLE, self.counter, self._client_challenge)
        return b"\xc7\x01\xc1\x00\x01\x00" + octets(own)

    def _read(self, rest: bytes) -> tuple[bytes, bytes]:
        """Data of the attribute that is described first, nothing where there is none; and what follows."""
        kind, name, attribute = struct.unpack(">H", rest[:2])[0], rest[2:8], rest[8]
        size = cosem.selection_size(rest[10:]) if rest[9] else 0
        selection, rest = rest[10 : 10 + size], rest[10 + size :]
        return self._held(kind, name, attribute, selection), rest

    def _held(self, kind: int, name: bytes, attribute: int, selection: bytes) -> bytes:
        curve = self.curves.get(name)
        if curve is None:
            return self.objects.get((kind, name, attribute), b"")
        if attribute == cosem.VALUE:
            return curve.selected(selection)
        if attribute == cosem.IN_USE:
            return number("uint32", len(curve.rows))
        return curve.attributes.get((kind, name, attribute), b"")

    def _blocked(self, result: bytes, head: bytes, found: bytes) -> bytes:
        """The result at once, or its first block where what was found is too long."""
        if not self.block_size or len(found) <= self.block_size:
            return head + result
        self._pending = [found[at : at + self.block_size] for at in range(0, len(found), self.block_size)]
        return self._next(0)

    def _next(self, acknowledged: int) -> bytes:
        part, is_last = self._pending[acknowledged], acknowledged + 1 == len(self._pending)
        return (
            b"\xc4\x02\xc1"
            + struct.pack(">BI", is_last, acknowledged + 1)
            + b"\x00"
            + length(len(part))
            + part
        )


def _field(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + length(len(content)) + content


def _fields(content: bytes) -> dict[int, bytes]:
    found = {}
    while content:
        tag = content[0]
        found[tag], content = _string(content[1:])
    return found


def _string(data: bytes) -> tuple[bytes, bytes]:
    """Return the bytes of a string with its length in front, and the bytes after it."""
    size, begin = data[0], 1
    if size >= 0x80:
        begin = 1 + (size & 0x7F)
        size = int.from_bytes(data[1:begin], "big")
    return data[begin : begin + size], data[begin + size :]


def _refused(why: int) -> bytes:
    fields = _field(0xA1, _field(0x06, _CONTEXT + b"\x01")) + _field(0xA2, b"\x02\x01\x01")
    fields += _field(0xA3, _field(0xA1, b"\x02\x01" + bytes([why]))) + b"\xbe\x06\x04\x04\x0e\x01\x06\x01"
    return _field(_AARE, fields)
