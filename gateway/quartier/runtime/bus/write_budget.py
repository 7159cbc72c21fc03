"""Count writes per point and day, and limit writes to registers that wear out."""

from collections.abc import Iterable, Mapping
from typing import Any

from quartier.runtime.bus.mailbox import Mailbox, find_tolerance
from quartier_drivers.contract import Command, PointInfo
from quartier_drivers.readings import Quality, Readings

_DAY_MS = 86_400_000
# Limits and switches: a lower value never exceeds what was requested.  A battery's setpoint has two
# directions.
_LIMIT_ENDINGS = ("_max_w", "_max_a", "_on")
# A reading counts for as long as it takes to call a device without answers silent.
_READ_BACK_S, _READ_BACK_POLLS = 15.0, 3.0


class WriteCounts:
    """Writes of each point, on the present day (UTC) and in total.  ``facts`` are those of an earlier run."""

    def __init__(self, facts: Mapping[str, Any] | None = None) -> None:
        kept = facts or {}
        self._day = int(kept.get("day", 0))
        self._today: dict[str, int] = {
            str(point): int(count) for point, count in kept.get("today", {}).items()
        }
        self._total: dict[str, int] = {
            str(point): int(count) for point, count in kept.get("total", {}).items()
        }
        self.changes_count = 0
        """Grows with each write, so that the code that saves the facts sees a change."""

    def add(self, point: str, utc_ms: int) -> None:
        """Count a write that was made, or may have been."""
        self._start_day(utc_ms)
        self._today[point] = self._today.get(point, 0) + 1
        self._total[point] = self._total.get(point, 0) + 1
        self.changes_count += 1

    def today(self, point: str, utc_ms: int) -> int:
        """Return the writes since midnight UTC."""
        self._start_day(utc_ms)
        return self._today.get(point, 0)

    def total(self, point: str) -> int:
        """Return the writes since the first run."""
        return self._total.get(point, 0)

    def facts(self) -> dict[str, Any]:
        """Return the facts to save over a restart, JSON-ready."""
        return {"day": self._day, "today": dict(self._today), "total": dict(self._total)}

    def _start_day(self, utc_ms: int) -> None:
        """Start another day, even an earlier one: a clock that was ahead must not freeze a spent budget."""
        day = utc_ms // _DAY_MS
        if day != self._day:
            self._day = day
            self._today.clear()


class WriteBudget:
    """The writes that the points of one bus may get.  Volatile points are only counted.

    ``safe`` are the release values of the points.
    """

    def __init__(
        self, counts: WriteCounts, infos: Mapping[str, PointInfo], safe: Mapping[str, float | None]
    ) -> None:
        self._write_counts = counts
        self._infos = infos
        self._safe = safe
        self._values: dict[str, tuple[float, int]] = {}
        self._last: dict[str, float] = {}
        self._rests: set[str] = set()
        self._settling: dict[str, tuple[float, int]] = {}
        self._worn = {point for point, info in infos.items() if info.persistent}
        self._ended: dict[str, int] = {}
        self._owing: set[str] = set()

    def note_readings(self, readings: Readings) -> None:
        """Remember the values of persistent registers."""
        if not self._worn:
            return
        for point in self._worn:
            place = readings.layout.place(point)
            if place is None:
                continue
            reading = readings.reading(place)
            if reading.quality is Quality.GOOD and not isinstance(reading.value, str):
                self._values[point] = float(reading.value), readings.taken_ns
            else:
                self._values.pop(point, None)

    def shows_value(self, point: str, value: float, now_ns: int) -> bool:
        """Return whether a persistent point shows the value and is not settling at another one.

        False if a timer of the device needs the write anyway.
        """
        _, settled_ns = self._settling.get(point, (None, 0))
        shown, taken_ns = self._values.get(point, (None, 0))
        believed_s = max(_READ_BACK_S, _READ_BACK_POLLS * self._infos[point].period_s)
        shows = now_ns >= settled_ns and point in self._worn and now_ns - taken_ns <= believed_s * 1e9
        return shows and self._is_same_value(point, value, shown)

    def is_settling(self, point: str, value: float, now_ns: int) -> bool:
        """Return whether a point took the value and need not show it yet: another write could restart it."""
        given, settled_ns = self._settling.get(point, (None, 0))
        return now_ns < settled_ns and self._is_same_value(point, value, given)

    def _is_same_value(self, point: str, value: float, held: float | None) -> bool:
        info = self._infos[point]
        if held is None or _needs_refresh(info):
            return False
        return abs(held - value) <= max(find_tolerance(info) / 2, 1e-6 * abs(value))

    def refusal(self, point: str, value: float, utc_ms: int) -> str:
        """Return the reason that the point may not be written today; empty if it may.

        A limit or switch may be written on any day with at most its last value.  So may the release value,
        unless it would raise a limit that had to be lower.
        """
        budget = self._infos[point].writes_per_day
        last, is_less = self._last.get(point), point.endswith(_LIMIT_ENDINGS)
        may_fall = is_less and last is not None and value <= last
        is_safe = value == self._safe.get(point) and (may_fall or last is None or not is_less)
        if not budget or is_safe or may_fall or self._write_counts.today(point, utc_ms) < budget:
            return ""
        return (
            f"its budget of {budget} writes a day is spent, until midnight UTC: each write wears its memory"
        )

    def spare_write(self, command: Command, mailbox: Mailbox, utc_ms: int, now_ns: int, log: Any) -> bool:
        """Return whether a register that wears out is not written: it has the value, or its budget is spent.

        The outcome of the command goes to the ``mailbox``.
        """
        point, value = command.point, command.value
        if self.is_settling(point, value, now_ns):
            mailbox.note_written(command, now_ns, read_back=self._infos[point].read_back)
            return True
        if self.shows_value(point, value, now_ns):
            mailbox.note_unneeded_write(command, now_ns)
            return True
        why = self.refusal(point, value, utc_ms)
        if why:
            mailbox.note_failure(command, "refused", why, now_ns, read_back=False)
            self._owing.add(point)
            if self.ends(point, utc_ms):
                log.warning("write.budget_spent", point=point, value=value, why=why)
        return bool(why)

    def take_release_duty(self, point: str) -> bool:
        """Return, once, whether the budget of a point is spent and it must get its release value."""
        owes = point in self._owing and not self.rests(point)
        self._owing.discard(point)
        return owes

    def ends(self, point: str, utc_ms: int) -> bool:
        """Return whether this is the first refusal of the day."""
        day = utc_ms // _DAY_MS
        first = self._ended.get(point) != day
        self._ended[point] = day
        return first

    def rests(self, point: str) -> bool:
        """Return whether a point with a spent budget needs no release: it has its release value or less."""
        last, safe = self._last.get(point), self._safe.get(point)
        is_below = point.endswith(_LIMIT_ENDINGS) and last is not None and safe is not None and last <= safe
        return is_below or point in self._rests

    def count_write(
        self, point: str, utc_ms: int, value: float | None = None, now_ns: int = 0, *, taken: bool = True
    ) -> None:
        """Count a write that was made, or may have been; the value in the device must be read again.

        ``value`` is what the device acknowledged at ``now_ns``; if not ``taken``, the outcome is unknown.
        """
        self._values.pop(point, None)
        self._settling.pop(point, None)
        self._rests.discard(point)
        if value is not None:
            self._last[point] = value if taken else max(value, self._last.get(point, value))
        if value is not None and taken:
            self._settling[point] = value, now_ns + int(self._infos[point].settle_s * 1e9)
        self._write_counts.add(point, utc_ms)

    def count_releases(self, points: Iterable[str], utc_ms: int) -> None:
        """Count the release values of ``points``."""
        for point in points:
            info = self._infos[point]
            if info.writable and info.on_release != "hold":
                self.count_write(point, utc_ms)
            safe = self._safe.get(point)
            if safe is not None:
                self._last[point] = safe
            self._rests.add(point)


def _needs_refresh(info: PointInfo) -> bool:
    """Return whether a timer of the device runs out if the value is not written again."""
    fallback = info.fallback
    return fallback is not None and not fallback.holds and fallback.kept_by == "writes"
