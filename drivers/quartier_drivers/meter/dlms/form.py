"""Reads pushes of a known form: only their numbers, clocks and texts are decoded; pure.

A meter sends the same list again and again.  What stays the same in it (names, units, lengths, the kind of
list) is compared as one number.
"""

import struct
from collections.abc import Sequence

from quartier_drivers.meter.dlms import axdr, moment, obis
from quartier_drivers.meter.dlms.axdr import Item
from quartier_drivers.meter.dlms.lists import LISTED, SERIALS, Line, is_clock
from quartier_drivers.meter.dlms.notification import TAG, Notification
from quartier_drivers.meter.dlms.values import scaled
from quartier_drivers.meter.telegram import Group

_INVOKE_ID = (1, 4)
_FORMS_MAX = 16
_STRINGS = (axdr.OCTETS, axdr.TEXT, axdr.UTF8)
# These values identify the list, so they must not change.
_FIXED = frozenset(obis.label(name) for name in LISTED)
_SERIAL_LABELS = frozenset(obis.label(name) for name in SERIALS)

Value = bytes | float
Hole = tuple[int, str, int]
"""The place of a value that may change, its struct format, and its line."""


class Form:
    """One push as it was read the general way: ``apdu``, its content, the meter and the lines.

    ``told`` reads another push of the same form with exactly the same result as the general way.
    """

    def __init__(self, apdu: bytes, notice: Notification, meter: str, lines: Sequence[Line]) -> None:
        holes = sorted(
            (*hole, number) for number, line in enumerate(lines) if (hole := _hole(line, notice)) is not None
        )
        self._lines = [lines[number] for _, _, number in holes]
        self._places = [number for _, _, number in holes]
        self._unpack = struct.Struct(_packing(holes)).unpack_from
        self._mask = _mask(apdu, notice, holes)
        self._fixed = int.from_bytes(apdu, "big") & self._mask
        self._groups = [line.group() for line in lines]
        self._last: list[Value] = list(self._unpack(apdu))
        self._meter = meter
        self._speaker = _speaker(meter, self._groups)

    def told(self, apdu: bytes) -> tuple[str, list[Group]] | None:
        """Return the meter and the groups; None if the push has another form."""
        if int.from_bytes(apdu, "big") & self._mask != self._fixed:
            return None
        last, made = self._last, self._groups
        values = self._unpack(apdu)
        for number, value in enumerate(values):
            if value == last[number] and value == value:  # noqa: PLR0124 - not so for a float that is no number
                continue
            place = self._places[number]
            group = _group(self._lines[number], value)
            known = made[place]
            if group is None or known is None:
                return None
            # A text that was empty and is not, or the other way round, may make another one the serial
            # number.
            if group.label in _SERIAL_LABELS and (not group.value) != (not known.value):
                return None
            last[number] = value
            made[place] = group
        speaker = made[self._speaker] if self._speaker >= 0 else None
        meter = self._meter if speaker is None else str(speaker.value)
        return meter, [group for group in made if group is not None]


class Forms:
    """The most recent forms."""

    def __init__(self) -> None:
        self._known: list[tuple[int, Form]] = []

    def told(self, apdu: bytes) -> tuple[str, list[Group]] | None:
        """Return the meter and the groups; None if the form is not known."""
        size = len(apdu)
        for number, (known, form) in enumerate(self._known):
            if known == size and (told := form.told(apdu)) is not None:
                if number:
                    self._known.insert(0, self._known.pop(number))
                return told
        return None

    def learn(self, apdu: bytes, notice: Notification, meter: str, lines: Sequence[Line]) -> None:
        """Remember how this push was read."""
        if notice.places:
            self._known.insert(0, (len(apdu), Form(apdu, notice, meter, lines)))
            del self._known[_FORMS_MAX:]


def _packing(holes: Sequence[Hole]) -> str:
    form, end = ">", 0
    for at, how, _ in holes:
        form += f"{at - end}x{how}"
        end = at + struct.calcsize(f">{how}")
    return form


def _mask(apdu: bytes, notice: Notification, holes: Sequence[Hole]) -> int:
    """Return a mask with ones for all bits that must not change."""
    free = [(at, struct.calcsize(f">{how}")) for at, how, _ in holes]
    if apdu[0] == TAG:
        free.append(_INVOKE_ID)
    if notice.moment:
        free.append((notice.places[0], moment.SIZE))
    mask = bytearray(b"\xff" * len(apdu))
    for at, size in free:
        mask[at : at + size] = bytes(size)
    return int.from_bytes(mask, "big")


def _speaker(meter: str, groups: Sequence[Group | None]) -> int:
    """Return the line with the serial number of the meter; -1 if it never changes."""
    stated = enumerate(groups)
    return next(
        (place for place, one in stated if one and one.label in _SERIAL_LABELS and str(one.value) == meter),
        -1,
    )


def _hole(line: Line, notice: Notification) -> tuple[int, str] | None:
    """Return the place and format of a line's number, clock or text; None if it never changes."""
    item = line.item
    at = notice.places.get(0 if line.is_clock and item.value is notice.moment else id(item))
    if at is None:
        return None
    if line.is_clock:
        return at, f"{moment.SIZE}s"
    if item.tag in _STRINGS:
        stays = line.label in _FIXED or "/" in line.label or is_clock(obis.name(line.label))
        size = _size(item)
        return None if stays or not size else (at, f"{size}s")
    number = axdr.NUMBERS.get(item.tag)
    return (at, number.format[1:]) if number is not None else None


def _size(item: Item) -> int:
    """Return the size of a string in bytes; 0 if it was invalid UTF-8, so that its size is unknown."""
    if item.tag == axdr.OCTETS:
        return len(item.octets)
    text = str(item.value)
    return 0 if "\N{REPLACEMENT CHARACTER}" in text else len(text.encode())


def _group(line: Line, value: Value) -> Group | None:
    if not isinstance(value, bytes):
        if not abs(value) < float("inf"):
            return None
        power, unit = line.scale or (0, "")
        return Group(line.label, scaled(value, power), unit, line.time, line.more)
    tag = line.item.tag
    if not line.is_clock and (moment.whole(value) or obis.is_name(value)):
        return None
    is_octets = line.is_clock or tag == axdr.OCTETS
    said = Item(tag, value if is_octets else value.decode("utf-8", "replace"))
    return Line(line.label, said, line.scale, line.time, line.more, line.is_clock).group()
