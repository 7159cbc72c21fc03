"""Take, follow, save and report the schedules and signals of the district."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quartier.control.observe import observations
from quartier.control.observe.quarter_hours import SLOT_MS, QuarterHourMeans
from quartier.control.orders import schedules, signals
from quartier.control.orders.schedules import ScheduleContext
from quartier.control.records import Overrides
from quartier.control.requests import Ack, DeviceSchedule, Signal
from quartier.control.state import ControlState
from quartier.control.supervise import flexibility
from quartier.site.records import RecordEvent

if TYPE_CHECKING:  # a site without a district does not import it
    from quartier.district.documents.document_types import AcceptedDocument
REPORT_VALID_S = 3_600
FORECAST_PERSISTENCE, FORECAST_PLANNED = (
    "persistence of the last day",
    "local plan, else persistence of the last day",
)
_ALERT_TEXTS_MAX = 3
"""Number of an alert's texts in its event."""


_SAMPLE_PERIOD_S, _SAMPLE_AGE_MAX_S = 10.0, 60.0
"""How often the powers of the day are read; a longer gap counts as unknown."""


PlannedPowers = Mapping[str, list[float | None]]
"""W of the 96 quarter hours from the current one on, by asset, the grid included."""


class DistrictSchedules:
    """Schedules and signals in force, and the powers of the last day."""

    def __init__(self, event: RecordEvent, log: Any) -> None:
        self.entries: schedules.ScheduleProgresses = {}
        self.signals: signals.Signals = {}
        self._level = signals.LevelInForce()
        self._quarters = QuarterHourMeans()
        self._seen_ns: int | None = None
        self._event = event
        self._log = log
        self._dumped: tuple[object, object, dict[str, Any]] = ({}, {}, {})

    def take(self, accepted: "AcceptedDocument", moment: ScheduleContext) -> Sequence[Ack]:
        """Take one document of the district that is a schedule or a signal; return the acks to send."""
        document = accepted.document
        if isinstance(document, Signal):
            self._accept_signal(document, accepted, moment)
        elif isinstance(document, DeviceSchedule):
            return self._accept_schedule(document, accepted, moment)
        return ()

    def _accept_schedule(
        self, schedule: DeviceSchedule, accepted: "AcceptedDocument", moment: ScheduleContext
    ) -> Sequence[Ack]:
        if accepted.persisted:
            self.entries, acks = schedules.accept_schedule(self.entries, schedule, moment)
        else:  # a request tightens nothing
            acks = [Ack(schedule.id, schedule.seq, schedules.SCHEDULE_TYPE, "TEMPORARY_ERROR", "REJECTED")]
        last = acks[-1]
        fields = {
            "asset": schedule.asset,
            "id": schedule.id,
            "status": last.status,
            "reason": last.reason,
        }
        self._log.info("schedule.answered", **fields)
        if not accepted.repeated:
            text = f"schedule {schedule.id} of {schedule.asset}: {last.status}"
            self._event("schedule.answered", text, fields, moment.now)
        return acks

    def _accept_signal(self, signal: Signal, accepted: "AcceptedDocument", moment: ScheduleContext) -> None:
        """Accept a signal; while clock or number is in doubt, only one that asks for less."""
        sure = accepted.persisted and moment.lost_ms is None
        if not (sure or signals.only_tightens(self.signals, signal, moment.utc_ms)):
            self._log.warning("signal.not_taken", signal=signal.kind, id=signal.id)
            return
        before = self.signals
        self.signals = signals.accept_signal(before, signal, moment.now)
        if self.signals is not before and not accepted.repeated:
            fields = {"signal": signal.kind, "id": signal.id}
            words = [
                str(span.values["text"] or span.values["code"])
                for span in signal.spans[:_ALERT_TEXTS_MAX]
                if signal.kind == "alert"
            ]
            self._log.info("signal.taken", **fields)
            text = ": ".join([f"signal {signal.kind} {signal.id}", *words])
            self._event("signal.taken", text, fields, moment.now)

    def drop_schedules(self) -> Sequence[Ack]:
        """Drop the schedules, as a grid outage does; return the acks to send."""
        self.entries, acks = schedules.drop_schedules(self.entries)
        return acks

    def update_requests(self, moment: ScheduleContext) -> Overrides:
        """Return the requests for assets now, from schedules and from the level of a signal."""
        self.signals = signals.drop_expired_signals(self.signals, moment.utc_ms)
        signalled = signals.find_signalled_level(self.signals, moment.utc_ms, moment.lost_ms)
        self._level = signals.update_level(
            self._level, self.signals, signalled, moment.site.seed, moment.now.ns
        )
        eased = signals.find_level_orders(self._level, moment.site, moment.now, moment.utc_ms)
        return {**eased, **schedules.find_scheduled_orders(self.entries, moment)}

    def follow(self, moment: ScheduleContext) -> Sequence[Ack]:
        """Record the powers of the day; return the acks about the progress of each schedule."""
        self.entries, acks = schedules.advance_schedules(self.entries, moment)
        self._record_powers(moment)
        return acks

    def _record_powers(self, moment: ScheduleContext) -> None:
        """Record the power of each asset for the persistence forecast, in which tomorrow equals today."""
        now = moment.now
        dt_s = _SAMPLE_AGE_MAX_S if self._seen_ns is None else (now.ns - self._seen_ns) / 1e9
        if dt_s < _SAMPLE_PERIOD_S:
            return
        self._seen_ns = now.ns
        if moment.lost_ms is None and dt_s < _SAMPLE_AGE_MAX_S:
            house, memories = moment.site, moment.last_good
            seen = (
                (one.name, observations.find_power_w(memories, one, now.ns))
                for one in (house.grid, *house.assets)
            )
            known = {name: watts for name, watts in seen if watts is not None}
            self._quarters.see(known, dt_s, moment.utc_ms)

    def render_schedules(self, moment: ScheduleContext) -> dict[str, Any]:
        """Return schedules and signals for people, JSON-ready."""
        return {
            "schedules": schedules.render_schedules(self.entries, moment),
            "signals": signals.render_signals(self.signals, moment.utc_ms, moment.lost_ms),
            "level": self._level.level,
        }

    def report(
        self,
        state: ControlState,
        moment: ScheduleContext,
        local: Collection[str],
        planned: PlannedPowers | None = None,
        forecast: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the flexibility report (spec/sync.md#topic-flexibility), JSON-ready.

        ``local`` are the assets whose data never leave the site. The forecast is the one ``planned``, else
        that of yesterday, and null if unknown. ``forecast`` is the forecast of load, PV and net before any
        control, as far as it may leave.
        """
        ahead = planned or {}
        devices = flexibility.report_flexibility(state, moment.now, moment.by_hand, local)
        for device in devices:
            device["forecast_w"] = ahead.get(device["device"]) or self._find_forecast(
                device["device"], moment
            )
        force, grid = state.active_limits, state.site.grid.name
        return {
            "ts": moment.utc_ms,
            "valid_s": REPORT_VALID_S,
            "import_max_w": None if force is None else round(force.import_w, 1),
            "export_max_w": None if force is None else round(force.export_w, 1),
            "forecast": {
                "method": FORECAST_PLANNED if ahead else FORECAST_PERSISTENCE,
                "start": moment.utc_ms // SLOT_MS * SLOT_MS,
                "step_s": SLOT_MS // 1000,
                "grid_w": None if grid in local else ahead.get(grid) or self._find_forecast(grid, moment),
                **{name: (forecast or {}).get(name) for name in ("load", "sun", "net")},
            },
            "devices": devices,
        }

    def _find_forecast(self, name: str, moment: ScheduleContext) -> list[float | None] | None:
        if moment.lost_ms is not None:
            return None
        found = self._quarters.forecast_persistence(name, moment.utc_ms)
        return found if any(watts is not None for watts in found) else None

    def dump_state(self) -> Mapping[str, Any]:
        """Return what must survive the process: the same objects while nothing changed."""
        entries, said, _ = self._dumped
        if entries is not self.entries or said is not self.signals:
            facts = {
                "schedules": schedules.dump_schedules(self.entries),
                "signals": signals.dump_signals(self.signals),
            }
            self._dumped = self.entries, self.signals, facts
        return {**self._dumped[2], "quarters": self._quarters.dump_means()}

    def recall(self, kept: Mapping[str, Any], *, outage: bool) -> None:
        """Restore what ``kept`` returned; a power cut has dropped the schedules."""
        self.entries = {} if outage else schedules.load_schedules(kept.get("schedules"))
        self.signals = signals.load_signals(kept.get("signals"))
        self._quarters.recall(kept.get("quarters"))
