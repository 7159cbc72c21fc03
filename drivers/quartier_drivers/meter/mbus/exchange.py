"""One request on an M-Bus line and its result: nothing, a character, a frame, or noise; pure.

Simultaneous answers of several meters overlap on the line: their E5 may look like one, or like anything, and
so may their frames.  So noise is an answer too.
"""

from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum

from quartier_drivers.meter.mbus.frame import ACK, FRAME_MAX, Frame, Framer
from quartier_drivers.meter.mbus.timing import Timing
from quartier_drivers.meter.talk import Ask

_HEARD_MAX = 4 * FRAME_MAX
_ACKNOWLEDGED = bytes((ACK,))
# Bytes of a long frame besides its data.
_AROUND = 9


class Kind(Enum):
    """The kind of a result."""

    SILENCE = "no answer"
    ACKNOWLEDGED = "acknowledged"
    FRAME = "a frame"
    NOISE = "noise or several at once"


@dataclass(frozen=True, slots=True)
class Heard:
    """The bytes received after a request.

    ``frame`` is the only good answer in them: alone if ``kind`` is ``FRAME``, with other bytes around it if
    it is ``NOISE``.
    """

    kind: Kind
    frame: Frame | None = None
    data: bytes = b""


SILENCE = Heard(Kind.SILENCE)
Exchange = Generator[Ask, bytes, Heard]


def exchange(request: bytes, timing: Timing, *, to_the_end: bool = False) -> Exchange:
    """Send ``request`` and receive the answer; an echo of the request is skipped.

    ``to_the_end``: after a complete answer, wait until no second meter can still answer; else stop there.
    """
    heard = yield Ask(request, wait_s=timing.answer_s(len(request)), fresh=True)
    while heard and len(heard) < _HEARD_MAX:
        data = _without_echo(heard, request)
        is_whole = _is_whole(data)
        if is_whole and not to_the_end:
            return judged(data + (yield Ask(wait_s=timing.rest_s)))
        more = yield Ask(wait_s=timing.answer_s() if is_whole or (heard and not data) else timing.gap_s)
        if not more:
            return judged(data)
        heard += more
    return Heard(Kind.NOISE, data=heard) if heard else SILENCE


def _without_echo(heard: bytes, request: bytes) -> bytes:
    """Return the bytes without the echo of the request, which may be incomplete."""
    if request.startswith(heard):
        return b""
    return heard.removeprefix(request)


def _is_whole(data: bytes) -> bool:
    return data == _ACKNOWLEDGED or any(frame.is_answer for frame in Framer().feed(data))


def judged(data: bytes) -> Heard:
    """Classify the bytes received after a request."""
    if not data:
        return SILENCE
    if data == _ACKNOWLEDGED:
        return Heard(Kind.ACKNOWLEDGED, data=data)
    framer = Framer()
    answers = [frame for frame in framer.feed(data) + framer.end() if frame.is_answer]
    if len(answers) != 1:
        return Heard(Kind.NOISE, data=data)
    alone = len(data) == _AROUND + len(answers[0].data)
    return Heard(Kind.FRAME if alone else Kind.NOISE, answers[0], data)
