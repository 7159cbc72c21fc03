"""Carry APDUs over HDLC or the TCP wrapper; sign on through an optical head (pure).

IEC 62056-46 (HDLC, normal response mode, the client is the primary station), IEC 62056-47 (wrapper).
"""

import re
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.meter.dlms import hdlc
from quartier_drivers.meter.dlms.hdlc import HdlcFrame
from quartier_drivers.meter.dlms.scanner import WRAPPED_MAX, FrameScanner, WrappedApdu
from quartier_drivers.meter.telegrams import Conversation, LineRequest

ANSWER_MAX = 65_536
"""The longest answer that is joined."""


RELEASE_REQUEST = bytes([0x62, 0x03, 0x80, 0x01, 0x00])
"""A release request, reason normal (IEC 62056-5-3, 7.3.7.4)."""


_INFORMATION_MAX = 128  # what counts where nothing is negotiated (IEC 62056-46, 6.4.4.4.3.2)
_INFORMATION_LIMIT = 1024
_FRAMES_MAX = 1024  # of one answer
_HEARD_MAX = 16_384  # bytes in which no answer is, before it is given up


class MeterLink(Protocol):
    """One client's connection to one meter."""

    def connect(self) -> Conversation[None]:
        """Set the link up; raises NoReply or Refused."""
        ...

    def exchange(self, apdu: bytes) -> Conversation[bytes]:
        """Send an APDU and return its answer; raises NoReply."""
        ...

    def disconnect(self) -> Conversation[None]:
        """End the connection; a missing answer does not matter."""
        ...


class WrapperLink:
    """APDUs after the wrapper's header; ``client`` and ``server`` are wrapper ports."""

    def __init__(self, client: int, server: int, *, wait_s: float = 5.0) -> None:
        self._client = client
        self._server = server
        self._wait_s = wait_s
        self._scanner = FrameScanner()

    def connect(self) -> Conversation[None]:
        """Reset the scanner; there is nothing to set up and nothing is raised."""
        self._scanner = FrameScanner()
        yield from ()

    def exchange(self, apdu: bytes) -> Conversation[bytes]:
        """Send an APDU and return its answer; raises NoReply."""
        answer = yield from self._receive_answer(apdu)
        if answer is None:
            raise NoReply("no answer behind a wrapper's head")
        return answer

    def disconnect(self) -> Conversation[None]:
        """Release the association: over TCP nothing else ends it."""
        yield from self._receive_answer(RELEASE_REQUEST)

    def _receive_answer(self, apdu: bytes) -> Conversation[bytes | None]:
        if len(apdu) > WRAPPED_MAX:
            raise Refused(f"a request of {len(apdu)} bytes is too long")
        head = b"".join(part.to_bytes(2, "big") for part in (1, self._client, self._server, len(apdu)))
        data = yield LineRequest(head + apdu, self._wait_s, fresh=True)
        left = 2 * ANSWER_MAX
        while data and left > 0:
            left -= len(data)
            for found in self._scanner.feed(data):
                frame = found.frame
                if isinstance(frame, WrappedApdu) and (frame.source, frame.destination) == (
                    self._server,
                    self._client,
                ):
                    return frame.data
            data = yield LineRequest(b"", self._wait_s)
        return None


class HdlcLink:
    """The client's side of an HDLC link with a window of one.

    Lost frames are requested again, at most twice; a repeated frame counts once.  ``is_optical``: the meter
    is first woken by the sign-on of IEC 62056-21 mode E.
    """

    def __init__(
        self, client: int, server: bytes, *, wait_s: float = 2.0, retries: int = 2, is_optical: bool = False
    ) -> None:
        self._is_optical = is_optical
        self._client = hdlc.encode_address(client, 1)
        self._server = server
        self._ends = client, hdlc.decode_address(server)
        self._wait_s = wait_s
        self._retries = retries
        self._scanner = FrameScanner()
        self._frames: deque[HdlcFrame] = deque()
        self._send_max = self._receive_max = _INFORMATION_MAX
        self._sent = self._received = 0

    def connect(self) -> Conversation[None]:
        """Set the link up (SNRM, UA) and use the sizes that the meter grants."""
        self._scanner, self._sent, self._received = FrameScanner(), 0, 0
        self._frames.clear()
        if self._is_optical:
            yield from sign_on()
        request = _encode_parameters(_INFORMATION_LIMIT)
        for attempt in range(self._retries + 1):
            # A meter without negotiation stays silent; the last try asks for nothing.
            information = request if attempt < self._retries else b""
            answer = yield from self._answer(
                hdlc.SNRM | hdlc.POLL, information, (hdlc.UA, hdlc.DM), fresh=True
            )
            if answer is None:
                continue
            if answer.kind == hdlc.DM:
                raise Refused("the meter takes no HDLC connection now (DM)")
            self._send_max, self._receive_max = _parse_parameters(answer.information)
            return
        raise NoReply("no answer to the HDLC connect (SNRM): address, baud rate or cable")

    def disconnect(self) -> Conversation[None]:
        """Send DISC; any answer will do."""
        yield from self._answer(hdlc.DISC | hdlc.POLL, b"", (hdlc.UA, hdlc.DM))

    def exchange(self, apdu: bytes) -> Conversation[bytes]:
        """Send an APDU in as many frames as needed, and join the answer; raises NoReply."""
        rest = hdlc.LLC_SENT + apdu
        while len(rest) > self._send_max:
            yield from self._send(rest[: self._send_max], is_segmented=True)
            rest = rest[self._send_max :]
        frame = yield from self._send(rest, is_segmented=False)
        answer = bytearray()
        is_due = True
        for _ in range(_FRAMES_MAX):
            if frame is None:
                frame = yield from self._receive_answer(is_due=is_due)
            self._received = (self._received + 1) % 8
            answer += frame.information
            if len(answer) > ANSWER_MAX:
                raise NoReply(f"an answer of more than {ANSWER_MAX} bytes")
            if not frame.is_segmented:
                return _strip_llc(bytes(answer))
            is_due, frame = frame.is_final, None
        raise NoReply(f"an answer of more than {_FRAMES_MAX} frames")

    def _send(self, information: bytes, *, is_segmented: bool) -> Conversation[HdlcFrame | None]:
        """Send an information frame until it is acknowledged.

        Return the first frame of an answer if it came.
        """
        number = self._sent
        control = number << 1 | hdlc.POLL | self._received << 5
        frame = hdlc.make_frame(self._server, self._client, control, information, is_segmented=is_segmented)
        self._sent = (number + 1) % 8
        ask = frame
        for _ in range(2 * (self._retries + 1)):
            answer = yield from self._next(ask, fresh=ask is frame)
            if answer is None:
                ask = self._ready()  # perhaps only the answer was lost
            elif answer.kind == 0:
                return None if is_segmented else answer
            elif answer.receive_sequence_number == self._sent:
                if is_segmented:
                    return None
                ask = self._ready()
            else:
                ask = frame
        raise NoReply("the meter does not take a request")

    def _receive_answer(self, *, is_due: bool) -> Conversation[HdlcFrame]:
        """Return the next information frame of an answer; if it is due, the meter waits for a request."""
        ask = self._ready() if is_due else b""
        for _ in range(self._retries + 1):
            answer = yield from self._next(ask)
            if answer is not None and answer.kind == 0:
                return answer
            ask = self._ready()
        raise NoReply("an answer that does not go on")

    def _ready(self) -> bytes:
        return hdlc.make_frame(self._server, self._client, hdlc.RR | hdlc.POLL | self._received << 5)

    def _next(self, ask: bytes, *, fresh: bool = False) -> Conversation[HdlcFrame | None]:
        """Send; return the next information frame in order, or RR, RNR; None if none came in time."""
        if ask:
            self._frames.clear()
        send, left = ask, _HEARD_MAX
        while left > 0:
            frame = self._take_frame()
            if frame is None:
                data = yield LineRequest(send, self._wait_s, fresh=fresh)
                send, fresh = b"", False
                if not data:
                    return None
                left -= len(data)
                self._frames.extend(self._find_own_frames(data))
                continue
            if frame.kind in (hdlc.DM, hdlc.FRMR):
                raise NoReply("the meter has dropped the HDLC connection")
            if frame.kind in (hdlc.RR, hdlc.RNR) or (
                frame.kind == 0 and frame.send_sequence_number == self._received
            ):
                return frame
        return None

    def _answer(
        self, control: int, information: bytes, kinds: tuple[int, ...], *, fresh: bool = False
    ) -> Conversation[HdlcFrame | None]:
        """Send an unnumbered frame; return the answer of one of ``kinds``, None if none came in time."""
        send = hdlc.make_frame(self._server, self._client, control, information)
        left = _HEARD_MAX
        while left > 0:
            data = yield LineRequest(send, self._wait_s, fresh=fresh)
            send, fresh = b"", False
            if not data:
                return None
            left -= len(data)
            for frame in self._find_own_frames(data):
                if frame.kind in kinds:
                    return frame
        return None

    def _find_own_frames(self, data: bytes) -> Iterator[HdlcFrame]:
        """Yield frames of this meter for this client; our own echo is ignored."""
        for found in self._scanner.feed(data):
            frame = found.frame
            if isinstance(frame, HdlcFrame) and (frame.destination, frame.source) == self._ends:
                yield frame

    def _take_frame(self) -> HdlcFrame | None:
        return self._frames.popleft() if self._frames else None


def _strip_llc(answer: bytes) -> bytes:
    return answer[3:] if answer[:3] == hdlc.LLC_HEARD else answer


def _encode_parameters(information_max: int) -> bytes:
    """Return the information field of SNRM: longest information sent and received, both windows 1."""
    size = information_max.to_bytes(2, "big")
    fields = b"\x05\x02" + size + b"\x06\x02" + size + b"\x07\x04\0\0\0\x01\x08\x04\0\0\0\x01"
    return bytes([0x81, 0x80, len(fields)]) + fields


def _parse_parameters(information: bytes) -> tuple[int, int]:
    """Return the sizes that this side may send and will receive; UA states them from the meter's side."""
    found = {0x05: _INFORMATION_MAX, 0x06: _INFORMATION_MAX}
    at = 3
    if information[:2] == b"\x81\x80":
        while at + 2 <= len(information):
            key, size = information[at], information[at + 1]
            if key in found and 1 <= size <= 4:
                found[key] = int.from_bytes(information[at + 2 : at + 2 + size], "big")
            at += 2 + size
    send, receive = found[0x06], found[0x05]
    return min(max(send, 16), _INFORMATION_LIMIT), min(max(receive, 16), _INFORMATION_LIMIT)


SIGN_ON_BAUDS = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19_200}
_REQUEST = b"/?!\r\n"
_IDENTITY = re.compile(rb"/[A-Za-z]{3}([0-9A-Z])(\\[0-9A-Z])*[^\r\n/!]{0,16}\r\n")
_HDLC = b"2"  # protocol and mode of the acknowledgement: HDLC, binary
_SIGN_ON_HEARD_MAX = 256
_WAIT_S = 2.5  # the answer begins within 1.5 s (6.5.3)


def sign_on() -> Conversation[int]:
    """Wake the meter at 300 baud and change to HDLC at the speed that it proposes; return that speed.

    Raises NoReply.
    """
    data = yield LineRequest(_REQUEST, _WAIT_S, 300, "7E1", fresh=True)
    said = bytearray(data)
    while data and len(said) < _SIGN_ON_HEARD_MAX:
        # An optical head may return our own bytes: our own request is no identification.
        found = _IDENTITY.search(bytes(byte & 0x7F for byte in said))
        if found is not None:
            speed = found[1]
            baud = SIGN_ON_BAUDS.get(speed.decode())
            if baud is None:
                raise NoReply(f"the meter proposes the speed {speed.decode()!r}, known are 0 to 6")
            yield LineRequest(b"\x06" + _HDLC + speed + _HDLC + b"\r\n", 0.3)
            yield LineRequest(b"", 0.3, baud, "8N1", fresh=True)
            return baud
        data = yield LineRequest(b"", _WAIT_S)
        said += data
    raise NoReply("nothing answers the sign-on at 300 baud: optical head, or no meter of this kind")
