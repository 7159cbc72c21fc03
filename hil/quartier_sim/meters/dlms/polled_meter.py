"""A COSEM meter that is polled: objects, load curves, association, reading, block transfer.

Source: IEC 62056-6-2 (Blue Book) sections 4.3.1 (data), 4.3.2 (register), 4.5.1 (clock), 4.3.6 (profile
generic: buffer 2, capture objects 3, period 4, entries in use 7; selective access by range 1, by entry 2).

Source: IEC 62056-5-3 sections 7.3 and 9.3 (ACSE, InitiateRequest, GET, ACTION, block transfer, security
suite 0), 5.3.2.5 (the four passes of GMAC).  The polled meter knows logical names, get (normal, next, with
list), selective access to load curves, action 1 of the association, passwords, GMAC and global ciphering.
"""

import datetime as dt
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from quartier_sim.meters import encryption
from quartier_sim.meters.dlms import encoding
from quartier_sim.meters.dlms.encoding import encode_length, encode_number, encode_octets
from quartier_sim.meters.dlms.push_lists import encode_logical_name
from quartier_sim.meters.dlms.push_meters import EXAMPLE_KEYS
from quartier_sim.meters.encryption import CipherKeys

DATA, REGISTER, PROFILE, CLOCK = 1, 3, 7, 8
VALUE, SCALER, CAPTURED, PERIOD, IN_USE = 2, 3, 3, 4, 7
UNITS = {"W": 27, "VA": 28, "var": 29, "Wh": 30, "varh": 32, "A": 33, "V": 35, "Hz": 44, "": 255}

Attributes = dict[tuple[int, bytes, int], bytes]
"""Class, logical name and attribute of each, and its data."""


def build_text_object(code: str, text: str) -> Attributes:
    """An object that holds a text as octets, such as a serial number."""
    return {(DATA, encode_logical_name(code), VALUE): encoding.encode_octets(text.encode("ascii"))}


def build_count_object(code: str, kind: str, value: int) -> Attributes:
    """An object that holds a bare number, such as an invocation counter."""
    return {(DATA, encode_logical_name(code), VALUE): encoding.encode_number(kind, value)}


def build_register(code: str, kind: str, value: int, scaler: int, unit: str) -> Attributes:
    """``value`` times ten to the ``scaler`` in ``unit``; ``kind`` is one of ``data.NUMBERS``."""
    scale = encoding.encode_structure(
        [encoding.encode_number("int8", scaler), encoding.encode_enum(UNITS[unit])]
    )
    name = encode_logical_name(code)
    return {(REGISTER, name, VALUE): encoding.encode_number(kind, value), (REGISTER, name, SCALER): scale}


def build_clock(moment: dt.datetime, code: str = "0-0:1.0.0") -> Attributes:
    """The meter's clock."""
    return {
        (CLOCK, encode_logical_name(code), VALUE): encoding.encode_octets(encoding.encode_date_time(moment))
    }


@dataclass(slots=True)
class LoadCurve:
    """A load curve: registers ``columns`` captured each ``period_s``, the clock before them."""

    code: str
    columns: Sequence[str]
    period_s: int
    rows: list[tuple[bytes, bytes]] = field(default_factory=list)
    """The stamp of each row, 12 bytes, and the row as it is sent."""

    @property
    def name(self) -> bytes:
        """Its logical name."""
        return encode_logical_name(self.code)

    def capture(self, moment: dt.datetime, values: Iterable[bytes]) -> None:
        """Add a row of values as they are sent."""
        stamp = encoding.encode_date_time(moment)
        self.rows.append((stamp, encoding.encode_structure([encoding.encode_octets(stamp), *values])))

    @property
    def attributes(self) -> Attributes:
        """All but the rows, which are selected from."""
        captured = [(CLOCK, "0-0:1.0.0"), *((REGISTER, code) for code in self.columns)]
        return {
            (PROFILE, self.name, CAPTURED): encoding.encode_array(
                [_encode_capture_object(kind, code) for kind, code in captured]
            ),
            (PROFILE, self.name, PERIOD): encoding.encode_number("uint32", self.period_s),
        }

    def select_rows(self, selection: bytes) -> bytes:
        """Its rows, or those that a selective access asks for; raises ValueError for what is none."""
        if not selection:
            rows = self.rows
        elif selection[0] == 1:
            begin, end = _decode_range(selection[1:])
            rows = [row for row in self.rows if begin <= _strip_time(row[0]) <= end]
        elif selection[0] == 2 and selection[1:3] == b"\x02\x04":
            first, last = (struct.unpack(">I", selection[at : at + 4])[0] for at in (4, 9))
            rows = self.rows[first - 1 : last or None]
        else:
            raise ValueError(f"no selection: {selection.hex()}")
        return encoding.encode_array([row for _, row in rows])


def _encode_capture_object(kind: int, code: str) -> bytes:
    parts = [encoding.encode_number("uint16", kind), encoding.encode_octets(encode_logical_name(code))]
    return encoding.encode_structure(
        [*parts, encoding.encode_number("int8", VALUE), encoding.encode_number("uint16", 0)]
    )


# range-descriptor: a structure of four, its first part a structure of four that names the column.
_RANGE, _COLUMN_BYTES, _STAMP_BYTES = b"\x02\x04\x02\x04", 16, 14


def _decode_range(descriptor: bytes) -> tuple[bytes, bytes]:
    if not descriptor.startswith(_RANGE):
        raise ValueError(f"no range: {descriptor.hex()}")
    at = len(_RANGE) + _COLUMN_BYTES
    stamps = (descriptor[at : at + _STAMP_BYTES], descriptor[at + _STAMP_BYTES : at + 2 * _STAMP_BYTES])
    begin, end = (_strip_time(stamp[2:]) for stamp in stamps)
    return begin, end


def get_selection_size(rest: bytes) -> int:
    """Return the size in bytes of the selection at the start of ``rest``."""
    if rest[0] == 2:
        return 1 + 2 + 2 * 5 + 2 * 3
    return 1 + len(_RANGE) + _COLUMN_BYTES + 2 * _STAMP_BYTES + 2


def _strip_time(stamp: bytes) -> bytes:
    """Date and time without the day of the week, the hundredths and the zone: they sort."""
    return stamp[:4] + stamp[5:8]


def merge_objects(*objects: Mapping[tuple[int, bytes, int], bytes]) -> Attributes:
    """Objects put together."""
    return {key: value for one in objects for key, value in one.items()}


AUTH_NONE, AUTH_LOW, AUTH_HIGH = 0, 1, 5
"""Authentication of a client: none, by a password, by GMAC."""
SYSTEM_TITLE = b"LGZ\x00\x00\x00\x00\x07"
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
class PolledMeter:
    """``objects`` and ``curves`` are what it holds; ``mechanism`` is the authentication of a client.

    A client without one is public and may read all the same.  ``block_size`` splits long answers,
    ``lists``: it takes several attributes in one request.  ``log`` has the APDUs received.
    """

    objects: Attributes = field(default_factory=dict)
    curves: Mapping[bytes, LoadCurve] = field(default_factory=dict)
    mechanism: int = AUTH_NONE
    password: bytes = b""
    keys: CipherKeys = EXAMPLE_KEYS
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
            return bytes([_GENERAL_GLO]) + encode_length(len(SYSTEM_TITLE)) + SYSTEM_TITLE + sealed
        inner = self._serve(self._opened(apdu[1:]))
        return bytes([_CIPHERED[inner[0]]]) + self._sealed(inner)

    def _opened(self, sized: bytes) -> bytes:
        content, _ = _split_string(sized)
        count = int.from_bytes(content[1:5], "big")
        if count <= self.seen_counter:
            raise ValueError(f"invocation counter {count} after {self.seen_counter}")
        self.seen_counter = count
        return encryption.decrypt_content(self.keys, self._client_title, content)

    def _sealed(self, apdu: bytes) -> bytes:
        self.counter += 1
        control = encryption.AUTHENTICATED | encryption.ENCRYPTED
        content = encryption.build_ciphered_content(self.keys, SYSTEM_TITLE, self.counter, apdu, control)
        return encode_length(len(content)) + content

    # -- the association -----------------------------------------------------------------

    def _associate(self, apdu: bytes) -> bytes:
        content, _ = _split_string(apdu[1:])
        asked = _decode_fields(content)
        context = asked[0xA1][-1]
        mechanism = asked[0x8B][-1] if 0x8B in asked else AUTH_NONE
        secret = asked.get(0xAC, b"\0\0")[2:]
        self._is_public = mechanism == AUTH_NONE
        self._client_title = asked.get(0xA6, b"\0\0")[2:]
        if mechanism and mechanism != self.mechanism:
            return _build_refusal(_MECHANISM_REFUSED)
        if mechanism == AUTH_LOW and secret != self.password:
            return _build_refusal(_SECRET_REFUSED)
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
        fields = _encode_field(0xA1, _encode_field(0x06, _CONTEXT + bytes([context]))) + _encode_field(
            0xA2, b"\x02\x01\x00"
        )
        fields += _encode_field(
            0xA3, _encode_field(0xA1, b"\x02\x01" + (b"\x0e" if mechanism == AUTH_HIGH else b"\x00"))
        )
        if mechanism == AUTH_HIGH or context == _CIPHERED_CONTEXT:
            fields += _encode_field(0xA4, _encode_field(0x04, SYSTEM_TITLE))
        if mechanism == AUTH_HIGH:
            self._client_challenge = secret
            fields += b"\x88\x02\x07\x80\x89\x07\x60\x85\x74\x05\x08\x02\x05"
            fields += _encode_field(0xAA, _encode_field(0x80, CHALLENGE))
        return _encode_field(_AARE, fields + _encode_field(0xBE, _encode_field(0x04, response)))

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
        if proof != encryption.compute_gmac(self.keys, self._client_title, count, CHALLENGE):
            return b"\xc7\x01\xc1\x03\x00"
        self.counter += 1
        own = encryption.compute_gmac(self.keys, SYSTEM_TITLE, self.counter, self._client_challenge)
        return b"\xc7\x01\xc1\x00\x01\x00" + encode_octets(own)

    def _read(self, rest: bytes) -> tuple[bytes, bytes]:
        """Data of the attribute that is described first, nothing where there is none; and what follows."""
        kind, name, attribute = struct.unpack(">H", rest[:2])[0], rest[2:8], rest[8]
        size = get_selection_size(rest[10:]) if rest[9] else 0
        selection, rest = rest[10 : 10 + size], rest[10 + size :]
        return self._held(kind, name, attribute, selection), rest

    def _held(self, kind: int, name: bytes, attribute: int, selection: bytes) -> bytes:
        curve = self.curves.get(name)
        if curve is None:
            return self.objects.get((kind, name, attribute), b"")
        if attribute == VALUE:
            return curve.select_rows(selection)
        if attribute == IN_USE:
            return encode_number("uint32", len(curve.rows))
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
            + encode_length(len(part))
            + part
        )


def _encode_field(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + encode_length(len(content)) + content


def _decode_fields(content: bytes) -> dict[int, bytes]:
    found = {}
    while content:
        tag = content[0]
        found[tag], content = _split_string(content[1:])
    return found


def _split_string(data: bytes) -> tuple[bytes, bytes]:
    """Return the bytes of a string with its length in front, and the bytes after it."""
    size, begin = data[0], 1
    if size >= 0x80:
        begin = 1 + (size & 0x7F)
        size = int.from_bytes(data[1:begin], "big")
    return data[begin : begin + size], data[begin + size :]


def _build_refusal(why: int) -> bytes:
    fields = _encode_field(0xA1, _encode_field(0x06, _CONTEXT + b"\x01")) + _encode_field(
        0xA2, b"\x02\x01\x01"
    )
    fields += (
        _encode_field(0xA3, _encode_field(0xA1, b"\x02\x01" + bytes([why])))
        + b"\xbe\x06\x04\x04\x0e\x01\x06\x01"
    )
    return _encode_field(_AARE, fields)
