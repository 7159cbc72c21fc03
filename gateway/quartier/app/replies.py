"""What the desk answers about one bus, device, asset or owner, with which run of the daemon says so."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from quartier.app import answers, fallbacks
from quartier.app.fleet import Fleet
from quartier.app.turn import Turn
from quartier.house.image import Image
from quartier.house.now import Now
from quartier.runtime.clock import HouseClock

_HEADLINE = ("mode", "why", "mode_age_s")


class Replies:
    """Answers by name; None where nothing is called so.  ``gateway`` tells which run this is."""

    def __init__(
        self,
        gateway: Callable[[Now], dict[str, Any]],
        turn: Turn,
        fleet: Fleet,
        image: Image,
        clock: HouseClock,
    ) -> None:
        self._gateway = gateway
        self._turn = turn
        self._fleet = fleet
        self._image = image
        self._clock = clock

    @property
    def about(self) -> Mapping[str, Callable[[str], Any]]:
        """What can be asked about, each with who answers."""
        return {
            "bus": self.bus,
            "device": self.device,
            "asset": self.asset,
            "points": self.points,
            "record": self._fleet.tapes.told,
        }

    def points(self, owner: str) -> Iterator[dict[str, Any]] | None:
        """The points of an asset or a device."""
        now = self._clock.now()
        return answers.points_of(owner, self._image.freeze(now.ns), self._fleet, now.utc_ms)

    def bus(self, name: str) -> dict[str, Any] | None:
        """A bus and its devices."""
        now = self._clock.now()
        return self._told(now, "bus", answers.bus(name, self._fleet, self._image.freeze(now.ns)))

    def device(self, name: str) -> dict[str, Any] | None:
        """A device."""
        now = self._clock.now()
        return self._told(now, "device", answers.device(name, self._fleet, now.ns))

    def asset(self, name: str) -> dict[str, Any] | None:
        """An asset with its last rows of the ledger, and what would bring it back."""
        now, turn = self._clock.now(), self._turn
        found = answers.asset(name, turn.view, self._fleet, turn.ledger, now)
        if found is not None:
            last = next((entry for entry in turn.ledger.of(name) if entry.who.kind != "client"), None)
            until_ms = None if last is None else last.until_ms or turn.until_ms(last.who)
            found["unread"] = self._unread(name, found)
            found |= {"needs": turn.needs(name), "until_ms": until_ms, "fallback": self._fallback(found, now)}
        return self._told(now, "asset", found)

    def _unread(self, name: str, found: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the point whose last order is not known, and whether the device shows it at all."""
        if (found.get("state_reason") or {}).get("code") != "state.unread":
            return None
        points = (one for one in self._fleet.points.values() if one.writable and one.on_release is not None)
        info = next((one for one in points if one.point.partition(".")[0] == name), None)
        return None if info is None else {"point": info.point, "read_back": info.read_back}

    def _fallback(self, found: Mapping[str, Any], now: Now) -> dict[str, Any] | None:
        """What the device does with what it was told, if it is told nothing more."""
        point = found["command"]["point"] if "command" in found else ""
        info = self._fleet.points.get(point)
        if info is None or info.fallback is None:
            return None
        return fallbacks.shown(info, self._fleet.fallbacks, now.utc_ms)

    def _told(self, now: Now, kind: str, found: dict[str, Any] | None) -> dict[str, Any] | None:
        view = self._turn.view
        headline = {key: view[key] for key in _HEADLINE if key in view}
        return None if found is None else {"gateway": self._gateway(now), "control": headline, kind: found}
