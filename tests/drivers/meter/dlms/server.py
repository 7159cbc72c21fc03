"""A DLMS/COSEM meter that answers, written from IEC 62056-5-3 and -46 with the encoders of these tests.

It knows logical names, get (normal, next, with list), selective access to profiles, action 1 of the
association, HDLC with segmentation both ways, the wrapper, passwords, GMAC and global ciphering.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.drivers.meter.dlms.conftest import AUTHENTICATION, KEY, array, crc, length, octets, structure

SERVER_TITLE = b"LGZ\x00\x00\x00\x00\x07"
CHALLENGE = b"0123456789abcdef"
Objects = Mapping[tuple[int, bytes, int], bytes]


def gcm(control: int, title: bytes, counter: bytes, apdu: bytes) -> bytes:
    """Sealed content without its head."""
    return AESGCM(KEY).encrypt(title + counter, apdu, bytes([control]) + AUTHENTICATION)[:-4]


def ungcm(control: int, title: bytes, counter: bytes, sealed: bytes) -> bytes:
    """AESGCM wants 16 bytes of tag, so the counter stream is made with text and the tag compared."""
    text, tag = sealed[:-12], sealed[-12:]
    stream = AESGCM(KEY).encrypt(title + counter, bytes(len(text)), b"")[: len(text)]
    plain = bytes(one ^ other for one, other in zip(text, stream, strict=True))
    assert gcm(control, title, counter, plain)[-12:] == tag, "authentication tag"
    return plain


def gmac(title: bytes, counter: bytes, challenge: bytes) -> bytes:
    return (
        b"\x10"
        + counter
        + AESGCM(KEY).encrypt(title + counter, b"", b"\x10" + AUTHENTICATION + challenge)[:-4]
    )


@dataclass
class Meter:
    """The application layer: APDU in, APDU out.

    ``objects``: (class, name, attribute) -> data; ``buffers``: name of a profile -> rows of (time, data).
    """

    objects: dict[tuple[int, bytes, int], bytes] = field(default_factory=dict)
    buffers: dict[bytes, list[tuple[bytes, bytes]]] = field(default_factory=dict)
    mechanism: int = 0
    password: bytes = b""
    is_ciphered: bool = False
    block_size: int = 0
    lists: bool = True
    counter: int = 0
    seen_counter: int = -1
    client_title: bytes = b""
    client_challenge: bytes = b""
    log: list[bytes] = field(default_factory=list)
    _pending: list[bytes] = field(default_factory=list)

    def answer(self, apdu: bytes) -> bytes:
        self.log.append(apdu)
        if apdu[0] == 0x60:
            return self._associate(apdu)
        if apdu[0] == 0x62:
            return b"\x63\x03\x80\x01\x00"
        if not self.is_ciphered or self.is_public:
            return self._serve(apdu)
        if apdu[0] == 0xDB:  # the general form of ciphering
            assert apdu[1:10] == b"\x08" + self.client_title
            return b"\xdb\x08" + SERVER_TITLE + self._sealed(self._service(self._opened(apdu[10:])))
        assert apdu[0] in (0xC8, 0xCB), apdu.hex()
        inner = self._service(self._opened(apdu[1:]))
        tag = {0xC4: 0xCC, 0xC7: 0xCF}[inner[0]]
        return bytes([tag]) + self._sealed(inner)

    is_public = False

    def _serve(self, apdu: bytes) -> bytes:
        return self._service(apdu)

    def _opened(self, content: bytes) -> bytes:
        size, content = (content[0], content[1:]) if content[0] < 0x80 else (content[1], content[2:])
        content = content[:size]
        number = int.from_bytes(content[1:5], "big")
        assert number > self.seen_counter, "invocation counter"
        self.seen_counter = number
        assert content[0] == 0x30
        return ungcm(0x30, self.client_title, content[1:5], content[5:])

    def _sealed(self, apdu: bytes) -> bytes:
        self.counter += 1
        counter = self.counter.to_bytes(4, "big")
        content = b"\x30" + counter + gcm(0x30, SERVER_TITLE, counter, apdu)
        return length(len(content)) + content

    def _associate(self, apdu: bytes) -> bytes:
        fields = fields_of(apdu[2:] if apdu[1] < 0x80 else apdu[3:])
        context = fields[0xA1][-1]
        mechanism = fields[0x8B][-1] if 0x8B in fields else 0
        self.is_public = mechanism == 0
        self.client_title = fields.get(0xA6, b"\0\0")[2:]
        secret = fields.get(0xAC, b"\0\0")[2:]
        initiate = fields[0xBE][2:]
        if mechanism and mechanism != self.mechanism:
            return self._refuse(11)
        if mechanism == 1 and secret != self.password:
            return self._refuse(13)
        if context == 3:
            assert initiate[0] == 0x21
            initiate = self._opened(initiate[1:])
        assert initiate[:5] == b"\x01\0\0\0\x06", initiate.hex()
        response = (
            b"\x08\0\x06\x5f\x1f\x04\0"
            + bytes([0x00, 0x12 if self.lists else 0x10, 0x15])
            + b"\x04\x00\x00\x07"
        )
        if context == 3:
            response = b"\x28" + self._sealed(response)
        body = b"\xa1\x09\x06\x07\x60\x85\x74\x05\x08\x01" + bytes([context])
        body += b"\xa2\x03\x02\x01" + b"\x00"
        body += b"\xa3\x05\xa1\x03\x02\x01" + (b"\x0e" if mechanism == 5 else b"\x00")
        if mechanism == 5:
            self.client_challenge = secret
            body += b"\xa4\x0a\x04\x08" + SERVER_TITLE
            body += b"\x88\x02\x07\x80\x89\x07\x60\x85\x74\x05\x08\x02\x05"
            body += b"\xaa" + bytes([len(CHALLENGE) + 2, 0x80, len(CHALLENGE)]) + CHALLENGE
        elif context == 3:
            body += b"\xa4\x0a\x04\x08" + SERVER_TITLE
        body += (
            b"\xbe"
            + length(len(response) + 1 + len(length(len(response))))
            + b"\x04"
            + length(len(response))
            + response
        )
        return b"\x61" + length(len(body)) + body

    def _refuse(self, why: int) -> bytes:
        body = (
            b"\xa1\x09\x06\x07\x60\x85\x74\x05\x08\x01\x01\xa2\x03\x02\x01\x01\xa3\x05\xa1\x03\x02\x01"
            + bytes([why])
        )
        body += b"\xbe\x06\x04\x04\x0e\x01\x06\x01"
        return b"\x61" + length(len(body)) + body

    def _service(self, apdu: bytes) -> bytes:  # noqa: PLR0911 - one for each service
        if apdu[:2] == b"\xc0\x01":
            return self._blocked(
                b"\x00" + data if (data := self._read(apdu[3:])[0]) else b"\x01\x04", b"\xc4\x01\xc1", data
            )
        if apdu[:2] == b"\xc0\x03":
            if not self.lists:
                return b"\xd8\x01\x02"
            count, rest, results = apdu[3], apdu[4:], b""
            for _ in range(count):
                data, rest = self._read(rest)
                results += b"\x00" + data if data else b"\x01\x04"
            whole = bytes([count]) + results
            return self._blocked(whole, b"\xc4\x03\xc1", whole)
        if apdu[:2] == b"\xc0\x02":
            return self._next(int.from_bytes(apdu[3:7], "big"))
        if apdu[:2] == b"\xc3\x01":
            assert apdu[3:13] == b"\x00\x0f\x00\x00\x28\x00\x00\xff\x01\x01", apdu.hex()
            proof = apdu[15:]
            if proof != gmac(self.client_title, proof[1:5], CHALLENGE):
                return b"\xc7\x01\xc1\x03\x00"
            self.counter += 1
            return b"\xc7\x01\xc1\x00\x01\x00" + octets(
                gmac(SERVER_TITLE, self.counter.to_bytes(4, "big"), self.client_challenge)
            )
        return b"\xd8\x01\x02"

    def _read(self, rest: bytes) -> tuple[bytes, bytes]:
        """Data of a descriptor, and what follows it."""
        kind, name, attribute, selection = struct.unpack(">H", rest[:2])[0], rest[2:8], rest[8], rest[9]
        rest = rest[10:]
        if not selection:
            if (name in self.buffers) and attribute == 2:
                return array(*(row for _, row in self.buffers[name])), rest
            if (name in self.buffers) and attribute == 7:
                return b"\x06" + struct.pack(">I", len(self.buffers[name])), rest
            return self.objects.get((kind, name, attribute), b""), rest
        rows = self.buffers[name]
        if rest[0] == 2:
            assert rest[1:3] == b"\x02\x04", rest.hex()
            first, last = struct.unpack(">I", rest[4:8])[0], struct.unpack(">I", rest[9:13])[0]
            rows, rest = rows[first - 1 : last or None], rest[19:]
        else:
            assert rest[1:5] == b"\x02\x04\x02\x04", rest.hex()
            begin = rest[23:35]
            end = rest[37:49]
            rows, rest = [row for row in rows if moment(begin) <= moment(row[0]) <= moment(end)], rest[51:]
        return array(*(row for _, row in rows)), rest

    def _blocked(self, result: bytes, head: bytes, data: bytes) -> bytes:
        if not self.block_size or len(data) <= self.block_size:
            return head + result
        self._pending = [data[at : at + self.block_size] for at in range(0, len(data), self.block_size)]
        return self._next(0)

    def _next(self, acknowledged: int) -> bytes:
        part = self._pending[acknowledged]
        last = acknowledged + 1 == len(self._pending)
        return (
            b"\xc4\x02\xc1"
            + bytes([last])
            + struct.pack(">I", acknowledged + 1)
            + b"\x00"
            + length(len(part))
            + part
        )


def moment(stamp: bytes) -> bytes:
    """Date and time without the day of the week, the hundredths and the zone."""
    return stamp[:4] + stamp[5:8]


def fields_of(content: bytes) -> dict[int, bytes]:
    found = {}
    while content:
        size = content[1] if content[1] < 0x80 else content[2]
        begin = 2 if content[1] < 0x80 else 3
        found[content[0]] = content[begin : begin + size]
        content = content[begin + size :]
    return found


@dataclass
class Station:
    """The HDLC side of a meter: bytes in, bytes out; ``lose`` says which of its frames get lost."""

    meter: Meter
    server: bytes = b"\x02\x23"
    client: bytes = b"\x21"
    size: int = 128
    granted: bytes = b""
    lose: Callable[[int], bool] = lambda _: False
    sent: int = 0
    received: int = 0
    frames: int = 0
    _request: bytes = b""
    _answer: list[bytes] = field(default_factory=list)

    def hear(self, data: bytes) -> bytes:
        """What it answers to one frame."""
        if not data:
            return b""
        assert data[0] == data[-1] == 0x7E, data.hex()
        body = data[1:-1]
        assert crc(body[:-2]) == body[-2:]
        head = 2 + len(self.server) + len(self.client)
        assert body[2:head] == self.server + self.client, body.hex()
        control, more = body[head], bool(body[0] & 0x08)
        information = body[head + 3 : -2]
        self.frames += 1
        answer = self._control(control, information, more=more)
        return b"" if self.lose(self.frames) else answer

    def _control(  # noqa: PLR0911 - one for each kind of frame
        self, control: int, information: bytes, *, more: bool
    ) -> bytes:
        if control == 0x93:
            self.sent = self.received = 0
            self._answer, self._last, self._request = [], b"", b""
            return self._frame(0x73, self.granted)
        if control == 0x53:
            return self._frame(0x73)
        if control & 1:  # RR
            if (control >> 5) == self.sent and self._answer:
                return self._information()
            if self._last and (control >> 5) == (self.sent - 1) % 8:
                return self._last
            return self._frame(0x11 | self.received << 5)
        if control >> 1 & 7 != self.received:
            return self._frame(0x11 | self.received << 5)
        self.received = (self.received + 1) % 8
        self._request += information
        if more:
            return self._frame(0x11 | self.received << 5)
        assert self._request[:3] == b"\xe6\xe6\x00"
        whole = b"\xe6\xe7\x00" + self.meter.answer(self._request[3:])
        self._request = b""
        self._answer = [whole[at : at + self.size] for at in range(0, len(whole), self.size)]
        return self._information()

    def _information(self) -> bytes:
        part = self._answer.pop(0)
        control = self.sent << 1 | 0x10 | self.received << 5
        self.sent = (self.sent + 1) % 8
        self._last = self._frame(control, part, more=bool(self._answer))
        return self._last

    _last = b""

    def _frame(self, control: int, information: bytes = b"", *, more: bool = False) -> bytes:
        size = 2 + len(self.client + self.server) + 1 + 2 + (len(information) + 2 if information else 0)
        head = (
            (0xA000 | 0x0800 * more | size).to_bytes(2, "big") + self.client + self.server + bytes([control])
        )
        body = head + crc(head) + information if information else head
        return b"\x7e" + body + crc(body) + b"\x7e"


def row(*items: bytes) -> bytes:
    return structure(*items)
