"""Defines the objects of a meter that is polled; reads their values and load curves (pure).

Blue Book, classes 1 (data), 3 to 5 (registers), 7 (profile generic), 8 (clock).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from quartier_drivers.meter import units
from quartier_drivers.meter.dlms import axdr
from quartier_drivers.meter.dlms import values as dlms_values
from quartier_drivers.meter.dlms.axdr import Item, MalformedData
from quartier_drivers.meter.dlms.client_services import Attribute
from quartier_drivers.meter.dlms.values import CLOCK_NAME, parse_obis, read_quantity
from quartier_drivers.meter.telegrams import Group, GroupValue, Telegram
from quartier_drivers.meter.units import render_obis

CAPTURE_OBJECTS, CAPTURE_PERIOD, SORT_METHOD, ENTRIES_IN_USE = 3, 4, 5, 7
NEWEST_FIRST = 2
COLUMNS_MAX = 64
END_OF_TIME = dlms_values.encode_time(datetime(2099, 12, 31, 23, 59, 59))  # noqa: DTZ001 - as meters say it, without a zone


@dataclass(frozen=True, slots=True)
class CurveColumn:
    """One column of a load curve: the captured attribute (class, name, number)."""

    kind: int
    name: bytes
    attribute: int

    @property
    def is_clock(self) -> bool:
        """Return whether the column is the capture time of a row."""
        return self.kind == CLOCK_CLASS and self.attribute == VALUE_ATTRIBUTE

    @property
    def scaler(self) -> Attribute | None:
        """The attribute with its scaler and unit; None if it has none."""
        number = SCALER_ATTRIBUTES.get(self.kind)
        return Attribute(self.kind, self.name, number) if number else None


@dataclass(frozen=True, slots=True)
class LoadCurve:
    """A load curve: its name, columns and capture period in s (0: not by time)."""

    name: bytes
    columns: tuple[CurveColumn, ...]
    period_s: int
    is_newest_first: bool = False

    @property
    def clock(self) -> CurveColumn | None:
        """The column by which rows are selected; None if there is none."""
        return next((column for column in self.columns if column.is_clock), None)


def parse_columns(captured: Item) -> tuple[CurveColumn, ...]:
    """Return the columns listed in ``capture_objects``; raises MalformedData."""
    made = []
    for item in captured.items:
        parts = [part.value for part in item.items]
        if len(parts) < 4 or not isinstance(parts[0], int) or not isinstance(parts[2], int):
            raise MalformedData("capture objects of another form")
        name = item.items[1].octets
        if len(name) != units.OBIS_SIZE:
            raise MalformedData(f"a captured object whose name has {len(name)} bytes")
        made.append(CurveColumn(parts[0], name, parts[2]))
    if not 0 < len(made) <= COLUMNS_MAX:
        raise MalformedData(f"{len(made)} captured objects, expected 1 to {COLUMNS_MAX}")
    return tuple(made)


def make_curve_telegrams(
    curve: LoadCurve, buffer: Item, scalers: Mapping[bytes, Item | None], meter: str, after: str = ""
) -> list[Telegram]:
    """Return the rows of a buffer, each as a telegram; labels are ``curve/column``, times those of the row.

    The oldest comes first.  Null-data means "as before", for the clock one period later.  Rows up to the time
    ``after`` are left out.
    """
    made: list[Telegram] = []
    before: list[Item] = []
    time = ""
    for row in buffer.items:
        items = list(row.items) if row.items else [row]
        if len(items) != len(curve.columns):
            continue
        values = [
            item if item.tag != axdr.NULL or not before else before[place] for place, item in enumerate(items)
        ]
        time = _find_row_time(curve, items, time)
        before = values
        groups = tuple(_make_row_groups(curve, values, scalers, time))
        if groups:
            made.append(Telegram(meter, groups))
    if curve.is_newest_first:
        made.reverse()
    known = [place for place, telegram in enumerate(made) if after and telegram.groups[0].time == after]
    return made[known[-1] + 1 :] if known else made


def _find_row_time(curve: LoadCurve, items: Sequence[Item], before: str) -> str:
    for column, item in zip(curve.columns, items, strict=True):
        if column.is_clock:
            return (
                dlms_values.render_iso_time(item.octets)
                if item.tag != axdr.NULL
                else _add_period(before, curve.period_s)
            )
    return ""


def _add_period(time: str, period_s: int) -> str:
    try:
        return (datetime.fromisoformat(time) + timedelta(seconds=period_s)).isoformat() if time else ""
    except (ValueError, OverflowError):
        return ""


def _make_row_groups(
    curve: LoadCurve, values: Sequence[Item], scalers: Mapping[bytes, Item | None], time: str
) -> list[Group]:
    made = []
    for column, item in zip(curve.columns, values, strict=True):
        if column.is_clock:
            continue
        said, unit = read_quantity(
            item, scalers.get(column.name) if column.attribute == VALUE_ATTRIBUTE else None
        )
        if said is not None:
            made.append(
                Group(f"{units.render_obis(curve.name)}/{units.render_obis(column.name)}", said, unit, time)
            )
    return made


(
    DATA_CLASS,
    REGISTER_CLASS,
    EXTENDED_REGISTER_CLASS,
    DEMAND_REGISTER_CLASS,
    PROFILE_GENERIC_CLASS,
    CLOCK_CLASS,
) = 1, 3, 4, 5, 7, 8
CLASS_NAMES = {
    "data": DATA_CLASS,
    "register": REGISTER_CLASS,
    "extended": EXTENDED_REGISTER_CLASS,
    "demand": DEMAND_REGISTER_CLASS,
    "profile": PROFILE_GENERIC_CLASS,
    "clock": CLOCK_CLASS,
}
VALUE_ATTRIBUTE = 2
# Attributes besides the value: the time, and a second value.
_TIMES = {EXTENDED_REGISTER_CLASS: 5, DEMAND_REGISTER_CLASS: 6}
_SECONDS = {DEMAND_REGISTER_CLASS: 3}
SCALER_ATTRIBUTES = {REGISTER_CLASS: 3, EXTENDED_REGISTER_CLASS: 3, DEMAND_REGISTER_CLASS: 4}
"""The attribute of each class that is scaler and unit."""


_MAXIMUM, _DEMANDS, _CURVES = (2, 6, 16), (4, 5, 14, 15, 24, 25), (98, 99)


@dataclass(frozen=True, slots=True)
class WantedObject:
    """One object: its name and its possible classes, the most likely first."""

    name: bytes
    kinds: tuple[int, ...]

    @property
    def is_curve(self) -> bool:
        """Return whether the object is a load curve."""
        return self.kinds[0] == PROFILE_GENERIC_CLASS


def make_wanted(text: str, kind: str = "") -> WantedObject:  # noqa: PLR0911 - one for each kind of name
    """Return the object of a label; ``kind`` is its class, empty to derive the class from the name.

    Raises ValueError for an invalid OBIS name or class.
    """
    named = parse_obis(text)
    if kind:
        if kind not in CLASS_NAMES:
            raise ValueError(f"{kind!r} is no class; expected one of {', '.join(CLASS_NAMES)}")
        return WantedObject(named, (CLASS_NAMES[kind],))
    media, _, quantity_of, process = named[:4]
    if media == 0 and named[2:5] == CLOCK_NAME[2:5]:
        return WantedObject(named, (CLOCK_CLASS, DATA_CLASS))
    if quantity_of in _CURVES and media in (0, 1):
        return WantedObject(named, (PROFILE_GENERIC_CLASS,))
    if media == 0:
        # Channel values of M-Bus sub-meters have their own time.
        return WantedObject(
            named,
            (EXTENDED_REGISTER_CLASS, REGISTER_CLASS, DATA_CLASS)
            if quantity_of == 24
            else (DATA_CLASS, REGISTER_CLASS, EXTENDED_REGISTER_CLASS),
        )
    if not quantity_of:
        return WantedObject(named, (DATA_CLASS, REGISTER_CLASS))
    if process in _MAXIMUM:
        return WantedObject(named, (EXTENDED_REGISTER_CLASS, REGISTER_CLASS, DATA_CLASS))
    if process in _DEMANDS:
        return WantedObject(named, (DEMAND_REGISTER_CLASS, REGISTER_CLASS, EXTENDED_REGISTER_CLASS))
    return WantedObject(named, (REGISTER_CLASS, EXTENDED_REGISTER_CLASS, DATA_CLASS))


def list_attributes(kind: int) -> tuple[int, ...]:
    """Return the attributes that are read of an object each time."""
    return tuple(number for number in (VALUE_ATTRIBUTE, _SECONDS.get(kind), _TIMES.get(kind)) if number)


def make_object_groups(named: bytes, kind: int, values: dict[int, Item], scaler: Item | None) -> list[Group]:
    """Return the groups of an object.

    The last average of a demand register has ``attribute`` 3 in ``more``.
    """
    time = ""
    if kind in _TIMES and (stamp := values.get(_TIMES[kind])):
        time = dlms_values.render_iso_time(stamp.octets)
    made = []
    for number in (VALUE_ATTRIBUTE, _SECONDS.get(kind, 0)):
        if number not in values:
            continue
        said, unit = read_quantity(values[number], scaler)
        more: dict[str, GroupValue] = {} if number == VALUE_ATTRIBUTE else {"attribute": number}
        if kind == CLOCK_CLASS and isinstance(said, str):
            time, more = said, {**dlms_values.read_clock_status(values[number].octets)}
        if said is not None:
            made.append(Group(render_obis(named), said, unit, time, more))
    return made
