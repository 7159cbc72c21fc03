"""Lines of a TIC, the customer's output of French meters, and the frames that they make.

Label, separator, with some labels a time and a separator, value, separator, checksum, and a carriage return
(Enedis-NOI-CPT_54E, 5.3 and 6).  A line that looks otherwise, or has a label that no table knows, is left to
the driver's general way.  Frames are put together from groups; STX and ETX only say where they may end,
because noise forges and swallows them too.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from quartier_drivers.meter.telegrams import NO_DETAILS, Group, GroupValue, Telegram

LINE_FIRST, LINE_ADDRESS, LINE_OTHER_ADDRESS, LINE_SHORT = 1, 2, 4, 8
"""What a label is to its frame: see ``LineKind``."""
LINE_DIGITS, LINE_HEX, LINE_CAPITALS, LINE_LETTERS, LINE_SWITCHINGS, LINE_ONE_OF = range(6)
"""What a value looks like: see ``LineKind``."""
LINE_MAX = 120
"""Bytes of a line up to its carriage return; the longest of the standard has 109."""
GROUPS_MAX = 128
"""Groups of a frame."""
KINDS_MAX = 255
LABEL_MAX = 15
LINE_SIZE_MIN = 5
"""Bytes of the shortest line: a label of two, a separator, no value, a separator, the checksum."""

STX, ETX, EOT, LF, CR = 0x02, 0x03, 0x04, 0x0A, 0x0D
LINE_CONTROLS = {0x82: STX, 0x84: EOT, 0x8D: CR}
"""Control characters with their parity bit, for captures of eight bits; LF and ETX have none to set."""
_CONTROL = re.compile(b"[" + bytes((STX, ETX, EOT, LF, CR, *LINE_CONTROLS)) + b"]")
_HT = 0x09
_TIME = re.compile(rb"[EHeh ][0-9]{12}").fullmatch
_DATE = re.compile(
    r"([0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])"
)
_OFFSETS = {"E": "+02:00", "H": "+01:00", "e": "+02:00", "h": "+01:00", " ": ""}
"""What the letter before a time says in metropolitan France."""
_SEASONS: Mapping[str, Mapping[str, GroupValue]] = MappingProxyType(
    {letter: MappingProxyType({"season": letter}) if letter.strip() else NO_DETAILS for letter in _OFFSETS}
)
_SWITCHING = rb"(?:[0-9A-F]{8}|NONUTILE)"


class LineKind(NamedTuple):
    """What stands behind one label, between line ends.

    ``separator``: 9 or 32, of which the first is counted by the checksum where it is the last one, too.
    ``is_timed``: a time stands before the value.  ``role`` in its frame: ``FIRST``, it begins one;
    ``ADDRESS``, it says which meter; ``OTHER_ADDRESS``, the same where the first is not stated, and it does
    not begin a frame that holds but ``SHORT`` ones.
    The value has ``width`` bytes of its ``form``: ``DIGITS``; ``HEX``, hexadecimal digits; ``CAPITALS``, the
    same without small letters; ``LETTERS`` from blank to underline, or small ones; ``SWITCHINGS``, times of a
    day apart by blanks.  ``ONE_OF`` is one of the ``values``, of any width.
    """

    label: str
    separator: int
    unit: str
    is_timed: bool
    role: int
    form: int
    width: int
    values: tuple[bytes, ...] = ()


class LineKinds:
    """All labels there are: at most ``KINDS_MAX``, each of at most ``LABEL_MAX`` visible ASCII letters.

    Raises ValueError for others, and for one that comes twice.
    """

    def __init__(self, kinds: Iterable[LineKind]) -> None:
        self.by_label: dict[str, LineKind] = {}
        for kind in kinds:
            is_label = 0 < len(kind.label) <= LABEL_MAX and all("!" <= letter <= "~" for letter in kind.label)
            is_new = kind.label not in self.by_label and len(self.by_label) < KINDS_MAX
            if not is_label or not is_new or kind.separator not in (0x09, 0x20):
                raise ValueError(f"{kind.label!r} is no label, or one too many")
            self.by_label[kind.label] = kind

    def group(self, line: bytes) -> Group | None:
        """What a line says that stands between a line feed and a carriage return; None for another one."""
        separator = re.search(rb"[\t ]", line)
        kind = self.by_label.get(line[: separator.start()].decode("latin-1")) if separator else None
        if kind is None or len(line) < LINE_SIZE_MIN:
            return None
        covered, last, check = line[:-2], line[-2], line[-1]
        is_parted = last == kind.separator == line[len(kind.label)] and len(covered) > len(kind.label)
        if not is_parted or (sum(covered) + (last == _HT) * _HT & 0x3F) + 0x20 != check:
            return None
        value, time, more = covered[len(kind.label) + 1 :], "", NO_DETAILS
        if kind.is_timed:
            if not _TIME(value[:13]) or value[13:14] != bytes((last,)):
                return None
            time, more, value = _render_iso_time(value[:13].decode()), _SEASONS[chr(value[0])], value[14:]
        return Group(kind.label, value.decode(), kind.unit, time, more) if fits_kind(kind, value) else None


class TicLineReader:
    """Puts the lines of one meter together to frames.  Keeps one frame.

    ``good_count`` groups were added, ``bad_count`` refused, ``frames_count`` telegrams told, of which
    ``resync_count`` were not whole.
    """

    def __init__(self, kinds: LineKinds) -> None:
        self.good_count = self.bad_count = self.frames_count = self.resync_count = 0
        self._kinds = kinds
        self._frame: dict[str, Group] = {}
        self._after = 0
        self._begin_seen = self._is_begun = False
        self._is_hurt = False  # something bad was counted, and no line has ended since
        self._is_line_end = False
        self._refused_count = self._told_count = 0

    @property
    def after(self) -> int:
        """The control character that came last; 0 before the first."""
        return self._after

    def read(self, data: bytes, at: int, telegrams: list[Telegram]) -> tuple[int, int]:
        """Take lines and control characters from ``at`` on; add the telegrams whose end they show.

        Gives where something else begins, which a driver must judge, and where the control character behind
        it stands, -1 where there is none yet.
        """
        while at < len(data):
            end = data.find(CR, at, at + LINE_MAX) if self._after == LF else -1
            group = self._kinds.group(data[at:end]) if end > at else None
            control = LINE_CONTROLS.get(data[at], data[at])
            if group is not None:
                self.add(group, telegrams)
                self._after, self._is_line_end = CR, True
                at = end + 1
            elif control in (STX, ETX, EOT, LF, CR):
                self.control(control, telegrams, is_close=True, is_sound=True)
                at += 1
            else:
                found = _CONTROL.search(data, at)
                return at, found.start() if found else -1
        return at, -1

    def add(self, group: Group, telegrams: list[Telegram]) -> None:
        """Add a group to the frame; the one before it ends where it cannot belong to that."""
        self._is_hurt = False
        frame = self._frame
        if frame and (self._is_first(group.label) or group.label in frame or len(frame) >= GROUPS_MAX):
            self._finish(telegrams, is_ended=False)
        if not frame:
            self._is_begun = self._begin_seen
        self._begin_seen = False
        frame[group.label] = group
        self.good_count += 1

    def refuse(self) -> None:
        """What stood before a control character was no group.

        What a capture begins with is half a group, not a bad one; nor are two halves of one two.
        """
        if self._after and not self._is_hurt:
            self._is_hurt = True
            self._refused_count += 1
            self.bad_count += 1

    def control(self, control: int, telegrams: list[Telegram], *, is_close: bool, is_sound: bool) -> None:
        """A control character came, without its parity bit.

        ``is_close``: right behind the one before; ``is_sound``: between them stood a group, or nothing.
        A line ends with CR and the next begins with LF, a control between or not; a stray one ends nothing.
        """
        if control == ETX and is_sound:
            self._finish(telegrams, is_ended=True)
        elif control == STX:
            if is_close and self._after in (ETX, EOT):
                self._finish(telegrams, is_ended=self._after == ETX)
            self._begin_seen = True
        self._is_line_end = control == CR or (is_close and self._is_line_end)
        if control == LF and self._is_line_end:
            self._is_hurt = False
        self._after = control

    def end(self, telegrams: list[Telegram]) -> None:
        """The line was closed: the frame ends, and what comes is another capture."""
        self._finish(telegrams, is_ended=False)
        self._after, self._begin_seen = 0, False
        self._is_hurt = self._is_line_end = False

    def ahead(self) -> list[Group]:
        """Groups of the frame that is still coming, since the last call."""
        groups = list(self._frame.values())[self._told_count :]
        self._told_count = len(self._frame)
        return groups

    def _is_first(self, label: str) -> bool:
        """Return whether a frame begins with it, if there is something in the one before."""
        role = self._role(label)
        is_short = all(self._role(one) & LINE_SHORT for one in self._frame)
        return bool(role & LINE_FIRST) and not (role & LINE_OTHER_ADDRESS and is_short)

    def _role(self, label: str) -> int:
        kind = self._kinds.by_label.get(label)
        return 0 if kind is None else kind.role

    def _finish(self, telegrams: list[Telegram], *, is_ended: bool) -> None:
        frame = self._frame
        if not frame:
            return
        said = {
            self._role(group.label) & (LINE_ADDRESS | LINE_OTHER_ADDRESS): group for group in frame.values()
        }
        address = said.get(LINE_ADDRESS) or said.get(LINE_OTHER_ADDRESS)
        is_whole = self._is_begun and is_ended
        meter = "" if address is None else str(address.value)
        telegrams.append(Telegram(meter, tuple(frame.values()), self._refused_count, is_whole))
        frame.clear()
        self._told_count = self._refused_count = 0
        self._is_begun = False
        self.frames_count += 1
        self.resync_count += not is_whole


def fits_kind(kind: LineKind, value: bytes) -> bool:
    """Return whether a value has its kind's width and form."""
    if kind.form == LINE_ONE_OF:
        return value in kind.values
    pattern = {
        LINE_DIGITS: b"[0-9]*",
        LINE_HEX: b"[0-9A-Fa-f]*",
        LINE_CAPITALS: b"[0-9A-F]*",
        LINE_LETTERS: b"[ -_a-z]*",
        LINE_SWITCHINGS: _SWITCHING + b"(?: " + _SWITCHING + b")*",
    }[kind.form]
    return len(value) == kind.width and re.fullmatch(pattern, value) is not None


def _render_iso_time(said: str) -> str:
    """Season letter and ``YYMMDDhhmmss`` in ISO 8601; empty where it is no date."""
    found = _DATE.fullmatch(said, 1)
    if found is None:
        return ""
    year, month, day, hour, minute, second = found.groups()
    return f"20{year}-{month}-{day}T{hour}:{minute}:{second}{_OFFSETS[said[0]]}"
