"""Make the gateway's own points; report standstills and problems of the disk."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from quartier.runtime.ticker import Ticker
from quartier.site.records import Now
from quartier_drivers.contract import PointInfo
from quartier_drivers.points import parse_quantity, split_point
from quartier_drivers.readings import VALUE_KINDS, Layout, Quality, Reading, Readings, Value, make_readings


class DiskMonitor:
    """Watches the statistics of the store, and logs each change once."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._error = ""
        self._aside = ""
        self._gaps_count = 0
        self._renewed_count = 0

    def look(self, stats: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Log what changed since the last call (see ``Store.stats``); return the alarms, as code and text."""
        alarms: list[tuple[str, str]] = []
        if (error := str(stats.get("error", ""))) != self._error:
            if not error:
                self._log.info("store.disk_back")
            elif not self._error:
                self._log.error("store.disk_failed", why=error)
            self._error = error
        if (aside := str(stats.get("set_aside", ""))) != self._aside:
            self._aside = aside
            self._log.error("store.set_aside", why="the history was damaged", kept_as=aside)
            alarms.append(("store.set_aside", f"the history was damaged, and is kept as {aside}"))
        if (renewed_count := int(stats.get("renewed_count", 0))) > self._renewed_count:
            self._renewed_count = renewed_count
            why = "the history file was deleted while in use; a new one was started"
            self._log.error("store.file_lost", why=why)
            alarms.append(("store.file_lost", why))
        if (gaps_count := int(stats.get("gaps_count", 0))) > self._gaps_count:
            more_count = gaps_count - self._gaps_count
            self._log.warning(
                "store.gap", count=more_count, why="see quartier history --points 'event.store.gap'"
            )
            gaps = "gap" if more_count == 1 else "gaps"
            alarms.append(("store.gap", f"samples are missing in the history: {more_count} more {gaps}"))
        self._gaps_count = gaps_count
        return alarms


GATEWAY_PERIOD_S = 10.0
LINK_STATES = ("INIT", "CONTROLLED", "HOLD", "FAILSAFE", "AUTONOMOUS")
GATEWAY_POINTS = (
    "gateway.mode_index",
    "gateway.import_max_w",
    "gateway.export_max_w",
    "gateway.lateness_s",
    "gateway.skipped_count",
    "gateway.alarms_count",
    "gateway.synced_on",
    "gateway.district_on",
    "gateway.backlog_count",
    "gateway.evicted_count",
    "gateway.dropped_count",
    "gateway.gaps_count",
    "gateway.commits_failed_count",
)
_LAYOUT = Layout(
    GATEWAY_POINTS, bytes(VALUE_KINDS[parse_quantity(split_point(point)[1]).kind] for point in GATEWAY_POINTS)
)
_STORE_FIGURES = ("backlog_count", "evicted_count", "dropped_count", "gaps_count", "commits_failed_count")


def find_gateway_values(
    view: Mapping[str, Any],
    ticker: Ticker,
    store: Mapping[str, Any],
    uplink: Mapping[str, Any],
    *,
    alarms_count: int,
    synced: bool,
) -> dict[str, Value]:
    """Return the values by full point name; limits in W, lateness in s of gateway time."""
    found: dict[str, Value] = {
        "gateway.mode_index": LINK_STATES.index(view["mode"]),
        "gateway.import_max_w": float(view["caps"]["import"]["max_w"]),
        "gateway.export_max_w": float(view["caps"]["export"]["max_w"]),
        "gateway.lateness_s": ticker.lateness.last_s,
        "gateway.skipped_count": ticker.skipped_count,
        "gateway.alarms_count": alarms_count,
        "gateway.synced_on": synced,
        "gateway.district_on": bool(uplink.get("data_on", False)),
    }
    found |= {f"gateway.{name}": int(store.get(name, 0)) for name in _STORE_FIGURES}
    return found


def make_gateway_readings(found: Mapping[str, Value], now_ns: int) -> Readings:
    """Make readings of now from the values; ``found`` holds exactly ``GATEWAY_POINTS``, in their order."""
    good = (Reading(point, value, Quality.GOOD, now_ns) for point, value in found.items())
    return make_readings(good, now_ns, _LAYOUT)


def make_point_infos(points: Iterable[str], address: str) -> dict[str, PointInfo]:
    """Make the point descriptions for the births of points that no device serves."""
    return {
        point: PointInfo(point, parse_quantity(split_point(point)[1]).kind, address, GATEWAY_PERIOD_S)  # type: ignore[arg-type]  # kinds are the contract's
        for point in points
    }


def render_status_line(view: Mapping[str, Any]) -> str:
    """Return the state of the gateway in one line, for ``systemctl status``."""
    cap_w = view["caps"]["import"]["max_w"]
    return f"{view['mode']}, grid {view['grid']['power_w']} W, cap {cap_w:.0f} W"


STOOD_STILL_CODE = "gateway.stood_still"
STANDSTILL_MIN_S = 60.0
_NS_PER_S = 1_000_000_000


class StandstillDetector:
    """Called in each cycle; a pause of at least ``STANDSTILL_MIN_S`` gives one event with start and end."""

    def __init__(self, event: Callable[[str, str, Mapping[str, Any], Now], None]) -> None:
        self._event = event
        self._before: Now | None = None

    def look(self, now: Now) -> None:
        """Note that a cycle runs now."""
        before, self._before = self._before, now
        if before is None or now.ns - before.ns < STANDSTILL_MIN_S * _NS_PER_S:
            return
        for_s = (now.ns - before.ns) / _NS_PER_S
        # Counted back from now: the wall clock may have jumped meanwhile, the monotonic time did not.
        data = {
            "for_s": round(for_s, 1),
            "from_utc_ms": now.utc_ms - round(1000 * for_s),
            "to_utc_ms": now.utc_ms,
        }
        self._event(STOOD_STILL_CODE, f"nothing was read or decided for {for_s:.0f} s", data, now)
