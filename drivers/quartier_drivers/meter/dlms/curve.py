"""Load curves (profile generic): columns, and the rows of a buffer as telegrams; pure.  Blue Book 4.3.6."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from quartier_drivers.meter.dlms import axdr, moment, obis
from quartier_drivers.meter.dlms.axdr import Item, Malformed
from quartier_drivers.meter.dlms.objects import SCALERS, TIMEPIECE, VALUE
from quartier_drivers.meter.dlms.services import Attribute
from quartier_drivers.meter.dlms.values import quantity
from quartier_drivers.meter.telegram import Group, Telegram

CAPTURED, PERIOD, SORTED, IN_USE = 3, 4, 5, 7
NEWEST_FIRST = 2
COLUMNS_MAX = 64
FOREVER = moment.octets(datetime(2099, 12, 31, 23, 59, 59))  # noqa: DTZ001 - as meters say it, without a zone


@dataclass(frozen=True, slots=True)
class Column:
    """What one column captures."""

    kind: int
    name: bytes
    attribute: int

    @property
    def is_clock(self) -> bool:
        """Whether the column is the capture time of a row."""
        return self.kind == TIMEPIECE and self.attribute == VALUE

    @property
    def scaler(self) -> Attribute | None:
        """The attribute with its scaler and unit; None if it has none."""
        number = SCALERS.get(self.kind)
        return Attribute(self.kind, self.name, number) if number else None


@dataclass(frozen=True, slots=True)
class Curve:
    """A load curve: its name, columns and capture period in s (0: not by time)."""

    name: bytes
    columns: tuple[Column, ...]
    period_s: int
    is_newest_first: bool = False

    @property
    def clock(self) -> Column | None:
        """The column by which rows are selected; None if there is none."""
        return next((column for column in self.columns if column.is_clock), None)


def columns(captured: Item) -> tuple[Column, ...]:
    """Return the columns listed in ``capture_objects``; raises Malformed."""
    made = []
    for item in captured.items:
        parts = [part.value for part in item.items]
        if len(parts) < 4 or not isinstance(parts[0], int) or not isinstance(parts[2], int):
            raise Malformed("capture objects of another form")
        name = item.items[1].octets
        if len(name) != obis.SIZE:
            raise Malformed(f"a captured object whose name has {len(name)} bytes")
        made.append(Column(parts[0], name, parts[2]))
    if not 0 < len(made) <= COLUMNS_MAX:
        raise Malformed(f"{len(made)} captured objects, expected 1 to {COLUMNS_MAX}")
    return tuple(made)


def telegrams(
    curve: Curve, buffer: Item, scalers: Mapping[bytes, Item | None], meter: str, after: str = ""
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
        time = _time(curve, items, time)
        before = values
        groups = tuple(_groups(curve, values, scalers, time))
        if groups:
            made.append(Telegram(meter, groups))
    if curve.is_newest_first:
        made.reverse()
    known = [place for place, telegram in enumerate(made) if after and telegram.groups[0].time == after]
    return made[known[-1] + 1 :] if known else made


def _time(curve: Curve, items: Sequence[Item], before: str) -> str:
    for column, item in zip(curve.columns, items, strict=True):
        if column.is_clock:
            return moment.iso(item.octets) if item.tag != axdr.NULL else _later(before, curve.period_s)
    return ""


def _later(time: str, period_s: int) -> str:
    try:
        return (datetime.fromisoformat(time) + timedelta(seconds=period_s)).isoformat() if time else ""
    except (ValueError, OverflowError):
        return ""


def _groups(
    curve: Curve, values: Sequence[Item], scalers: Mapping[bytes, Item | None], time: str
) -> list[Group]:
    made = []
    for column, item in zip(curve.columns, values, strict=True):
        if column.is_clock:
            continue
        said, unit = quantity(item, scalers.get(column.name) if column.attribute == VALUE else None)
        if said is not None:
            made.append(Group(f"{obis.label(curve.name)}/{obis.label(column.name)}", said, unit, time))
    return made
