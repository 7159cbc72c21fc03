"""TIC bytes into telegrams: a push parser that loses exactly the groups that noise hit.

Every control byte ends what was before it, and what stands between two of them is judged by itself: so a
stray one costs the group it fell into and no other.  Frames are put together from good groups; STX and ETX
only say where they may end, because noise forges and swallows them too.
"""

import re
from typing import TypeVar

from quartier_drivers.meter.telegram import Counts, Group, Telegram
from quartier_drivers.meter.tic.group import salvaged, whole
from quartier_drivers.meter.tic.labels import HISTORIC, STANDARD

STX, ETX, EOT, LF, CR = 0x02, 0x03, 0x04, 0x0A, 0x0D
SPAN_MAX = 1024
"""Bytes without a control character that are still searched for groups; the longest group has 109."""
KNOWN_MAX = 512
"""Lines that are known to be good: a meter says most of them again in each frame."""
GROUPS_MAX = 128
"""Groups of a frame; the longest of the standard has about 80."""

# The same with their parity bit, for captures of eight bits; LF and ETX have none to set.
_BARE = {0x82: STX, 0x84: EOT, 0x8D: CR}
_CONTROLS = bytes((STX, ETX, EOT, LF, CR, *_BARE))
_CUT = re.compile(b"([" + re.escape(_CONTROLS.replace(b"\n", b"")) + b"])")
_LINE_ENDS = (CR, LF)
_FRAME_ENDS = (b"", b"\x03", b"\x03\x02")

_LABELS = frozenset(label.decode() for label in (*STANDARD, *HISTORIC))
_SHORT = frozenset(("ADIR1", "ADIR2", "ADIR3"))
_FIRST = frozenset(("ADSC", "ADCO", "ADIR1"))


_Kept = TypeVar("_Kept")


def decoder() -> "TicDecoder":
    """A decoder for both modes, which tell themselves apart."""
    return TicDecoder()


class TicDecoder:
    """Both modes, in any chunks.  Keeps at most ``SPAN_MAX`` bytes, one frame and ``KNOWN_MAX`` lines."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._tail = b""
        self._after = 0
        self._frame: dict[str, Group] = {}
        self._is_begun = False
        self._begin_seen = False
        self._bad_count = 0
        self._told_count = 0
        self._known: dict[bytes, Group] = {}
        self._edges: dict[bytes, tuple[Group, bytes]] = {}

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
        last = max(map(data.rfind, _CONTROLS))
        if last < 0:
            self._tail = (self._tail + data)[: SPAN_MAX + 1]
            return []
        done: list[Telegram] = []
        first, *lines = (self._tail + data[: last + 1]).split(b"\n")
        self._tail = data[last + 1 :][: SPAN_MAX + 1]
        self._cut(first, done, is_last=not lines)
        if lines:
            self._take(lines, done)
        return done

    def end(self) -> list[Telegram]:
        """The line was closed: what is good of the unfinished frame."""
        done: list[Telegram] = []
        if self._tail:
            self._judge(self._tail, 0, done)
        self._finish(done, is_ended=False)
        self._tail, self._after, self._begin_seen = b"", 0, False
        return done

    def _take(self, lines: list[bytes], done: list[Telegram]) -> None:
        """Take lines that stood behind an LF each.  Here goes nearly all that a meter says."""
        frame, known, last = self._frame, self._known.get, lines[-1]
        before_count, slow_count, is_inside = len(lines), 0, bool(frame) and not self._begin_seen
        for line in lines:
            group = known(line)
            if group and is_inside and (label := group.label) not in frame:
                frame[label] = group
            else:
                self._after = LF
                self._open(line, done, is_last=line is last)
                slow_count += 1
                is_inside = bool(frame) and not self._begin_seen
        if group and line is last:
            self._after = CR
        self.counts.good_count += before_count - slow_count

    def _open(self, line: bytes, done: list[Telegram], *, is_last: bool) -> None:
        """Take a line that may begin a frame, end one, or is not known."""
        edge = self._edges.get(line)
        if edge is None:
            end = line.find(b"\r") + 1
            own, rest = line[:end], line[end:]
            group = self._known.get(own) if rest in _FRAME_ENDS else None
            if group is None:
                group = whole(own[:-1], is_framed=True) if rest in _FRAME_ENDS else None
                if group is None:
                    self._cut(line, done, is_last=is_last)
                    return
                self._learn(own, group)
            edge = group, rest
            if rest:
                _keep(self._edges, line, edge)
        group, rest = edge
        self._add(group, done)
        self._after = CR
        if rest:
            self._finish(done, is_ended=True)
            self._after = rest[-1]
            self._begin_seen = self._after == STX

    def _cut(self, line: bytes, done: list[Telegram], *, is_last: bool) -> None:
        """Judge what a line without LF holds; behind all but the last stood an LF."""
        parts = _CUT.split(line)
        if not is_last:
            parts.append(b"\n")
        for place in range(0, len(parts) - 1, 2):
            span, control = parts[place], parts[place + 1][0]
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
        if not groups and self._after:  # what a capture begins with is half a group, not a bad one
            self._bad_count += 1
            self.counts.bad_count += 1
        return bool(groups)

    def _learn(self, line: bytes, group: Group) -> None:
        if group.label in _FIRST:
            _keep(self._edges, line, (group, b""))
        elif group.label in _LABELS:
            _keep(self._known, line, group)

    def _control(self, control: int, done: list[Telegram], *, is_close: bool, is_sound: bool) -> None:
        """``is_close``: no byte between this control and the one before."""
        if control == ETX and is_sound:
            self._finish(done, is_ended=True)
        elif control == STX:
            if is_close and self._after in (ETX, EOT):
                self._finish(done, is_ended=self._after == ETX)
            self._begin_seen = True
        self._after = control

    def _add(self, group: Group, done: list[Telegram]) -> None:
        frame, label = self._frame, group.label
        if frame:
            # The address stands first, except in the short frames of an over-current.
            is_first = label in _FIRST and not (label == "ADCO" and frame.keys() <= _SHORT)
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


def _keep(table: dict[bytes, _Kept], line: bytes, kept: _Kept) -> None:
    if len(table) >= KNOWN_MAX:
        table.clear()
    table[line] = kept
