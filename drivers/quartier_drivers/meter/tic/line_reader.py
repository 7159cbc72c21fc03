"""Reads the usual lines of TIC, the customer output of French meters, and joins their groups to frames.

A usual line has a known label, a separator, for some labels a time and a separator, then value, separator,
checksum and a carriage return (Enedis-NOI-CPT_54E, 5.3 and 6).  ``push_decoder`` handles all other lines.
Frames are joined from groups; STX and ETX only show where a frame may end, because noise forges and swallows
them too.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from quartier_drivers.meter.telegrams import NO_DETAILS, Group, GroupValue, Telegram

LINE_FIRST, LINE_ADDRESS, LINE_OTHER_ADDRESS, LINE_SHORT = 1, 2, 4, 8
"""Roles of a label in its frame: see ``LineKind``."""
LINE_DIGITS, LINE_HEX, LINE_CAPITALS, LINE_LETTERS, LINE_SWITCHINGS, LINE_ONE_OF = range(6)
"""Forms of a value: see ``LineKind``."""
LINE_MAX = 120
"""Most bytes of a line up to its carriage return; the longest of the standard has 109."""
GROUPS_MAX = 128
"""Most groups in a frame."""
KINDS_MAX = 255
LABEL_MAX = 15
LINE_SIZE_MIN = 5
"""Size of the shortest line: a label of two, a separator, no value, a separator, the checksum."""

STX, ETX, EOT, LF, CR = 0x02, 0x03, 0x04, 0x0A, 0x0D
LINE_CONTROLS = {0x82: STX, 0x84: EOT, 0x8D: CR}
"""Control characters with their parity bit, for captures of eight bits; the bit of LF and ETX is 0."""
_CONTROL = re.compile(b"[" + bytes((STX, ETX, EOT, LF, CR, *LINE_CONTROLS)) + b"]")
_HT = 0x09
_TIME = re.compile(rb"[EHeh ][0-9]{12}").fullmatch
_DATE = re.compile(
    r"([0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])"
)
_OFFSETS = {"E": "+02:00", "H": "+01:00", "e": "+02:00", "h": "+01:00", " ": ""}
"""The offset for the letter before a time in metropolitan France."""
_SEASONS: Mapping[str, Mapping[str, GroupValue]] = MappingProxyType(
    {letter: MappingProxyType({"season": letter}) if letter.strip() else NO_DETAILS for letter in _OFFSETS}
)
_SWITCHING = rb"(?:[0-9A-F]{8}|NONUTILE)"


class LineKind(NamedTuple):
    """The form of a line with one label.

    ``separator``: 9 or 32; the checksum also counts the last separator if it is 9.  ``is_timed``: a time
    precedes the value.

    ``role`` in its frame: ``LINE_FIRST``, the label begins a frame; ``LINE_ADDRESS``, its value is the
    address of the meter; ``LINE_OTHER_ADDRESS``, the same if no group is a ``LINE_ADDRESS``, and after groups
    that are all ``LINE_SHORT`` it does not begin a new frame.

    The value has ``width`` bytes of its ``form``: ``LINE_DIGITS``; ``LINE_HEX``, hexadecimal digits;
    ``LINE_CAPITALS``, the same without small letters; ``LINE_LETTERS``, from blank to underscore, or small
    letters; ``LINE_SWITCHINGS``, times of a day separated by blanks.  ``LINE_ONE_OF`` is one of ``values``,
    of any width.
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
    """All known labels: at most ``KINDS_MAX``, each of at most ``LABEL_MAX`` visible ASCII characters.

    Raises ValueError for an invalid label or separator, for one label too many, and for a repeated label.
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
        """Return the group of a line without its line feed and carriage return; None if it is not usual."""
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
    """Joins the lines of one meter to frames.  Keeps one frame.

    ``good_count`` is the number of groups added and ``bad_count`` of groups refused; ``frames_count`` is the
    number of telegrams, of which ``resync_count`` were not whole.
    """

    def __init__(self, kinds: LineKinds) -> None:
        self.good_count = self.bad_count = self.frames_count = self.resync_count = 0
        self._kinds = kinds
        self._frame: dict[str, Group] = {}
        self._after = 0
        self._begin_seen = self._is_begun = False
        self._is_hurt = False  # a bad group was counted, and no line has ended since
        self._is_line_end = False
        self._refused_count = self._reported_count = 0

    @property
    def after(self) -> int:
        """The last control character; 0 before the first."""
        return self._after

    def read(self, data: bytes, at: int, telegrams: list[Telegram]) -> tuple[int, int]:
        """Read lines and control characters from ``at`` on; add the telegrams that they end.

        Return the place of the first other content, which the caller must handle, and the place of the
        control character after it (-1 if there is none yet).
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
        """Add a group to the frame; if it cannot belong to the present frame, that frame ends first."""
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
        """Count a bad group: the bytes before a control character were no group.

        The half group at the beginning of a capture does not count, and two halves of one group count once.
        """
        if self._after and not self._is_hurt:
            self._is_hurt = True
            self._refused_count += 1
            self.bad_count += 1

    def control(self, control: int, telegrams: list[Telegram], *, is_close: bool, is_sound: bool) -> None:
        """Handle a control character, given without its parity bit.

        ``is_close``: it follows directly after the one before; ``is_sound``: between them was a group, or
        nothing.  A line ends with CR and the next begins with LF, with or without a control character between
        them; a stray CR or LF ends nothing.
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
        """End the frame because the line was closed; the next bytes belong to another capture."""
        self._finish(telegrams, is_ended=False)
        self._after, self._begin_seen = 0, False
        self._is_hurt = self._is_line_end = False

    def ahead(self) -> list[Group]:
        """Return the groups of the unfinished frame that were added since the last call."""
        groups = list(self._frame.values())[self._reported_count :]
        self._reported_count = len(self._frame)
        return groups

    def _is_first(self, label: str) -> bool:
        """Return whether ``label`` begins a new frame, if the present one is not empty."""
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
        self._reported_count = self._refused_count = 0
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
    """Return season letter and ``YYMMDDhhmmss`` as ISO 8601; empty if it is no date."""
    found = _DATE.fullmatch(said, 1)
    if found is None:
        return ""
    year, month, day, hour, minute, second = found.groups()
    return f"20{year}-{month}-{day}T{hour}:{minute}:{second}{_OFFSETS[said[0]]}"
