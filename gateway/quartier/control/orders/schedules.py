"""Device schedules of the district: accepted or refused, their present orders, and their progress (pure).

They are requests (spec/failsafe.md#priority-4): below every limit, below orders of people, and dropped with
the public grid's voltage (rule 6). A schedule is STARTED once it began. It is SUCCEEDED at its last interval
if each interval since its start was *measured* to be kept. A schedule that ends otherwise is ABORTED.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier.control import participants
from quartier.control.observe.observations import LastGoodValues, find_fresh_value
from quartier.control.orders import setpoints, timeline
from quartier.control.records import Order, Override, Overrides
from quartier.control.requests import Ack, DeviceSchedule, ScheduleInterval
from quartier.site.asset_types import Battery, ControllableAsset
from quartier.site.records import Now, replace
from quartier.site.site_layout import Site
from quartier_drivers.contract import Origin

SCHEDULE_TYPE = "schedule"
_DONE = ("SUCCEEDED", "ABORTED")
_PROGRESS = ("status", "until_ms", "met", "missed")
_FACTS = ("id", "seq", "asset", "nbf_utc_ms", "exp_utc_ms", "start_utc_ms")


@dataclass(frozen=True, slots=True)
class ScheduleProgress:
    """An accepted schedule, and its last reported status.

    ``until_ms``: the end of the last interval with an order. ``met``: that interval was kept; ``missed``: one
    before it was not. ``last_ms``: when the last interval with an order ends (the start if there is none).
    ``over_ms``: when the last of all intervals ends. ``why``: what prevented the first interval that it
    missed, or the running one.
    """

    schedule: DeviceSchedule
    last_ms: int
    over_ms: int
    status: str = "ACCEPTED"
    until_ms: int | None = None
    met: bool = False
    missed: bool = False
    why: str = ""

    @classmethod
    def from_schedule(cls, schedule: DeviceSchedule) -> "ScheduleProgress":
        """Make the progress of a schedule that was just accepted."""
        spans, exp_ms = schedule.intervals, schedule.exp_utc_ms
        edges = timeline.find_edges(schedule.start_utc_ms, spans)
        wanting = (end_ms for _, end_ms, stretch in edges if not _is_free(stretch))
        last_ms = min(exp_ms, max(wanting, default=schedule.start_utc_ms))
        return cls(schedule, last_ms, timeline.find_end_ms(schedule.start_utc_ms, exp_ms, spans))


ScheduleProgresses = Mapping[str, ScheduleProgress]
"""Schedule progress by asset."""


@dataclass(frozen=True, slots=True)
class ScheduleContext:
    """The time, and the facts known at that time.

    ``utc_ms`` is trusted, or counted on since ``lost_ms``. ``by_hand``: the assets that people ordered.
    ``follows_district``: district requests are followed. ``orders`` are the present orders by point.
    ``regulatory`` are the programs of the grid operator.
    """

    now: Now
    utc_ms: int
    lost_ms: int | None
    site: Site
    last_good: LastGoodValues
    by_hand: Collection[str] = field(default_factory=tuple)
    follows_district: bool = True
    orders: Mapping[str, Order] = field(default_factory=dict)
    regulatory: Collection[str] = field(default_factory=tuple)

    def is_free(self, asset: str) -> bool:
        """Return whether the district's request for an asset is followed.

        This needs the district in control, and no person's order for the asset.
        """
        return self.follows_district and asset not in self.by_hand


def accept_schedule(
    entries: ScheduleProgresses, schedule: DeviceSchedule, moment: ScheduleContext
) -> tuple[ScheduleProgresses, list[Ack]]:
    """Accept a verified schedule, or refuse it with a reason; the one before it of the asset is revoked.

    Without a trusted clock no new schedule is accepted: it would not be known when it runs.
    """
    held = entries.get(schedule.asset)
    if held is not None and held.schedule == schedule:
        return entries, [_ack(schedule, held.status)]
    refusal = _refusal(held, schedule, moment)
    if refusal is not None:
        return entries, [refusal]
    reason = "LOCAL_OVERRIDE" if schedule.asset in moment.by_hand else ""
    acks = [_ack(schedule, "ACCEPTED", reason)]
    if held is not None and held.status not in _DONE:
        acks.insert(0, _ack(held.schedule, "REVOKED"))
    return {**entries, schedule.asset: ScheduleProgress.from_schedule(schedule)}, acks


def find_scheduled_orders(entries: ScheduleProgresses, moment: ScheduleContext) -> Overrides:
    """Return the present orders of the schedules; empty if the district is not in control."""
    if not moment.follows_district:
        return {}
    return {name: one for name, entry in entries.items() if (one := _find_request(entry.schedule, moment))}


def advance_schedules(
    entries: ScheduleProgresses, moment: ScheduleContext
) -> tuple[ScheduleProgresses, list[Ack]]:
    """Advance each schedule: started, kept as *measured*, or ended without that; expired ones are dropped.

    Returns the same mapping if nothing changed.
    """
    after: dict[str, ScheduleProgress] = {}
    acks: list[Ack] = []
    for name, entry in entries.items():
        progress = _update_progress(entry, moment)
        status, reason = _status(progress, moment)
        if status != entry.status:
            acks.append(_ack(entry.schedule, status, reason))
        if moment.utc_ms < entry.schedule.exp_utc_ms:
            after[name] = progress if status == progress.status else replace(progress, status=status)
    same = len(after) == len(entries) and all(after[name] is entry for name, entry in entries.items())
    return (entries if same else after), acks


def drop_schedules(entries: ScheduleProgresses) -> tuple[ScheduleProgresses, list[Ack]]:
    """Drop all schedules: the grid's voltage is gone (spec/failsafe.md#rule-6)."""
    left = (entry for entry in entries.values() if entry.status not in _DONE)
    return {}, [_ack(entry.schedule, "ABORTED", "SAFETY") for entry in left]


def _refusal(held: ScheduleProgress | None, schedule: DeviceSchedule, moment: ScheduleContext) -> Ack | None:
    def no(reception: str, reason: str) -> Ack:
        return Ack(schedule.id, schedule.seq, SCHEDULE_TYPE, reception, "REJECTED", reason)

    asset = _asset(moment.site, schedule.asset)
    if asset is None:
        return no("INVALID_CONTENT", "UNKNOWN_DEVICE")
    if find_schedule_fault(asset, schedule):
        return no("INVALID_CONTENT", "BOUNDS")
    if held is not None and schedule.seq <= held.schedule.seq:
        return no("OK", "REPLAY")
    if moment.lost_ms is not None:
        return no("TEMPORARY_ERROR", "CLOCK")
    return no("OK", "EXPIRED") if moment.utc_ms >= schedule.exp_utc_ms else None


def find_schedule_fault(asset: ControllableAsset, schedule: DeviceSchedule) -> str:
    """Describe why no device of the asset can follow the schedule; empty if it can."""
    return next((found for stretch in schedule.intervals if (found := _fault(asset, stretch))), "")


def _fault(asset: ControllableAsset, stretch: ScheduleInterval) -> str:
    if stretch.power_w is not None:
        return setpoints.find_power_fault(asset, stretch.power_w)
    return "" if stretch.soc_pct is None else setpoints.find_soc_fault(asset, stretch.soc_pct)


def _running(schedule: DeviceSchedule, moment: ScheduleContext) -> tuple[ScheduleInterval, int] | None:
    if moment.utc_ms < schedule.nbf_utc_ms:
        return None
    return timeline.find_running_span(
        schedule.start_utc_ms, schedule.exp_utc_ms, schedule.intervals, moment.utc_ms, moment.lost_ms
    )


def _find_request(schedule: DeviceSchedule, moment: ScheduleContext) -> Override | None:
    found, asset = _running(schedule, moment), _asset(moment.site, schedule.asset)
    if found is None or asset is None or _fault(asset, found[0]):
        return None
    stretch, end_ms = found
    left_s = (end_ms - moment.utc_ms) / 1000
    power_w = _power_w(asset, stretch, left_s, moment)
    if power_w is None:
        return None
    whose = Origin("document", f"{SCHEDULE_TYPE} {schedule.asset}", schedule.id, schedule.seq)
    until_ns = moment.now.ns + round(left_s * 1e9)
    return Override(schedule.asset, setpoints.convert_power(asset, power_w), until_ns, end_ms, whose)


def _power_w(
    asset: ControllableAsset, stretch: ScheduleInterval, left_s: float, moment: ScheduleContext
) -> float | None:
    if stretch.soc_pct is None or not isinstance(asset, Battery):
        return stretch.power_w
    soc_pct = find_fresh_value(moment.last_good, f"{asset.name}.soc_pct", asset.soc_period_s, moment.now.ns)
    return (
        None if soc_pct is None else setpoints.find_power_to_target_w(asset, soc_pct, stretch.soc_pct, left_s)
    )


def _update_progress(entry: ScheduleProgress, moment: ScheduleContext) -> ScheduleProgress:
    """Return the progress after one more look at the measurements."""
    schedule, asset = entry.schedule, _asset(moment.site, entry.schedule.asset)
    found = _running(schedule, moment)
    if entry.status in _DONE or asset is None or found is None or _is_free(found[0]):
        return entry
    stretch, end_ms = found
    if end_ms != entry.until_ms:
        entry = replace(entry, until_ms=end_ms, met=False, missed=entry.missed or _has_missed(entry, end_ms))
    if entry.met:
        return entry
    if moment.is_free(asset.name) and _is_kept(asset, stretch, moment):
        return replace(entry, met=True)
    why = entry.why if entry.missed and entry.why else _why_not(asset, moment)
    return entry if why == entry.why else replace(entry, why=why)


def _why_not(asset: ControllableAsset, moment: ScheduleContext) -> str:
    """Return what most likely keeps an asset from its request (spec/sync.md#ack)."""
    if asset.name in moment.by_hand:
        return "LOCAL_OVERRIDE"
    order = moment.orders.get(participants.find_control_point(asset))
    silent = (
        find_fresh_value(moment.last_good, f"{asset.name}.power_w", asset.period_s, moment.now.ns) is None
    )
    if silent or order is None or not moment.follows_district:
        return "SAFETY"
    behind = order.reason.who
    if behind.kind == "grid" or (behind.kind == "document" and behind.name in moment.regulatory):
        return "REGULATORY"
    if behind.kind == "document":
        return "SELF_PROTECTION" if behind.name == f"{SCHEDULE_TYPE} {asset.name}" else "BOUNDS"
    return "SAFETY"


def _has_missed(entry: ScheduleProgress, end_ms: int) -> bool:
    """Return whether the last interval seen was not kept, or one after it was not seen."""
    if entry.until_ms is None:
        return False
    edges = timeline.find_edges(entry.schedule.start_utc_ms, entry.schedule.intervals)
    between = (at_ms for _, at_ms, one in edges if entry.until_ms < at_ms < end_ms and not _is_free(one))
    return not entry.met or next(between, None) is not None


def _status(entry: ScheduleProgress, moment: ScheduleContext) -> tuple[str, str]:
    """Return the status now, and the reason if it ended without success."""
    schedule = entry.schedule
    if entry.status in _DONE:
        return entry.status, ""
    if _asset(moment.site, schedule.asset) is None:
        return "ABORTED", "UNKNOWN_DEVICE"
    if entry.met and not entry.missed and entry.until_ms == entry.last_ms:
        return "SUCCEEDED", ""
    if moment.utc_ms >= entry.over_ms:
        return "ABORTED", entry.why or "EXPIRED"
    begins = entry.until_ms is not None and moment.is_free(schedule.asset)
    return ("STARTED" if begins else entry.status), ""


def _is_free(stretch: ScheduleInterval) -> bool:
    return stretch.power_w is None and stretch.soc_pct is None


def _is_kept(asset: ControllableAsset, stretch: ScheduleInterval, moment: ScheduleContext) -> bool:
    now_ns = moment.now.ns
    if stretch.soc_pct is not None and isinstance(asset, Battery):
        soc_pct = find_fresh_value(moment.last_good, f"{asset.name}.soc_pct", asset.soc_period_s, now_ns)
        return soc_pct is not None and abs(soc_pct - stretch.soc_pct) <= setpoints.SOC_BAND_PCT
    measured_w = find_fresh_value(moment.last_good, f"{asset.name}.power_w", asset.period_s, now_ns)
    return measured_w is not None and setpoints.is_setpoint_reached(asset, stretch.power_w or 0.0, measured_w)


def _asset(site: Site, name: str) -> ControllableAsset | None:
    return next((asset for asset in site.assets if asset.name == name), None)


def _ack(schedule: DeviceSchedule, status: str, reason: str = "") -> Ack:
    return Ack(schedule.id, schedule.seq, SCHEDULE_TYPE, "OK", status, reason)


def render_schedules(entries: ScheduleProgresses, moment: ScheduleContext) -> list[dict[str, Any]]:
    """Render the schedules for people, JSON-ready: status and present request of each."""
    return [_render_schedule(entry.schedule, entry.status, moment) for _, entry in sorted(entries.items())]


def _render_schedule(schedule: DeviceSchedule, status: str, moment: ScheduleContext) -> dict[str, Any]:
    found = _running(schedule, moment)
    stretch, until_ms = (ScheduleInterval(0.0), None) if found is None else found
    return {
        "asset": schedule.asset,
        "id": schedule.id,
        "status": status,
        "power_w": stretch.power_w,
        "soc_pct": stretch.soc_pct,
        "until_utc_ms": until_ms,
        "exp_utc_ms": schedule.exp_utc_ms,
    }


def dump_schedules(entries: ScheduleProgresses) -> list[dict[str, Any]]:
    """Return the schedules as JSON-ready data."""
    return [_dump_schedule(entry) for entry in entries.values()]


def _dump_schedule(entry: ScheduleProgress) -> dict[str, Any]:
    schedule = entry.schedule
    facts = {name: getattr(schedule, name) for name in _FACTS}
    stretches = [(one.duration_s, one.power_w, one.soc_pct) for one in schedule.intervals]
    progress = {name: getattr(entry, name) for name in _PROGRESS}
    why = entry.why if entry.missed else ""  # what may still be made good changes from cycle to cycle
    return {**progress, "why": why, "schedule": {**facts, "stretches": stretches}}


def load_schedules(data: object) -> ScheduleProgresses:
    """Load the result of ``dump_schedules``; broken entries are left out."""
    found: dict[str, ScheduleProgress] = {}
    for kept in data if isinstance(data, list) else []:
        try:
            schedule = dict(kept["schedule"])
            stretches = tuple(ScheduleInterval(*one) for one in schedule.pop("stretches"))
            entry = ScheduleProgress.from_schedule(DeviceSchedule(**schedule, intervals=stretches))
            entry = replace(entry, **{name: kept[name] for name in (*_PROGRESS, "why")})
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
        found[entry.schedule.asset] = entry
    return found
