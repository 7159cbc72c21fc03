"""Run one control cycle: take documents, decide, post commands, report changes."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from math import inf
from typing import TYPE_CHECKING, Any

from quartier.control import sequence, switch_state
from quartier.control import state as control_state
from quartier.control.allocate import restore
from quartier.control.events import detection, outage, rows
from quartier.control.limits import supplies
from quartier.control.limits.active import ActiveLimits
from quartier.control.limits.contacts import ContactState
from quartier.control.link import allowed, envelopes, machine
from quartier.control.link import state as link_state
from quartier.control.link.envelope_progress import ConnectionMeasurement
from quartier.control.observe import daily_runs
from quartier.control.observe.meter_check import judge
from quartier.control.orders import command_progress, schedules
from quartier.control.orders.command_progress import CommandContext
from quartier.control.orders.commands import CommandDocument, FailsafeTest, Shed
from quartier.control.orders.running_commands import RestartFacts
from quartier.control.orders.signals import Signals
from quartier.control.records import LinkLimits, Overrides
from quartier.control.requests import Ack, DeviceSchedule, Envelope, FailsafeDocument, Heartbeat, Signal
from quartier.control.supervise import flexibility as supervise_flexibility
from quartier.daemon.gateway_parts import GatewayParts
from quartier.daemon.manual_overrides import ManualOverrides
from quartier.daemon.reports.alarm_list import AlarmManager
from quartier.daemon.reports.losses import LossReport
from quartier.daemon.reports.write_ledger import WriteLedger
from quartier.district.service.commands import DistrictCommands, PendingAcks
from quartier.district.service.schedules import DistrictSchedules
from quartier.runtime.clock import find_boot_id
from quartier.site.records import Now
from quartier.site.samples import StreamPosition
from quartier.site.site_layout import Site
from quartier_drivers.contract import Origin
from quartier_drivers.readings import Quality

if TYPE_CHECKING:  # a site without a district, or without planning, does not import them
    from quartier.district.documents.document_types import AcceptedDocument
    from quartier.district.uplink import Uplink
    from quartier.planning.service.planner import Planner


TEXT_AGE_MAX_S = 120.0
"""Ignore text readings older than this."""


class ControlLoop:
    """The control loop, called by the ticker.  Holds the link state, the control state and the last view.

    ``outage_before``: the machine was without power until now.
    """

    uplink: "Uplink | None"
    loss_report: LossReport | None
    manual_overrides: ManualOverrides | None
    view: Mapping[str, Any]

    def __init__(
        self,
        house: Site,
        params: allowed.LinkParameters,
        state: link_state.LinkState,
        parts: GatewayParts,
        *,
        ledger: WriteLedger | None = None,
        outage_before: bool = False,
        alarm_manager: AlarmManager | None = None,
    ) -> None:
        self.params = params
        self.link = state
        self.uplink = None
        self.planner: Planner | None = None
        self.loss_report = None
        self.manual_overrides = None
        self.view = {}
        clock, store, log = parts.clock, parts.store, parts.log
        self.ledger = ledger or WriteLedger(store)
        self.alarm_manager = alarm_manager or AlarmManager(store.event, log, clock)
        self._clock = clock
        self._boot = find_boot_id()
        self._image = parts.image
        self._fleet = parts.fleet
        self._store = store
        self._log = log
        self._state = control_state.ControlState.fresh(house)
        if outage_before:
            self._state = replace(self._state, events=detection.GridEvents(outage=outage.begin_recovery()))
        self.district_schedules = DistrictSchedules(store.event, log)
        self._overrides: Overrides = {}
        self.district_commands = DistrictCommands(
            store.event, log, self._replay_events, self.alarm_manager.reset
        )
        self.pending_acks = PendingAcks(self._answer, clock.rate)
        self._acting: frozenset[str] = frozenset()

    def adopt(self, site: Site, params: allowed.LinkParameters, anew: Collection[str] = ()) -> None:
        """Continue with a site file that was read again; points in ``anew`` are ordered again."""
        self._state = self._state.adopt(site, anew)
        self.params = params

    def dump_state(self) -> Mapping[str, Any]:
        """Return the control state to keep over a restart, in addition to the link state."""
        facts = {
            "subscribed_va": supplies.dump_supplies(self._state.supplies),
            "runs": daily_runs.dump_runs(self._state.runs),
            "turns": switch_state.dump_switch_states(self._state.switch_states, self._clock.now()),
            "grid": detection.dump_grid_events(self._state.events, self._clock.now_ns() // 1_000_000),
            "meter": judge.dump_check(self._state.meter),
            **self.district_schedules.dump_state(),
            "district": self.district_commands.dump_state(),
        }
        found = {name: known for name, known in facts.items() if known}
        return {**found, "boot": self._boot} if found else {}

    def recall(self, kept: Mapping[str, Any], away_s: float) -> None:
        """Load what ``kept`` returned before a restart.

        A contract does not age, and a switch state has its own time.  If the machine did not reboot, its
        monotonic clock gives the absence, and not the wall clock.
        """
        house, known, now = self._state.site, self._state.events, self._clock.now()
        same_boot = bool(self._boot) and kept.get("boot") == self._boot
        counted_s = detection.find_absence_s(kept.get("grid"), now.ns // 1_000_000) if same_boot else None
        away_s = away_s if counted_s is None else counted_s
        self._state = replace(
            self._state,
            supplies=supplies.load_supplies(house.supplies, kept.get("subscribed_va")),
            switch_states=switch_state.load_switch_states(
                house, kept.get("turns"), now, dark=known.outage.is_open, same_boot=same_boot
            ),
            runs=daily_runs.load_runs(house, kept.get("runs")),
            events=detection.load_grid_events(known, kept.get("grid"), away_s, self._clock.now_ns()),
            meter=judge.load_check(kept.get("meter"), self._clock.now_ns()),
        )
        self.district_schedules.recall(kept, outage=known.outage.is_open)
        ends_ns = {Shed: self.link.shed_until_ns, FailsafeTest: self.link.test_ns and self.link.test_ns[1]}
        since = RestartFacts(
            same_boot, {kind: end_ns for kind, end_ns in ends_ns.items() if end_ns is not None}
        )
        self.district_commands.recall(kept.get("district"), now, outage=known.outage.is_open, since=since)

    def restart_meter_check(self, now: Now) -> str:
        """Start a new check of the grid meter; return the verdict that it had."""
        before = self._state.meter
        self._state = replace(self._state, meter=judge.clear_verdict(before, now.ns))
        return before.verdict.name.lower()

    def needs(self, asset: str) -> list[dict[str, Any]] | None:
        """Return the conditions under which an asset comes back; None if it is not held back."""
        return restore.find_return_needs(self._state, asset, self._clock.now_ns())

    def until_ms(self, who: Origin) -> int | None:
        """Return until when (UTC in ms) the demand of a district document holds; None for all others."""
        program = self.link.program(who.name) if who.kind == "document" else None
        if program is None or (program.envelope.id, program.envelope.seq) != (who.id, who.seq):
            return None
        return envelopes.find_next_rise_ms(program.envelope, program.newest.utc_ms(self._clock.now_ns()))

    @property
    def site(self) -> Site:
        """The site as it is controlled now."""
        return self._state.site

    def __call__(self) -> None:
        """Run one control cycle."""
        now = self._clock.now()
        frozen = self._image.freeze(now.ns)
        before = self.view.get("mode", str(self.link.mode))
        self._take(now)
        self._update_device_facts()
        decision, self.link = sequence.run_turn(
            frozen,
            self._state,
            self.link,
            self.params,
            now,
            by_hand=lambda gone: self._find_requests(now, outage=gone),
            commands=self.district_commands.commands,
            plan=None if self.planner is None else self.planner.local_plan,
        )
        self._state = decision.state
        self.view = decision.view
        if self.loss_report is not None:
            self.view = self.loss_report.add_details(decision.view, now)
        self.ledger.record_orders(decision.commands, frozen, now)
        self._fleet.post(decision.commands, now.ns)
        if decision.releases:
            self.ledger.record_releases(decision.releases, decision.lost, now)
            self._fleet.give_back(decision.releases)
        self.ledger.look(frozen, now)
        self.ledger.tick(now)
        self._report_changes(before, now)
        if self.uplink is not None:
            self._answer(*self.district_schedules.follow(self._make_schedule_context(now)))
        utc_ms = allowed.count_utc_ms(self.link, now)
        self.pending_acks.answer(
            self.district_commands.look(self._make_snapshot(now), self._measure_connection(), utc_ms), now
        )
        self.pending_acks.look(now)

    def _find_requests(self, now: Now, *, outage: bool) -> Overrides:
        """Return the requests for single assets; those of people go before those of the district."""
        self._overrides = (
            {} if self.manual_overrides is None else self.manual_overrides.running(now, outage=outage)
        )
        if self.uplink is None:
            return self._overrides
        if outage:
            self._answer(*self.district_schedules.drop_schedules())
        return {
            **self.district_schedules.update_requests(self._make_schedule_context(now)),
            **self._overrides,
        }

    def _make_schedule_context(self, now: Now) -> schedules.ScheduleContext:
        utc_ms = allowed.count_utc_ms(self.link, now)
        lost_ms = allowed.find_clock_lost_ms(self.link, now)
        return schedules.ScheduleContext(
            now,
            utc_ms,
            lost_ms,
            self.site,
            self._state.last_good,
            by_hand=self._overrides,
            follows_district=allowed.follows_district(self.link, self.params, now),
            orders=self._state.book.orders,
            regulatory=self._grid_operator_programs,
        )

    @property
    def _grid_operator_programs(self) -> frozenset[str]:
        """The programs of the grid operator: those with priority 0."""
        documents = (program.envelope for program in self.link.programs)
        return frozenset(document.program for document in documents if document.priority == 0)

    def render_plans(self) -> dict[str, Any]:
        """Return the district's plans and commands, and the fail-safe values in force, JSON-ready."""
        values = allowed.find_failsafe_values(self.link, self.params)
        waits = allowed.has_waiting_parameters(self.link)
        failsafe = {**asdict(values), "from_district": self.link.failsafe is not None, "waits": waits}
        now = self._clock.now()
        running = self.district_commands.render_commands(now)
        return {
            **self.district_schedules.render_schedules(self._make_schedule_context(now)),
            "failsafe": failsafe,
            "commands": running,
        }

    def flexibility(self, local: Collection[str]) -> dict[str, Any] | None:
        """Return the flexibility report without the assets in ``local``; None while it is not known yet."""
        now = self._clock.now()
        if not supervise_flexibility.is_flexibility_known(self._state, now):
            return None
        moment = self._make_schedule_context(now)
        if self.planner is None:
            return self.district_schedules.report(self._state, moment, local)
        return self.district_schedules.report(
            self._state,
            moment,
            local,
            planned=self.planner.find_planned_powers(moment.utc_ms),
            forecast=self.planner.forecast_points.report(now),
        )

    def find_text(self, point: str) -> str:
        """Return the text of a point while its reading is good and young; else an empty text."""
        value = self._image.freeze(self._clock.now_ns()).get(point)
        if value is None or value.quality is not Quality.GOOD or value.age_s > TEXT_AGE_MAX_S:
            return ""
        return str(value.value)

    @property
    def state(self) -> control_state.ControlState:
        """The control state."""
        return self._state

    @property
    def active_limits(self) -> ActiveLimits | None:
        """The active limits; None before the first cycle."""
        return self._state.active_limits

    @property
    def signals(self) -> Signals:
        """The signals of the district."""
        return self.district_schedules.signals

    @property
    def is_out(self) -> bool:
        """True while the voltage of the public grid is gone (spec/failsafe.md#rule-6)."""
        return self._state.events.is_grid_lost

    @property
    def is_fast(self) -> bool:
        """True if the grid frequency is read often enough for the fast cycle."""
        period_s = self.site.grid.frequency_period_s
        return period_s is not None and period_s <= rows.FAST_PERIOD_S

    def look(self) -> bool:
        """Check only the public grid, between two cycles.

        Returns whether a grid event begins to act, so that a cycle is due now.
        """
        now = self._clock.now()
        before = self._state.events
        events = detection.update_events(before, self._image.freeze(now.ns), self.site, now.ns)
        self._state = replace(self._state, events=events)
        return events.find_rise_start(before)

    def _update_device_facts(self) -> None:
        """Take over what devices state about the ordered points: their resolution and fallback."""
        infos = self._fleet.points
        steps = {point: infos[point].step for point in self._state.book.orders if point in infos}
        fallbacks = {
            point: (found.value, found.after_s)
            for point in steps
            if (found := infos[point].fallback) is not None
        }
        if (steps, fallbacks) != (self.site.steps, self.site.fallbacks):
            known = replace(self.site, steps=steps, fallbacks=fallbacks)
            self._state = replace(self._state, site=known)

    def _take(self, now: Now) -> None:
        """Process what the district sent since the last cycle."""
        if self.uplink is None:
            return
        while self.uplink.inbox:
            accepted = self.uplink.inbox.popleft()
            if isinstance(accepted.document, Heartbeat):
                self.link = machine.accept_heartbeat(self.link, self.params, accepted.document, now)
            elif isinstance(accepted.document, Envelope):
                self._accept_envelope(accepted, accepted.document, now)
            elif isinstance(accepted.document, FailsafeDocument):
                self._accept_failsafe(accepted, accepted.document, now)
            elif isinstance(accepted.document, DeviceSchedule | Signal):
                self._answer(*self.district_schedules.take(accepted, self._make_schedule_context(now)))
            elif isinstance(accepted.document, CommandDocument):
                taken = self.district_commands.take(accepted, accepted.document, self._make_snapshot(now))
                self.pending_acks.answer(taken, now)

    def _accept_envelope(self, accepted: "AcceptedDocument", envelope: Envelope, now: Now) -> None:
        state, ack = machine.accept_envelope(self.link, self.params, envelope, now)
        if accepted.persisted:
            self.link = state
        elif self._is_looser(state, now):
            ack = Ack(envelope.id, envelope.seq, "envelope", "TEMPORARY_ERROR", "REJECTED")
        else:
            self.link, ack = machine.accept_envelope(self.link, self.params, envelope, now, sure=False)
        self._answer(*self.district_commands.follow_envelope(envelope, ack))
        fields = {"program": envelope.program, "id": envelope.id, "status": ack.status, "reason": ack.reason}
        self._log.info("document.answered", **fields)
        if not accepted.repeated:
            self._store.event("document.answered", f"envelope {envelope.id}: {ack.status}", fields, now)

    def _accept_failsafe(self, accepted: "AcceptedDocument", document: FailsafeDocument, now: Now) -> None:
        state, ack = machine.accept_failsafe_parameters(self.link, self.params, document, now)
        if accepted.persisted or not allowed.loosens_failsafe(self.link, state, self.params):
            self.link = state
        else:
            ack = Ack(document.id, document.seq, "failsafe", "TEMPORARY_ERROR", "REJECTED")
        self._answer(ack)
        fields = {"id": document.id, "status": ack.status, "reason": ack.reason}
        self._log.info("failsafe.answered", **fields)
        if not accepted.repeated:
            self._store.event(
                "failsafe.answered", f"fail-safe values {document.id}: {ack.status}", fields, now
            )

    def _is_looser(self, state: link_state.LinkState, now: Now) -> bool:
        """Return whether ``state`` allows more now than the present state.

        A document that could not be persisted must not allow more.
        """
        before, after = (
            allowed.find_link_limits(self.link, self.params, now),
            allowed.find_link_limits(state, self.params, now),
        )
        careful = (before.no_battery_export, before.no_grid_charge_above_reserve)
        return any(new > old for new, old in zip(_list_limits(after), _list_limits(before), strict=True)) or (
            any(careful) and careful != (after.no_battery_export, after.no_grid_charge_above_reserve)
        )

    def _answer(self, *acks: Ack) -> None:
        if self.uplink is not None:
            for ack in acks:
                self.uplink.ack(ack)

    def _replay_events(self, above: StreamPosition) -> None:
        if self.uplink is not None:
            self.uplink.replay(above)

    def _make_snapshot(self, now: Now) -> CommandContext:
        """Return the context against which a command is evaluated."""
        return CommandContext(
            state=self._state,
            overrides=self._overrides,
            ordered=self.district_commands.setpoint_assets,
            may_loosen=allowed.is_loosening_allowed(self.link, now),
            follows_district=allowed.follows_district(self.link, self.params, now),
            regulatory=self._grid_operator_programs,
            now=now,
        )

    def _measure_connection(self) -> ConnectionMeasurement:
        """Return whether the measured power is inside the limits, and whether people override assets.

        ``inside`` is None if the power is not known.
        """
        inside = None
        if self.view["grid"]["state"] == "good":
            power_w, caps = self.view["grid"]["power_w"], self.view["caps"]
            import_w, export_w = caps["import"]["max_w"], caps["export"]["max_w"]
            low_w, high_w = (
                -export_w - command_progress.find_grid_band_w(export_w),
                import_w + command_progress.find_grid_band_w(import_w),
            )
            inside = low_w <= power_w <= high_w
        return ConnectionMeasurement(inside=inside, by_hand=bool(self._overrides))

    def _report_changes(self, before: str, now: Now) -> None:
        """Log and record what changed: link state, contacts, and alarms that were raised or cleared."""
        mode, why = self.view["mode"], self.view["why"]
        if mode != before:
            self._log.warning("link.mode", before=before, now=mode, why=why)
            self._store.event("link.mode", f"{before} -> {mode}: {why}", {"mode": mode}, now)
        self._report_contacts(now)
        self.alarm_manager.look(self.view["alarms"], now)
        listed = self.alarm_manager.book.select_active(self.view["alarms"])
        if len(listed) < len(self.view["alarms"]):  # the status shows as active what the list has as active
            self.view = {**self.view, "alarms": listed}

    def _report_contacts(self, now: Now) -> None:
        """Report contacts that began or ceased to act; a contact that was not read yet is ignored."""
        seen = {
            name: one for name, one in self.view["contacts"].items() if one["why"] != ContactState.WAITING
        }
        acting = frozenset(name for name, one in seen.items() if one["acting"])
        for name in sorted(acting - self._acting):
            caps = {f"{way}_max_w": watts for way, watts in seen[name]["caps"].items()}
            self._log.warning("contact.acts", contact=name, why=seen[name]["why"], **caps)
            self._store.event("contact.acts", f"contact {name} {seen[name]['why']}", caps, now)
        for name in sorted(self._acting - acting):
            self._log.info("contact.released", contact=name)
            self._store.event("contact.released", f"contact {name} released", {}, now)
        self._acting = acting


def _list_limits(caps: LinkLimits) -> tuple[float, ...]:
    limits = (caps.import_max_w, caps.export_max_w, caps.generation_max_w, caps.consumption_max_w)
    return tuple(inf if watts is None else watts for watts in limits)
