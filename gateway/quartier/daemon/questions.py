"""Answer questions at the local socket about the whole gateway, or about one part by its name."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import quartier_native
from quartier.commissioning import probe_results
from quartier.config.loading import LoadedSite
from quartier.daemon import answers as daemon_answers
from quartier.daemon.assembly import site_settings
from quartier.daemon.buses.lifecycle import BusManager
from quartier.daemon.control_loop import ControlLoop
from quartier.daemon.gateway_parts import GatewayParts
from quartier.daemon.reports import fallback_report
from quartier.runtime.clock import SiteClock
from quartier.runtime.ticker import Ticker
from quartier.site.alarm_types import format_alarm_name
from quartier.site.ledger import LedgerEntry
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now
from quartier_drivers.registry import DRIVER_PACKAGES


class GatewayQuestions:
    """Answers, made on demand; ``loaded`` returns the site file in use."""

    def __init__(
        self,
        loaded: Callable[[], LoadedSite],
        turn: ControlLoop,
        parts: GatewayParts,
        ticker: Ticker,
        damage: list[str],
        started_ns: int,
    ) -> None:
        self._loaded = loaded
        self._control_loop = turn
        self._fleet = parts.fleet
        self._image = parts.image
        self._store = parts.store
        self._clock = parts.clock
        self._ticker = ticker
        self._damage = damage
        self._started_ns = started_ns

    @property
    def answers(self) -> dict[str, Callable[[], Any]]:
        """The questions, each with the function that answers it."""
        return {
            "status": self.status,
            "points": self.points,
            "fallbacks": self.fallbacks,
            "ladder": self.losses,
            "alarms": self.alarms,
            "keys": self.keys,
            "plan": self.plan,
        }

    @property
    def about(self) -> Mapping[str, Callable[[str], Any]]:
        """The questions about one part, each with the function that answers it for a name."""
        return NamedQuestions(self.gateway, self._control_loop, self._fleet, self._image, self._clock).about

    def gateway(self, now: Now) -> dict[str, Any]:
        """Return the identity of the gateway and of this run: site, boot, process, clock, engine."""
        site = self._loaded().site.site
        return {
            "site": site.id,
            "district": site.district,
            "site_file": self._loaded().ordered,
            "boot": self._store.boot,
            "pid": os.getpid(),
            "uptime_s": round((now.ns - self._started_ns) / 1e9, 1),
            "utc_ms": now.utc_ms,
            "time_zone": self._loaded().site.site.time_zone,
            "grid": self._control_loop.site.grid.name,
            "synced": now.synced,
            "simulated": self._clock.setting.is_simulated,
            "engine": quartier_native.engine().name,
            "driver_packages": [asdict(one) for one in DRIVER_PACKAGES],
        }

    def status(self) -> dict[str, Any]:
        """Return an overview of everything."""
        now, turn = self._clock.now(), self._control_loop
        return {
            "gateway": self.gateway(now),
            "control": _name_alarms(turn.view),
            "alarms": turn.alarm_manager.summary(),
            "cycles": daemon_answers.render_cycle_times(self._ticker),
            "buses": daemon_answers.render_buses(self._fleet, self._image.freeze(now.ns)),
            "written": daemon_answers.render_outcomes(self._fleet, now.ns),
            "store": dict(self._store.stats),
            "district": None if turn.uplink is None else {**turn.uplink.stats, **turn.render_plans()},
            "plan": None if turn.planner is None else turn.planner.summary(),
            "fallbacks": self.fallbacks(),
            "probes": probe_results.render_probe_results(self._fleet.probes, turn.site, now.utc_ms),
            "damaged": self._damage,
            "disabled": daemon_answers.render_disabled_parts(self._loaded().disabled),
        }

    def keys(self) -> dict[str, Any]:
        """Return the keys that may sign documents of the district; empty for a site without a district."""
        return {} if self._control_loop.uplink is None else dict(self._control_loop.uplink.keys)

    def plan(self) -> dict[str, Any] | None:
        """Return the local plan in force; None for a site without planning."""
        return None if self._control_loop.planner is None else self._control_loop.planner.render_plan()

    def alarms(self) -> dict[str, Any]:
        """Return the list of alarms; they are acknowledged at the order socket."""
        return self._control_loop.alarm_manager.listing(self._clock.now())

    def fallbacks(self) -> list[dict[str, Any]]:
        """Return the fallback of each device that takes orders."""
        reasons, utc_ms = site_settings.find_no_fallback_reasons(self._loaded().site), self._clock.utc_ms()
        return fallback_report.render_fallbacks(self._control_loop.site, self._fleet, reasons, utc_ms)

    def losses(self) -> dict[str, Any]:
        """Return the action of each loss at this site, with its deadline."""
        return {
            "rows": self._control_loop.loss_report.render_losses() if self._control_loop.loss_report else []
        }

    def points(self) -> Iterator[dict[str, Any]]:
        """Return every point."""
        now = self._clock.now()
        return daemon_answers.render_points(
            self._image.freeze(now.ns), self._fleet.points, self._fleet, now.utc_ms
        )


def _name_alarms(view: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add the name of each alarm to a view, in the same order, as texts change while an alarm is active."""
    return {**view, "alarm_names": [format_alarm_name(*one.key) for one in view["alarms"]]} if view else view


_LINK_KEYS = ("mode", "why", "mode_age_s")


class NamedQuestions:
    """Answers by name; None if nothing has that name.  ``gateway`` tells which run this is."""

    def __init__(
        self,
        gateway: Callable[[Now], dict[str, Any]],
        turn: ControlLoop,
        fleet: BusManager,
        image: ProcessImage,
        clock: SiteClock,
    ) -> None:
        self._gateway = gateway
        self._control_loop = turn
        self._fleet = fleet
        self._image = image
        self._clock = clock

    @property
    def about(self) -> Mapping[str, Callable[[str], Any]]:
        """The questions about one part, each with the function that answers it."""
        return {
            "bus": self.bus,
            "device": self.device,
            "asset": self.asset,
            "points": self.points,
            "record": self._fleet.recorder.answer_question,
        }

    def points(self, owner: str) -> Iterator[dict[str, Any]] | None:
        """Return the points of an asset or a device."""
        now = self._clock.now()
        return daemon_answers.render_points_of_owner(
            owner, self._image.freeze(now.ns), self._fleet, now.utc_ms
        )

    def bus(self, name: str) -> dict[str, Any] | None:
        """Return a bus and its devices."""
        now = self._clock.now()
        return self._add_heading(
            now, "bus", daemon_answers.render_bus(name, self._fleet, self._image.freeze(now.ns))
        )

    def device(self, name: str) -> dict[str, Any] | None:
        """Return a device and its bus."""
        now = self._clock.now()
        return self._add_heading(now, "device", daemon_answers.render_device(name, self._fleet, now.ns))

    def asset(self, name: str) -> dict[str, Any] | None:
        """Return an asset with its last ledger rows, and what it needs to come back."""
        now, turn = self._clock.now(), self._control_loop
        found = daemon_answers.render_asset(name, turn.view, self._fleet, turn.ledger, now)
        if found is not None:
            last = next((entry for entry in turn.ledger.of(name) if entry.who.kind != "client"), None)
            until_ms = None if last is None else last.until_ms or turn.until_ms(last.who)
            override = found.get("override")
            if override is not None and last is not None and _is_caused_by(last, override):
                until_ms = override["until_utc_ms"]  # a later end is in the row only after its next write
            found["unread"] = self._explain_unread(name, found)
            found |= {
                "needs": turn.needs(name),
                "until_ms": until_ms,
                "fallback": self._find_fallback(found, now),
            }
        return self._add_heading(now, "asset", found)

    def _explain_unread(self, name: str, found: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the point whose last order is not known, and whether the device lets it be read back."""
        if (found.get("state_reason") or {}).get("code") != "state.unread":
            return None
        points = (one for one in self._fleet.points.values() if one.writable and one.on_release is not None)
        info = next((one for one in points if one.point.partition(".")[0] == name), None)
        return None if info is None else {"point": info.point, "read_back": info.read_back}

    def _find_fallback(self, found: Mapping[str, Any], now: Now) -> dict[str, Any] | None:
        """Return the fallback of the device for the ordered point: what it does without further orders."""
        point = found["command"]["point"] if "command" in found else ""
        info = self._fleet.points.get(point)
        if info is None or info.fallback is None:
            return None
        return fallback_report.render_fallback(info, self._fleet.fallbacks, now.utc_ms)

    def _add_heading(self, now: Now, kind: str, found: dict[str, Any] | None) -> dict[str, Any] | None:
        view = self._control_loop.view
        headline = {key: view[key] for key in _LINK_KEYS if key in view}
        return None if found is None else {"gateway": self._gateway(now), "control": headline, kind: found}


def _is_caused_by(row: LedgerEntry, override: Mapping[str, Any]) -> bool:
    """Return whether the row was written for this override."""
    return [row.cause.get(key) for key in ("code", "values")] == [override["code"], override["values"]]
