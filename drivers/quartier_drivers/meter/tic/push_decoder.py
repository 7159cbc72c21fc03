"""Splits TIC bytes into telegrams: a push parser that loses exactly the groups that noise hit.

Every control byte ends what was before it, and the bytes between two of them are checked alone: so a stray
one costs only the group that contains it.  Frames are joined from good groups; STX and ETX only show where
they may end, because noise forges and swallows them too.  ``line_reader.TicLineReader`` reads the usual lines
and joins the frames; this module handles all other lines.
"""

from quartier_drivers.meter.telegrams import DecoderCounts, Group, Telegram
from quartier_drivers.meter.tic.groups import LineOrder, parse_group, recover_groups
from quartier_drivers.meter.tic.labels import KINDS
from quartier_drivers.meter.tic.line_reader import LINE_CONTROLS, TicLineReader

SPAN_MAX = 1024
"""Bytes without a control character that are still searched for groups; the longest group has 109."""

_LF, _LINE_ENDS = 0x0A, (0x0A, 0x0D)


def make_decoder() -> "TicDecoder":
    """Make a decoder for both modes, which it distinguishes by itself."""
    return TicDecoder()


class TicDecoder:
    """Decodes both modes, in any chunks.

    Keeps ``SPAN_MAX`` bytes at most, a frame, the last line per label.
    """

    def __init__(self) -> None:
        self.counts = DecoderCounts()
        self._tail = b""
        self._lines = TicLineReader(KINDS)
        self._order = LineOrder()

    def ahead(self) -> list[Group]:
        """Return the groups since the last call of the frame that is still arriving.

        They come again in its telegram.  An over-current does not wait for the end of a frame of two seconds.
        """
        return self._lines.ahead()

    def feed(self, data: bytes) -> list[Telegram]:
        """Take the next bytes; return the telegrams that they end."""
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
        return [self._order.drop_doubtful_groups(one) for one in done]

    def end(self) -> list[Telegram]:
        """Return the good content of the unfinished frame: the line was closed."""
        done: list[Telegram] = []
        if self._tail:
            self._judge(self._tail, 0, done)
        self._lines.end(done)
        self._tail = b""
        self.feed(b"")
        return [self._order.drop_doubtful_groups(one) for one in done]

    def _judge(self, span: bytes, behind: int, done: list[Telegram]) -> bool:
        """Add the groups of a span; return whether there were any."""
        is_framed = self._lines.after == _LF and behind in _LINE_ENDS
        group = parse_group(span, is_framed=is_framed) if len(span) <= SPAN_MAX else None
        if group is not None:
            self._lines.add(group, done)
            return True
        groups = recover_groups(span) if len(span) <= SPAN_MAX else []
        for one in groups:
            self._lines.add(one, done)
        if not groups:
            self._lines.refuse()
        return bool(groups)
