"""Frames, waiting times and exchanges of wired M-Bus (pure).

Simultaneous answers of several meters overlap on the line: their E5 may look like one, or like anything, and
so may their frames.  So noise is an answer too.

EN 13757-2:2018 clause 5, after EN 60870-5-1 format class FT 1.2: a single character E5, a short frame ``10 C
A CS 16``, a long frame ``68 L L 68 C A CI … CS 16``; CS is the sum of all from C on, modulo 256.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass, field
from enum import Enum

from quartier_drivers.meter.telegrams import DecoderCounts, LineRequest

_SHORT_SIZE, _AROUND, _LENGTH_MIN = 5, 6, 3
FRAME_MAX = 255 + _AROUND
"""Size of the longest frame, and most bytes that a ``MbusFramer`` keeps between two chunks."""


_HEARD_MAX = 4 * FRAME_MAX
ACK = 0xE5
_ACKNOWLEDGED = bytes((ACK,))
# Bytes of a long frame besides its data.
_FRAME_OVERHEAD = 9


class AnswerKind(Enum):
    """The kind of a result."""

    SILENCE = "no answer"
    ACKNOWLEDGED = "acknowledged"
    FRAME = "a frame"
    NOISE = "noise or several at once"


@dataclass(frozen=True, slots=True)
class MbusFrame:
    """One frame with a valid checksum; ``ci`` is -1 in a short one.

    ``bad_count`` is the number of failed frames between the one before and this one.
    """

    control: int
    address: int
    ci: int = -1
    data: bytes = b""
    bad_count: int = field(default=0, compare=False)

    @property
    def is_answer(self) -> bool:
        """Return whether a meter sent the frame: RSP_UD."""
        return self.ci >= 0 and self.control & ~_FLAGS == _RSP_UD


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """The bytes received after a request.

    ``frame`` is the only good answer in them: alone if ``kind`` is ``FRAME``, with other bytes around it if
    it is ``NOISE``.
    """

    kind: AnswerKind
    frame: MbusFrame | None = None
    data: bytes = b""


NO_ANSWER = LineAnswer(AnswerKind.SILENCE)
ExchangeSteps = Generator[LineRequest, bytes, LineAnswer]


@dataclass(frozen=True, slots=True)
class LineTiming:
    """Waiting times in s of real time, from the last bit sent or received."""

    baud: int = 2400
    slow_s: float = 0.0
    """How much longer these meters take than the standard allows, in s."""
    over_tcp: bool = False
    """Whether a network is in between: the end of sending is unknown, and bytes may arrive late."""

    def answer_s(self, size: int = 0) -> float:
        """Return the time in s to the first byte of an answer: 330 bits and 50 ms.

        ``size`` is the size of the request in bytes; its own time counts only ``over_tcp``.
        """
        sending_s = self.sending_s(size) + _NETWORK_S if self.over_tcp else 0.0
        return _ANSWER_BITS / self.baud + _ANSWER_S + sending_s + self.slow_s

    @property
    def gap_s(self) -> float:
        """The longest pause within an answer; longer silence ends it."""
        return _REST_BITS / self.baud + _GAP_S + (_NETWORK_GAP_S if self.over_tcp else 0.0)

    @property
    def rest_s(self) -> float:
        """The pause between an answer and the next request."""
        return _REST_BITS / self.baud

    @property
    def busy_s(self) -> float:
        """The pause before a busy meter is asked again."""
        return 1.0

    def sending_s(self, size: int) -> float:
        """Return the time of ``size`` bytes on the line, in s."""
        return size * CHARACTER_BITS / self.baud

    def reading_s(self, *, selects: bool) -> float:
        """Return the longest time of a reading of one telegram: its reset or selection, then the telegram."""
        first_s = self.sending_s((_SELECTION_BYTES if selects else _SHORT_BYTES) + _ACK_BYTES)
        telegram_s = self.sending_s(_SHORT_BYTES + _ANSWER_BYTES)
        return first_s + telegram_s + 2 * (self.answer_s() + self.rest_s)


def exchange_request(request: bytes, timing: LineTiming, *, to_the_end: bool = False) -> ExchangeSteps:
    """Send ``request`` and receive the answer; an echo of the request is skipped.

    ``to_the_end``: after a complete answer, wait until no second meter can still answer; else stop there.
    """
    heard = yield LineRequest(request, wait_s=timing.answer_s(len(request)), fresh=True)
    while heard and len(heard) < _HEARD_MAX:
        data = _strip_echo(heard, request)
        is_whole = _is_whole(data)
        if is_whole and not to_the_end:
            return classify_answer(data + (yield LineRequest(wait_s=timing.rest_s)))
        more = yield LineRequest(
            wait_s=timing.answer_s() if is_whole or (heard and not data) else timing.gap_s
        )
        if not more:
            return classify_answer(data)
        heard += more
    return LineAnswer(AnswerKind.NOISE, data=heard) if heard else NO_ANSWER


def _strip_echo(data: bytes, request: bytes) -> bytes:
    """Return the bytes without the echo of the request, which may be incomplete."""
    if request.startswith(data):
        return b""
    return data.removeprefix(request)


def _is_whole(data: bytes) -> bool:
    return data == _ACKNOWLEDGED or any(frame.is_answer for frame in MbusFramer().feed(data))


def classify_answer(data: bytes) -> LineAnswer:
    """Classify the bytes received after a request."""
    if not data:
        return NO_ANSWER
    if data == _ACKNOWLEDGED:
        return LineAnswer(AnswerKind.ACKNOWLEDGED, data=data)
    framer = MbusFramer()
    answers = [frame for frame in framer.feed(data) + framer.end() if frame.is_answer]
    if len(answers) != 1:
        return LineAnswer(AnswerKind.NOISE, data=data)
    alone = len(data) == _FRAME_OVERHEAD + len(answers[0].data)
    return LineAnswer(AnswerKind.FRAME if alone else AnswerKind.NOISE, answers[0], data)


_SHORT, _LONG, _STOP = 0x10, 0x68, 0x16
_BEGINS = re.compile(rb"[\x10\x68\xe5]")
# Control fields (5.4.4): from the master …
SND_NKE, SND_UD, REQ_UD2, FCB = 0x40, 0x53, 0x5B, 0x20
# … and of an answer with data, whose bits ACD and DFC may be set.
_RSP_UD, _FLAGS = 0x08, 0x30
NETWORK, BROADCAST_ANSWERED, BROADCAST = 253, 254, 255
"""Addresses: the selected meter; all, with answer; all, without answer."""


SELECT, RESET = 0x52, 0x50
"""Control information to a meter: secondary selection, application reset."""


@dataclass(slots=True)
class MbusFramer:
    """Finds frames, with the same result for any chunking.

    Single characters, which have no check, are left out. A failed frame gives back all but its first byte: a
    good frame may begin inside it.  Time is linear: each beginning costs one check of at most 261 bytes.
    """

    counts: DecoderCounts = field(default_factory=DecoderCounts)
    _buffer: bytearray = field(default_factory=bytearray)
    _wanted: int = 1
    _is_lost: bool = False
    _bad_count: int = 0

    def feed(self, data: bytes) -> list[MbusFrame]:
        """Take bytes; return the frames that they complete."""
        self._buffer += data
        self.counts.bytes_count += len(data)
        return self._frames(last=False) if len(self._buffer) >= self._wanted else []

    def end(self) -> list[MbusFrame]:
        """Return the frames inside an unfinished one: no more bytes come."""
        return self._frames(last=True)

    def _frames(self, *, last: bool) -> list[MbusFrame]:
        buffer, at, found = bytes(self._buffer), 0, []
        self._wanted = 1
        while (begin := _BEGINS.search(buffer, at)) is not None:
            if begin.start() > at:
                self._lose()
            at = begin.start()
            if buffer[at] == ACK:
                at += 1
                continue
            size = _find_size(buffer, at)
            if size > len(buffer) - at and not last:
                self._wanted = size
                break
            body = _find_body(buffer, at, size)
            if body is not None:
                found.append(self._make_frame(body))
                self._is_lost = False
                at += size
                continue
            if size > _SHORT_SIZE:
                self._bad_count += 1
                self.counts.bad_count += 1
            self._lose()
            at += 1
        else:
            if at < len(buffer):
                self._lose()
            at = len(buffer)
        del self._buffer[:at]
        return found

    def _make_frame(self, body: bytes) -> MbusFrame:
        bad_count, self._bad_count = self._bad_count, 0
        if len(body) < _LENGTH_MIN:
            return MbusFrame(body[0], body[1], bad_count=bad_count)
        return MbusFrame(body[0], body[1], body[2], body[3:], bad_count)

    def _lose(self) -> None:
        self.counts.resync_count += not self._is_lost
        self._is_lost = True


def _find_size(buffer: bytes, at: int) -> int:
    """Return the length of the frame at ``at`` as far as known; 0 if none begins there."""
    if buffer[at] == _SHORT:
        return _SHORT_SIZE
    head = buffer[at : at + 4]
    if len(head) > 1 and head[1] < _LENGTH_MIN:
        return 0
    if (len(head) > 2 and head[2] != head[1]) or (len(head) > 3 and head[3] != _LONG):
        return 0
    return head[1] + _AROUND if len(head) == 4 else 4


def _find_body(buffer: bytes, at: int, size: int) -> bytes | None:
    """Return the bytes under the checksum if the frame is complete and valid; else None."""
    end = at + size - 2
    if not size or end + 2 > len(buffer) or buffer[end + 1] != _STOP:
        return None
    body = buffer[at + (1 if size == _SHORT_SIZE else 4) : end]
    return body if sum(body) & 0xFF == buffer[end] else None


def make_short_frame(control: int, address: int) -> bytes:
    """Return a short frame to send."""
    return bytes((_SHORT, control, address, (control + address) & 0xFF, _STOP))


def make_long_frame(control: int, address: int, ci: int, data: bytes = b"") -> bytes:
    """Return a long frame to send, of at most 252 bytes of data."""
    body = bytes((control, address, ci)) + data
    return bytes((_LONG, len(body), len(body), _LONG)) + body + bytes((sum(body) & 0xFF, _STOP))


BAUDS = (300, 600, 1200, 2400, 4800, 9600)
CHARACTER_BITS = 11
_ANSWER_BITS, _ANSWER_S = 330, 0.05
_REST_BITS = 33
# A short frame, a selection, an acknowledgement, the longest answer (EN 13757-2, 5.7; EN 13757-7, 8).
_SHORT_BYTES, _SELECTION_BYTES, _ACK_BYTES, _ANSWER_BYTES = 5, 17, 1, 261
# A frame has no gaps, but its transport may: USB adapters hold bytes back for 16 ms, a network for longer.
_GAP_S = 0.03
_NETWORK_S, _NETWORK_GAP_S = 0.1, 0.2
