"""The gateway's control in this process: process image, link state and control cycle, with synthetic time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from quartier.control import sequence, switch_state
from quartier.control import state as control_state
from quartier.control.events import detection
from quartier.control.events import outage as events_outage
from quartier.control.link import allowed, machine
from quartier.control.link import state as link_state
from quartier.control.link.state import LinkState
from quartier.control.observe import daily_runs
from quartier.control.orders import running_commands
from quartier.control.orders import schedules as orders_schedules
from quartier.control.orders.commands import CommandDocument
from quartier.control.records import Overrides
from quartier.control.requests import Ack, DeviceSchedule, Envelope, FailsafeDocument, Heartbeat, LocalPlan
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now, replace
from quartier_drivers.readings import Readings
from quartier_hil.synthetic.history_recorder import HistoryRecorder
from quartier_hil.synthetic.site_assembly import AssembledSite


@dataclass
class Controller:
    """One process of the gateway, without its tasks, buses and disk.

    ``kept`` is what it leaves for its next start, as the daemon keeps it on disk.  ``plan_acks`` are the
    answers to schedules of single assets.  ``historian`` has its store, where somebody wants to read it.
    """

    site: AssembledSite
    kept: dict[str, Any] | None = None
    history_recorder: HistoryRecorder | None = None
    image: ProcessImage = field(default_factory=ProcessImage)
    linked: LinkState = field(init=False)
    state: control_state.ControlState = field(init=False)
    entries: orders_schedules.ScheduleProgresses = field(default_factory=dict)
    plan_acks: list[Ack] = field(default_factory=list)
    commands: running_commands.RunningCommands = sequence.NO_COMMANDS

    def start(self, now: Now, *, outage: bool = False) -> "Controller":
        """Begin, with what the process before left; ``outage``: the machine was without power since."""
        if self.history_recorder is not None:
            self.history_recorder.begin(now, outage=outage)
        kept = self.kept or {}
        persisted = link_state.load_link_state(kept["link"]) if kept else None
        self.linked = machine.start_link(self.site.params, persisted, now, outage=outage)
        site = self.site.house
        steps = {point: info.step for point, info in self.site.points.items() if info.writable}
        fallbacks = {
            point: (info.fallback.value, info.fallback.after_s)
            for point, info in self.site.points.items()
            if info.fallback is not None
        }
        self.state = control_state.ControlState.fresh(replace(site, steps=steps, fallbacks=fallbacks))
        self.state = replace(
            self.state,
            switch_states=switch_state.load_switch_states(site, kept.get("turns"), now),
            runs=daily_runs.load_runs(site, kept.get("runs")),
        )
        self.entries = {} if outage else orders_schedules.load_schedules(kept.get("schedules"))
        if outage:
            self.state = replace(
                self.state, events=detection.GridEvents(outage=events_outage.begin_recovery())
            )
        return self

    def leave(self, now: Now) -> dict[str, Any]:
        """Return the state that the next process starts from."""
        if self.history_recorder is not None:
            self.history_recorder.cut()
        schedules = orders_schedules.dump_schedules(self.entries)
        return {
            "link": link_state.dump_link_state(self.linked),
            "turns": switch_state.dump_switch_states(self.state.switch_states, now),
            "runs": daily_runs.dump_runs(self.state.runs),
            "schedules": schedules,
        }

    def put(self, readings: Iterable[Readings]) -> None:
        """Put readings of devices into the process image and the history."""
        for device_readings in readings:
            self.image.put(device_readings)
            if self.history_recorder is not None:
                self.history_recorder.take(device_readings)

    def heartbeat(self, beat: Heartbeat, now: Now) -> None:
        """A heartbeat of the district."""
        self.linked = machine.accept_heartbeat(self.linked, self.site.params, beat, now)

    def document(self, envelope: Envelope, now: Now) -> Ack:
        """An envelope of the district; returns the answer to it."""
        self.linked, ack = machine.accept_envelope(self.linked, self.site.params, envelope, now)
        return ack

    def parameters(self, document: FailsafeDocument, now: Now) -> Ack:
        """Fail-safe parameters of the district; returns the answer to them."""
        self.linked, ack = machine.accept_failsafe_parameters(self.linked, self.site.params, document, now)
        return ack

    def command(self, document: CommandDocument, now: Now) -> list[Ack]:
        """A command of the district; returns the answers to it and to what it ends."""
        self.commands, acks = running_commands.accept_command(self.commands, document, "", now)
        return acks

    def schedule(self, document: DeviceSchedule, now: Now) -> None:
        """A schedule of one asset; what was answered stands in ``plan_acks``."""
        self.entries, acks = orders_schedules.accept_schedule(self.entries, document, self._moment(now))
        self.plan_acks += acks

    def turn(self, now: Now, plan: LocalPlan | None = None) -> control_state.Decision:
        """One cycle, as the daemon takes it; ``plan`` is what its planner wants."""
        frozen = self.image.freeze(now.ns)
        wanted = lambda gone: self._wanted(now, gone=gone)  # noqa: E731 - it is handed on
        decision, self.linked = sequence.run_turn(
            frozen,
            self.state,
            self.linked,
            self.site.params,
            now,
            by_hand=wanted,
            commands=self.commands,
            plan=plan,
        )
        self.state = decision.state
        if self.entries:
            self.entries, acks = orders_schedules.advance_schedules(self.entries, self._moment(now))
            self.plan_acks += acks
        if self.history_recorder is not None:
            self.history_recorder.turn(now)
        return decision

    def _wanted(self, now: Now, *, gone: bool) -> Overrides:
        if gone:
            self.entries, acks = orders_schedules.drop_schedules(self.entries)
            self.plan_acks += acks
        return orders_schedules.find_scheduled_orders(self.entries, self._moment(now)) if self.entries else {}

    def _moment(self, now: Now) -> orders_schedules.ScheduleContext:
        utc_ms = allowed.count_utc_ms(self.linked, now)
        lost_ms = allowed.find_clock_lost_ms(self.linked, now)
        follows_district = allowed.follows_district(self.linked, self.site.params, now)
        return orders_schedules.ScheduleContext(
            now, utc_ms, lost_ms, self.state.site, self.state.last_good, (), follows_district
        )
