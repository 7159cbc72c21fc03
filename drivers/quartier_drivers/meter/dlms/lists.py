"""Reads pushed lists as groups: the lists of Norway, Sweden, Denmark, Austria and Switzerland; pure.

The content identifies the kind: names with values (and units), names as a list before the values, or neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from quartier_drivers.meter.dlms import axdr, moment, obis
from quartier_drivers.meter.dlms.axdr import Item
from quartier_drivers.meter.dlms.layouts import (
    LIST_VERSION,
    LIST_VERSIONS,
    SERIAL,
    TYPE,
    Scales,
    layout_of,
    scales_of,
)
from quartier_drivers.meter.dlms.notification import Notification
from quartier_drivers.meter.dlms.values import said, scaled, scaler_of
from quartier_drivers.meter.telegram import Group, Said

_CAPTURE_TIMES = {4: 5, 5: 6}  # classes with a capture time, and its attribute
_VALUE, _SCALER, _LOGICAL_NAME = 2, 3, 1
SERIALS = (SERIAL, *map(obis.name, ("0-0:42.0.0", "0-0:96.1.1", "1-1:0.0.5", "1-1:0.0.1", "1-0:0.0.0")))
TYPES = (TYPE, obis.name("1-1:96.1.1"))
LISTED = (*LIST_VERSIONS, *TYPES)
"""What identifies the list."""
_FORMS = {
    axdr.UINT16: "u",
    axdr.UINT32: "U",
    axdr.UINT64: "U",
    axdr.TEXT: "t",
    axdr.UTF8: "t",
    axdr.DATE_TIME: "d",
}


@dataclass(slots=True)
class _Statement:
    """A value and its name; ``place`` in its list if it has no name."""

    name: bytes
    value: Item
    scaler: Item | None = None
    scale: tuple[int, str] | None = None
    attribute: int = _VALUE
    time: str = ""
    place: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class _Content:
    statements: list[_Statement] = field(default_factory=list)
    loose: list[_Statement] = field(default_factory=list)


@dataclass(slots=True)
class Line:
    """The constant part of a line of a list, which is the same in each push, and the item with its value."""

    label: str
    item: Item
    scale: tuple[int, str] | None = None
    time: str = ""
    more: Mapping[str, Said] = field(default_factory=dict)
    is_clock: bool = False

    def group(self) -> Group | None:
        """Return the group; None if nothing is stated."""
        if self.is_clock:
            return clock(self.label, self.item.octets)
        value = said(self.item)
        if value is None:
            return None
        power, unit = self.scale or (0, "")
        number = value if isinstance(value, str) else scaled(value, power)
        return Group(self.label, number, unit, self.time, self.more)


def groups(notice: Notification, defects: Sequence[str] = ()) -> tuple[str, list[Group]]:
    """Return the meter (empty if the list does not state it) and every value of a notification.

    See ``lines``.
    """
    meter, told = lines(notice, defects)
    return meter, [group for line in told if (group := line.group())]


def lines(notice: Notification, defects: Sequence[str] = ()) -> tuple[str, list[Line]]:
    """Return the meter, and the meaning of every value of a notification.

    Numbers are scaled if the meter gives a unit or the list is known; else they are as sent, without unit.  A
    value without a name is labelled by the length of its list and its place: ``14/5``.
    """
    content = _Content()
    _walk(notice.body.items, content)
    _lay_out(content, is_kaifa=notice.is_tagged)
    texts = {statement.name: _text(statement) for statement in content.statements}
    version, kind = (_first_of(texts, names) for names in (LIST_VERSIONS, TYPES))
    scales = scales_of(version, kind, defects)
    made = [_named(statement, scales) for statement in content.statements]
    made += [_unnamed(statement) for statement in content.loose]
    if moment.whole(notice.moment) and not any(is_clock(statement.name) for statement in content.statements):
        made.insert(0, Line(obis.label(obis.CLOCK), Item(axdr.OCTETS, notice.moment), is_clock=True))
    serials = {statement.name: str(said(statement.value) or "") for statement in content.statements}
    meter = next((serials[name] for name in SERIALS if serials.get(name)), "") or _loose_serial(content.loose)
    return meter, made


def _first_of(texts: Mapping[bytes, str], names: Sequence[bytes]) -> str:
    return next((texts[name] for name in names if name in texts), "")


def _walk(items: Sequence[Item], content: _Content) -> None:
    if items and (entries := _entries(items[0])) and len(items) - len(entries) in (0, 1):
        _described(entries, items[len(items) - len(entries) :], content)
        return
    at = 0
    while at < len(items):
        item, following = items[at], items[at + 1] if at + 1 < len(items) else None
        if isinstance(item.value, tuple) and following is not None:
            _, name, attribute = item.value
            content.statements.append(_Statement(name, following, attribute=attribute))
            at += 2
        elif item.tag == axdr.OCTETS and obis.is_name(item.octets) and following is not None:
            scaler = items[at + 2] if at + 2 < len(items) and scaler_of(items[at + 2]) else None
            content.statements.append(_Statement(item.octets, following, scaler))
            at += 2 + (scaler is not None)
        else:
            if item.value is None:
                pass
            elif not item.items:
                content.loose.append(_Statement(b"", item, place=(len(items), at)))
            elif _entry(item) is None:
                _walk(item.items, content)
            at += 1


def _entry(item: Item) -> tuple[int, bytes, int] | None:
    """Return class, name and attribute of one line of a push object list; None if it is no such line."""
    parts = item.items
    if item.tag != axdr.STRUCTURE or len(parts) < 4 or parts[0].tag != axdr.UINT16:
        return None
    name, attribute = parts[1].octets, parts[2].value
    if parts[2].tag != axdr.INT8 or not isinstance(attribute, int) or not obis.is_name(name):
        return None
    return parts[0].value, name, attribute  # type: ignore[return-value]  # a uint16 is a whole number


def _entries(item: Item) -> list[tuple[int, bytes, int]]:
    """Return the lines of a push object list; empty if the item is no such list."""
    if item.tag != axdr.ARRAY or not item.items:
        return []
    found = [entry for part in item.items if (entry := _entry(part))]
    return found if len(found) == len(item.items) else []


def _described(entries: Sequence[tuple[int, bytes, int]], values: Sequence[Item], content: _Content) -> None:
    """Add values in the order of a push object list, which may be its own first line."""
    by_name: dict[bytes, _Statement] = {}
    for (kind, name, attribute), value in zip(entries, values, strict=True):
        if attribute == _LOGICAL_NAME or _entries(value):
            continue
        known = by_name.get(name)
        if known is not None and attribute == _SCALER and scaler_of(value):
            known.scaler = value
        elif known is not None and attribute == _CAPTURE_TIMES.get(kind):
            known.time = moment.whole(value.octets)
        else:
            by_name[name] = _Statement(name, value, attribute=attribute)
            content.statements.append(by_name[name])


def _lay_out(content: _Content, *, is_kaifa: bool) -> None:
    """Give names to a list that has none, if its form identifies the list."""
    loose = content.loose
    if not loose or any(statement.place[0] != loose[0].place[0] for statement in loose):
        return
    first = said(loose[0].value)
    if content.statements and isinstance(first, str) and scales_of(first, ""):
        loose[0].name = LIST_VERSION
        content.statements.insert(0, loose.pop(0))
        return
    if content.statements:
        return
    form = "".join(_form(statement.value) for statement in loose)
    layout = layout_of(form, first if isinstance(first, str) else "", is_kaifa=is_kaifa)
    if layout is None or len(loose) != loose[0].place[0]:
        return
    for statement, name in zip(loose, layout.names, strict=True):
        statement.name = name
        statement.scale = layout.scales.of(name)
    content.statements, content.loose = loose, []


def _form(item: Item) -> str:
    if item.tag == axdr.OCTETS:
        return "d" if moment.whole(item.octets) else "t"
    return _FORMS.get(item.tag, "?")


def _named(statement: _Statement, scales: Scales | None) -> Line:
    item, name = statement.value, statement.name
    label = obis.label(name)
    if is_clock(name) and moment.whole(item.octets):
        return Line(label, item, is_clock=True)
    scale = statement.scale or scaler_of(statement.scaler)
    if scale is None and scales is not None:
        scale = scales.of(name)
    more: Mapping[str, Said] = {} if statement.attribute == _VALUE else {"attribute": statement.attribute}
    return Line(label, item, scale, statement.time, more)


def _unnamed(statement: _Statement) -> Line:
    if moment.whole(statement.value.octets):
        return Line(obis.label(obis.CLOCK), statement.value, is_clock=True)
    return Line(f"{statement.place[0]}/{statement.place[1]}", statement.value)


def clock(label: str, octets: bytes) -> Group | None:
    """Return the group of a clock; None if its content is no time."""
    text = moment.whole(octets)
    return Group(label, text, "", text, moment.notes(octets)) if text else None


def is_clock(name: bytes) -> bool:
    """Return whether it is the name of a clock."""
    return name[:1] == b"\0" and name[2:5] == obis.CLOCK[2:5]


def _text(statement: _Statement) -> str:
    value = said(statement.value)
    return value if isinstance(value, str) else ""


def _loose_serial(loose: Sequence[_Statement]) -> str:
    """Return a serial number without name, as at the end of Netz Niederösterreich's list."""
    texts = [_text(statement) for statement in loose if not moment.whole(statement.value.octets)]
    texts = [text for text in texts if len(text) >= 6]
    return texts[0] if len(texts) == 1 else ""
