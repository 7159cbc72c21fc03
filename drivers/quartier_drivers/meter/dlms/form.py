"""Pushes of a form that is known: only their numbers and clocks are looked at; pure.

A meter says the same list again and again.  What stays in it (names, units, texts, lengths) is compared as
one number.
"""

import struct
from collections.abc import Sequence

from quartier_drivers.meter.dlms import axdr, moment
from quartier_drivers.meter.dlms.lists import Line, clock
from quartier_drivers.meter.dlms.notification import TAG, Notification
from quartier_drivers.meter.dlms.values import scaled
from quartier_drivers.meter.telegram import Group

_INVOKE_ID = (1, 4)
_FORMS_MAX = 8


class Form:
    """One push as it was read the general way: ``apdu``, what was found in it, who said it and what.

    ``groups`` says what another push of the same form says, exactly as the general way would.
    """

    def __init__(self, apdu: bytes, notice: Notification, meter: str, lines: Sequence[Line]) -> None:
        self.meter = meter
        free = [_INVOKE_ID] if apdu[0] == TAG else []
        holes: list[tuple[int, str, int]] = []  # where, how it is unpacked, of which line
        for number, line in enumerate(lines):
            if (hole := _hole(line, notice)) is not None:
                holes.append((*hole, number))
        if notice.moment and not any(at == notice.places[0] for at, _, _ in holes):
            free.append((notice.places[0], moment.SIZE))
        holes.sort()
        form, end = ">", 0
        for at, how, _ in holes:
            form += f"{at - end}x{how}"
            end = at + struct.calcsize(f">{how}")
            free.append((at, end - at))
        self._numbers = struct.Struct(form)
        self._lines = [lines[number] for _, _, number in holes]
        self._places = [number for _, _, number in holes]
        mask = bytearray(b"\xff" * len(apdu))
        for at, size in free:
            mask[at : at + size] = bytes(size)
        self._mask = int.from_bytes(mask, "big")
        self._fixed = int.from_bytes(apdu, "big") & self._mask
        self._groups = [line.group() for line in lines]
        self._last = list(self._numbers.unpack_from(apdu))

    def groups(self, apdu: bytes) -> list[Group] | None:
        """What it says; None where it is of another form."""
        if int.from_bytes(apdu, "big") & self._mask != self._fixed:
            return None
        last, made = self._last, self._groups
        for number, value in enumerate(self._numbers.unpack_from(apdu)):
            if value == last[number] and value == value:  # noqa: PLR0124 - not so for a float that is no number
                continue
            group = _group(self._lines[number], value)
            if group is None:
                return None
            last[number] = value
            made[self._places[number]] = group
        return [group for group in made if group is not None]


class Forms:
    """The last few forms that were seen."""

    def __init__(self) -> None:
        self._known: list[tuple[int, Form]] = []

    def told(self, apdu: bytes) -> tuple[str, list[Group]] | None:
        """Who says it and what; None where its form is not known."""
        size = len(apdu)
        for known, form in self._known:
            if known == size and (groups := form.groups(apdu)) is not None:
                return form.meter, groups
        return None

    def learn(self, apdu: bytes, notice: Notification, meter: str, lines: Sequence[Line]) -> None:
        """Remember how this push was read."""
        if notice.places:
            self._known.insert(0, (len(apdu), Form(apdu, notice, meter, lines)))
            del self._known[_FORMS_MAX:]


def _hole(line: Line, notice: Notification) -> tuple[int, str] | None:
    """Where a line's number or clock stands and how it is unpacked; None for what stays as it is."""
    item = line.item
    at = notice.places.get(0 if item.value is notice.moment else id(item))
    if at is None:
        return None
    if line.is_clock:
        return at, f"{moment.SIZE}s"
    number = axdr.NUMBERS.get(item.tag)
    return (at, number.format[1:]) if number is not None else None


def _group(line: Line, value: bytes | float) -> Group | None:
    if isinstance(value, bytes):
        return clock(line.label, value)
    if not abs(value) < float("inf"):
        return None
    power, unit = line.scale or (0, "")
    return Group(line.label, scaled(value, power), unit, line.time, line.more)
