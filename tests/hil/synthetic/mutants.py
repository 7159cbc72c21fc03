"""The gateway put out of order, row by row of spec/failsafe.md: what is changed, and in which scenario it must be seen."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import pytest

from quartier.config.sections import site_file
from quartier.control import switch_state
from quartier.control.allocate import steps
from quartier.control.events import detection, effects
from quartier.control.events import rows as events_rows
from quartier.control.limits import active, breach
from quartier.control.link import allowed, envelopes, machine, transitions
from quartier.control.link import state as link_state
from quartier.control.link.state import LinkMode
from quartier.control.observe import health, observations
from quartier.control.records import PowerLimits
from quartier.site import site_layout

Patch = pytest.MonkeyPatch
_NOTHING = PowerLimits(inf, inf, inf, inf)


@dataclass(frozen=True)
class Mutant:
    """``breaks`` the gateway so that ``row`` is not kept, which a check of ``scenario`` must see.

    It is in order until second ``from_s``; 0: out of order since it was assembled.
    """

    row: str
    scenario: str
    breaks: Callable[[Patch], None]
    words: str
    from_s: float = 0.0


def _set(place: Any, **names: Any) -> Callable[[Patch], None]:
    def breaks(patch: Patch) -> None:
        for name, value in names.items():
            patch.setattr(place, name, value)

    return breaks


def _without(source: LinkMode, why: str) -> Callable[[Patch], None]:
    """A way out of a state that is never taken."""
    left = tuple(row for row in transitions.TRANSITIONS if not (row.source is source and why in row.why))
    assert len(left) == len(transitions.TRANSITIONS) - 1, why
    return _set(machine, TRANSITIONS=left)


def _late(seconds: float) -> Callable[[Patch], None]:
    """Every age in the table of states counts so much less."""
    return _set(transitions, find_age_s=lambda then_ns, now: allowed.find_age_s(then_ns, now) - seconds)


def _takes(**changed: Any) -> Callable[[Patch], None]:
    """Whatever its parameters are, these stand in them."""
    return _set(allowed.LinkParameters, **{name: _always(value) for name, value in changed.items()})


def _always(value: Any) -> property:
    return property(lambda _: value)


def _paired(holds: Callable[..., bool]) -> Callable[[Patch], None]:
    """What gives control is judged by ``holds``."""
    return _set(
        machine,
        TRANSITIONS=tuple(
            replace(row, holds=holds) if row.target is LinkMode.CONTROLLED else row
            for row in transitions.TRANSITIONS
        ),
    )


def _caps(**changed: Any) -> Callable[[Patch], None]:
    whole = allowed.find_link_limits
    return _set(
        allowed, find_link_limits=lambda state, params, now: replace(whole(state, params, now), **changed)
    )


def _careful(*modes: LinkMode) -> Callable[[Patch], None]:
    return _set(allowed, _is_careful=lambda state, _: state.mode in modes)


def _sources(keeps: Callable[..., bool]) -> Callable[[Patch], None]:
    """Of the caps of documents only those that ``keeps`` keeps."""
    whole = allowed._program_sources

    def some(state: Any, params: Any, program: Any, now: Any) -> Any:
        found = whole(state, params, program, now)
        return [(name, powers) for name, powers in found if keeps(str(name), program)]

    return _set(allowed, _program_sources=some)


def _limit(name: str) -> Callable[[Patch], None]:
    """A limit of the site file is the contract's."""
    return _set(site_file.LimitsSection, **{name: property(lambda self: self.import_hard_w)})


def _low(place: int, **changed: Any) -> Callable[[Patch], None]:
    """One of the three rows of low frequency is another."""
    rows = [replace(row, **changed) if n == place else row for n, row in enumerate(events_rows.LOW)]
    return _set(detection, LOW=tuple(rows))


def _none_far(patch: Patch) -> None:
    patch.setattr(detection, "LOW", tuple(replace(row, far=None) for row in events_rows.LOW))


def _no_lease(patch: Patch) -> None:
    patch.setattr(allowed, "follows_district", lambda *_: True)
    _caps(no_grid_charge_above_reserve=False)(patch)


def _no_outage(patch: Patch) -> None:
    whole = machine.advance_link
    patch.setattr(machine, "advance_link", lambda state, params, now, **_: whole(state, params, now))


def _unretained(patch: Patch) -> None:
    whole = machine.accept_envelope

    def document(state: Any, params: Any, envelope: Any, now: Any, **more: Any) -> Any:
        held = state.program(envelope.program)
        if held is not None and held.envelope.seq == envelope.seq:
            envelope = replace(envelope, seq=envelope.seq - 1)
        return whole(state, params, envelope, now, **more)

    patch.setattr(machine, "accept_envelope", document)


def _parameters_at_once(patch: Patch) -> None:
    whole = machine.accept_failsafe_parameters

    def taken(state: Any, params: Any, document: Any, now: Any) -> Any:
        state, ack = whole(state, params, document, now)
        return replace(state, failsafe=state.failsafe_next or state.failsafe), ack

    patch.setattr(machine, "accept_failsafe_parameters", taken)


def _holds_while_shed(state: Any, _params: Any, now: Any) -> bool:
    return all(one.on_loss == "hold" for one in allowed.find_active_documents(state, now))


def _loosens(patch: Patch) -> None:
    for place in (machine, allowed):
        patch.setattr(place, "is_loosening_allowed", lambda *_: True)


def _sheds_when_high(patch: Patch) -> None:
    whole, off = effects._off, {"D": effects.make_tier_reason("D")}
    patch.setattr(effects, "_off", lambda seen: whole(seen) | (off if seen.high.level else {}))


def _alone(state: Any, _params: Any, now: Any) -> bool:
    return allowed.find_age_s(state.heartbeat_ns, now) <= allowed.HEARTBEAT_FRESH_S


def _in_order(state: Any, params: Any, now: Any) -> bool:
    came = (state.document_ns or 0) >= (state.heartbeat_ns or 0)
    return came and transitions._is_paired(state, params, now)


_SEEN_GONE = replace(events_rows.GONE, limit=10.0)
MUTANTS = (
    Mutant(
        "link.init.caps",
        "link-init",
        _careful(LinkMode.FAILSAFE),
        "INIT without the fail-safe values",
        from_s=94,
    ),
    Mutant(
        "link.init.heartbeat-and-document",
        "link-init",
        _without(LinkMode.INIT, "a valid document"),
        "a document changes nothing in INIT",
        from_s=473,
    ),
    Mutant("link.init.120-s", "link-init", _set(transitions, INIT_MAX_S=110.0), "INIT for 110 s", from_s=229),
    Mutant("link.init.120-s", "link-init", _set(transitions, INIT_MAX_S=130.0), "INIT for 130 s", from_s=233),
    Mutant(
        "link.restart.goes-on",
        "restart-goes-on",
        _set(link_state, load_link_state=lambda _: None),
        "nothing is kept",
        from_s=135,
    ),
    Mutant(
        "link.restart.failsafe",
        "failsafe-serves",
        _set(link_state, load_link_state=lambda _: None),
        "nothing is kept",
        from_s=1795,
    ),
    Mutant(
        "link.restart.hold",
        "restart-goes-on",
        _set(machine, is_hold_allowed=lambda *_: False),
        "no HOLD is kept",
        from_s=235,
    ),
    Mutant(
        "link.restart.owed",
        "failsafe-serves",
        _without(LinkMode.INIT, "the fail-safe minimum"),
        "INIT forgets what is left of the minimum",
        from_s=3735,
    ),
    Mutant(
        "link.controlled.interval",
        "documents-combine",
        _set(envelopes, find_lowest_limits=lambda envelope, *_: envelopes.find_default_limits(envelope)),
        "defaults alone",
        from_s=64,
    ),
    Mutant(
        "link.controlled.default",
        "documents-combine",
        _set(envelopes, find_default_limits=lambda _: _NOTHING),
        "no defaults",
        from_s=854,
    ),
    Mutant(
        "link.controlled.last-default",
        "documents-combine",
        _sources(lambda name, _: "default of expired" not in name),
        "an expired document has no default",
        from_s=1795,
    ),
    Mutant(
        "link.controlled.minimum",
        "documents-combine",
        _sources(lambda _, program: program.envelope.program != "market"),
        "one program alone",
        from_s=904,
    ),
    Mutant(
        "link.controlled.hold",
        "hold-goes-on",
        _without(LinkMode.CONTROLLED, "every document"),
        "no HOLD",
        from_s=173,
    ),
    Mutant("link.controlled.failsafe", "link-lost", _late(10), "all ages 10 s less", from_s=413),
    Mutant("link.controlled.failsafe", "link-lost", _late(-10), "all ages 10 s more", from_s=410),
    Mutant(
        "link.controlled.shed",
        "hold-goes-on",
        _set(transitions, is_hold_allowed=_holds_while_shed),
        "held while a shed command runs",
        from_s=1533,
    ),
    Mutant("link.controlled.no-document", "documents-combine", _late(10), "all ages 10 s less", from_s=2354),
    Mutant("link.controlled.no-document", "documents-combine", _late(-10), "all ages 10 s more", from_s=2347),
    Mutant(
        "link.hold.schedule",
        "hold-goes-on",
        _careful(LinkMode.INIT, LinkMode.FAILSAFE, LinkMode.HOLD),
        "HOLD with the fail-safe values",
        from_s=645,
    ),
    Mutant(
        "link.hold.heartbeat-and-document",
        "hold-goes-on",
        _without(LinkMode.HOLD, "are back"),
        "a document changes nothing in HOLD",
        from_s=1043,
    ),
    Mutant(
        "link.hold.used-up", "hold-goes-on", _without(LinkMode.HOLD, "used up"), "HOLD for ever", from_s=653
    ),
    Mutant("link.hold.outage", "hold-goes-on", _no_outage, "no outage is seen", from_s=1243),
    Mutant(
        "link.failsafe.caps", "failsafe-serves", _careful(LinkMode.INIT), "no fail-safe values", from_s=6495
    ),
    Mutant(
        "link.failsafe.caps",
        "failsafe-left",
        _sources(lambda _, program: program.envelope.program != "market"),
        "a document is forgotten",
        from_s=545,
    ),
    Mutant(
        "link.failsafe.no-battery-export",
        "failsafe-left",
        _caps(no_battery_export=False),
        "the battery may feed in",
        from_s=790,
    ),
    Mutant(
        "link.failsafe.no-grid-charge", "failsafe-left", _no_lease, "schedules go on, and charge", from_s=989
    ),
    Mutant(
        "link.failsafe.heartbeat-and-document",
        "failsafe-left",
        _without(LinkMode.FAILSAFE, "then a valid document"),
        "a document changes nothing in FAILSAFE",
        from_s=1023,
    ),
    Mutant(
        "link.failsafe.no-document",
        "link-lost",
        _set(transitions, HEARTBEAT_BACK_S=100.0),
        "after 100 s",
        from_s=909,
    ),
    Mutant(
        "link.failsafe.no-document",
        "link-lost",
        _set(transitions, HEARTBEAT_BACK_S=140.0),
        "after 140 s",
        from_s=913,
    ),
    Mutant(
        "link.failsafe.minimum-over",
        "failsafe-serves",
        _without(LinkMode.FAILSAFE, "minimum duration"),
        "FAILSAFE for ever",
        from_s=7588,
    ),
    Mutant(
        "link.autonomous.caps",
        "failsafe-serves",
        _set(site_layout.SiteLimits, import_autonomous_w=property(lambda self: self.import_hard_w)),
        "all of the contract",
        from_s=7500,
    ),
    Mutant(
        "link.autonomous.heartbeat-and-document",
        "link-init",
        _without(LinkMode.AUTONOMOUS, "heartbeat"),
        "a document changes nothing in AUTONOMOUS",
        from_s=293,
    ),
    Mutant("link.heartbeat-alone", "link-lost", _paired(_alone), "a heartbeat gives control", from_s=909),
    Mutant("link.heartbeat-alone", "hold-goes-on", _paired(_alone), "a heartbeat gives control", from_s=709),
    Mutant(
        "link.retained", "document-retained", _unretained, "the same document again is an old one", from_s=280
    ),
    Mutant(
        "link.either-order", "link-lost", _paired(_in_order), "the document has to be the second", from_s=1248
    ),
    Mutant("link.new-parameters", "failsafe-parameters", _parameters_at_once, "taken at once", from_s=485),
    Mutant("parameter.heartbeat", "link-lost", _takes(heartbeat_timeout_s=240.0), "240 s", from_s=290),
    Mutant("parameter.heartbeat", "link-lost", _takes(heartbeat_timeout_s=100.0), "100 s", from_s=290),
    Mutant(
        "parameter.failsafe-minimum",
        "failsafe-serves",
        _takes(failsafe_min_s=7180.0),
        "20 s less",
        from_s=290,
    ),
    Mutant(
        "parameter.failsafe-minimum",
        "failsafe-serves",
        _takes(failsafe_min_s=7220.0),
        "20 s more",
        from_s=290,
    ),
    Mutant("parameter.failsafe-values", "link-init", _limit("import_failsafe_w"), "all of the contract"),
    Mutant(
        "parameter.meter-stale",
        "meter-silent",
        _set(health, find_stale_after_s=lambda _: 9.0),
        "9 s",
        from_s=455,
    ),
    Mutant(
        "parameter.meter-lost",
        "meter-silent",
        _set(health, find_lost_after_s=lambda _: 15.0),
        "15 s",
        from_s=1200,
    ),
    Mutant(
        "parameter.meter-lost",
        "meter-silent",
        _set(health, find_lost_after_s=lambda _: 6.0),
        "6 s",
        from_s=1199,
    ),
    Mutant(
        "parameter.meter-slow",
        "meter-slow",
        _set(active, is_slow_meter=lambda _: False),
        "no margin",
        from_s=200,
    ),
    Mutant("parameter.device-silent", "device-silent", _set(observations, SILENT_S=25.0), "25 s", from_s=955),
    Mutant(
        "parameter.device-silent",
        "device-silent",
        _set(observations, SILENT_S=5.0, SILENT_POLLS=1.0),
        "5 s",
        from_s=404,
    ),
    Mutant(
        "parameter.tighten",
        "release-spread",
        _set(steps, list_import_steps=lambda *_: []),
        "nothing is lowered",
        from_s=150,
    ),
    Mutant(
        "parameter.breach-mean",
        "breach-slow",
        _set(breach, BREACH_MEAN_S=120.0),
        "the mean of 120 s",
        from_s=330,
    ),
    Mutant(
        "parameter.breach-mean", "breach-slow", _set(breach, NEXT_STEP_S=30.0), "a step each 30 s", from_s=335
    ),
    Mutant(
        "parameter.breach-fast", "breach-fast", _set(breach, FAST_BREACH_S=15.0), "after 15 s", from_s=300
    ),
    Mutant(
        "parameter.release",
        "release-staged",
        _set(switch_state, RESTORE_AFTER_S=60.0),
        "after 60 s",
        from_s=1000,
    ),
    Mutant(
        "parameter.release",
        "release-staged",
        _set(switch_state, find_starting_machines=lambda *_: set()),
        "machines each 30 s",
        from_s=1000,
    ),
    Mutant(
        "parameter.release",
        "lights-at-dusk",
        _set(switch_state, RESTORE_EACH_S=10.0),
        "each 10 s",
        from_s=12_500,
    ),
    Mutant(
        "parameter.release-random",
        "release-spread",
        _set(switch_state, RESTORE_SPREAD_S=0.0),
        "all together",
        from_s=195,
    ),
    Mutant("parameter.clock-loosening", "clock-untrusted", _loosens, "loosens at any time", from_s=1103),
    Mutant(
        "parameter.clock-schedule",
        "clock-untrusted",
        _sources(lambda name, _: "clock not synced" not in name),
        "schedules go on by a clock that is not trusted",
        from_s=604,
    ),
    Mutant(
        "parameter.outage-well", "outage-over", _set(events_rows, OUTAGE_S=10.0), "well for 10 s", from_s=367
    ),
    Mutant(
        "parameter.outage-well",
        "outage-over",
        _set(events_rows, OUTAGE_HZ=(49.0, 51.0)),
        "any frequency",
        from_s=290,
    ),
    Mutant(
        "parameter.outage-random",
        "outage-over",
        _set(events_rows, RELEASE_SPREAD_S=0.0),
        "all together",
        from_s=367,
    ),
    Mutant(
        "parameter.outage-ramp",
        "outage-over",
        _set(events_rows, OUTAGE_RAMP_PER_MIN=10.0),
        "no ramp",
        from_s=725,
    ),
    Mutant("grid.low-d", "frequency-rows", _low(0, hold_s=8.0), "tier D after 8 s", from_s=104),
    Mutant("grid.low-d", "frequency-rows", _low(0, limit=50.02), "tier D at 50.02 Hz", from_s=66),
    Mutant("grid.low-c", "frequency-rows", _low(1, hold_s=8.0), "tier C after 8 s", from_s=305),
    Mutant("grid.low-b", "frequency-rows", _low(2, hold_s=8.0), "tier B after 8 s", from_s=366),
    Mutant("grid.slow-data", "frequency-once", _low(2, period_max_s=inf), "tier B by slow data", from_s=385),
    Mutant("grid.well", "frequency-rows", _set(events_rows, WELL_S=10.0), "well for 10 s", from_s=590),
    Mutant(
        "grid.well", "frequency-rows", _set(events_rows, RELEASE_SPREAD_S=0.0), "all together", from_s=590
    ),
    Mutant("grid.high", "frequency-high", _sheds_when_high, "tier D off", from_s=791),
    Mutant("grid.high-pv", "frequency-high", _set(events_rows, CALM_S=100.0), "after 100 s", from_s=1388),
    Mutant("grid.high-pv", "frequency-high", _set(events_rows, CALM_S=700.0), "after 700 s", from_s=1400),
    Mutant(
        "grid.low-u",
        "brown-out",
        _set(detection, LOW_U=replace(events_rows.LOW_U, hold_s=90.0)),
        "after 90 s",
        from_s=345,
    ),
    Mutant(
        "grid.high-u",
        "voltage-high",
        _set(detection, HIGH_U=replace(events_rows.HIGH_U, hold_s=90.0)),
        "after 90 s",
        from_s=354,
    ),
    Mutant("grid.gone", "link-init", _set(detection, GONE=_SEEN_GONE), "gone below 10 %", from_s=93),
    Mutant(
        "grid.gone-frequency",
        "outage-over",
        _set(detection, GONE=_SEEN_GONE),
        "100 V is a voltage",
        from_s=305,
    ),
    Mutant("grid.far", "frequency-once", _none_far, "each row takes its time", from_s=250),
    Mutant(
        "grid.unmeasured",
        "frequency-unmeasured",
        _set(detection, LOW_U=replace(events_rows.LOW_U, hold_s=90.0)),
        "after 90 s",
        from_s=315,
    ),
    Mutant(
        "grid.unmeasured-well",
        "frequency-unmeasured",
        _set(detection, _is_well=lambda *_: False),
        "never well",
        from_s=987,
    ),
    Mutant(
        "grid.lost", "frequency-lost", _set(events_rows, FREQUENCY_LOST_S=300.0), "after 5 min", from_s=935
    ),
)
