"""The gateway's pure rooms in this process: the image, the link and the cycle, with synthetic time."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from quartier.control import cycle, events, link, sequence, turns
from quartier.control import outage as outages
from quartier.control.link import LinkState
from quartier.control.wishes import Ack, Envelope, Heartbeat
from quartier.house.image import Image
from quartier.house.now import Now
from quartier_drivers.contract import Readings
from quartier_hil.offline.assembled import Assembled


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

    def start(self, now: Now, *, outage: bool = False) -> "Controller":
        """Begin, with what the process before left; ``outage``: the machine was without power since."""
        kept = self.kept or {}
        persisted = link.restore(kept["link"]) if kept else None
        self.linked = link.start(self.site.params, persisted, now, outage=outage)
        house = self.site.house
        steps = {point: info.step for point, info in self.site.points.items() if info.writable}
        self.state = cycle.State.fresh(replace(house, steps=steps))
        self.state = replace(self.state, turns=turns.recalled(house, kept.get("turns"), now))
        if outage:
            self.state = replace(self.state, events=events.Events(outage=outages.begun()))
        return self

    def leave(self, now: Now) -> dict[str, Any]:
        """What the next process finds."""
        return {"link": link.dump(self.linked), "turns": turns.kept(self.state.turns, now)}

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
        """One cycle, as the daemon takes it."""
        frozen = self.image.freeze(now.ns)
        decision, self.linked = sequence.taken(frozen, self.state, self.linked, self.site.params, now)
        self.state = decision.state
        return decision
