"""Find frames of the SML transport protocol and check their CRC (pure).

BSI TR-03109-1, annex IV part b, 8.1 (SML transport protocol, version 1): ``1b1b1b1b 01010101``, messages, 0
to 3 bytes of fill, ``1b1b1b1b 1a``, number of fill bytes, CRC-16 over all before it.  An escape within the
messages is doubled.
"""

from collections.abc import Sequence
from typing import NamedTuple

from quartier_drivers.meter.sml.list_reader import crc16_ccitt


class ChecksumVariant(NamedTuple):
    """One kind of checksum: a register begins with ``first``; at the end its bits ``flip`` are inverted.

    ``is_high_first``: the two bytes are in the other order on the wire.
    """

    first: int
    flip: int
    is_high_first: bool = False

    def wire(self, state: int) -> bytes:
        """Return the two bytes on the wire for a register as ``crc16_ccitt`` left it."""
        return (state ^ self.flip).to_bytes(2, "big" if self.is_high_first else "little")

    def of(self, data: bytes) -> bytes:
        """Return the two bytes on the wire after ``data``."""
        return self.wire(crc16_ccitt(data, self.first))


X25 = ChecksumVariant(0xFFFF, 0xFFFF)
KERMIT = ChecksumVariant(0x0000, 0x0000)
KERMIT_HIGH_FIRST = ChecksumVariant(0x0000, 0x0000, is_high_first=True)
"""The kind that Holley's DTZ541 sends."""


ESCAPE = b"\x1b\x1b\x1b\x1b"
_VERSION = b"\x01\x01\x01\x01"
BEGIN = ESCAPE + _VERSION
FRAME_MAX = 16_384
"""Size of the longest frame in bytes: an optical head at 9600 baud takes 17 s for it."""


NOISE_RESYNC = 512
"""This many bytes without a beginning count as one more search for it."""


_ESC = 0x1B
_END = 0x1A
_FILL_MAX = 3
_TAIL = 4  # what follows an escape


class TransportFrame(NamedTuple):
    """The content of a valid frame, as it was sent: escapes are still doubled.

    ``bad_count`` is the number of invalid frames before it.
    """

    content: bytes
    bad_count: int


class TransportDecoder:
    """Takes bytes and returns the content of valid frames.

    ``ways`` are the accepted kinds of a frame's CRC; ``strange_count`` frames have one of ``others`` and are
    bad all the same.  Keeps at most ``FRAME_MAX`` bytes and examines none more than twice.  A beginning
    within a frame begins another one: a lost end costs only its own frame.
    """

    __slots__ = (
        "_at",
        "_firsts",
        "_held",
        "_is_inside",
        "_noise_count",
        "_others",
        "_perhaps",
        "_run_end",
        "_states",
        "_summed",
        "_ways",
        "bad_count",
        "resync_count",
        "strange_count",
    )

    def __init__(self, ways: Sequence[ChecksumVariant], others: Sequence[ChecksumVariant] = ()) -> None:
        self._ways = tuple(ways)
        self._others = tuple(others)
        self._firsts = tuple(way.first for way in ways)
        self._held = bytearray()
        self._noise_count = 0
        self.bad_count = 0
        self.resync_count = 0
        self.strange_count = 0
        self._begin(is_inside=False)

    def feed(self, data: bytes) -> list[TransportFrame]:
        """Take the next bytes; return the content of the frames that they complete."""
        self._held += data
        frames: list[TransportFrame] = []
        while self._step(frames) if self._is_inside else self._find():
            pass
        return frames

    def end(self) -> None:
        """Finish: an unfinished frame is a bad one."""
        if self._is_inside:
            self.bad_count += 1
        self._held.clear()
        self._begin(is_inside=False)

    def _begin(self, *, is_inside: bool) -> None:
        self._is_inside = is_inside
        self._at = len(BEGIN)
        self._run_end = 0
        self._perhaps = 0
        self._summed = 0
        self._states = self._firsts

    def _find(self) -> bool:
        """Find a beginning outside of frames; return whether one was found."""
        if not self._held:
            return False
        at = self._held.find(BEGIN)
        noise_count = at if at >= 0 else max(0, len(self._held) - len(BEGIN) + 1)
        if noise_count:
            del self._held[:noise_count]
            resyncs, self._noise_count = divmod(self._noise_count + noise_count, NOISE_RESYNC)
            self.resync_count += resyncs
        if at < 0:
            return False
        self.resync_count += self._noise_count > 0
        self._noise_count = 0
        self._begin(is_inside=True)
        return True

    def _step(self, frames: list[TransportFrame]) -> bool:
        """Go to the next escape within the frame; return whether there may be more to do."""
        held = self._held
        at = held.find(ESCAPE, self._at)
        if at < 0:
            self._at = max(self._at, len(held) - len(ESCAPE) + 1)
            return self._is_too_long(len(held))
        size, end = len(held), max(self._run_end, at + len(ESCAPE))
        while end < size and held[end] == _ESC:
            end += 1
        if size < end + _TAIL:
            self._at, self._run_end = at, end
            return self._is_too_long(size)
        if end + _TAIL > FRAME_MAX:
            return self._is_too_long(end + _TAIL)
        self._judge(at, end, frames)
        return True

    def _is_too_long(self, size: int) -> bool:
        if size > FRAME_MAX:
            self._fail(len(BEGIN))
            return True
        return False

    def _judge(self, at: int, end: int, frames: list[TransportFrame]) -> None:
        """Interpret the escapes from ``at`` to ``end``.

        Four are a beginning or an end, eight are data, and so on.
        """
        held = self._held
        if held.startswith(_VERSION, end):
            if end - at < 2 * len(ESCAPE):
                self._perhaps = self._perhaps or end - len(ESCAPE)
                self._fail(0)
                return
            # A doubled escape followed by ones, or a beginning right after a frame that was cut short.
            self._perhaps = end - len(ESCAPE)
        elif held[end] == _END:
            if self._is_sound(end):
                content = bytes(held[len(BEGIN) : end - len(ESCAPE) - held[end + 1]])
                frames.append(TransportFrame(content, self.bad_count))
                del held[: end + _TAIL]
                self._begin(is_inside=False)
                return
            is_where_ends_are = (end - at) % (2 * len(ESCAPE)) == len(ESCAPE) and end % len(ESCAPE) == 0
            if is_where_ends_are or self._perhaps:
                data, told = bytes(held[: end + 2]), held[end + 2 : end + _TAIL]
                self.strange_count += any(way.of(data) == told for way in self._others)
                self._fail(end + 1)
                return
            # Not where an end can be: data of a meter that doubles only escapes at multiples of four.
        self._at, self._run_end = end, 0

    def _is_sound(self, end: int) -> bool:
        """Return whether the CRC after an end is valid.

        Sums each byte once, however many possible ends there are.
        """
        held = self._held
        part = bytes(held[self._summed : end])
        self._states = tuple([crc16_ccitt(part, state) for state in self._states])
        self._summed = end
        tail, data = bytes(held[end : end + 2]), held[end + 2 : end + _TAIL]
        if tail[1] > _FILL_MAX:
            return False
        for way, state in zip(self._ways, self._states, strict=True):
            if way.wire(crc16_ccitt(tail, state)) == data:
                return True
        return False

    def _fail(self, upto: int) -> None:
        """Reject the frame: continue at a beginning that it may have swallowed, else after ``upto``."""
        self.bad_count += 1
        del self._held[: self._perhaps or upto]
        self._begin(is_inside=self._perhaps > 0)


def unescape_frame(frame: bytes) -> tuple[bytes, ...]:
    """Return the possible contents with doubled escapes made single: by the standard, and as meters do it.

    Some meters double only an escape at a multiple of four, some none.
    """
    blocks = [frame[at : at + len(ESCAPE)] for at in range(0, len(frame), len(ESCAPE))]
    aligned, is_doubled = bytearray(), False
    for block in blocks:
        is_doubled = block == ESCAPE and not is_doubled
        if block != ESCAPE or is_doubled:
            aligned += block
    standard = frame.replace(ESCAPE + ESCAPE, ESCAPE)
    return tuple(dict.fromkeys((standard, bytes(aligned), frame)))
