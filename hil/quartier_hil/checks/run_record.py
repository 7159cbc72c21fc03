"""Records of a run: plant values and events by step, orders, reported losses, stored history (pure)."""

import csv
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from quartier_hil.scenario import expectations
from quartier_hil.scenario.scenario_file import Scenario

RECORDED_POINTS = (
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
class RunRecord:
    """Columns of equal length: ``times_s`` and one per point.

    ``further`` are the points of this site alone, ``drawn`` the points that a picture of the scenario needs
    in addition, ``real`` the points that were read from real devices.
    """

    times_s: list[float] = field(default_factory=list)
    columns: dict[str, list[float]] = field(default_factory=lambda: {point: [] for point in RECORDED_POINTS})
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

    def revise_limits(self, from_s: float, shown: Mapping[str, float]) -> None:
        """Enter limits that the gateway keeps since ``from_s``, but that were known only now.

        ``shown`` are its limits by the names of the course; a promise that is tighter stays.
        """
        for place in range(bisect_left(self.times_s, from_s), len(self.times_s)):
            for point, watts in shown.items():
                promised_w = self.columns[point.replace("limit.", "cap.", 1)][place]
                self.columns[point][place] = min(watts, promised_w)

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


# A status is read now and then: the ages that it shows of one order differ by less than this.
_SAME_S = 2.0


@dataclass(slots=True)
class OrderEntry:
    """Consecutive orders of one value and one reason for one point."""

    at_s: float
    point: str
    value: float
    reason: str
    count: int = 1
    last_s: float = 0.0


@dataclass
class OrderLedger:
    """Every order in order of time; a repetition of the last order of its point only counts there."""

    rows: list[OrderEntry] = field(default_factory=list)
    _newest: dict[str, OrderEntry] = field(default_factory=dict)

    def note(self, at_s: float, point: str, value: float, reason: str) -> OrderEntry:
        """Add one order and return its row."""
        newest = self._newest.get(point)
        if newest is not None and (newest.value, newest.reason) == (value, reason):
            newest.count += 1
            newest.last_s = at_s
            return newest
        row = OrderEntry(at_s, point, value, reason, last_s=at_s)
        self._newest[point] = row
        self.rows.append(row)
        return row

    def look(self, now_s: float, assets: Mapping[str, Any] | None) -> list[OrderEntry]:
        """Record the last order of each asset, with its age and why it was written, from the daemon's status.

        Returns the rows that are new.
        """
        found = []
        for shown in (assets or {}).values():
            command = shown.get("command") if isinstance(shown, Mapping) else None
            if command is None:
                continue
            at_s = now_s - command["age_s"]
            newest = self._newest.get(command["point"])
            if newest is None or at_s > newest.last_s + _SAME_S:
                reason = command.get("written_reason", command["reason"])
                found.append(self.note(at_s, command["point"], command["value"], reason))
        return found


LossKey = tuple[str, str]
"""A loss: the code of its alarm and the name of its subject."""
SILENT_DEVICE_CODE = "device.silent"
"""Code of a silent device that only its bus reports, where control has no row of its own."""


@dataclass
class LossLog:
    """Each loss reported, as (from, until, key) in seconds of the site's clock; inf: not over."""

    ended: list[tuple[float, float, LossKey]] = field(default_factory=list)
    standing: dict[LossKey, float] = field(default_factory=dict)

    def look(self, now_s: float, reported: Mapping[LossKey, float]) -> None:
        """Record the losses reported now, each with its age in s."""
        for key in self.standing.keys() - reported.keys():
            self.ended.append((self.standing.pop(key), now_s, key))
        for key in reported.keys() - self.standing.keys():
            self.standing[key] = now_s - reported[key]

    @property
    def spans(self) -> tuple[tuple[float, float, LossKey], ...]:
        """All losses, in order of time."""
        return tuple(sorted([*self.ended, *((at_s, inf, key) for key, at_s in self.standing.items())]))


def read_losses(view: Mapping[str, Any], utc_ms: int = 0) -> dict[LossKey, float]:
    """Return the losses in the view of a cycle, each with its age in s (0 where the daemon states none)."""
    found: dict[LossKey, float] = {}
    for row in view.get("losses", ()):
        key = f"loss.{row['name'].replace('-', '_')}", str(row["of"])
        found[key] = max(0.0, (utc_ms - row.get("since_utc_ms", utc_ms)) / 1e3)
    lost = (name for name, one in view.get("contacts", {}).items() if one["why"] == "cannot be read")
    silent = (node["name"] for node in view.get("nodes", ()) if node["basis"] == "silent")
    found |= {("contact.unread", name): 0.0 for name in lost}
    return found | {("node.meter_silent", name): 0.0 for name in silent if name != "grid"}


def read_silent_devices(status: Mapping[str, Any]) -> dict[LossKey, float]:
    """Return the devices that their buses report as silent."""
    return {(SILENT_DEVICE_CODE, name): 0.0 for name in _list_silent_devices(status)}


def _list_silent_devices(status: Mapping[str, Any]) -> Iterator[str]:
    for bus in status.get("buses", ()):
        yield from (device["name"] for device in bus["devices"] if device["state"] == "silent")


HISTORY_INTERVAL = "15min"
HistoryRows = Mapping[str, Sequence[tuple[str, float]]]
"""By point: the local time of a row as printed, and its value."""


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """Values of 15 min, and samples one by one."""

    quarters: HistoryRows
    samples: HistoryRows


def list_stored_points(scenario: Scenario) -> tuple[str, ...]:
    """Return the points whose stored values a check of the scenario needs; empty if there is none."""
    checks = [check for check in scenario.checks if isinstance(check, expectations.QuarterHourExpectation)]
    return tuple(dict.fromkeys(point for check in checks for point in (*check.counters, *check.powers)))


def parse_history(text: Iterable[str]) -> HistoryRows:
    """Return the rows of ``quartier history --format csv`` that have a value, by point, in their order."""
    found: dict[str, list[tuple[str, float]]] = {}
    for row in csv.DictReader(text):
        if row["value"]:
            found.setdefault(row["point"], []).append((row["time"], float(row["value"])))
    return found
