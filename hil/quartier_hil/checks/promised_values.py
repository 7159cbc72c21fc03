"""Limits and output values that are due at each moment, from the scenario alone (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from quartier_hil.checks.verdicts import RunData, Verdict
from quartier_hil.scenario.events import DaemonFreeze, DaemonStop, FaultEnd, FaultEvent
from quartier_hil.scenario.fault_rules import blocks_all_answers, convert_wire_fault, target_includes
from quartier_hil.scenario.outputs import Output, list_outputs
from quartier_hil.scenario.outside_events import BrokerEvent, ContactEvent, HeartbeatEvent, LimitEnvelope
from quartier_hil.scenario.scenario_file import Event, Scenario

HEARTBEAT_TIMEOUT_S = 120.0
UNREAD_S = 15.0
_SILENT_FAULTS = ("off", "unplugged", "silent")


@dataclass(frozen=True, slots=True)
class PromisedLimit:
    """Limits from ``from_s`` on; ``whose`` names the source of the tightest import limit."""

    from_s: float
    import_w: float
    export_w: float
    whose: str


def _list_heartbeat_gaps(scenario: Scenario) -> list[tuple[float, float]]:
    """Return the spans in which the gateway cannot receive the district's heartbeat."""
    spans: list[tuple[float, float]] = []
    reasons: set[str] = set()
    since = 0.0
    for event in sorted(scenario.events, key=lambda item: item.at_s):
        if not isinstance(event, BrokerEvent | HeartbeatEvent):
            continue
        well = event.up if isinstance(event, BrokerEvent) else event.on
        before = bool(reasons)
        reasons = reasons - {event.do} if well else reasons | {event.do}
        if reasons and not before:
            since = event.at_s
        elif before and not reasons:
            spans.append((since, event.at_s))
    return [*spans, (since, scenario.duration_s)] if reasons else spans


def _list_contact_spans(scenario: Scenario) -> list[tuple[float, float]]:
    """Return the spans in which the grid operator's contact is closed, or counts so: its board is silent."""
    spans: list[tuple[float, float]] = []
    closed_s: float | None = None
    silent_s: float | None = None
    for event in sorted(scenario.events, key=lambda item: item.at_s):
        if isinstance(event, ContactEvent):
            if closed_s is not None:
                spans.append((closed_s, event.at_s))
            closed_s = event.at_s if event.closed else None
        elif isinstance(event, FaultEvent) and event.device == "inputs" and event.kind in _SILENT_FAULTS:
            silent_s = event.at_s + UNREAD_S if silent_s is None else silent_s
        elif isinstance(event, FaultEnd) and event.device == "inputs" and silent_s is not None:
            spans.append((silent_s, event.at_s))
            silent_s = None
    spans += [(begin, scenario.duration_s) for begin in (closed_s, silent_s) if begin is not None]
    return [(begin, end) for begin, end in spans if begin < end]


def _list_envelopes(events: Sequence[Event], now_s: float) -> list[LimitEnvelope]:
    """Return the envelopes in the gateway at ``now_s``: the newest one sent of each program."""
    held: dict[str, LimitEnvelope] = {}
    for event in sorted(events, key=lambda event: event.at_s):
        if isinstance(event, LimitEnvelope) and event.at_s <= now_s:
            held[event.program] = event
    return list(held.values())


def _find_limit(scenario: Scenario, silences: Sequence[tuple[float, float]], now_s: float) -> PromisedLimit:
    site_spec = scenario.house
    caps = [("contract", site_spec.contract_import_w, site_spec.contract_export_w)]
    holds = []
    for document in _list_envelopes(scenario.events, now_s):
        # An envelope sent during a silence waits at the broker or is sent again on return.
        unheard = [end for start, end in silences if start <= document.at_s < end]
        starts_s = max([document.at_s, *unheard])
        until_s = document.at_s + (document.valid_s or scenario.duration_s)
        if not starts_s <= now_s < until_s:
            continue
        is_running = now_s < document.at_s + document.for_s
        holds.append(is_running and document.on_loss == "hold")
        import_w = document.import_max_w if is_running else document.default_import_max_w
        export_w = document.export_max_w if is_running else None
        caps.append(
            (
                "district",
                _use_default(import_w, site_spec.contract_import_w),
                _use_default(export_w, site_spec.contract_export_w),
            )
        )
    lost = any(start + HEARTBEAT_TIMEOUT_S <= now_s < end for start, end in silences)
    if lost and not (holds and all(holds)):
        caps.append(
            ("fail-safe value", site_spec.effective_failsafe_import_w, site_spec.effective_failsafe_export_w)
        )
    if site_spec.contact_import_w is not None and any(
        begin <= now_s < end for begin, end in _list_contact_spans(scenario)
    ):
        caps.append(("contact", site_spec.contact_import_w, site_spec.contract_export_w))
    whose = min(caps, key=lambda cap: cap[1])[0]
    return PromisedLimit(now_s, min(cap[1] for cap in caps), min(cap[2] for cap in caps), whose)


def _use_default(value: float | None, default: float) -> float:
    return default if value is None else value


def list_promised_limits(scenario: Scenario) -> tuple[PromisedLimit, ...]:
    """Return the caps due over the whole scenario, each from its moment until the next."""
    silences = _list_heartbeat_gaps(scenario)
    moments = {0.0}
    for event in scenario.events:
        if isinstance(event, LimitEnvelope):
            moments |= {event.at_s, event.at_s + event.for_s}
            moments |= {event.at_s + event.valid_s} if event.valid_s else set()
    for start, end in silences:
        moments |= {start, start + HEARTBEAT_TIMEOUT_S, end}
    for span in _list_contact_spans(scenario):
        moments |= set(span)
    found: list[PromisedLimit] = []
    for now_s in sorted(moment for moment in moments if moment < scenario.duration_s):
        cap = _find_limit(scenario, silences, now_s)
        before = (found[-1].import_w, found[-1].export_w) if found else None
        if before != (cap.import_w, cap.export_w):
            found.append(cap)
    return tuple(found)


def find_promised_limit(promised: Sequence[PromisedLimit], now_s: float) -> PromisedLimit:
    """Return the cap due at ``now_s``."""
    return next(cap for cap in reversed(promised) if cap.from_s <= now_s)


def tighten_by_gateway(cap: PromisedLimit, shown: Mapping[str, Any]) -> PromisedLimit:
    """Return ``cap``, or the limits in the gateway's own record ``shown`` where these are tighter.

    In INIT, and until it hears the district again, it keeps its fail-safe values before they are due.
    """
    import_w, export_w = (_shown_w(shown, way) for way in ("import", "export"))
    whose = str(shown["import"].get("whose", "gateway")) if import_w < cap.import_w else cap.whose
    return replace(
        cap, import_w=min(import_w, cap.import_w), export_w=min(export_w, cap.export_w), whose=whose
    )


def read_gateway_limits(control: Any) -> Mapping[str, Any]:
    """Return the limits that the gateway shows in its record of a cycle; empty where there is none."""
    found = control.get("caps") if isinstance(control, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def make_limit_values(cap: PromisedLimit) -> dict[str, float]:
    """Return a cap in force as the points of the course."""
    return {"limit.import_w": cap.import_w, "limit.export_w": cap.export_w}


def make_shown_values(shown: Mapping[str, Any]) -> dict[str, float]:
    """Return the limits in the gateway's own record as points of the course."""
    return {f"limit.{way}_w": _shown_w(shown, way) for way in ("import", "export")}


def _shown_w(shown: Mapping[str, Any], way: str) -> float:
    limit = shown.get(way)
    return float(limit["max_w"]) if isinstance(limit, Mapping) and "max_w" in limit else inf


# A released output has its value after this time; the timer of a device acts to the step of the plant.
RELEASE_S = 5.0
TIMER_SLACK_S = 5.0
# A grid meter is lost after 10 s (spec/failsafe.md#meter-lost); the next cycles write the release value.
METER_LOST_S = 15.0
CUT_FAULTS = ("unplugged", "silent")
# The answers cannot be decoded or come too late; the device obeys all the same.
_RECEIVING_FAULTS = ("garbage", "slow")
_TOLERANCE = {"setpoint": 5.0}


@dataclass(frozen=True, slots=True)
class DeclaredValue:
    """``output`` is at ``value`` from ``from_s`` until ``until_s``, because of ``loss``."""

    output: Output
    value: float
    from_s: float
    until_s: float
    loss: str


def list_declared_values(scenario: Scenario) -> list[DeclaredValue]:
    """Return each declared value of each output after each loss of the scenario, in order of time."""
    found = [one for event in scenario.events for one in _list_values_after(scenario, event)]
    return sorted((one for one in found if one.from_s < one.until_s), key=lambda one: one.from_s)


def _list_values_after(scenario: Scenario, event: Event) -> Iterator[DeclaredValue]:
    outs = list_outputs(scenario.house)
    if isinstance(event, DaemonStop):
        end_s = event.at_s + event.down_s
        released = event.release or event.do == "stop"
        if released:
            yield from _make_values(
                outs, event.at_s + RELEASE_S, end_s, f"{event.do} and release", by_timer=False
            )
        else:
            yield from _make_values(outs, event.at_s, end_s, f"{event.do} without release", by_timer=True)
    elif isinstance(event, DaemonFreeze):
        yield from _make_values(outs, event.at_s, event.at_s + event.for_s, "freeze", by_timer=True)
    elif isinstance(event, FaultEvent):
        until_s = find_recovery_s(scenario, event)
        unheard = blocks_all_answers(event.kind, event.seconds) and event.kind != "intermittent"
        if unheard and target_includes(event.device, "meter"):
            for out in outs:
                if (
                    out.sort == "setpoint"
                    and out.released is not None
                    and not _is_device_cut(scenario, out, event)
                ):
                    begin_s = event.at_s + METER_LOST_S
                    yield DeclaredValue(out, out.released, begin_s, until_s, "grid meter lost")
        if event.kind in _RECEIVING_FAULTS and unheard:  # its setpoint is released, and that reaches it
            held = [
                out for out in outs if out.sort == "setpoint" and target_includes(event.device, out.device)
            ]
            yield from _make_values(held, event.at_s, until_s, f"{event.device} {event.kind}", by_timer=True)
        if convert_wire_fault(event.device, event.kind) in CUT_FAULTS:
            cut = [out for out in outs if target_includes(event.device, out.device)]
            yield from _make_values(cut, event.at_s, until_s, f"{event.device} {event.kind}", by_timer=True)


def _is_device_cut(scenario: Scenario, out: Output, loss: FaultEvent) -> bool:
    """Return whether its device receives nothing at that moment: then its own timer ends its order."""
    return any(
        convert_wire_fault(event.device, event.kind) in CUT_FAULTS
        and target_includes(event.device, out.device)
        and event.at_s <= loss.at_s < find_recovery_s(scenario, event)
        for event in scenario.events
        if isinstance(event, FaultEvent)
    )


def _make_values(
    outs: Sequence[Output], from_s: float, until_s: float, loss: str, *, by_timer: bool
) -> Iterator[DeclaredValue]:
    for out in outs:
        value = out.fallback_value if by_timer else out.released
        if value is not None:
            late_s = out.after_s + TIMER_SLACK_S if by_timer else 0.0
            yield DeclaredValue(out, value, from_s + late_s, until_s, loss)


def find_recovery_s(scenario: Scenario, failure: FaultEvent) -> float:
    """Return the second at which a device has recovered; the end of the scenario if it never does."""
    cleared = [
        event.at_s
        for event in scenario.events
        if isinstance(event, FaultEnd) and event.device == failure.device and event.at_s > failure.at_s
    ]
    return min(cleared, default=scenario.duration_s)


@dataclass
class DeclaredValueCheck:
    """Check that every output is at its declared value within its deadline after each loss."""

    expected: Sequence[DeclaredValue]
    seen_count: int = 0
    broken: str = ""

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Evaluate one step of the plant."""
        for one in self.expected:
            if not one.from_s <= now_s < one.until_s or one.output.order not in values:
                continue
            self.seen_count += 1
            value = values[one.output.order]
            if abs(value - one.value) > _TOLERANCE.get(one.output.sort, 0.01) and not self.broken:
                self.broken = (
                    f"{one.output.point} is {value:g} instead of {one.value:g} at {now_s:.0f} s ({one.loss})"
                )

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the first output that was not at its value in time."""
        losses = ", ".join(dict.fromkeys(one.loss for one in self.expected))
        promised = f"each output at its declared value in time after: {losses}"
        measured = self.broken or f"all {len(self.expected)}, in every step"
        unshown = "" if self.seen_count else "no output was seen after a loss"
        return Verdict("declared", promised, measured, not self.broken and self.seen_count > 0, unshown)
