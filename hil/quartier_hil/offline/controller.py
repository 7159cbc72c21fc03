"""The gateway's pure rooms in this process: the image, the link and the cycle, with synthetic time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from quartier.control import cycle, link
from quartier.control.link import LinkState
from quartier.control.wishes import Ack, Envelope, Heartbeat, Wishes
from quartier.house.image import Frozen, Image
from quartier.house.now import Now
from quartier_drivers.contract import Readings
from quartier_hil.offline.assembled import Assembled

# failsafe.md section 1, rule 6: an outage is a voltage below half of the nominal one.
_OUTAGE_V = 115.0
_FRESH_S = 10.0


@dataclass
class Controller:
    """One process of the gateway, without its tasks, buses and disk.

    ``kept`` is what it leaves for its next start, as the daemon keeps it on disk.
    """

    site: Assembled
    kept: dict[str, Any] | None = None
    image: Image = field(default_factory=Image)
    linked: LinkState = field(init=False)
    state: cycle.State = field(init=False)

    def start(self, now: Now) -> "Controller":
        """Begin, with what the process before left."""
        persisted = None if self.kept is None else link.restore(self.kept)
        self.linked = link.start(self.site.params, persisted, now, outage=False)
        self.state = cycle.State.fresh(self.site.house)
        return self

    def leave(self) -> dict[str, Any]:
        """What the next process finds."""
        return link.dump(self.linked)

    def put(self, readings: Iterable[Readings]) -> None:
        """Take what devices told."""
        for told in readings:
            self.image.put(told)

    def heartbeat(self, beat: Heartbeat, now: Now) -> None:
        """A heartbeat of the district."""
        self.linked = link.heartbeat(self.linked, self.site.params, beat, now)

    def document(self, envelope: Envelope, now: Now) -> Ack:
        """An envelope of the district; returns the answer to it."""
        self.linked, ack = link.document(self.linked, self.site.params, envelope, now)
        return ack

    def turn(self, now: Now) -> cycle.Decision:
        """One cycle."""
        frozen = self.image.freeze(now.ns)
        self.linked = link.tick(self.linked, self.site.params, now, outage=self._voltage_gone(frozen))
        wishes = Wishes(caps=link.caps(self.linked, self.site.params, now))
        decision = cycle.step(frozen, wishes, self.state, now)
        self.state = decision.state
        return decision

    def _voltage_gone(self, frozen: Frozen) -> bool:
        grid = self.site.house.grid.name
        seen = [frozen.number(f"{grid}.voltage_l{phase}_v", _FRESH_S) for phase in (1, 2, 3)]
        volts = [voltage for voltage in seen if voltage is not None]
        return bool(volts) and max(volts) < _OUTAGE_V
