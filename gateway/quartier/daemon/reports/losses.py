"""Report the losses of this site: every row of the loss table with its numbers, and those in force."""

from collections.abc import Iterable, Mapping
from math import inf, isfinite
from typing import Any, Self

from quartier.config.sections.site_file import SiteFile
from quartier.control.supervise import loss_table
from quartier.daemon.buses.lifecycle import BusManager
from quartier.daemon.reports import fallback_report
from quartier.site.alarm_types import (
    Alarm,
    AlarmKey,
    StandingAlarms,
    list_standing_alarms,
    update_standing_alarms,
)
from quartier.site.records import Now
from quartier.site.site_layout import Site
from quartier.store.history_store import Store

CLOCK_STEPPED: AlarmKey = ("clock.stepped", "")
"""While this alarm is active, it explains why the district is not heard."""
DISK_FULL_TEXTS = ("no space left", "quota", "database or disk is full")


class LossReport:
    """The losses of one site; made again when the site file is read again."""

    def __init__(
        self, house: Site, fleet: BusManager, periods: loss_table.SitePeriods, store: Store, *, district: bool
    ) -> None:
        self._fleet = fleet
        self._store = store
        assets = {asset.name for asset in house.assets}
        buses = {
            bus.name: sorted({owner for health in bus.devices.values() for owner in health.owners} & assets)
            for bus in fleet.buses
        }
        self._bus_of = {owner: bus for bus, owners in buses.items() for owner in owners}
        self.cases = tuple(
            loss_table.list_site_losses(
                house, periods, _find_timers_s(house, fleet), buses, district=district
            )
        )
        self._since_ms: dict[tuple[str, str], int] = {}
        self._alarms: StandingAlarms = {}
        self._zone = house.zone
        self._by_place = {(case.loss.name, case.of): case for case in self.cases}

    @classmethod
    def of(cls, site: SiteFile, house: Site, fleet: BusManager, store: Store) -> Self:
        """Make the report for a site as it is controlled now."""
        periods = loss_table.SitePeriods(
            cycle_s=house.cycle_s,
            grid_period_s=house.grid.period_s,
            heartbeat_timeout_s=site.limits.heartbeat_timeout_s,
            commit_s=site.store.commit_s,
        )
        return cls(house, fleet, periods, store, district=site.district_link is not None)

    def render_losses(self) -> list[dict[str, Any]]:
        """Return every row, JSON-ready."""
        return [render_loss(case) for case in self.cases]

    def add_details(self, view: Mapping[str, Any], now: Now) -> Mapping[str, Any]:
        """Add to a cycle's view the details of its losses, each with its start (UTC) and an alarm."""
        places = [(found["name"], found["of"]) for found in view["losses"]] + [*self._find_outside_losses()]
        cases = [self._by_place[place] for place in places if place in self._by_place]
        self._since_ms = {place: self._since_ms.get(place, now.utc_ms) for place in places}
        self._alarms = update_standing_alarms(
            self._alarms, (make_loss_alarm(case, self._find_cause(case)) for case in cases), now
        )
        if not self._alarms:
            return view
        return {
            **view,
            "losses": [
                render_loss(case) | {"since_utc_ms": self._since_ms[case.loss.name, case.of]}
                for case in cases
            ],
            "alarms": [*view["alarms"], *list_standing_alarms(self._alarms, self._zone)],
        }

    def _find_cause(self, case: loss_table.SiteLoss) -> AlarmKey | None:
        """Return the alarm that explains a loss: its bus is down or, for the district, the clock was set."""
        if case.loss.name == "uplink-lost":
            return CLOCK_STEPPED
        bus = self._bus_of.get(case.of) if case.loss.role else None
        return (
            None if bus is None else (loss_table.find_alarm_code(loss_table.LOSSES_BY_NAME["bus-down"]), bus)
        )

    def _find_outside_losses(self) -> Iterable[tuple[str, str]]:
        """Find losses that control does not see: buses and the disk."""
        yield from (("bus-down", bus.name) for bus in self._fleet.buses if bus.is_down and bus.devices)
        if error := str(self._store.stats.get("error") or ""):
            is_full = any(word in error.lower() for word in DISK_FULL_TEXTS)
            yield ("disk-full" if is_full else "disk-dead"), ""


def render_loss(case: loss_table.SiteLoss) -> dict[str, Any]:
    """Return a row with its numbers, JSON-ready; None for a time that is infinite."""
    loss = case.loss
    return {
        "name": loss.name,
        "of": case.of,
        "words": loss.words,
        "action": case.action,
        "noticed_s": _round_if_finite(case.noticed_s),
        "deadline_s": _round_if_finite(case.deadline_s),
        "where": case.where,
        "back": loss.back,
    }


def make_loss_alarm(case: loss_table.SiteLoss, cause: AlarmKey | None = None) -> Alarm:
    """Make the alarm: what is lost, what is done, which row says so and by when."""
    loss = case.loss
    of = f"{case.of}: " if case.of else ""
    within = f"within {case.deadline_s:g} s" if isfinite(case.deadline_s) else "nothing ends it"
    words = f"{of}{loss.words}: {case.action} ({loss.name}, {within})"
    return Alarm(loss_table.find_alarm_code(loss), case.of, words, cause)


def _find_timers_s(site: Site, fleet: BusManager) -> dict[str, float]:
    """Return by asset that takes orders after how long in s its device drops an order by itself."""
    found = {}
    for asset, point in fallback_report.find_controllable_assets(site):
        fallback = fleet.points[point].fallback if point in fleet.points else None
        found[asset.name] = inf if fallback is None or fallback.holds else fallback.after_s
    return found


def _round_if_finite(seconds: float) -> float | None:
    return round(seconds, 1) if isfinite(seconds) else None
