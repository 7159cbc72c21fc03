"""TIC bytes into telegrams: a push parser that loses exactly the groups that noise hit.

Every control byte ends what was before it, and what stands between two of them is judged by itself: so a
stray one costs the group it fell into and no other.  Frames are put together from good groups; STX and ETX
only say where they may end, because noise forges and swallows them too.  Sound lines are read, and frames
put together, by ``quartier_native``'s ``LineReader``; here is what to do with all others.
"""

from quartier_drivers.meter.telegram import Counts, Group, Telegram
from quartier_drivers.meter.tic.group import salvaged, whole
from quartier_drivers.meter.tic.labels import KINDS
from quartier_drivers.meter.tic.line_order import LineOrder
from quartier_native.meters import LINE_CONTROLS, LineReader

SPAN_MAX = 1024
"""Bytes without a control character that are still searched for groups; the longest group has 109."""

_LF, _LINE_ENDS = 0x0A, (0x0A, 0x0D)


def decoder() -> "TicDecoder":
    """A decoder for both modes, which tell themselves apart."""
    return TicDecoder()


class TicDecoder:
    """Both modes, in any chunks.  Keeps ``SPAN_MAX`` bytes at most, a frame, the last line of each label."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._tail = b""
        self._lines = LineReader(KINDS)
        self._order = LineOrder()

    def ahead(self) -> list[Group]:
        """Groups of the frame that is still coming, since the last call; they come again in its telegram.

        An over-current does not wait for the end of a frame of two seconds.
        """
        return self._lines.ahead()

    def feed(self, data: bytes) -> list[Telegram]:
        """Take the next bytes; the telegrams whose end they show."""
        counts, lines = self.counts, self._lines
        counts.bytes_count += len(data)
        done: list[Telegram] = []
        if self._tail:
            data = self._tail + data
        at, end = lines.read(data, 0, done)
        while end >= 0:
            control = LINE_CONTROLS.get(data[end], data[end])
            is_sound = self._judge(data[at:end], control, done)
            lines.control(control, done, is_close=False, is_sound=is_sound)
            at, end = lines.read(data, end + 1, done)
        self._tail = data[at : at + SPAN_MAX + 1]
        counts.good_count, counts.bad_count = lines.good_count, lines.bad_count
        counts.frames_count, counts.resync_count = lines.frames_count, lines.resync_count
        return [self._order.checked(one) for one in done]

    def end(self) -> list[Telegram]:
        """The line was closed: what is good of the unfinished frame."""
        done: list[Telegram] = []
        if self._tail:
            self._judge(self._tail, 0, done)
        self._lines.end(done)
        self._tail = b""
        self.feed(b"")
        return [self._order.checked(one) for one in done]

    def _judge(self, span: bytes, behind: int, done: list[Telegram]) -> bool:
        """Add the groups of a span; whether there were any."""
        is_framed = self._lines.after == _LF and behind in _LINE_ENDS
        group = whole(span, is_framed=is_framed) if len(span) <= SPAN_MAX else None
        if group is not None:
            self._lines.add(group, done)
            return True
        groups = salvaged(span) if len(span) <= SPAN_MAX else []
        for one in groups:
            self._lines.add(one, done)
        if not groups:
            self._lines.refuse()
        return bool(groups)
