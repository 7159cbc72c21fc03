"""TIC bytes into telegrams: a push parser that loses exactly the groups that noise hit.

Every control byte ends what was before it, and what stands between two of them is judged by itself: so a
stray one costs the group it fell into and no other.  Frames are put together from good groups; STX and ETX
only say where they may end, because noise forges and swallows them too.
"""

import re

from quartier_drivers.meter.telegram import Counts, Group, Telegram
from quartier_drivers.meter.tic.group import salvaged, whole

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

_SHORT = frozenset(("ADIR1", "ADIR2", "ADIR3"))
_FIRST = frozenset(("ADSC", "ADCO", "ADIR1"))
_NUMBERS = ("ADSC", "ADCO")


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
        known = self._known.get
        for place, line in enumerate(lines, 1):
            self._after = LF
            group = known(line)
            if group is None:
                self._cut(line, done, is_last=place == len(lines))
            else:
                self._after = CR
                self._add(group, done)
        return done

    def end(self) -> list[Telegram]:
        """The line was closed: what is good of the unfinished frame."""
        done: list[Telegram] = []
        if self._tail:
            self._judge(self._tail, 0, done)
        self._finish(done, is_ended=False)
        self._tail, self._after, self._begin_seen = b"", 0, False
        return done

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
            if is_framed and behind == CR:
                if len(self._known) >= KNOWN_MAX:
                    self._known.clear()
                self._known[span + b"\r"] = group
            self._add(group, done)
            return True
        groups = salvaged(span) if len(span) <= SPAN_MAX else []
        for one in groups:
            self._add(one, done)
        if not groups and self._after:  # what a capture begins with is half a group, not a bad one
            self._bad_count += 1
            self.counts.bad_count += 1
        return bool(groups)

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
        # The address stands first, except in the short frames of an over-current.
        is_first = label in _FIRST and not (label == "ADCO" and frame.keys() <= _SHORT)
        if frame and (label in frame or is_first or len(frame) >= GROUPS_MAX):
            self._finish(done, is_ended=False)
        if not frame:
            self._is_begun = self._begin_seen
        self._begin_seen = False
        frame[label] = group
        self.counts.good_count += 1

    def _finish(self, done: list[Telegram], *, is_ended: bool) -> None:
        if not self._frame:
            return
        groups = tuple(self._frame.values())
        meter = next((str(self._frame[name].value) for name in _NUMBERS if name in self._frame), "")
        is_whole = self._is_begun and is_ended
        done.append(Telegram(meter, groups, self._bad_count, is_whole))
        self._frame.clear()
        self._told_count = 0
        self._is_begun = False
        self._bad_count = 0
        self.counts.frames_count += 1
        self.counts.resync_count += not is_whole
