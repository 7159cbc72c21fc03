"""Parse data notifications and the lists of national customer interfaces (pure).

The content identifies the kind: names with values (and units), names as a list before the values, or neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from quartier_drivers.meter import units
from quartier_drivers.meter.dlms import axdr
from quartier_drivers.meter.dlms import values as dlms_values
from quartier_drivers.meter.dlms.axdr import (
    ARRAY,
    STRUCTURE,
    AxdrReader,
    Item,
    MalformedData,
    read_item_places,
)
from quartier_drivers.meter.dlms.list_layouts import (
    LIST_VERSION,
    LIST_VERSIONS,
    SERIAL,
    TYPE,
    ListScales,
    find_layout,
    find_scales,
)
from quartier_drivers.meter.dlms.values import DATE_TIME_SIZE as MOMENT_SIZE
from quartier_drivers.meter.dlms.values import parse_scaler, render_item, scale_number
from quartier_drivers.meter.telegrams import Group, GroupValue

_CAPTURE_TIMES = {4: 5, 5: 6}  # classes with a capture time, and its attribute
_VALUE, _SCALER, _LOGICAL_NAME = 2, 3, 1
SERIAL_NAMES = (
    SERIAL,
    *map(dlms_values.parse_obis, ("0-0:42.0.0", "0-0:96.1.1", "1-1:0.0.5", "1-1:0.0.1", "1-0:0.0.0")),
)
TYPE_NAMES = (TYPE, dlms_values.parse_obis("1-1:96.1.1"))
LIST_NAMES = (*LIST_VERSIONS, *TYPE_NAMES)
"""The names by which a list is identified."""


_FORMS = {
    axdr.UINT16: "u",
    axdr.UINT32: "U",
    axdr.UINT64: "U",
    axdr.TEXT: "t",
    axdr.UTF8: "t",
    axdr.DATE_TIME: "d",
}


@dataclass(slots=True)
class _ListStatement:
    """A value and its name; ``place`` in its list if it has no name."""

    name: bytes
    value: Item
    scaler: Item | None = None
    scale: tuple[int, str] | None = None
    attribute: int = _VALUE
    time: str = ""
    place: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class _ListContent:
    statements: list[_ListStatement] = field(default_factory=list)
    loose: list[_ListStatement] = field(default_factory=list)


@dataclass(slots=True)
class ListLine:
    """The constant part of a line of a list, which is the same in each push, and the item with its value."""

    label: str
    item: Item
    scale: tuple[int, str] | None = None
    time: str = ""
    more: Mapping[str, GroupValue] = field(default_factory=dict)
    is_clock: bool = False

    def group(self) -> Group | None:
        """Return the group; None if nothing is stated."""
        if self.is_clock:
            return make_clock_group(self.label, self.item.octets)
        value = render_item(self.item)
        if value is None:
            return None
        power, unit = self.scale or (0, "")
        number = value if isinstance(value, str) else scale_number(value, power)
        return Group(self.label, number, unit, self.time, self.more)


@dataclass(frozen=True, slots=True)
class DataNotification:
    """A pushed message: ``moment`` is its date-time (12 bytes, or empty), ``body`` the data.

    ``is_tagged``: the date-time carried a tag that the standard does not have there, as Kaifa's does.
    """

    moment: bytes
    body: Item
    is_tagged: bool = False
    places: Mapping[int, int] = field(default_factory=dict, compare=False, repr=False)
    """The places of the bytes of the moment (0) and of each number and string (``id`` of its item)."""


def parse_list_groups(notice: DataNotification, defects: Sequence[str] = ()) -> tuple[str, list[Group]]:
    """Return the meter (empty if the list does not state it) and every value of a notification.

    See ``parse_list_lines``.
    """
    meter, lines = parse_list_lines(notice, defects)
    return meter, [group for line in lines if (group := line.group())]


def parse_list_lines(notice: DataNotification, defects: Sequence[str] = ()) -> tuple[str, list[ListLine]]:
    """Return the meter, and the meaning of every value of a notification.

    Numbers are scaled if the meter gives a unit or the list is known; else they are as sent, without unit.  A
    value without a name is labelled by the length of its list and its place: ``14/5``.
    """
    content = _ListContent()
    _collect_content(notice.body.items, content)
    _apply_layout(content, is_kaifa=notice.is_tagged)
    texts = {statement.name: _render_text(statement) for statement in content.statements}
    version, kind = (_find_first(texts, names) for names in (LIST_VERSIONS, TYPE_NAMES))
    scales = find_scales(version, kind, defects)
    made = [_make_named_line(statement, scales) for statement in content.statements]
    made += [_make_unnamed_line(statement) for statement in content.loose]
    if dlms_values.render_whole_time(notice.moment) and not any(
        is_clock_name(statement.name) for statement in content.statements
    ):
        made.insert(
            0,
            ListLine(
                units.render_obis(dlms_values.CLOCK_NAME), Item(axdr.OCTETS, notice.moment), is_clock=True
            ),
        )
    serials = {statement.name: str(render_item(statement.value) or "") for statement in content.statements}
    meter = next((serials[name] for name in SERIAL_NAMES if serials.get(name)), "") or _find_loose_serial(
        content.loose
    )
    return meter, made


def _find_first(texts: Mapping[bytes, str], names: Sequence[bytes]) -> str:
    return next((texts[name] for name in names if name in texts), "")


def _collect_content(items: Sequence[Item], content: _ListContent) -> None:
    if items and (entries := _parse_entries(items[0])) and len(items) - len(entries) in (0, 1):
        _match_descriptions(entries, items[len(items) - len(entries) :], content)
        return
    at = 0
    while at < len(items):
        item, following = items[at], items[at + 1] if at + 1 < len(items) else None
        if isinstance(item.value, tuple) and following is not None:
            _, name, attribute = item.value
            content.statements.append(_ListStatement(name, following, attribute=attribute))
            at += 2
        elif item.tag == axdr.OCTETS and dlms_values.is_obis_name(item.octets) and following is not None:
            scaler = items[at + 2] if at + 2 < len(items) and parse_scaler(items[at + 2]) else None
            content.statements.append(_ListStatement(item.octets, following, scaler))
            at += 2 + (scaler is not None)
        else:
            if item.value is None:
                pass
            elif not item.items:
                content.loose.append(_ListStatement(b"", item, place=(len(items), at)))
            elif _parse_entry(item) is None:
                _collect_content(item.items, content)
            at += 1


def _parse_entry(item: Item) -> tuple[int, bytes, int] | None:
    """Return class, name and attribute of one line of a push object list; None if it is no such line."""
    parts = item.items
    if item.tag != axdr.STRUCTURE or len(parts) < 4 or parts[0].tag != axdr.UINT16:
        return None
    name, attribute = parts[1].octets, parts[2].value
    if parts[2].tag != axdr.INT8 or not isinstance(attribute, int) or not dlms_values.is_obis_name(name):
        return None
    return parts[0].value, name, attribute  # type: ignore[return-value]  # a uint16 is a whole number


def _parse_entries(item: Item) -> list[tuple[int, bytes, int]]:
    """Return the lines of a push object list; empty if the item is no such list."""
    if item.tag != axdr.ARRAY or not item.items:
        return []
    found = [entry for part in item.items if (entry := _parse_entry(part))]
    return found if len(found) == len(item.items) else []


def _match_descriptions(
    entries: Sequence[tuple[int, bytes, int]], values: Sequence[Item], content: _ListContent
) -> None:
    """Add values in the order of a push object list, which may be its own first line."""
    by_name: dict[bytes, _ListStatement] = {}
    for (kind, name, attribute), value in zip(entries, values, strict=True):
        if attribute == _LOGICAL_NAME or _parse_entries(value):
            continue
        known = by_name.get(name)
        if known is not None and attribute == _SCALER and parse_scaler(value):
            known.scaler = value
        elif known is not None and attribute == _CAPTURE_TIMES.get(kind):
            known.time = dlms_values.render_whole_time(value.octets)
        else:
            by_name[name] = _ListStatement(name, value, attribute=attribute)
            content.statements.append(by_name[name])


def _apply_layout(content: _ListContent, *, is_kaifa: bool) -> None:
    """Give names to a list that has none, if its form identifies the list."""
    loose = content.loose
    if not loose or any(statement.place[0] != loose[0].place[0] for statement in loose):
        return
    first = render_item(loose[0].value)
    if content.statements and isinstance(first, str) and find_scales(first, ""):
        loose[0].name = LIST_VERSION
        content.statements.insert(0, loose.pop(0))
        return
    if content.statements:
        return
    form = "".join(_render_form(statement.value) for statement in loose)
    layout = find_layout(form, first if isinstance(first, str) else "", is_kaifa=is_kaifa)
    if layout is None or len(loose) != loose[0].place[0]:
        return
    for statement, name in zip(loose, layout.names, strict=True):
        statement.name = name
        statement.scale = layout.scales.of(name)
    content.statements, content.loose = loose, []


def _render_form(item: Item) -> str:
    if item.tag == axdr.OCTETS:
        return "d" if dlms_values.render_whole_time(item.octets) else "t"
    return _FORMS.get(item.tag, "?")


def _make_named_line(statement: _ListStatement, scales: ListScales | None) -> ListLine:
    item, name = statement.value, statement.name
    label = units.render_obis(name)
    if is_clock_name(name) and dlms_values.render_whole_time(item.octets):
        return ListLine(label, item, is_clock=True)
    scale = statement.scale or parse_scaler(statement.scaler)
    if scale is None and scales is not None:
        scale = scales.of(name)
    more: Mapping[str, GroupValue] = (
        {} if statement.attribute == _VALUE else {"attribute": statement.attribute}
    )
    return ListLine(label, item, scale, statement.time, more)


def _make_unnamed_line(statement: _ListStatement) -> ListLine:
    if dlms_values.render_whole_time(statement.value.octets):
        return ListLine(units.render_obis(dlms_values.CLOCK_NAME), statement.value, is_clock=True)
    return ListLine(f"{statement.place[0]}/{statement.place[1]}", statement.value)


def make_clock_group(label: str, octets: bytes) -> Group | None:
    """Return the group of a clock; None if its content is no time."""
    text = dlms_values.render_whole_time(octets)
    return Group(label, text, "", text, dlms_values.read_clock_status(octets)) if text else None


def is_clock_name(name: bytes) -> bool:
    """Return whether it is the name of a clock."""
    return name[:1] == b"\0" and name[2:5] == dlms_values.CLOCK_NAME[2:5]


def _render_text(statement: _ListStatement) -> str:
    value = render_item(statement.value)
    return value if isinstance(value, str) else ""


def _find_loose_serial(loose: Sequence[_ListStatement]) -> str:
    """Return a serial number without name, as at the end of Netz Niederösterreich's list."""
    texts = [
        _render_text(statement)
        for statement in loose
        if not dlms_values.render_whole_time(statement.value.octets)
    ]
    texts = [text for text in texts if len(text) >= 6]
    return texts[0] if len(texts) == 1 else ""


NOTIFICATION_TAG = 0x0F
_OCTETS = 0x09


def parse_notification(apdu: bytes) -> DataNotification:
    """Read a data notification, or a list that was sent without one; raises MalformedData."""
    if apdu[:1] in (bytes([ARRAY]), bytes([STRUCTURE])):
        body, places = read_item_places(apdu)
        return DataNotification(b"", body, False, places)
    reader = AxdrReader(apdu)
    if reader.byte() != NOTIFICATION_TAG:
        raise MalformedData(f"APDU {apdu[0]:#04x}, expected a data notification")
    reader.take(4)  # invoke id and priority
    size = reader.byte()
    is_tagged = size == _OCTETS
    if is_tagged:
        size = reader.byte()
    if size not in (0, MOMENT_SIZE):
        raise MalformedData(f"a date-time of {size} bytes")
    moment = reader.take(size)
    body, places = read_item_places(apdu, reader.at)
    return DataNotification(moment, body, is_tagged, {0: reader.at - size, **places} if places else {})


def find_apdu_size(data: bytes) -> int:
    """Return the size of the bare APDU at the beginning of ``data``.

    Raises TruncatedData or MalformedData.
    """
    reader = AxdrReader(data)
    tag = reader.byte()
    if tag in (ARRAY, STRUCTURE):
        return _find_item_end(data, 0)
    if tag in (0xDB, 0xDC):
        reader.string()
        reader.string()
        return reader.at
    if tag == 0xDD:
        for _ in range(5):
            reader.string()
        if reader.byte():
            reader.take(2)
        reader.string()
        return reader.at
    if tag != NOTIFICATION_TAG:
        raise MalformedData(f"no APDU of a push begins with {tag:#04x}")
    reader.take(4)
    size = reader.byte()
    reader.take(reader.byte() if size == _OCTETS else size)
    return _find_item_end(data, reader.at)


def _find_item_end(data: bytes, at: int) -> int:
    reader = AxdrReader(data, at)
    reader.item()
    return reader.at
