"""The gateway's own points: how the daemon, its store and its link are doing."""

from collections.abc import Iterable, Mapping
from typing import Any

from quartier.runtime.ticker import Ticker
from quartier_drivers.contract import KINDS, PointInfo, Quality, Reading, Readings, Value, columns
from quartier_drivers.layout import Layout
from quartier_drivers.points import split, word

PERIOD_S = 10.0
MODES = ("INIT", "CONTROLLED", "HOLD", "FAILSAFE", "AUTONOMOUS")
NAMES = (
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
_LAYOUT = Layout(NAMES, bytes(KINDS[word(split(point)[1]).kind] for point in NAMES))
_STORE = ("backlog_count", "evicted_count", "dropped_count", "gaps_count", "commits_failed_count")


def values(
    view: Mapping[str, Any],
    ticker: Ticker,
    store: Mapping[str, Any],
    uplink: Mapping[str, Any],
    *,
    alarms_count: int,
    synced: bool,
) -> dict[str, Value]:
    """The values by full name; caps in W, lateness in s of the house."""
    found: dict[str, Value] = {
        "gateway.mode_index": MODES.index(view["mode"]),
        "gateway.import_max_w": float(view["caps"]["import"]["max_w"]),
        "gateway.export_max_w": float(view["caps"]["export"]["max_w"]),
        "gateway.lateness_s": ticker.lateness.last_s,
        "gateway.skipped_count": ticker.skipped_count,
        "gateway.alarms_count": alarms_count,
        "gateway.synced_on": synced,
        "gateway.district_on": bool(uplink.get("data_on", False)),
    }
    found |= {f"gateway.{name}": int(store.get(name, 0)) for name in _STORE}
    return found


def readings(found: Mapping[str, Value], now_ns: int) -> Readings:
    """The same as readings of now; ``found`` holds just the points of ``NAMES``, in their order."""
    good = (Reading(point, value, Quality.GOOD, now_ns) for point, value in found.items())
    return columns(good, now_ns, _LAYOUT)


def infos(points: Iterable[str], address: str) -> dict[str, PointInfo]:
    """What the births say about points that no device serves."""
    return {
        point: PointInfo(point, word(split(point)[1]).kind, address, PERIOD_S)  # type: ignore[arg-type]  # kinds are the contract's
        for point in points
    }


def line(view: Mapping[str, Any]) -> str:
    """The house in a line, for ``systemctl status``."""
    cap_w = view["caps"]["import"]["max_w"]
    return f"{view['mode']}, grid {view['grid']['power_w']} W, cap {cap_w:.0f} W"
