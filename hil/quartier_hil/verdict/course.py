"""The course of a run: every step of the plant in columns, and events (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

POINTS = (
    "grid.power_w",
    "bat1.power_w",
    "pv1.power_w",
    "ev1.power_w",
    "hp1.power_w",
    "base.power_w",
    "bat1.soc_pct",
    "hp1.tank_c",
    "grid.voltage_l1_v",
    "grid.frequency_hz",
    "order.battery_w",
    "order.generation_max_w",
    "order.current_max_a",
    "order.relay_on",
    "cap.import_w",
    "cap.export_w",
    "limit.import_w",
    "limit.export_w",
)
"""Points of a course.  ``cap.…`` is the promise; ``limit.…`` was in force: the promise or a tighter limit."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, for the curves and the table."""

    at_s: float
    text: str
    kind: str = "event"


@dataclass
class Course:
    """Columns of equal length: ``times_s`` and one per point.

    ``further`` are the points of this site alone, ``drawn`` the points that a picture of the scenario needs
    in addition, ``real`` the points that were read from real devices.
    """

    times_s: list[float] = field(default_factory=list)
    columns: dict[str, list[float]] = field(default_factory=lambda: {point: [] for point in POINTS})
    marks: list[Mark] = field(default_factory=list)
    further: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()
    real: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Make room for the further points."""
        more = dict.fromkeys((*self.further, *self.drawn))
        self.columns |= {point: [] for point in more if point not in self.columns}

    def add(self, now_s: float, values: Mapping[str, float]) -> None:
        """Append one step; a point that is missing becomes NaN."""
        self.times_s.append(now_s)
        for point, column in self.columns.items():
            column.append(values.get(point, float("nan")))

    def mark(self, at_s: float, text: str, kind: str = "event") -> None:
        """Append a mark of an event."""
        self.marks.append(Mark(at_s, text, kind))

    def rows(self, rows_max_count: int) -> Iterator[tuple[float, list[float]]]:
        """Yield at most ``rows_max_count`` rows: means over equal bins, each at the start of its bin."""
        stride = max(-(-len(self.times_s) // rows_max_count), 1)
        for start in range(0, len(self.times_s), stride):
            end = min(start + stride, len(self.times_s))
            yield (
                self.times_s[start],
                [sum(column[start:end]) / (end - start) for column in self.columns.values()],
            )
