"""Every metric of the node and its devices with type, unit, range and alias (pure).

Units are UCUM codes (points.py), meanings are classes of Brick 1.4 (brickschema.org, Brick.ttl 1.4.4).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType

from quartier.district.records import NODE_STREAM
from quartier.district.sparkplug.payload_codec import DATATYPES_BY_KIND, Datatype
from quartier_drivers.contract import PointInfo
from quartier_drivers.points import parse_quantity, split_point
from quartier_drivers.readings import Value

# Largest number of metrics learned at run time; a site has some hundreds.
LEARNED_MAX = 1_000
# Ending of a quantity -> Brick class, first match wins; an entry with a role applies to that role only.
_BRICK_CLASSES: tuple[tuple[str, str, str], ...] = (
    ("pv", "energy_export_wh", "Energy_Generation_Sensor"),
    ("", "reactive_energy_wh", "Reactive_Energy_Sensor"),
    ("", "_import_wh", "Electrical_Energy_Usage_Sensor"),
    ("", "_wh", "Electric_Energy_Sensor"),
    ("", "setpoint_w", "Setpoint"),
    ("", "_max_w", "Max_Load_Setpoint"),
    ("", "current_max_a", "Current_Limit"),
    ("", "_max_a", "Current_Limit"),
    ("", "relay_on", "On_Off_Command"),
    ("", "_on", "On_Off_Status"),
    ("", "_state", "Mode_Status"),
    ("", "soc_pct", "Level_Status"),
    ("", "power_factor", "Power_Factor_Sensor"),
    ("", "_var", "Reactive_Power_Sensor"),
    ("", "_va", "Electric_Power_Sensor"),
    ("", "_w", "Active_Power_Sensor"),
    ("", "_v", "Voltage_Sensor"),
    ("", "_a", "Current_Sensor"),
    ("", "_hz", "Frequency_Sensor"),
    ("", "_c", "Temperature_Sensor"),
    ("", "_k", "Temperature_Sensor"),
    ("", "_pa", "Pressure_Sensor"),
    ("", "_m3_per_h", "Flow_Sensor"),
    ("", "_s", "Duration_Sensor"),
    ("", "_text", "Status"),
    ("", "", "Point"),
)


def find_brick_class(role: str, quantity: str) -> str:
    """Return the Brick 1.4 class of a quantity of an asset with ``role`` (empty for buses and the gateway).

    A forecast is a ``Point``, because no sensor measured it.
    """
    if quantity.startswith("forecast_"):
        return "Point"
    for of_role, ending, name in _BRICK_CLASSES:
        if of_role in {"", role} and f"_{quantity}".endswith(ending):
            return name
    raise AssertionError("the last row matches everything")


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One metric of a birth.

    ``point`` is its full name in the gateway, ``meaning`` is shared by similar ones.
    """

    metric: str
    point: str
    type: Datatype
    alias: int
    meaning: Mapping[str, Value] = field(default_factory=dict)
    address: str | None = None

    @property
    def properties(self) -> Mapping[str, Value]:
        """Return the properties of the metric in the birth."""
        return self.meaning if self.address is None else {**self.meaning, "address": self.address}


MetricRow = tuple[str, Datatype, Mapping[str, Value], str]
"""Data shared by equal metrics of similar devices: metric, type, meaning, and address without the unit."""


class _SharedRows:
    """Rows of a stream and of all similar streams; ``places`` maps a metric to its row."""

    __slots__ = ("places", "rows")

    def __init__(self, rows: Sequence[MetricRow] = ()) -> None:
        self.rows = tuple(rows)
        self.places = {row[0]: place for place, row in enumerate(rows)}


_NO_ROWS = _SharedRows()


class _StreamMetrics:
    """Metrics of one stream: those of its sheet, with aliases from ``first`` on, and the ``added`` ones.

    ``unit`` is the prefix of each address of the sheet. An added metric takes precedence over one of the
    sheet.
    """

    __slots__ = ("added", "first", "name", "sheet", "unit")

    def __init__(self, name: str, sheet: _SharedRows = _NO_ROWS, first: int = 0, unit: str = "") -> None:
        self.name = name
        self.sheet = sheet
        self.first = first
        self.unit = unit
        self.added: dict[str, CatalogEntry] = {}

    def __iter__(self) -> Iterator[CatalogEntry]:
        for place, row in enumerate(self.sheet.rows):
            yield self.added.get(row[0]) or self._make_entry(place)
        yield from (entry for metric, entry in self.added.items() if metric not in self.sheet.places)

    def __len__(self) -> int:
        return len(self.sheet.rows) + sum(metric not in self.sheet.places for metric in self.added)

    def find(self, metric: str) -> CatalogEntry | None:
        if (entry := self.added.get(metric)) is not None:
            return entry
        place = self.sheet.places.get(metric)
        return None if place is None else self._make_entry(place)

    def by_alias(self, alias: int) -> CatalogEntry | None:
        place = alias - self.first
        if 0 <= place < len(self.sheet.rows):
            return self.find(self.sheet.rows[place][0])
        return next((entry for entry in self.added.values() if entry.alias == alias), None)

    def _make_entry(self, place: int) -> CatalogEntry:
        metric, kind, meaning, address = self.sheet.rows[place]
        return CatalogEntry(
            metric,
            _make_point_name(self.name, metric),
            kind,
            self.first + place,
            meaning,
            self.unit + address,
        )


class MetricCatalog:
    """Every metric of the node and of its devices (assets), in the order of the births.

    ``local`` are streams that never leave the site (``share = "local"``).
    """

    def __init__(self, local: Collection[str] = ()) -> None:
        self.local = frozenset(local)
        self._streams: dict[str, _StreamMetrics] = {NODE_STREAM: _StreamMetrics(NODE_STREAM)}
        self._sheets: dict[tuple[object, ...], _SharedRows] = {}
        self._learned = 0
        self._aliases = 0

    @property
    def devices(self) -> tuple[str, ...]:
        """Return the assets that have a birth as devices."""
        return tuple(stream for stream in self._streams if stream != NODE_STREAM)

    def entries(self, stream: str) -> Iterator[CatalogEntry]:
        """Return the metrics of one stream."""
        return iter(self._streams.get(stream, ()))

    def count(self, stream: str) -> int:
        """Return how many metrics a stream has."""
        return len(self._streams.get(stream, ()))

    def find(self, stream: str, metric: str) -> CatalogEntry | None:
        """Return one metric; None if it was never in a birth."""
        found = self._streams.get(stream)
        return None if found is None else found.find(metric)

    def by_alias(self, stream: str, alias: int) -> CatalogEntry | None:
        """Return the metric that a command names by its alias."""
        found = self._streams.get(stream)
        return None if found is None else found.by_alias(alias)

    def add(
        self,
        stream: str,
        metric: str,
        kind: Datatype,
        meaning: Mapping[str, Value] = MappingProxyType({}),
        address: str | None = None,
    ) -> CatalogEntry:
        """Add one metric; a known metric keeps its alias."""
        known = self.find(stream, metric)
        if known is None:
            self._aliases += 1
        alias = self._aliases if known is None else known.alias
        entry = CatalogEntry(metric, _make_point_name(stream, metric), kind, alias, meaning, address)
        self._streams.setdefault(stream, _StreamMetrics(stream)).added[metric] = entry
        return entry

    def add_all(self, stream: str, unit: str, rows: Sequence[MetricRow]) -> None:
        """Add a whole device at once; ``unit`` is the prefix of the addresses of its rows.

        Devices with the same rows share them: a site of many similar devices has thousands of points.
        """
        if stream in self._streams:
            for metric, kind, meaning, address in rows:
                self.add(stream, metric, kind, meaning, unit + address)
            return
        key = tuple((metric, kind, id(meaning), address) for metric, kind, meaning, address in rows)
        sheet = self._sheets.get(key) or self._sheets.setdefault(key, _SharedRows(rows))
        self._streams[stream] = _StreamMetrics(stream, sheet, self._aliases + 1, unit)
        self._aliases += len(rows)

    def learn(self, stream: str, metric: str, value: Value) -> bool:
        """Add a metric that a sample contains and no profile declared (an asset of an earlier site file).

        Return whether it is new; False also if too many metrics were learned already.
        """
        if self.find(stream, metric) is not None or self._learned >= LEARNED_MAX:
            return False
        self._learned += 1
        self.add(stream, metric, _find_datatype(value), _make_properties("", metric))
        return True


def _make_point_name(stream: str, metric: str) -> str:
    """Return the full name in the gateway."""
    return metric if stream == NODE_STREAM else f"{stream}.{metric}"


def _find_datatype(value: Value) -> Datatype:
    if isinstance(value, bool):
        return Datatype.BOOLEAN
    if isinstance(value, int):
        return Datatype.INT64
    return Datatype.DOUBLE if isinstance(value, float) else Datatype.STRING


def _make_properties(role: str, metric: str) -> dict[str, Value]:
    quantity = metric.rsplit(".", 1)[-1]
    found: dict[str, Value] = {"brickClass": find_brick_class(role, quantity)}
    try:
        found["engUnit"] = parse_quantity(quantity).ucum
    except ValueError:
        found["engUnit"] = "1"
    return found


def build_catalog(
    points: Mapping[str, PointInfo],
    roles: Mapping[str, str],
    *,
    local: Collection[str] = (),
    deadband: Callable[[str], float] | None = None,
) -> MetricCatalog:
    """Build the catalog of a site.

    ``points`` are by full name. ``roles`` maps each asset to its role: points of other owners (buses,
    devices, the gateway) become metrics of the node. ``deadband`` returns the deadband of a point.
    """
    catalog = MetricCatalog(local)
    # One object for equal meanings: a site of many similar devices has thousands.
    meanings: dict[tuple[tuple[str, Value], ...], Mapping[str, Value]] = {}

    def row(name: str, info: PointInfo, role: str, metric: str, address: str) -> MetricRow:
        properties = _make_properties(role, metric)
        if info.low is not None:
            properties["engLow"] = float(info.low)
        if info.high is not None:
            properties["engHigh"] = float(info.high)
        if deadband is not None:
            properties["deadband"] = float(deadband(name))
        meaning = meanings.setdefault(tuple(properties.items()), properties)
        return metric, DATATYPES_BY_KIND[info.kind], meaning, address

    for owner, names in groupby(points, key=lambda name: split_point(name)[0]):
        if owner in catalog.local:
            continue
        if owner not in roles:
            for name in names:
                info = points[name]
                catalog.add(NODE_STREAM, *row(name, info, "", name, info.address))
            continue
        infos = [(name, points[name]) for name in names]
        units = {info.address.partition("/")[0] for _, info in infos}
        unit = f"{units.pop()}/" if len(units) == 1 and all("/" in info.address for _, info in infos) else ""
        catalog.add_all(
            owner,
            unit,
            [
                row(name, info, roles[owner], split_point(name)[1], info.address.removeprefix(unit))
                for name, info in infos
            ],
        )
    return catalog
