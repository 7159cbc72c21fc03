"""What the desk is asked of the whole gateway: its state, points, fall-backs, losses and alarms."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import quartier_native
from quartier.app import answers, assembly, fallbacks, probed
from quartier.app.fleet import Fleet
from quartier.app.replies import Replies
from quartier.app.turn import Turn
from quartier.config.load import Loaded
from quartier.house.alarm import named
from quartier.house.image import Image
from quartier.house.now import Now
from quartier.runtime.clock import HouseClock
from quartier.runtime.ticker import Ticker
from quartier.store.ledger import Store


class Enquiries:
    """Answers, made when they are asked for; ``loaded`` gives the site file as it is used now."""

    def __init__(
        self,
        loaded: Callable[[], Loaded],
        turn: Turn,
        fleet: Fleet,
        image: Image,
        store: Store,
        clock: HouseClock,
        ticker: Ticker,
        damage: list[str],
        started_ns: int,
    ) -> None:
        self._loaded = loaded
        self._turn = turn
        self._fleet = fleet
        self._image = image
        self._store = store
        self._clock = clock
        self._ticker = ticker
        self._damage = damage
        self._started_ns = started_ns

    @property
    def answers(self) -> dict[str, Callable[[], Any]]:
        """What can be asked, each with who answers."""
        return {
            "status": self.status,
            "points": self.points,
            "fallbacks": self.fallbacks,
            "ladder": self.ladder,
            "alarms": self.alarms,
            "keys": self.keys,
            "plan": self.plan,
        }

    @property
    def about(self) -> Mapping[str, Callable[[str], Any]]:
        """What can be asked of one thing, by its name."""
        return Replies(self.gateway, self._turn, self._fleet, self._image, self._clock).about

    def gateway(self, now: Now) -> dict[str, Any]:
        """Which house this is, and which run of the daemon."""
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
            "grid": self._turn.house.grid.name,
            "synced": now.synced,
            "simulated": self._clock.setting.simulated,
            "engine": quartier_native.engine().name,
        }

    def status(self) -> dict[str, Any]:
        """Everything at a glance."""
        now, turn = self._clock.now(), self._turn
        return {
            "gateway": self.gateway(now),
            "control": _name_alarms(turn.view),
            "alarms": turn.sentry.summary(),
            "cycles": answers.cycles(self._ticker),
            "buses": answers.buses(self._fleet, self._image.freeze(now.ns)),
            "written": answers.outcomes(self._fleet, now.ns),
            "store": dict(self._store.stats),
            "district": None if turn.uplink is None else {**turn.uplink.stats, **turn.planned()},
            "plan": None if turn.planner is None else turn.planner.summary(),
            "fallbacks": self.fallbacks(),
            "probes": probed.shown(self._fleet.probes, turn.house, now.utc_ms),
            "damaged": self._damage,
            "disabled": answers.disabled(self._loaded().disabled),
        }

    def keys(self) -> dict[str, Any]:
        """Who may sign documents of the district; empty for a house that stands alone."""
        return {} if self._turn.uplink is None else dict(self._turn.uplink.keys)

    def plan(self) -> dict[str, Any] | None:
        """The local plan in force; None for a house that does not plan."""
        return None if self._turn.planner is None else self._turn.planner.shown()

    def alarms(self) -> dict[str, Any]:
        """The list of alarms, which the operators' desk acknowledges."""
        return self._turn.sentry.listing(self._clock.now())

    def fallbacks(self) -> list[dict[str, Any]]:
        """What each device does by itself with what it was told."""
        reasons, utc_ms = assembly.reasons(self._loaded().site), self._clock.utc_ms()
        return fallbacks.rows(self._turn.house, self._fleet, reasons, utc_ms)

    def ladder(self) -> dict[str, Any]:
        """What each loss does at this site, by when."""
        return {"rows": self._turn.ladder.declared() if self._turn.ladder else []}

    def points(self) -> Iterator[dict[str, Any]]:
        """Every point."""
        now = self._clock.now()
        return answers.points(self._image.freeze(now.ns), self._fleet.points, self._fleet, now.utc_ms)


def _name_alarms(view: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add the name of each alarm to a view, in their order: texts change while an alarm stands."""
    return {**view, "alarm_names": [named(*one.key) for one in view["alarms"]]} if view else view
