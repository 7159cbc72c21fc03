"""Data of the live page, JSON-ready (pure): load and plan of the transformer, state of each building."""

from collections.abc import Mapping, Sequence
from typing import Any

from quartier_district.fleet.building_state import BuildingState, LoadTrace
from quartier_district.fleet.limit_allocation import ENVELOPE_TOPIC, LimitAllocator

POINTS_MAX_COUNT = 360
_SOURCES = {
    "plan": "the plan of this quarter hour",
    "last plan": "the last good plan",
    "shares": "the fail-safe shares",
}


def make_page_state(
    members: Sequence[BuildingState],
    allocator: LimitAllocator,
    trace: LoadTrace,
    now_ms: int,
    *,
    connected: bool,
    heartbeat_on: bool,
    feed: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Everything of one moment; powers in W, times in Unix milliseconds."""
    roster = allocator.roster
    return {
        "now_ms": now_ms,
        "zone": roster.tariff.zone,
        "group": roster.group,
        "connected": connected,
        "heartbeat_on": heartbeat_on,
        "limit_w": roster.transformer.import_max_w,
        "other_w": roster.transformer.other_w,
        "load_w": trace.last_w,
        "source": _SOURCES[allocator.source(now_ms)],
        "plan": _make_plan_row(allocator),
        "trace": _thin_samples(trace),
        "ahead": _list_planned_import(allocator, now_ms),
        "buildings": [_make_building_row(member, now_ms) for member in members],
        "feed": dict(feed or {}),
    }


def _make_plan_row(allocator: LimitAllocator) -> dict[str, Any]:
    """Return origin and cost of the last plan."""
    dated, failure = allocator.last, allocator.failure
    return {
        "failed": "" if failure is None else failure.why,
        "made_for_ms": None if dated is None else dated.grid.start_ms,
        "cost_eur": None if dated is None else round(dated.plan.cost_eur, 2),
        "solve_s": None if dated is None else round(dated.plan.solve_s, 3),
        "gave_way": [] if dated is None else [level.value for level in dated.plan.limit_violations],
    }


def _thin_samples(trace: LoadTrace) -> list[list[float]]:
    """The newest samples; of several the one with the highest load."""
    samples = list(trace.samples)
    stride = max(-(-len(samples) // POINTS_MAX_COUNT), 1)
    bins = [samples[start : start + stride] for start in range(0, len(samples), stride)]
    highest = (max(found, key=lambda sample: sample.load_w) for found in bins)
    return [[sample.at_ms, round(sample.load_w), round(sample.assumed_w)] for sample in highest]


def _list_planned_import(allocator: LimitAllocator, now_ms: int) -> list[list[float]]:
    """The common import that is planned, from now on."""
    dated, roster = allocator.last, allocator.roster
    if dated is None or allocator.source(now_ms) == "shares":
        return []
    found: list[list[float]] = []
    counted = dated.plan.lots
    others_w = roster.transformer.other_w + sum(
        watts for edge, watts in roster.shares_w("import").items() if edge not in counted
    )
    for place, at_ms in enumerate(dated.grid.step_starts_ms):
        if at_ms + dated.grid.step_s * 1_000 > now_ms:
            planned_w = sum(lot.import_w[place] for lot in counted.values())
            found.append([at_ms, round(planned_w + others_w)])
    return found


def _make_building_row(member: BuildingState, now_ms: int) -> dict[str, Any]:
    letter, place = member.find_sent_documents(ENVELOPE_TOPIC).last, member.place
    return {
        "edge": place.edge,
        "title": place.title or place.edge,
        "kind": place.kind,
        "standing": member.standing(now_ms).value,
        "mode": member.mode,
        "why": member.why(now_ms),
        "power_w": member.power_w,
        "cap_w": None if letter is None else letter.cap_w("import", now_ms),
        "own_cap_w": member.values.get("gateway.import_max_w"),
        "share_w": place.failsafe_import_w,
        "contract_w": place.contract_import_w,
        "seen_s": None if member.last_seen_ms is None else (now_ms - member.last_seen_ms) / 1e3,
        "ack": _make_ack_row(member, now_ms),
    }


def _make_ack_row(member: BuildingState, now_ms: int) -> dict[str, Any]:
    letter = member.find_sent_documents(ENVELOPE_TOPIC).last
    if letter is None:
        return {"status": "", "reason": "", "age_s": None, "tries_count": 0}
    answered = letter.answered_ms
    return {
        "status": letter.status or "unanswered",
        "reception": letter.reception,
        "reason": letter.reason,
        "age_s": None if answered is None else (now_ms - answered) / 1e3,
        "tries_count": letter.tries_count,
    }
