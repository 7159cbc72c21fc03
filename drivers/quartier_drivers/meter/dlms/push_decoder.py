"""Decodes the messages that a customer interface pushes; known forms first (pure).

A meter sends the same list again and again.  The constant parts of it (names, units, lengths, the kind of
list) are compared as one number.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence

from quartier_drivers.meter import units
from quartier_drivers.meter.dlms import axdr, values
from quartier_drivers.meter.dlms.assembly import (
    ApduAssembly,
    BareApduSplitter,
    Skeleton,
    find_missing_part,
    make_skeleton,
)
from quartier_drivers.meter.dlms.axdr import Item, MalformedData
from quartier_drivers.meter.dlms.ciphering import (
    GENERAL,
    GENERAL_DED,
    GENERAL_GLO,
    UNPROVEN_TEXT,
    ApduOpener,
    CipherKeys,
    DecryptionRefused,
    OpenedApdu,
)
from quartier_drivers.meter.dlms.pushed_lists import (
    LIST_NAMES,
    NOTIFICATION_TAG,
    SERIAL_NAMES,
    DataNotification,
    ListLine,
    is_clock_name,
    parse_list_lines,
    parse_notification,
)
from quartier_drivers.meter.dlms.scanner import FrameScanner
from quartier_drivers.meter.dlms.values import scale_number
from quartier_drivers.meter.telegrams import DecoderCounts, Group, Telegram

_CIPHERED_TAGS = (GENERAL_GLO, GENERAL_DED, GENERAL)
_SLICE_BYTES = 256
_LAYERS_MAX = 3


class PushDecoder:
    """Finds frames, joins APDUs, opens and reads them.

    HDLC frames, M-Bus segments and the TCP wrapper may come in any mixture and after any noise.  With
    ``is_capture``, a stream that begins with an APDU is read as bare APDUs, with or without LLC header; a
    port never is, and ``ApduAssembly`` asks for more proof of data without check.  Keeps at most 200 KiB.

    ``why`` gives the reason why the last APDU was refused; empty before.  ``identity`` is the system title of
    the last ciphered APDU.  With an authentication key only authenticated APDUs count.
    """

    def __init__(
        self,
        keys: CipherKeys,
        defects: Sequence[str] = (),
        *,
        is_capture: bool = False,
        over_tcp: bool = False,
    ) -> None:
        self.why = ""
        self.identity = ""
        self._is_capture = is_capture
        self._counts = DecoderCounts()
        self._opener = ApduOpener(keys)
        self._is_strict = bool(keys.authentication)
        self._defects = tuple(defects)
        self._scanner = FrameScanner()
        self._assembly = ApduAssembly(is_capture=is_capture, over_tcp=over_tcp)
        self._bare = BareApduSplitter()
        if not is_capture:
            self._bare.drop()
        self._forms = KnownForms()
        self._doubtful: Skeleton | None = None
        self._refused_count = 0
        self._reported_bad_count = 0
        self._resync_from = 0

    @property
    def counts(self) -> DecoderCounts:
        """The counts since the decoder was made; ``good_count`` and ``bad_count`` count APDUs."""
        return self._counts

    def feed(self, data: bytes) -> list[Telegram]:
        """Take the next bytes; return the telegrams that they complete."""
        made: list[Telegram] = []
        at = 0
        while at < len(data):
            # Bare APDUs are searched at whole slices only, so that the result does not depend on chunks.
            size = len(data) if self._bare.is_over else _SLICE_BYTES - self._counts.bytes_count % _SLICE_BYTES
            part = data[at : at + size]
            at += len(part)
            self._counts.bytes_count += len(part)
            made += self._telegrams(self._iterate_apdus(part))
            self._bare.add(part)
            if self._counts.bytes_count % _SLICE_BYTES == 0:
                made += self._telegrams((apdu, True, True) for apdu in self._bare.take())
        self._update_counts()
        return made

    def end(self) -> list[Telegram]:
        """Return the good content of the rest and reset; the capture is over.

        Invocation counters stay known.
        """
        made = self._telegrams(
            (apdu, found.is_whole, self._assembly.is_sure)
            for found in self._scanner.end()
            if (apdu := self._assembly.add(found))
        )
        self._assembly.drop()
        is_bare, rest = self._bare.is_begun, list(self._bare.rest())
        made += self._telegrams((apdu, True, True) for apdu in rest)
        if not self._is_capture:
            self._bare.drop()
        if is_bare or rest:
            self._scanner.resync_count = self._resync_from  # what had no frames was no rubbish
        self._update_counts()
        self._counts.resync_count = self._resync_from = self._scanner.resync_count
        return made

    def _iterate_apdus(self, data: bytes) -> Iterator[tuple[bytes, bool, bool]]:
        for found in self._scanner.feed(data):
            self._bare.drop()
            apdu = self._assembly.add(found)
            if apdu:
                yield apdu, found.is_whole, self._assembly.is_sure

    def _telegrams(self, apdus: Iterable[tuple[bytes, bool, bool]]) -> list[Telegram]:
        made = []
        for apdu, is_whole, is_sure in apdus:
            try:
                meter, stated = self._read(apdu, is_sure=is_sure)
            except (MalformedData, DecryptionRefused) as error:
                self.why = str(error)
                self._refused_count += 1
                continue
            self._counts.good_count += 1
            self._counts.frames_count += 1
            self._update_counts()
            bad_count = self._counts.bad_count - self._reported_bad_count
            self._reported_bad_count = self._counts.bad_count
            made.append(Telegram(meter, tuple(stated), bad_count, is_whole, is_proven=True))
        return made

    def _read(self, apdu: bytes, *, is_sure: bool) -> tuple[str, list[Group]]:
        opened: list[OpenedApdu] = []
        while apdu[:1] and apdu[0] in _CIPHERED_TAGS:
            if len(opened) == _LAYERS_MAX:
                raise DecryptionRefused(f"ciphered more than {_LAYERS_MAX} times")
            opened.append(self._opener.open(apdu))
            apdu = opened[-1].apdu
            is_sure = True  # its own length was right
        if self._is_strict and not opened:
            raise DecryptionRefused(UNPROVEN_TEXT)
        try:
            meter, stated = self._forms.decode(apdu) or self._anew(apdu, is_sure=is_sure)
        except MalformedData as error:
            if opened and not opened[-1].is_authenticated:
                raise DecryptionRefused(
                    f"what was inside makes no sense, the key may be wrong: {error}"
                ) from error
            raise
        for each in opened:
            self._opener.keep(each)
        self.identity = _render_title(opened) or self.identity
        return meter or _render_title(opened), stated

    def _anew(self, apdu: bytes, *, is_sure: bool) -> tuple[str, list[Group]]:
        """Read an APDU the general way, and remember its form."""
        notice = parse_notification(apdu)
        if not is_sure:
            self._hold_together(notice.body)
        meter, lines = parse_list_lines(notice, self._defects)
        stated = [group for line in lines if (group := line.group())]
        if not stated:
            raise MalformedData("a notification that states nothing")
        self._forms.learn(apdu, notice, meter, lines)
        return meter, stated

    def _hold_together(self, body: Item) -> None:
        """Refuse a list that may lack a part, unless the same form comes again."""
        why = find_missing_part(body)
        before, self._doubtful = self._doubtful, make_skeleton(body) if why else None
        if why and self._doubtful != before:
            raise MalformedData(f"a part of this list may be missing: {why}")

    def _update_counts(self) -> None:
        scanner = self._scanner
        self._counts.bad_count = (
            scanner.bad_count + self._assembly.bad_count + self._bare.bad_count + self._refused_count
        )
        # As long as the stream may be bare, or is, bytes without frames are no noise.
        is_framed = self._bare.is_over and not self._bare.is_begun
        self._counts.resync_count = scanner.resync_count if is_framed else self._resync_from


def _render_title(opened: Sequence[OpenedApdu]) -> str:
    """Return a system title for people: the three letters of the maker and the rest in hexadecimal digits."""
    if not opened:
        return ""
    title = opened[0].title
    maker = title[:3].decode("ascii", "replace")
    return f"{maker}{title[3:].hex()}" if maker.isalpha() and maker.isascii() else title.hex()


_INVOKE_ID = (1, 4)
_FORMS_MAX = 16
_STRINGS = (axdr.OCTETS, axdr.TEXT, axdr.UTF8)
# These values identify the list, so they must not change.
_FIXED = frozenset(units.render_obis(name) for name in LIST_NAMES)
_SERIAL_LABELS = frozenset(units.render_obis(name) for name in SERIAL_NAMES)
FieldValue = bytes | float
VariableField = tuple[int, str, int]
"""The place of a value that may change, its struct format, and its line."""


class PushForm:
    """One push as it was read the general way: ``apdu``, its content, the meter and the lines.

    ``decode`` reads another push of the same form with exactly the same result as the general way.
    """

    def __init__(self, apdu: bytes, notice: DataNotification, meter: str, lines: Sequence[ListLine]) -> None:
        holes = sorted(
            (*hole, number)
            for number, line in enumerate(lines)
            if (hole := _find_variable(line, notice)) is not None
        )
        self._lines = [lines[number] for _, _, number in holes]
        self._places = [number for _, _, number in holes]
        self._unpack = struct.Struct(_find_packing(holes)).unpack_from
        self._mask = _make_mask(apdu, notice, holes)
        self._fixed = int.from_bytes(apdu, "big") & self._mask
        self._groups = [line.group() for line in lines]
        self._last: list[FieldValue] = list(self._unpack(apdu))
        self._meter = meter
        self._identity_line = _find_identity_line(meter, self._groups)

    def decode(self, apdu: bytes) -> tuple[str, list[Group]] | None:
        """Return the meter and the groups; None if the push has another form."""
        if int.from_bytes(apdu, "big") & self._mask != self._fixed:
            return None
        last, made = self._last, self._groups
        values = self._unpack(apdu)
        for number, value in enumerate(values):
            if value == last[number] and value == value:  # noqa: PLR0124 - not so for a float that is no number
                continue
            place = self._places[number]
            group = _make_group(self._lines[number], value)
            known = made[place]
            if group is None or known is None:
                return None
            # A text that was empty and is not, or the other way round, may make another one the serial
            # number.
            if group.label in _SERIAL_LABELS and (not group.value) != (not known.value):
                return None
            last[number] = value
            made[place] = group
        speaker = made[self._identity_line] if self._identity_line >= 0 else None
        meter = self._meter if speaker is None else str(speaker.value)
        return meter, [group for group in made if group is not None]


class KnownForms:
    """The most recent forms."""

    def __init__(self) -> None:
        self._known: list[tuple[int, PushForm]] = []

    def decode(self, apdu: bytes) -> tuple[str, list[Group]] | None:
        """Return the meter and the groups; None if the form is not known."""
        size = len(apdu)
        for number, (known, form) in enumerate(self._known):
            if known == size and (told := form.decode(apdu)) is not None:
                if number:
                    self._known.insert(0, self._known.pop(number))
                return told
        return None

    def learn(self, apdu: bytes, notice: DataNotification, meter: str, lines: Sequence[ListLine]) -> None:
        """Remember how this push was read."""
        if notice.places:
            self._known.insert(0, (len(apdu), PushForm(apdu, notice, meter, lines)))
            del self._known[_FORMS_MAX:]


def _find_packing(holes: Sequence[VariableField]) -> str:
    form, end = ">", 0
    for at, how, _ in holes:
        form += f"{at - end}x{how}"
        end = at + struct.calcsize(f">{how}")
    return form


def _make_mask(apdu: bytes, notice: DataNotification, holes: Sequence[VariableField]) -> int:
    """Return a mask with ones for all bits that must not change."""
    free = [(at, struct.calcsize(f">{how}")) for at, how, _ in holes]
    if apdu[0] == NOTIFICATION_TAG:
        free.append(_INVOKE_ID)
    if notice.moment:
        free.append((notice.places[0], values.DATE_TIME_SIZE))
    mask = bytearray(b"\xff" * len(apdu))
    for at, size in free:
        mask[at : at + size] = bytes(size)
    return int.from_bytes(mask, "big")


def _find_identity_line(meter: str, groups: Sequence[Group | None]) -> int:
    """Return the line with the serial number of the meter; -1 if it never changes."""
    stated = enumerate(groups)
    return next(
        (place for place, one in stated if one and one.label in _SERIAL_LABELS and str(one.value) == meter),
        -1,
    )


def _find_variable(line: ListLine, notice: DataNotification) -> tuple[int, str] | None:
    """Return the place and format of a line's number, clock or text; None if it never changes."""
    item = line.item
    at = notice.places.get(0 if line.is_clock and item.value is notice.moment else id(item))
    if at is None:
        return None
    if line.is_clock:
        return at, f"{values.DATE_TIME_SIZE}s"
    if item.tag in _STRINGS:
        stays = line.label in _FIXED or "/" in line.label or is_clock_name(values.parse_obis(line.label))
        size = _find_string_size(item)
        return None if stays or not size else (at, f"{size}s")
    number = axdr.NUMBERS.get(item.tag)
    return (at, number.format[1:]) if number is not None else None


def _find_string_size(item: Item) -> int:
    """Return the size of a string in bytes; 0 if it was invalid UTF-8, so that its size is unknown."""
    if item.tag == axdr.OCTETS:
        return len(item.octets)
    text = str(item.value)
    return 0 if "\N{REPLACEMENT CHARACTER}" in text else len(text.encode())


def _make_group(line: ListLine, value: FieldValue) -> Group | None:
    if not isinstance(value, bytes):
        if not abs(value) < float("inf"):
            return None
        power, unit = line.scale or (0, "")
        return Group(line.label, scale_number(value, power), unit, line.time, line.more)
    tag = line.item.tag
    if not line.is_clock and (values.render_whole_time(value) or values.is_obis_name(value)):
        return None
    is_octets = line.is_clock or tag == axdr.OCTETS
    item = Item(tag, value if is_octets else value.decode("utf-8", "replace"))
    return ListLine(line.label, item, line.scale, line.time, line.more, line.is_clock).group()
