"""Finds the answer to a request in a stream of bytes and checks all of it; pure.

Modbus Application Protocol V1.1b3 (functions, exceptions), Modbus over Serial Line V1.02 (RTU), Modbus
Messaging on TCP/IP V1.0b (MBAP header).
"""

import struct
from dataclasses import dataclass, field

from quartier_native import crc16

READ_FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target failed to respond",
}
_BIT_READS = (1, 2)
_REGISTER_READS = (3, 4)
MASK_WRITE = 22
READ_WRITE_REGISTERS = 23
DIAGNOSTICS = 8
READ_DEVICE_ID = 43
_IDENTITY_HEAD = 7  # function, 14, code, conformity, more follows, next object, number of objects
_MBAP = struct.Struct(">HHHB")
_MBAP_SIZE = 7
# MBAP's length counts unit and PDU: 1 + 2..253.
_LENGTHS = range(3, 255)


class GarbledAnswer(Exception):  # noqa: N818 - what came, not what failed
    """An answer to this request came, but its content is invalid."""


class OutOfSync(Exception):  # noqa: N818 - as above
    """The bytes of a TCP stream no longer form frames: only a new connection helps."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: ``count`` coils or registers from ``address``; ``values`` for a write.

    Its frames are made once: ``rtu`` is complete, ``tcp`` lacks the transaction number in front.  An answer's
    PDU of ``answer_size`` bytes that begins with ``sound`` is valid; on TCP it then begins with ``head``,
    after the number.  ``asks`` is the same in the form that the native ``Questions`` take.  ``writes``: it
    changes the device.  ``raw`` is the PDU of another client's request, which is sent unchanged.
    """

    unit: int
    function: int
    address: int
    count: int
    values: tuple[int, ...] = ()
    raw: bytes = b""
    pdu: bytes = field(init=False, compare=False, repr=False)
    tcp: bytes = field(init=False, compare=False, repr=False)
    rtu: bytes = field(init=False, compare=False, repr=False)
    sound: bytes = field(init=False, compare=False, repr=False)
    answer_size: int = field(init=False, compare=False, repr=False)
    head: bytes = field(init=False, compare=False, repr=False)
    asks: tuple[bytes, bytes, int] = field(init=False, compare=False, repr=False)
    writes: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        pdu = self.raw or encode_request(self)
        frame = bytes([self.unit]) + pdu
        echo = pdu[: 7 if self.function == MASK_WRITE else 5]
        writes = self.function not in (*_BIT_READS, *_REGISTER_READS, READ_DEVICE_ID)
        gives = not writes or self.function == READ_WRITE_REGISTERS
        made: dict[str, object] = {
            "writes": writes,
            "pdu": pdu,
            "tcp": struct.pack(">HH", 0, len(frame)) + frame,
            "rtu": frame + crc16(frame).to_bytes(2, "little"),
            "sound": bytes([self.function, self.data_size]) if gives else echo,
            "answer_size": 2 + self.data_size if gives else len(echo),
        }
        if self.function == READ_DEVICE_ID:  # its answer contains its own length
            made |= {"sound": pdu[:2], "answer_size": _IDENTITY_HEAD}
        elif self.function == DIAGNOSTICS:  # what was asked, and one word (6.8)
            made |= {"sound": pdu[:3], "answer_size": 5}
        for name, value in made.items():
            object.__setattr__(self, name, value)
        head = struct.pack(">HHB", 0, self.answer_size + 1, self.unit) + self.sound
        object.__setattr__(self, "head", head)
        object.__setattr__(self, "asks", (self.tcp, head, self.answer_size - len(self.sound)))

    @property
    def gives(self) -> bool:
        """Return whether the answer contains data; otherwise it is an echo."""
        return not self.writes or self.function == READ_WRITE_REGISTERS

    @property
    def data_size(self) -> int:
        """Bytes of data in an answer that contains some."""
        return (self.count + 7) // 8 if self.function in _BIT_READS else 2 * self.count


class Answer:
    """The answer of a device: ``data`` bytes of a read, as received, or ``exception`` (its code, else 0).

    ``values`` are the registers or coils of a read, the written ones of a write; made on demand.
    """

    __slots__ = ("_request", "_values", "data", "exception")

    def __init__(
        self,
        values: tuple[int, ...] = (),
        exception: int = 0,
        data: bytes = b"",
        request: Request | None = None,
    ) -> None:
        self._values = values
        self._request = request
        self.exception = exception
        self.data = data

    @property
    def values(self) -> tuple[int, ...]:
        """Registers, or coils as 0 and 1."""
        request = self._request
        if request is None:
            return self._values
        if not request.gives:
            return request.values
        if request.function not in _BIT_READS:
            return struct.unpack(f">{request.count}H", self.data)
        return tuple(self.data[at // 8] >> at % 8 & 1 for at in range(request.count))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Answer) and (self.values, self.exception) == (other.values, other.exception)

    def __hash__(self) -> int:
        return hash((self.values, self.exception))

    def __repr__(self) -> str:
        return f"Answer({self.values}, {self.exception})"


@dataclass(slots=True)
class LateAnswers:
    """The number of ``late`` answers to older requests in the stream."""

    late: int = 0


def make_read(unit: int, table: str, start: int, count: int) -> Request:
    """Return a read of one table."""
    return Request(unit, READ_FUNCTIONS[table], start, count)


def make_identity_request(unit: int) -> Request:
    """Return a request for the basic identification objects of a device (6.21); see ``parse_identity``."""
    return Request(unit, READ_DEVICE_ID, 0, 0)


def make_write(unit: int, table: str, start: int, values: tuple[int, ...], function: int = 0) -> Request:
    """Return a write of a coil (5, 15) or of holding registers (6 for one, 16 for more, unless given)."""
    if table == "coil":
        number = function or (5 if len(values) == 1 else 15)
    else:
        number = function or (6 if len(values) == 1 else 16)
        number = 16 if len(values) > 1 and number == 6 else number
    return Request(unit, number, start, len(values), values)


def encode_request(request: Request) -> bytes:
    """Return the PDU of the request (Modbus Application Protocol V1.1b3, section 6)."""
    function, values = request.function, request.values
    if function in (5, 6):
        value = (0xFF00 if values[0] else 0) if function == 5 else values[0]
        return struct.pack(">BHH", function, request.address, value)
    if function == READ_DEVICE_ID:  # basic objects as a stream, from the first
        return bytes([READ_DEVICE_ID, 14, 1, 0])
    head = struct.pack(">BHH", function, request.address, request.count)
    if function == 15:
        bits = sum(bool(value) << at for at, value in enumerate(values))
        size = (len(values) + 7) // 8
        return head + bytes([size]) + bits.to_bytes(size, "little")
    if function == MASK_WRITE:  # and-mask, or-mask
        return struct.pack(">BHHH", function, request.address, *values)
    if function == READ_WRITE_REGISTERS:  # what is written is read back in the same request
        head += struct.pack(">HH", request.address, request.count)
    if function in (16, READ_WRITE_REGISTERS):
        return head + struct.pack(f">B{len(values)}H", 2 * len(values), *values)
    return head


def parse_answer(request: Request, pdu: bytes) -> Answer:
    """Return the answer in a complete PDU; raises GarbledAnswer if it is no answer to ``request``."""
    if len(pdu) == request.answer_size and pdu.startswith(request.sound):
        return Answer(data=pdu[2:], request=request)
    function = pdu[0]
    if function == request.function | 0x80:
        if len(pdu) != 2:
            raise GarbledAnswer(f"exception of {len(pdu)} bytes, expected 2")
        return Answer(exception=pdu[1] or 4)
    if function != request.function:
        raise GarbledAnswer(f"function {function}, expected {request.function}")
    if function == READ_DEVICE_ID:
        if not pdu.startswith(request.sound) or _find_identity_size(pdu) != len(pdu):
            raise GarbledAnswer("objects that do not add up")
        return Answer(data=pdu[2:], request=request)
    if len(pdu) != request.answer_size:
        raise GarbledAnswer(f"{len(pdu)} bytes, expected {request.answer_size}")
    if not request.gives:
        raise GarbledAnswer(f"echo of {pdu[1:].hex(' ')}, expected {request.sound[1:].hex(' ')}")
    raise GarbledAnswer(f"{pdu[1]} bytes of data, expected {request.data_size}")


def _find_identity_size(pdu: bytes | bytearray) -> int:
    """Return the length of an answer of function 43/14; 0 while it is unknown."""
    if len(pdu) < _IDENTITY_HEAD:
        return 0
    size = _IDENTITY_HEAD
    for _ in range(pdu[_IDENTITY_HEAD - 1]):
        if len(pdu) < size + 2:
            return 0
        size += 2 + pdu[size + 1]
    return size


def parse_identity(answer: Answer) -> dict[int, str]:
    """Return the objects by number (0 vendor, 1 product code, 2 revision …) of an identity request."""
    found, left = {}, answer.data[_IDENTITY_HEAD - 2 :]
    while len(left) >= 2:
        number, size = left[0], left[1]
        text = left[2 : 2 + size].split(b"\0", 1)[0].decode("utf-8", "replace")
        found[number] = "".join(letter for letter in text if letter.isprintable()).strip()
        left = left[2 + size :]
    return found


def is_answer(data: bytes, request: Request, number: bytes) -> bool:
    """Return whether the bytes are exactly the frame that answers ``request``, sent under these two bytes."""
    return (
        len(data) == _MBAP_SIZE + request.answer_size
        and data.startswith(number)
        and data.startswith(request.head, 2)
    )


def find_exception(data: bytes, request: Request, number: bytes) -> int:
    """Return the exception if the bytes are exactly the frame that refuses ``request``; else 0."""
    if len(data) != _MBAP_SIZE + 2 or not data.startswith(number):
        return 0
    return data[8] if data[2:8] == bytes((0, 0, 0, 3, request.unit, request.function | 0x80)) else 0


def take_tcp_answer(buffer: bytearray, request: Request, number: int, seen: LateAnswers) -> Answer | None:
    """Take frames from ``buffer`` up to the answer with transaction ``number``; None if it is not there.

    Frames with another number are late answers: dropped and counted.  Raises GarbledAnswer or OutOfSync, also
    if no frame begins after the answer: then it was cut short and contains bytes of the next.
    """
    while len(buffer) >= _MBAP_SIZE:
        transaction, _, length, unit = _MBAP.unpack_from(buffer)
        _check_header(buffer)
        if len(buffer) < 6 + length:
            return None
        pdu = bytes(buffer[_MBAP_SIZE : 6 + length])
        del buffer[: 6 + length]
        if transaction != number:
            seen.late += 1
            continue
        if unit != request.unit:
            raise GarbledAnswer(f"unit {unit}, expected {request.unit}")
        _check_header(buffer)
        return parse_answer(request, pdu)
    return None


def _check_header(buffer: bytearray) -> None:
    """Raise OutOfSync if the bytes cannot begin a frame, as far as they are here."""
    protocol, length = int.from_bytes(buffer[2:4], "big"), int.from_bytes(buffer[4:6], "big")
    if (len(buffer) >= 4 and protocol) or (len(buffer) >= 6 and length not in _LENGTHS):
        raise OutOfSync(f"a header of protocol {protocol}, length {length}")


# The longest frame of a serial line is 256 bytes; more than a few of them is traffic of others.
_CHATTER_MAX = 1024


@dataclass(slots=True)
class RtuAnswerSearch:
    """Searches the answer to one request on a serial line, past noise and other frames.

    ``wrong`` describes the last valid frame of this unit that is no answer to the request (usually a late
    answer to an older one), ``wrong_count`` counts them.  ``before`` and ``rest`` are the bytes around the
    answer.
    """

    request: Request
    wrong: str = ""
    wrong_count: int = 0
    before: bytes = b""
    rest: bytes = b""
    buffer: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Answer | None:
        """Add bytes; return the answer, or None while it is incomplete.

        Raises GarbledAnswer if a complete answer with a wrong checksum is there.
        """
        self.buffer += data
        if self.missing > 0:
            return None
        return self.search()

    @property
    def missing(self) -> int:
        """The number of missing bytes if what is here is the beginning of the answer; else 0."""
        head = bytes([self.request.unit]) + self.request.sound
        begun = self.buffer[: len(head)] == head[: len(self.buffer)]
        return max(0, self.request.answer_size + 3 - len(self.buffer)) if begun else 0

    @property
    def is_headed(self) -> bool:
        """Return whether the buffer begins like the answer, its size included: hardly anything else does."""
        return self.buffer.startswith(bytes([self.request.unit]) + self.request.sound)

    def search(self) -> Answer | None:
        """Search all that came, including a seemingly unfinished answer; raises as ``feed`` does."""
        del self.buffer[:-_CHATTER_MAX]
        start = 0
        while start < len(self.buffer) - 4:
            pdu = self._sound(start) if self.buffer[start] == self.request.unit else None
            if pdu is None:
                start += 1
                continue
            self.before, self.rest = bytes(self.buffer[:start]), bytes(self.buffer[start + len(pdu) + 3 :])
            del self.buffer[: start + len(pdu) + 3]
            try:
                return parse_answer(self.request, pdu)
            except GarbledAnswer as error:
                self.wrong = str(error)
                self.wrong_count += 1
                start = 0
        whole = self.request.function != READ_DEVICE_ID and len(self.buffer) >= self.request.answer_size + 3
        if whole and self._begins():
            raise GarbledAnswer("a wrong checksum")
        return None

    def _begins(self) -> bool:
        return self.buffer[0] == self.request.unit and self.buffer[1] == self.request.function

    def _sound(self, start: int) -> bytes | None:
        """Return the PDU of the complete, valid frame at ``start``; else None."""
        function = self.buffer[start + 1]
        if function & 0x80:
            size = 2
        elif function == READ_DEVICE_ID:
            size = _find_identity_size(self.buffer[start + 1 :]) or len(self.buffer)
        elif function in (*_BIT_READS, *_REGISTER_READS, READ_WRITE_REGISTERS):
            size = 2 + self.buffer[start + 2]
        else:
            size = 7 if function == MASK_WRITE else 5
        end = start + 1 + size
        if len(self.buffer) < end + 2:
            return None
        if crc16(self.buffer[start : end + 2]):
            return None
        return bytes(self.buffer[start + 1 : end])


def render_exception(answer: Answer) -> str:
    """Return the meaning of an answer's exception."""
    return EXCEPTIONS.get(answer.exception, f"exception {answer.exception}")
