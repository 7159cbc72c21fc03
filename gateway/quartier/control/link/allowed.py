"""The limits that the link allows now and in coming steps, and when loosening is allowed (pure).

The cycle uses ``find_link_limits``; a plan uses ``find_limits_ahead``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from quartier.control.limits.active import HARD, ActiveLimits, combine_limits
from quartier.control.link import envelopes
from quartier.control.link.state import (
    CLOCK_NOISE_MS,
    LinkMode,
    LinkState,
    ProgramState,
    TrackedDocument,
    UtcPosition,
)
from quartier.control.reason import Reason, make_reason, make_rule_reason
from quartier.control.records import LinkLimits, PowerLimits
from quartier.control.requests import Envelope, FailsafeValues
from quartier.site.records import Now, replace
from quartier.site.site_layout import SiteLimits
from quartier_drivers.contract import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkParameters:
    """The link settings of the site file; ``seed`` spreads random starts over buildings."""

    limits: SiteLimits
    heartbeat_timeout_s: float = 120.0
    failsafe_min_s: float = 7200.0
    hold_max_s: float = 93600.0
    heartbeat_offset_max_s: float = 60.0
    seed: int = 0


def find_limits_ahead(
    linked: LinkState,
    params: LinkParameters,
    force: ActiveLimits,
    now: Now,
    start_ms: int,
    step_ms: int,
    count: int,
) -> list[PowerLimits]:
    """Return the lowest limits of each step, import and export.

    The first step has the limits in force. Later steps have those of the documents for that time. Other
    limits that bind now (a contact, a fail-safe limit) are assumed to go on, because nobody knows when they
    end.
    """
    others = PowerLimits(
        _other(force, "import", params.limits.import_hard_w),
        _other(force, "export", params.limits.export_hard_w),
    )
    documents = list(find_active_documents(linked, now))
    found = [PowerLimits(force.import_w, force.export_w)]
    for step in range(1, count):
        begin_ms = start_ms + step * step_ms
        least = others
        for one in documents:
            known = begin_ms <= one.exp_utc_ms
            # A default outlives its document until a newer document comes.
            limits = (
                envelopes.find_lowest_limits(one, begin_ms, begin_ms + step_ms - 1)
                if known
                else envelopes.find_default_limits(one)
            )
            least = least.least(limits)
        found.append(least)
    return found


def _other(force: ActiveLimits, way: str, hard_w: float) -> float:
    """Return the limit in W that is not from a document."""
    in_force_w: float = getattr(force, f"{way}_w")
    source = force.sources.get(way)
    is_document = source is not None and source.who.kind == "document"
    return hard_w if is_document else min(hard_w, in_force_w)


HEARTBEAT_FRESH_S = 60.0  # a heartbeat this old still allows loosening, and pairs with a document
FAILSAFE_TEST_REASON = "a test of the fail-safe state, by a command of the district"
CLOCK_JUMP_MS = 60_000
"""A wall clock further from the counted time was set; it is not trusted until a heartbeat agrees."""


OTHER_POSITION_MS = 300_000
"""A clock step that differs by more from the one before is reported as another one."""


CLOCK_STEP_SHOWN_S = 5.0
"""How long a clock step that was confirmed at once is reported."""


HEARTBEAT_OLD_S = 3_600.0
"""How long a clock step that nobody confirms is reported; longer while a document is in force."""


CLOCK_DENIED_S = 120.0
"""How long a heartbeat that does not agree with a synced clock is reported."""


_MOST_W = 1e9
"""The largest power of a document: a value that a ramp raised above it is no limit any more."""


_FAILSAFE = make_rule_reason("limit.failsafe", "fail-safe value")
_AUTONOMOUS = make_rule_reason("limit.autonomous", "autonomous value")
_BEFORE = make_rule_reason("limit.before", "the earlier limit, until a higher one is allowed")
_S = 1_000_000_000


def find_link_limits(state: LinkState, params: LinkParameters, now: Now) -> LinkLimits:
    """Return what the link allows now: the minimum of the hard limits, the state and its documents."""
    powers, whose = combine_limits(_sources(state, params, now))
    careful = _is_careful(state, now)
    tested = is_failsafe_tested(state, now) and state.mode not in (LinkMode.INIT, LinkMode.FAILSAFE)
    return LinkLimits(
        mode=str(LinkMode.FAILSAFE if tested else state.mode),
        why=FAILSAFE_TEST_REASON if tested else state.why,
        since_ns=state.test_ns[0] if tested and state.test_ns else state.since_ns,
        import_max_w=powers.import_w,
        export_max_w=powers.export_w,
        generation_max_w=powers.generation_w if powers.generation_w <= _MOST_W else None,
        consumption_max_w=powers.consumption_w if powers.consumption_w <= _MOST_W else None,
        sources=whose,
        no_battery_export=careful,
        no_grid_charge_above_reserve=careful,
        tested=tested,
        clock=describe_clock_fault(state, now),
    )


def count_utc_ms(state: LinkState, now: Now) -> int:
    """Return UTC in ms, counted on since the wall clock was last surely right; before that the wall clock.

    A step of the wall clock changes nothing here until a heartbeat confirms it.
    """
    return now.utc_ms if state.clock is None else state.clock.utc_ms(now.ns)


def is_utc_known(state: LinkState) -> bool:
    """Return whether the wall clock was right once since the machine started, so that UTC is known."""
    return state.clock is not None and state.clock.known


def find_clock_offset_ms(state: LinkState, now: Now) -> int:
    """Return how far the wall clock is ahead of the counted time, in ms; 0 if that is not known."""
    return now.utc_ms - count_utc_ms(state, now) if is_utc_known(state) else 0


def is_clock_trusted(state: LinkState, now: Now) -> bool:
    """Return whether the wall clock is synced and not set by over a minute without a heartbeat agreeing."""
    return now.synced and is_utc_known(state) and abs(find_clock_offset_ms(state, now)) <= CLOCK_JUMP_MS


def find_clock_lost_ms(state: LinkState, now: Now) -> int | None:
    """Return when the wall clock was last trusted (0: never); None if it is trusted now.

    While it is not trusted, orders that are planned for later wait.
    """
    return None if is_clock_trusted(state, now) else state.anchor_utc_ms or 0


def find_possible_times_ms(state: LinkState, now: Now) -> list[int]:
    """Return the possible values of UTC, in ms; empty if nothing is known.

    These are the counted time, a synced wall clock, and the time of a heartbeat that the wall clock denies.
    """
    counted = [count_utc_ms(state, now)] if is_utc_known(state) else []
    return [*counted, *([now.utc_ms] if now.synced else []), *_find_denied_ms(state, now)]


def find_latest_time(state: LinkState, now: Now) -> Now:
    """Return this instant with the latest possible time: a clock set back makes no number look wrong."""
    return now._replace(utc_ms=max([now.utc_ms, *find_possible_times_ms(state, now)]))


def _find_denied_ms(state: LinkState, now: Now) -> list[int]:
    """Return the time of a heartbeat that a synced clock denies."""
    if not is_clock_denied(state, now) or state.beat_offset_ms is None:
        return []
    return [UtcPosition(state.beat_offset_ms).utc_ms(now.ns)]


def describe_clock_fault(state: LinkState, now: Now) -> str:
    """Describe the fault of the wall clock for people.

    The result is empty if neither the counted time nor a heartbeat contradicts the wall clock.
    """
    denied_ms = _find_denied_ms(state, now)
    nothing = not any(one.find_binding(now.ns) for program in state.programs for one in program.documents)
    old = nothing and state.stepped_ns is not None and find_age_s(state.stepped_ns, now) > HEARTBEAT_OLD_S
    if find_age_s(state.step_ns, now) <= (CLOCK_DENIED_S if denied_ms else CLOCK_STEP_SHOWN_S) and not old:
        way = "ahead" if state.step_ms > 0 else "back"
        waits = "limits are kept by both times until a heartbeat agrees with it"
        return f"the clock was set {way} by {format_span(abs(state.step_ms))}: {waits}"
    for utc_ms in denied_ms:
        off_ms = now.utc_ms - utc_ms
        way = "ahead of" if off_ms > 0 else "behind"
        return (
            f"the clock is {format_span(abs(off_ms))} {way} the district's heartbeats, so none of them counts"
        )
    return ""


def is_clock_denied(state: LinkState, now: Now) -> bool:
    """Return whether the newest heartbeat did not agree with a synced clock."""
    return find_age_s(state.denied_ns, now) <= CLOCK_DENIED_S


def format_span(ms: int) -> str:
    """Format a time span for people: ``1 h`` for 3 600 000 ms."""
    seconds = ms / 1000
    for size_s, unit in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= size_s:
            return f"{seconds / size_s:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:.0f} s"


def find_age_s(then_ns: int | None, now: Now) -> float:
    """Return the seconds since then; infinite for never."""
    return float("inf") if then_ns is None else (now.ns - then_ns) / _S


def find_active_documents(state: LinkState, now: Now) -> Iterator[Envelope]:
    """Yield the documents that have not ended; ``nbf`` was checked on reception: no clock undoes that."""
    return (p.envelope for p in state.programs if p.newest.find_binding(now.ns))


def is_loosening_allowed(state: LinkState, now: Now) -> bool:
    """Return whether spec/failsafe.md#rule-3 allows loosening.

    It needs a synced clock that was not set since, and a heartbeat at most 60 s old that agrees with it.
    """
    if (
        state.beat_offset_ms is None
        or not is_clock_trusted(state, now)
        or find_age_s(state.heartbeat_ns, now) > HEARTBEAT_FRESH_S
    ):
        return False
    return abs(UtcPosition(state.beat_offset_ms).utc_ms(now.ns) - now.utc_ms) <= CLOCK_JUMP_MS


def is_failsafe_tested(state: LinkState, now: Now) -> bool:
    """Return whether a command tests the fail-safe state now: its limits hold beside all others."""
    return state.test_ns is not None and now.ns < state.test_ns[1]


def follows_district(state: LinkState, params: LinkParameters, now: Now) -> bool:
    """Return whether district requests for single assets are followed: not if it is lost, or a test runs.

    In HOLD running orders go on; in AUTONOMOUS a timely heartbeat is needed.
    """
    if is_failsafe_tested(state, now) or state.mode in (LinkMode.INIT, LinkMode.FAILSAFE):
        return False
    heard = find_age_s(state.heartbeat_ns, now) <= params.heartbeat_timeout_s
    return heard or state.mode is LinkMode.HOLD


def _is_careful(state: LinkState, now: Now) -> bool:
    return state.mode in (LinkMode.INIT, LinkMode.FAILSAFE) or is_failsafe_tested(state, now)


def find_standing_limits(state: LinkState, params: LinkParameters, now: Now) -> PowerLimits:
    """Return the limits for the duration of the state: its own, and the defaults of expired documents."""
    expired = (found for program in state.programs for found in _iterate_expired_sources(state, program, now))
    powers, _ = combine_limits((*_state_sources(state, params, now), *expired))
    return PowerLimits(powers.import_w, powers.export_w)


def _sources(state: LinkState, params: LinkParameters, now: Now) -> Iterator[tuple[Reason, PowerLimits]]:
    yield from _state_sources(state, params, now)
    for program in state.programs:
        yield from _program_sources(state, params, program, now)


def _state_sources(
    state: LinkState, params: LinkParameters, now: Now
) -> Iterator[tuple[Reason, PowerLimits]]:
    limits = params.limits
    yield HARD, PowerLimits(limits.import_hard_w, limits.export_hard_w)
    if _is_careful(state, now):
        values = find_failsafe_values(state, params)
        yield _FAILSAFE, PowerLimits(values.import_max_w, values.export_max_w)
    if state.mode is LinkMode.AUTONOMOUS:
        yield _AUTONOMOUS, PowerLimits(limits.import_autonomous_w, limits.export_autonomous_w)
    if state.floor is not None:
        yield _BEFORE, state.floor


def _program_sources(
    state: LinkState, params: LinkParameters, program: ProgramState, now: Now
) -> Iterator[tuple[Reason, PowerLimits]]:
    newest = program.newest
    yield from _document_sources(state, params, newest, _reason(newest.envelope), now)
    yield from _iterate_expired_sources(state, program, now)
    for older in program.earlier:
        reason = _reason(older.envelope).then(make_reason("envelope.until_loosening"))
        yield from _document_sources(state, params, older, reason, now)


def _iterate_expired_sources(
    state: LinkState, program: ProgramState, now: Now
) -> Iterator[tuple[Reason, PowerLimits]]:
    """Yield the default of a document that has ended, by its counted position or by a synced wall clock."""
    newest, envelope = program.newest, program.envelope
    by_wall = now.synced and now.utc_ms > envelope.exp_utc_ms
    is_over = by_wall or newest.positions[0] not in newest.find_binding(now.ns)
    if is_over and state.mode in (LinkMode.CONTROLLED, LinkMode.HOLD):
        yield _reason(envelope, "envelope.default"), envelopes.find_default_limits(envelope)


def _document_sources(
    state: LinkState, params: LinkParameters, document: TrackedDocument, reason: Reason, now: Now
) -> Iterator[tuple[Reason, PowerLimits]]:
    """Yield the limits of a document: the lowest over the positions that may be the right one (rule 8)."""
    envelope, binding = document.envelope, document.find_binding(now.ns)
    for place, position in enumerate(binding):
        utc_ms = position.utc_ms(now.ns)
        from_ms, until_ms = _window(envelope, params, utc_ms)
        found = reason.then(make_reason("envelope.as_counted")) if place else reason
        if not position.known:
            until_ms = max(utc_ms, envelope.exp_utc_ms - 1)
            found = reason.then(make_reason("envelope.strictest"))
        yield found, envelopes.find_lowest_limits(envelope, from_ms, until_ms)
    if not binding:
        return
    others = [(now.utc_ms, make_reason("envelope.by_clock"))] if now.synced else []
    others += [(utc_ms, make_reason("envelope.by_heartbeats")) for utc_ms in _find_denied_ms(state, now)]
    for utc_ms, more in others:
        if abs(utc_ms - binding[0].utc_ms(now.ns)) > CLOCK_NOISE_MS and utc_ms <= envelope.exp_utc_ms:
            powers = envelopes.find_lowest_limits(envelope, *_window(envelope, params, utc_ms))
            yield reason.then(more), powers
    if not now.synced and document.lost_ms is not None:
        # No absolute schedule beyond the running interval: the interval that ran when the clock was lost
        # binds.
        yield (
            reason.then(make_reason("envelope.not_synced")),
            envelopes.find_limits_at(envelope, document.lost_ms),
        )


def _reason(envelope: Envelope, code: str = "envelope.says") -> Reason:
    who = Origin("document", envelope.program, envelope.id, envelope.seq)
    return make_reason(code, who, program=envelope.program, document=envelope.id)


def _window(envelope: Envelope, params: LinkParameters, utc_ms: int) -> tuple[int, int]:
    """Return from when to when an envelope's limit binds now: a random start only delays loosening."""
    if not envelope.randomize_start_s:
        return utc_ms, utc_ms
    # Not for secrets: the same building and document give the same delay after a restart.
    fraction = Random(f"{params.seed}:{envelope.id}:{envelope.seq}").random()  # noqa: S311  see above
    delay_ms = int(fraction * envelope.randomize_start_s * 1000)
    return min(max(utc_ms - delay_ms, envelope.nbf_utc_ms), utc_ms), utc_ms


def find_failsafe_values(state: LinkState, params: LinkParameters) -> FailsafeValues:
    """Return the fail-safe limits in force: the district's if it sent some, else those of the site file."""
    limits = params.limits
    if state.failsafe is not None:
        return replace(
            state.failsafe,
            import_max_w=min(state.failsafe.import_max_w, limits.import_hard_w),
            export_max_w=min(state.failsafe.export_max_w, limits.export_hard_w),
        )
    return FailsafeValues(
        import_max_w=min(limits.import_failsafe_w, limits.import_hard_w),
        export_max_w=min(limits.export_failsafe_w, limits.export_hard_w),
        duration_min_s=params.failsafe_min_s,
    )


def has_waiting_parameters(state: LinkState) -> bool:
    """Return whether district parameters that loosen are waiting."""
    return state.failsafe_next is not None and state.failsafe_next != state.failsafe


def loosens_failsafe(before: LinkState, after: LinkState, params: LinkParameters) -> bool:
    """Return whether ``after`` allows more in the fail-safe state, or ends it sooner, now or later."""
    old, new = find_failsafe_values(before, params), find_failsafe_values(after, params)
    return any(
        one.import_max_w > old.import_max_w
        or one.export_max_w > old.export_max_w
        or one.duration_min_s < old.duration_min_s
        for one in (new, after.failsafe_next or new)
    )
