"""Find faults that control does not see: devices, outputs, probes, site file, district."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from quartier.config.loading import LoadedSite
from quartier.control import participants
from quartier.control.limits.contacts import ContactState
from quartier.daemon.buses.lifecycle import BusManager, ReleaseFile
from quartier.daemon.control_loop import ControlLoop
from quartier.daemon.reports import fallback_report
from quartier.daemon.reports.losses import CLOCK_STEPPED
from quartier.runtime.bus.poll import Bus
from quartier.site.alarm_types import Alarm
from quartier.site.records import Now


class FaultAlarms:
    """A source of alarms.  ``refused`` says why a new site file is not used; empty if none was refused."""

    def __init__(
        self,
        turn: ControlLoop,
        fleet: BusManager,
        safety: ReleaseFile,
        loaded: Callable[[], LoadedSite],
    ) -> None:
        self.refused = ""
        self._control_loop = turn
        self._fleet = fleet
        self._safety = safety
        self._loaded = loaded

    def __call__(self, _now: Now) -> Iterator[Alarm]:
        """Yield an alarm for each fault that exists now."""
        told = _find_already_reported(self._control_loop.view)
        for bus in self._fleet.buses:
            yield from _find_bus_alarms(bus, told)
        for name, why in self._fleet.shares.find_failed_shares().items():
            yield Alarm("share.not_serving", name, f"share {name} {why}")
        yield from self._find_output_alarms()
        yield from self._find_site_alarms()
        if self._safety.fault:
            words = f"the safe values cannot be written down: {self._safety.fault}"
            yield Alarm("release.not_kept", "", words)

    def _find_output_alarms(self) -> Iterator[Alarm]:
        house = self._control_loop.site
        for asset, point in fallback_report.find_controllable_assets(house):
            if point in self._fleet.points and not participants.is_order_allowed(asset):
                yield Alarm(
                    "output.no_fallback",
                    asset.name,
                    f"{asset.name}: given no orders, {participants.NO_FALLBACK}",
                )
        for name in (asset.name for asset in house.assets):
            found = self._fleet.probes.get(name)
            if found is not None and not found.is_good:
                yield Alarm("probe.failed", name, found.sentence)

    def _find_site_alarms(self) -> Iterator[Alarm]:
        loaded = self._loaded()
        for name, faults in loaded.disabled.items():
            yield Alarm("config.disabled", name, f"{name} is disabled: {next(iter(faults), 'a fault')}")
        if self.refused:
            yield Alarm("config.refused", "", f"the new site file is not used: {self.refused}")
        if loaded.site.district_link is None:
            return
        if self._control_loop.uplink is None:
            yield Alarm("district.off", "", "the settings of the link to the district cannot be used")
            return
        if self._control_loop.view["mode"] == "AUTONOMOUS":
            yield Alarm(
                "district.no_heartbeat",
                "",
                "no heartbeat of the district: the building runs without the district",
                CLOCK_STEPPED,
            )
        for credential, words in self._control_loop.uplink.expiring.items():
            yield Alarm("district.expires", credential, words)


def _find_bus_alarms(bus: Bus, told: set[str]) -> Iterator[Alarm]:
    """Find the alarms of one bus; a bus that is down has its own loss row and reports no device."""
    for point, outcome in bus.mailbox.outcomes.items():
        if outcome.verdict == "refused":
            why = outcome.why.removeprefix(f"{point}: ")
            yield Alarm("output.refused", point, f"{point} is refused: {why}")
    for point, why in bus.not_relinquished.items():
        yield Alarm("output.not_taken_back", point, f"{point} is not taken back by its device: {why}")
    if not bus.online:
        return
    if bus.account.advice:
        yield Alarm("bus.heard_badly", bus.name, f"{bus.name}: {bus.account.advice}")
    for health in bus.devices.values():
        if health.silent and not health.owners & told:
            yield Alarm("device.silent", health.name, f"{health.name} on {bus.name} is silent: {health.why}")


def _find_already_reported(view: Mapping[str, Any]) -> set[str]:
    """Find assets, nodes and contacts whose silence has its own alarm, so that one loss gives one alarm."""
    rows = view["losses"]
    of_grid = {"grid"} if any(row["name"].startswith("grid-meter") for row in rows) else set()
    unread = {name for name, one in view["contacts"].items() if one["why"] == ContactState.LOST}
    nodes = {node["name"] for node in view.get("nodes", ()) if node["basis"] == "silent"}
    return {row["of"] for row in rows} | of_grid | unread | nodes
