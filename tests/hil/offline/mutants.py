"""The gateway put out of order, row by row of failsafe.md: what is changed, and in which scenario it must be seen."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import pytest

from quartier.app import assembly
from quartier.config import model
from quartier.control import (
    breach,
    duties,
    events,
    failsafe,
    gridrows,
    limits,
    link,
    linkcaps,
    linkrows,
    schedule,
    shed,
    sight,
    steps,
)
from quartier.control.caps import Powers
from quartier.control.linkstate import Mode

Patch = pytest.MonkeyPatch
_NOTHING = Powers(inf, inf, inf, inf)


@dataclass(frozen=True)
class Mutant:
    """``breaks`` the gateway so that ``row`` is not kept, which a check of ``scenario`` must see."""

    row: str
    scenario: str
    breaks: Callable[[Patch], None]
    words: str


def _set(place: Any, **names: Any) -> Callable[[Patch], None]:
    def breaks(patch: Patch) -> None:
        for name, value in names.items():
            patch.setattr(place, name, value)

    return breaks


def _without(source: Mode, why: str) -> Callable[[Patch], None]:
    """A way out of a state that is never taken."""
    left = tuple(row for row in link.ROWS if not (row.source is source and why in row.why))
    assert len(left) == len(link.ROWS) - 1, why
    return _set(link, ROWS=left)


def _late(seconds: float) -> Callable[[Patch], None]:
    """Every age in the table of states counts so much less."""
    return _set(linkrows, age_s=lambda then_ns, now: linkcaps.age_s(then_ns, now) - seconds)


def _params(**changed: Any) -> Callable[[Patch], None]:
    whole = assembly.link_params
    return _set(assembly, link_params=lambda site, house: replace(whole(site, house), **changed))


def _paired(holds: Callable[..., bool]) -> Callable[[Patch], None]:
    """What gives control is judged by ``holds``."""
    return _set(
        link,
        ROWS=tuple(replace(row, holds=holds) if row.target is Mode.CONTROLLED else row for row in link.ROWS),
    )


def _caps(**changed: Any) -> Callable[[Patch], None]:
    whole = linkcaps.caps
    return _set(link, caps=lambda state, params, now: replace(whole(state, params, now), **changed))


def _careful(*modes: Mode) -> Callable[[Patch], None]:
    return _set(linkcaps, _is_careful=lambda state, _: state.mode in modes)


def _sources(keeps: Callable[..., bool]) -> Callable[[Patch], None]:
    """Of the caps of documents only those that ``keeps`` keeps."""
    whole = linkcaps._program_sources

    def some(state: Any, params: Any, program: Any, utc_ms: int, now: Any) -> Any:
        found = whole(state, params, program, utc_ms, now)
        return [(name, powers) for name, powers in found if keeps(str(name), program)]

    return _set(linkcaps, _program_sources=some)


def _limit(name: str) -> Callable[[Patch], None]:
    """A limit of the site file is the contract's."""
    return _set(model.Limits, **{name: property(lambda self: self.import_hard_w)})


def _low(place: int, **changed: Any) -> Callable[[Patch], None]:
    """One of the three rows of low frequency is another."""
    rows = [replace(row, **changed) if n == place else row for n, row in enumerate(events.LOW)]
    return _set(events, LOW=tuple(rows))


def _none_far(patch: Patch) -> None:
    patch.setattr(events, "LOW", tuple(replace(row, far=None) for row in events.LOW))


def _no_lease(patch: Patch) -> None:
    patch.setattr(linkcaps, "leads", lambda *_: True)
    _caps(no_grid_charge_above_reserve=False)(patch)


def _no_outage(patch: Patch) -> None:
    whole = link.tick
    patch.setattr(link, "tick", lambda state, params, now, **_: whole(state, params, now))


def _unretained(patch: Patch) -> None:
    whole = link.document

    def document(state: Any, params: Any, envelope: Any, now: Any, **more: Any) -> Any:
        held = state.program(envelope.program)
        if held is not None and held.envelope.seq == envelope.seq:
            envelope = replace(envelope, seq=envelope.seq - 1)
        return whole(state, params, envelope, now, **more)

    patch.setattr(link, "document", document)


def _parameters_at_once(patch: Patch) -> None:
    whole = link.failsafe_document

    def taken(state: Any, params: Any, paper: Any, now: Any) -> Any:
        state, ack = whole(state, params, paper, now)
        return replace(state, failsafe=state.failsafe_next or state.failsafe), ack

    patch.setattr(link, "failsafe_document", taken)


def _holds_while_shed(state: Any, _params: Any, now: Any) -> bool:
    return all(one.on_loss == "hold" for one in linkcaps.active(state, now))


def _loosens(patch: Patch) -> None:
    for place in (link, linkcaps):
        patch.setattr(place, "may_loosen", lambda *_: True)


def _sheds_when_high(patch: Patch) -> None:
    whole = duties._off
    patch.setattr(duties, "_off", lambda seen: whole(seen) | ({"D": "high"} if seen.high.level else {}))


def _alone(state: Any, _params: Any, now: Any) -> bool:
    return linkcaps.age_s(state.heartbeat_ns, now) <= linkcaps.FRESH_S


def _in_order(state: Any, params: Any, now: Any) -> bool:
    came = (state.document_ns or 0) >= (state.heartbeat_ns or 0)
    return came and linkrows._paired(state, params, now)


_SEEN_GONE = replace(events.GONE, limit=10.0)
MUTANTS = (
    Mutant("link.init.caps", "link-init", _careful(Mode.FAILSAFE), "INIT without the fail-safe values"),
    Mutant(
        "link.init.heartbeat-and-document",
        "link-init",
        _without(Mode.INIT, "a valid document"),
        "a document changes nothing in INIT",
    ),
    Mutant("link.init.120-s", "link-init", _set(linkrows, INIT_S=110.0), "INIT for 110 s"),
    Mutant("link.init.120-s", "link-init", _set(linkrows, INIT_S=130.0), "INIT for 130 s"),
    Mutant("link.restart.goes-on", "restart-goes-on", _set(link, restore=lambda _: None), "nothing is kept"),
    Mutant("link.restart.failsafe", "failsafe-serves", _set(link, restore=lambda _: None), "nothing is kept"),
    Mutant("link.restart.hold", "restart-goes-on", _set(link, may_hold=lambda *_: False), "no HOLD is kept"),
    Mutant(
        "link.restart.owed",
        "failsafe-serves",
        _without(Mode.INIT, "the fail-safe minimum"),
        "INIT forgets what is left of the minimum",
    ),
    Mutant(
        "link.controlled.interval",
        "documents-combine",
        _set(schedule, lowest=lambda envelope, *_: schedule.default(envelope)),
        "defaults alone",
    ),
    Mutant(
        "link.controlled.default",
        "documents-combine",
        _set(schedule, default=lambda _: _NOTHING),
        "no defaults",
    ),
    Mutant(
        "link.controlled.last-default",
        "documents-combine",
        _sources(lambda name, _: "default of expired" not in name),
        "an expired document has no default",
    ),
    Mutant(
        "link.controlled.minimum",
        "documents-combine",
        _sources(lambda _, program: program.envelope.program != "market"),
        "one program alone",
    ),
    Mutant("link.controlled.hold", "hold-goes-on", _without(Mode.CONTROLLED, "every document"), "no HOLD"),
    Mutant("link.controlled.failsafe", "link-lost", _late(10), "all ages 10 s less"),
    Mutant("link.controlled.failsafe", "link-lost", _late(-10), "all ages 10 s more"),
    Mutant(
        "link.controlled.shed",
        "hold-goes-on",
        _set(linkrows, may_hold=_holds_while_shed),
        "held while a shed command runs",
    ),
    Mutant("link.controlled.no-document", "documents-combine", _late(10), "all ages 10 s less"),
    Mutant("link.controlled.no-document", "documents-combine", _late(-10), "all ages 10 s more"),
    Mutant(
        "link.hold.schedule",
        "hold-goes-on",
        _careful(Mode.INIT, Mode.FAILSAFE, Mode.HOLD),
        "HOLD with the fail-safe values",
    ),
    Mutant(
        "link.hold.heartbeat-and-document",
        "hold-goes-on",
        _without(Mode.HOLD, "are back"),
        "a document changes nothing in HOLD",
    ),
    Mutant("link.hold.used-up", "hold-goes-on", _without(Mode.HOLD, "used up"), "HOLD for ever"),
    Mutant("link.hold.outage", "hold-goes-on", _no_outage, "no outage is seen"),
    Mutant("link.failsafe.caps", "failsafe-serves", _careful(Mode.INIT), "no fail-safe values"),
    Mutant(
        "link.failsafe.caps",
        "failsafe-left",
        _sources(lambda _, program: program.envelope.program != "market"),
        "a document is forgotten",
    ),
    Mutant(
        "link.failsafe.no-battery-export",
        "failsafe-left",
        _caps(no_battery_export=False),
        "the battery may feed in",
    ),
    Mutant("link.failsafe.no-grid-charge", "failsafe-left", _no_lease, "schedules go on, and charge"),
    Mutant(
        "link.failsafe.heartbeat-and-document",
        "failsafe-left",
        _without(Mode.FAILSAFE, "then a valid document"),
        "a document changes nothing in FAILSAFE",
    ),
    Mutant("link.failsafe.no-document", "link-lost", _set(linkrows, BACK_S=100.0), "after 100 s"),
    Mutant("link.failsafe.no-document", "link-lost", _set(linkrows, BACK_S=140.0), "after 140 s"),
    Mutant(
        "link.failsafe.minimum-over",
        "failsafe-serves",
        _without(Mode.FAILSAFE, "minimum duration"),
        "FAILSAFE for ever",
    ),
    Mutant("link.autonomous.caps", "failsafe-serves", _limit("import_autonomous_w"), "all of the contract"),
    Mutant(
        "link.autonomous.heartbeat-and-document",
        "link-init",
        _without(Mode.AUTONOMOUS, "heartbeat"),
        "a document changes nothing in AUTONOMOUS",
    ),
    Mutant("link.heartbeat-alone", "link-lost", _paired(_alone), "a heartbeat gives control"),
    Mutant("link.heartbeat-alone", "hold-goes-on", _paired(_alone), "a heartbeat gives control"),
    Mutant("link.retained", "document-retained", _unretained, "the same document again is an old one"),
    Mutant("link.either-order", "link-lost", _paired(_in_order), "the document has to be the second"),
    Mutant("link.new-parameters", "failsafe-parameters", _parameters_at_once, "taken at once"),
    Mutant("parameter.heartbeat", "link-lost", _params(heartbeat_timeout_s=240.0), "240 s"),
    Mutant("parameter.heartbeat", "link-lost", _params(heartbeat_timeout_s=100.0), "100 s"),
    Mutant("parameter.failsafe-minimum", "failsafe-serves", _params(failsafe_min_s=7180.0), "20 s less"),
    Mutant("parameter.failsafe-minimum", "failsafe-serves", _params(failsafe_min_s=7220.0), "20 s more"),
    Mutant("parameter.failsafe-values", "link-init", _limit("import_failsafe_w"), "all of the contract"),
    Mutant("parameter.meter-stale", "meter-silent", _set(failsafe, stale_after_s=lambda _: 9.0), "9 s"),
    Mutant("parameter.meter-lost", "meter-silent", _set(failsafe, lost_after_s=lambda _: 15.0), "15 s"),
    Mutant("parameter.meter-lost", "meter-silent", _set(failsafe, lost_after_s=lambda _: 6.0), "6 s"),
    Mutant("parameter.meter-slow", "meter-slow", _set(limits, slow=lambda _: False), "no margin"),
    Mutant("parameter.device-silent", "device-silent", _set(sight, SILENT_S=25.0), "25 s"),
    Mutant("parameter.device-silent", "device-silent", _set(sight, SILENT_S=5.0, SILENT_POLLS=1.0), "5 s"),
    Mutant("parameter.tighten", "release-spread", _set(steps, down=lambda *_: []), "nothing is lowered"),
    Mutant("parameter.breach-mean", "breach-slow", _set(breach, MEAN_S=120.0), "the mean of 120 s"),
    Mutant("parameter.breach-mean", "breach-slow", _set(breach, NEXT_S=30.0), "a step each 30 s"),
    Mutant("parameter.breach-fast", "breach-fast", _set(breach, FAST_S=15.0), "after 15 s"),
    Mutant("parameter.release", "release-staged", _set(shed, RESTORE_AFTER_S=60.0), "after 60 s"),
    Mutant("parameter.release", "release-staged", _set(shed, RESTORE_EACH_S=10.0), "each 10 s"),
    Mutant("parameter.release-random", "release-spread", _set(shed, SPREAD_S=0.0), "all together"),
    Mutant("parameter.clock-loosening", "clock-untrusted", _loosens, "loosens at any time"),
    Mutant(
        "parameter.clock-schedule",
        "clock-untrusted",
        _sources(lambda name, _: "clock not synced" not in name),
        "schedules go on by a clock that is not trusted",
    ),
    Mutant("parameter.outage-well", "outage-over", _set(gridrows, OUTAGE_S=10.0), "well for 10 s"),
    Mutant("parameter.outage-well", "outage-over", _set(gridrows, OUTAGE_HZ=(49.0, 51.0)), "any frequency"),
    Mutant("parameter.outage-random", "outage-over", _set(gridrows, SPREAD_S=0.0), "all together"),
    Mutant("parameter.outage-ramp", "outage-over", _set(gridrows, OUTAGE_RAMP_PER_MIN=10.0), "no ramp"),
    Mutant("grid.low-d", "frequency-rows", _low(0, hold_s=8.0), "tier D after 8 s"),
    Mutant("grid.low-d", "frequency-rows", _low(0, limit=50.02), "tier D at 50.02 Hz"),
    Mutant("grid.low-c", "frequency-rows", _low(1, hold_s=8.0), "tier C after 8 s"),
    Mutant("grid.low-b", "frequency-rows", _low(2, hold_s=8.0), "tier B after 8 s"),
    Mutant("grid.slow-data", "frequency-once", _low(2, period_max_s=inf), "tier B by slow data"),
    Mutant("grid.well", "frequency-rows", _set(gridrows, WELL_S=10.0), "well for 10 s"),
    Mutant("grid.well", "frequency-rows", _set(gridrows, SPREAD_S=0.0), "all together"),
    Mutant("grid.high", "frequency-high", _sheds_when_high, "tier D off"),
    Mutant("grid.high-pv", "frequency-high", _set(gridrows, CALM_S=100.0), "after 100 s"),
    Mutant("grid.high-pv", "frequency-high", _set(gridrows, CALM_S=700.0), "after 700 s"),
    Mutant("grid.low-u", "brown-out", _set(events, LOW_U=replace(events.LOW_U, hold_s=90.0)), "after 90 s"),
    Mutant(
        "grid.high-u", "voltage-high", _set(events, HIGH_U=replace(events.HIGH_U, hold_s=90.0)), "after 90 s"
    ),
    Mutant("grid.gone", "link-init", _set(events, GONE=_SEEN_GONE), "gone below 10 %"),
    Mutant("grid.gone-frequency", "outage-over", _set(events, GONE=_SEEN_GONE), "100 V is a voltage"),
    Mutant("grid.far", "frequency-once", _none_far, "each row takes its time"),
    Mutant(
        "grid.unmeasured",
        "frequency-unmeasured",
        _set(events, LOW_U=replace(events.LOW_U, hold_s=90.0)),
        "after 90 s",
    ),
    Mutant(
        "grid.unmeasured-well", "frequency-unmeasured", _set(events, _is_well=lambda *_: False), "never well"
    ),
    Mutant("grid.lost", "frequency-lost", _set(gridrows, LOST_S=300.0), "after 5 min"),
)
