"""The gateway's pure rooms in this process: the image, the link and the cycle, with synthetic time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from quartier.control import agenda, cycle, events, link, linkcaps, running, runs, sequence, turns
from quartier.control import outage as outages
from quartier.control.commands import CommandDocument
from quartier.control.link import LinkState
from quartier.control.override import Overrides
from quartier.control.wishes import Ack, DeviceSchedule, Envelope, FailsafeDocument, Heartbeat, LocalPlan
from quartier.house.image import Image
from quartier.house.now import Now
from quartier.house.records import replace
from quartier_drivers.contract import Readings
from quartier_hil.offline.assembled import Assembled
from quartier_hil.offline.historian import Historian


@dataclass
class Controller:
    """One process of the gateway, without its tasks, buses and disk.

    ``kept`` is what it leaves for its next start, as the daemon keeps it on disk.  ``plan_acks`` are the
    answers to schedules of single assets.  ``historian`` has its store, where somebody wants to read it.
    """

    site: Assembled
    kept: dict[str, Any] | None = None
    historian: Historian | None = None
    image: Image = field(default_factory=Image)
    linked: LinkState = field(init=False)
    state: cycle.State = field(init=False)
    entries: agenda.Entries = field(default_factory=dict)
    plan_acks: list[Ack] = field(default_factory=list)
    commands: running.Commands = sequence.NONE

    def start(self, now: Now, *, outage: bool = False) -> "Controller":
        """Begin, with what the process before left; ``outage``: the machine was without power since."""
        if self.historian is not None:
            self.historian.begin(now, outage=outage)
        kept = self.kept or {}
        persisted = link.restore(kept["link"]) if kept else None
        self.linked = link.start(self.site.params, persisted, now, outage=outage)
        house = self.site.house
        steps = {point: info.step for point, info in self.site.points.items() if info.writable}
        fallbacks = {
            point: (info.fallback.value, info.fallback.after_s)
            for point, info in self.site.points.items()
            if info.fallback is not None
        }
        self.state = cycle.State.fresh(replace(house, steps=steps, fallbacks=fallbacks))
        self.state = replace(
            self.state,
            turns=turns.recalled(house, kept.get("turns"), now),
            runs=runs.recalled(house, kept.get("runs")),
        )
        self.entries = {} if outage else agenda.restore(kept.get("schedules"))
        if outage:
            self.state = replace(self.state, events=events.Events(outage=outages.begun()))
        return self

    def leave(self, now: Now) -> dict[str, Any]:
        """What the next process finds."""
        if self.historian is not None:
            self.historian.cut()
        schedules = agenda.dump(self.entries)
        return {
            "link": link.dump(self.linked),
            "turns": turns.kept(self.state.turns, now),
            "runs": runs.kept(self.state.runs),
            "schedules": schedules,
        }

    def put(self, readings: Iterable[Readings]) -> None:
        """Take what devices told."""
        for told in readings:
            self.image.put(told)
            if self.historian is not None:
                self.historian.take(told)

    def heartbeat(self, beat: Heartbeat, now: Now) -> None:
        """A heartbeat of the district."""
        self.linked = link.heartbeat(self.linked, self.site.params, beat, now)

    def document(self, envelope: Envelope, now: Now) -> Ack:
        """An envelope of the district; returns the answer to it."""
        self.linked, ack = link.document(self.linked, self.site.params, envelope, now)
        return ack

    def parameters(self, paper: FailsafeDocument, now: Now) -> Ack:
        """Fail-safe parameters of the district; returns the answer to them."""
        self.linked, ack = link.failsafe_document(self.linked, self.site.params, paper, now)
        return ack

    def command(self, paper: CommandDocument, now: Now) -> list[Ack]:
        """A command of the district; returns the answers to it and to what it ends."""
        self.commands, acks = running.taken(self.commands, paper, "", now)
        return acks

    def schedule(self, paper: DeviceSchedule, now: Now) -> None:
        """A schedule of one asset; what was answered stands in ``plan_acks``."""
        self.entries, acks = agenda.taken(self.entries, paper, self._moment(now))
        self.plan_acks += acks

    def turn(self, now: Now, plan: LocalPlan | None = None) -> cycle.Decision:
        """One cycle, as the daemon takes it; ``plan`` is what its planner wants."""
        frozen = self.image.freeze(now.ns)
        wanted = lambda gone: self._wanted(now, gone=gone)  # noqa: E731 - it is handed on
        decision, self.linked = sequence.taken(
            frozen, self.state, self.linked, self.site.params, now, wanted, self.commands, plan
        )
        self.state = decision.state
        if self.entries:
            self.entries, acks = agenda.followed(self.entries, self._moment(now))
            self.plan_acks += acks
        if self.historian is not None:
            self.historian.turn(now)
        return decision

    def _wanted(self, now: Now, *, gone: bool) -> Overrides:
        if gone:
            self.entries, acks = agenda.dropped(self.entries)
            self.plan_acks += acks
        return agenda.wanted(self.entries, self._moment(now)) if self.entries else {}

    def _moment(self, now: Now) -> agenda.Moment:
        utc_ms = linkcaps.reckoned_ms(self.linked, now)
        lost_ms = linkcaps.lost_ms(self.linked, now)
        leads = linkcaps.leads(self.linked, self.site.params, now)
        return agenda.Moment(now, utc_ms, lost_ms, self.state.house, self.state.memories, (), leads)
