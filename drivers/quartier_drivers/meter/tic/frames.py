"""TIC bytes into telegrams: a push parser that loses exactly the groups that noise hit.

Every control byte ends what was before it, and what stands between two of them is judged by itself: so a
stray one costs the group it fell into and no other.  Frames are put together from good groups; STX and ETX
only say where they may end, because noise forges and swallows them too.
"""

import re

from quartier_drivers.meter.telegram import Counts, Group, Telegram
from quartier_drivers.meter.tic.group import salvaged, whole
from quartier_drivers.meter.tic.labels import FIRST, KINDS
from quartier_native.meters import LINES_MAX as GROUPS_MAX
from quartier_native.meters import LineReader

STX, ETX, EOT, LF, CR = 0x02, 0x03, 0x04, 0x0A, 0x0D
SPAN_MAX = 1024
"""Bytes without a control character that are still searched for groups; the longest group has 109."""

# The same with their parity bit, for captures of eight bits; LF and ETX have none to set.
_BARE = {0x82: STX, 0x84: EOT, 0x8D: CR}
_CONTROL = re.compile(b"[" + re.escape(bytes((STX, ETX, EOT, LF, CR, *_BARE))) + b"]")
_LINE_ENDS = (CR, LF)
_SHORT = frozenset(("ADIR1", "ADIR2", "ADIR3"))


def decoder() -> "TicDecoder":
    """A decoder for both modes, which tell themselves apart."""
    return TicDecoder()


class TicDecoder:
    """Both modes, in any chunks.  Keeps ``SPAN_MAX`` bytes at most, a frame, the last line of each label."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._tail = b""
        self._after = 0
        self._frame: dict[str, Group] = {}
        self._is_begun = False
        self._begin_seen = False
        self._bad_count = 0
        self._told_count = 0
        self._is_hurt = False  # something bad was counted, and no line has ended since
        self._is_line_end = False
        self._lines = LineReader(KINDS)

    def ahead(self) -> list[Group]:
        """Groups of the frame that is still coming, since the last call; they come again in its telegram.

        An over-current does not wait for the end of a frame of two seconds.
        """
        groups = list(self._frame.values())[self._told_count :]
        self._told_count = len(self._frame)
        return groups

    def feed(self, data: bytes) -> list[Telegram]:
        """Take the next bytes; the telegrams whose end they show."""
        self.counts.bytes_count += len(data)
        done: list[Telegram] = []
        found = _CONTROL.search(data)
        if found is None:
            self._tail = (self._tail + data)[: SPAN_MAX + 1]
            return done
        data = self._tail + data
        at = 0
        while True:
            if self._after == LF:  # here goes nearly all that a meter says
                at = self._read(data, at)
            found = _CONTROL.search(data, at)
            if found is None:
                break
            self._take(data[at : found.start()], data[found.start()], done)
            at = found.end()
        self._tail = data[at:][: SPAN_MAX + 1]
        return done

    def end(self) -> list[Telegram]:
        """The line was closed: what is good of the unfinished frame."""
        done: list[Telegram] = []
        if self._tail:
            self._judge(self._tail, 0, done)
        self._finish(done, is_ended=False)
        self._tail, self._after, self._begin_seen = b"", 0, False
        self._is_hurt = self._is_line_end = False
        return done

    def _read(self, data: bytes, at: int) -> int:
        """Take the lines that are as they should be, from one behind a line feed on; where they end."""
        frame = self._frame
        before_count = len(frame)
        end = self._lines.read(data, at, frame)
        if end > at:
            self._after = data[end - 1]
            self._is_hurt = False
            self._begin_seen, self._is_begun = False, self._is_begun if before_count else self._begin_seen
            self.counts.good_count += len(frame) - before_count
        return end

    def _take(self, span: bytes, control: int, done: list[Telegram]) -> None:
        """Judge what stands before a control character, and what that means."""
        control = _BARE.get(control, control)
        is_sound = self._judge(span, control, done) if span else True
        self._control(control, done, is_close=not span, is_sound=is_sound)

    def _judge(self, span: bytes, behind: int, done: list[Telegram]) -> bool:
        """Add the groups of a span; whether there were any."""
        is_framed = self._after == LF and behind in _LINE_ENDS
        group = whole(span, is_framed=is_framed) if len(span) <= SPAN_MAX else None
        if group is not None:
            self._add(group, done)
            return True
        groups = salvaged(span) if len(span) <= SPAN_MAX else []
        for one in groups:
            self._add(one, done)
        if not groups and self._after and not self._is_hurt:
            # What a capture begins with is half a group, not a bad one; nor are two halves of one two.
            self._is_hurt = True
            self._bad_count += 1
            self.counts.bad_count += 1
        return bool(groups)

    def _control(self, control: int, done: list[Telegram], *, is_close: bool, is_sound: bool) -> None:
        """``is_close``: no byte between this control and the one before.

        A line ends with CR and the next begins with LF, a control between or not; a stray one ends nothing.
        """
        if control == ETX and is_sound:
            self._finish(done, is_ended=True)
        elif control == STX:
            if is_close and self._after in (ETX, EOT):
                self._finish(done, is_ended=self._after == ETX)
            self._begin_seen = True
        self._is_line_end = control == CR or (is_close and self._is_line_end)
        if control == LF and self._is_line_end:
            self._is_hurt = False
        self._after = control

    def _add(self, group: Group, done: list[Telegram]) -> None:
        self._is_hurt = False
        frame, label = self._frame, group.label
        if frame:
            # The address stands first, except in the short frames of an over-current.
            is_first = label in FIRST and not (label == "ADCO" and frame.keys() <= _SHORT)
            if is_first or label in frame or len(frame) >= GROUPS_MAX:
                self._finish(done, is_ended=False)
        if not frame:
            self._is_begun = self._begin_seen
        self._begin_seen = False
        frame[label] = group
        self.counts.good_count += 1

    def _finish(self, done: list[Telegram], *, is_ended: bool) -> None:
        if not self._frame:
            return
        frame = self._frame
        address = frame.get("ADSC") or frame.get("ADCO")
        is_whole = self._is_begun and is_ended
        meter = "" if address is None else str(address.value)
        done.append(Telegram(meter, tuple(frame.values()), self._bad_count, is_whole))
        frame.clear()
        self._told_count = 0
        self._is_begun = False
        self._bad_count = 0
        self.counts.frames_count += 1
        self.counts.resync_count += not is_whole
