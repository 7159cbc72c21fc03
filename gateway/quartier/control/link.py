"""The link-state machine of failsafe.md section 2: heartbeats, documents and time in, caps out.

Every function takes a state and gives the next; nothing here asks the time.  The caps of a state
never exceed the hard limits, and nothing that is missing widens one, but for the two declared
steps to AUTONOMOUS and the end of a document at its own ``exp``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import isfinite
from random import Random

from quartier.control import schedule
from quartier.control.caps import LinkCaps, Powers, tightest
from quartier.control.linkstate import LinkState, Mode, Program, dump, restore, worth_saving
from quartier.control.wishes import Ack, Envelope, FailsafeDocument, FailsafeValues, Heartbeat
from quartier.house.assets import Limits
from quartier.house.now import Now

__all__ = [
    "LinkParams",
    "LinkState",
    "Mode",
    "caps",
    "document",
    "dump",
    "failsafe_document",
    "heartbeat",
    "restore",
    "shed",
    "start",
    "tick",
    "worth_saving",
]

FRESH_S = 60.0  # a heartbeat this old still allows loosening, and pairs with a document
INIT_S = 120.0
NO_DOCUMENT_S = 60.0
BACK_S = 120.0  # heartbeats are back, but no document comes
PROGRAMS_MAX = 16
EARLIER_MAX = 4
_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkParams:
    """What the site file says of the link; ``seed`` spreads random starts over buildings."""

    limits: Limits
    heartbeat_timeout_s: float = 120.0
    failsafe_min_s: float = 7200.0
    hold_max_s: float = 93600.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One way out of a state: the first row whose condition holds is taken."""

    source: Mode
    why: str
    holds: Callable[[LinkState, LinkParams, Now], bool]
    target: Mode


def start(params: LinkParams, persisted: LinkState | None, now: Now, *, outage: bool) -> LinkState:
    """The state of a process that begins.

    Without a persisted one, or after a grid outage, it is INIT; else the persisted state goes on
    with its entry time.  What passed while nobody ran is judged to the safe side: as little as is
    certain for the fail-safe minimum, as much as the clocks say for the heartbeat and HOLD.
    """
    if persisted is None:
        return tick(_fresh(now), params, now, outage=outage)
    state = _resumed(persisted, now)
    if outage:
        return tick(state, params, now, outage=True)
    if state.mode is Mode.HOLD and not (now.synced and _may_hold(state, params, now)):
        state = _entered(state, params, now, Mode.FAILSAFE, "restarted in HOLD without the right to hold")
    return tick(state, params, now, outage=False)


def heartbeat(state: LinkState, params: LinkParams, beat: Heartbeat, now: Now) -> LinkState:
    """Take a heartbeat whose signature held; one that does not rise, or is 60 s off, is ignored."""
    state = _seen(state, params, now)
    if state.heartbeat_n is not None and beat.n <= state.heartbeat_n:
        return state
    if now.synced and abs(beat.ts_utc_ms - now.utc_ms) > FRESH_S * 1000:
        return state
    back_ns = now.ns if state.mode is Mode.FAILSAFE and state.back_ns is None else state.back_ns
    state = replace(state, heartbeat_ns=now.ns, heartbeat_n=beat.n, back_ns=back_ns)
    return _settled(state, params, now)


def document(state: LinkState, params: LinkParams, envelope: Envelope, now: Now) -> tuple[LinkState, Ack]:
    """Take a verified envelope: what tightens acts at once, what loosens waits until it may.

    The same document again (retained, republished) counts as received, without a second effect.
    """
    state = _seen(state, params, now)
    refusal = _refusal(state, envelope, now)
    if refusal is not None:
        return state, refusal
    held = state.program(envelope.program)
    if held is None or held.envelope.seq != envelope.seq:
        earlier = () if held is None or _may_loosen(state, now) else _chained(held)
        others = tuple(p for p in state.programs if p is not held)
        programs = sorted((*others, Program(envelope, earlier)), key=lambda p: p.envelope.program)
        seqs = {**state.seqs, envelope.program: envelope.seq}
        state = replace(state, programs=tuple(programs), seqs=seqs)
    state = _settled(replace(state, document_ns=now.ns, valid_ns=now.ns), params, now)
    waits = "" if _may_loosen(state, now) or now.synced else "CLOCK"
    return state, Ack(envelope.id, envelope.seq, "envelope", "OK", "ACCEPTED", waits)


def failsafe_document(
    state: LinkState, params: LinkParams, paper: FailsafeDocument, now: Now
) -> tuple[LinkState, Ack]:
    """Take new fail-safe parameters, clamped by the hard limits; what loosens waits for FAILSAFE's end."""
    state = _seen(state, params, now)
    wanted = paper.values
    numbers = (wanted.import_max_w, wanted.export_max_w, wanted.duration_min_s)
    if not all(isfinite(number) and number >= 0 for number in numbers):
        return state, Ack(paper.id, paper.seq, "failsafe", "INVALID_CONTENT", "REJECTED", "BOUNDS")
    if paper.seq < state.failsafe_seq:
        return state, Ack(paper.id, paper.seq, "failsafe", "OK", "REJECTED", "REPLAY")
    if paper.seq > state.failsafe_seq:
        clamped = FailsafeValues(
            import_max_w=min(wanted.import_max_w, params.limits.import_hard_w),
            export_max_w=min(wanted.export_max_w, params.limits.export_hard_w),
            duration_min_s=min(max(wanted.duration_min_s, 7200.0), 86400.0),
        )
        inforce = _failsafe(state, params)
        tighter = FailsafeValues(
            import_max_w=min(inforce.import_max_w, clamped.import_max_w),
            export_max_w=min(inforce.export_max_w, clamped.export_max_w),
            duration_min_s=max(inforce.duration_min_s, clamped.duration_min_s),
        )
        state = replace(state, failsafe=tighter, failsafe_next=clamped, failsafe_seq=paper.seq)
    return _settled(state, params, now), Ack(paper.id, paper.seq, "failsafe", "OK", "ACCEPTED")


def shed(state: LinkState, params: LinkParams, duration_s: float, now: Now) -> LinkState:
    """A shed command of the district runs for ``duration_s``: while it does, a loss leads to FAILSAFE."""
    return replace(_seen(state, params, now), shed_until_ns=now.ns + round(duration_s * _S))


def tick(state: LinkState, params: LinkParams, now: Now, *, outage: bool = False) -> LinkState:
    """Let time pass; ``outage`` while the grid's voltage is gone (below 50 %)."""
    state = _seen(state, params, now)
    if outage:
        state = _entered(state, params, now, Mode.INIT, "grid outage")
        return replace(state, document_ns=None)
    return _settled(state, params, now)


def caps(state: LinkState, params: LinkParams, now: Now) -> LinkCaps:
    """What the link allows now: the minimum over the hard limits, the state and its documents."""
    powers, whose = tightest(_sources(state, params, now))
    careful = state.mode in (Mode.INIT, Mode.FAILSAFE)
    return LinkCaps(
        mode=str(state.mode),
        why=state.why,
        since_ns=state.since_ns,
        import_max_w=powers.import_w,
        export_max_w=powers.export_w,
        generation_max_w=powers.generation_w if isfinite(powers.generation_w) else None,
        consumption_max_w=powers.consumption_w if isfinite(powers.consumption_w) else None,
        whose=whose,
        no_battery_export=careful,
        no_grid_charge_above_reserve=careful,
    )


# --- what holds in a state -------------------------------------------------------------------


def _sources(state: LinkState, params: LinkParams, now: Now) -> Iterator[tuple[str, Powers]]:
    limits = params.limits
    yield "hard limit", Powers(limits.import_hard_w, limits.export_hard_w)
    if state.mode in (Mode.INIT, Mode.FAILSAFE):
        values = _failsafe(state, params)
        yield "fail-safe value", Powers(values.import_max_w, values.export_max_w)
    if state.mode is Mode.AUTONOMOUS:
        yield "autonomous value", Powers(limits.import_autonomous_w, limits.export_autonomous_w)
    if state.floor is not None:
        yield "the state before, until loosening is allowed", state.floor
    utc_ms = _reckoned_ms(state, now)
    for program in state.programs:
        yield from _program_sources(state, params, program, utc_ms, now)


def _program_sources(
    state: LinkState, params: LinkParams, program: Program, utc_ms: int, now: Now
) -> Iterator[tuple[str, Powers]]:
    newest = program.envelope
    name = f"envelope {newest.program} {newest.id}"
    if utc_ms <= newest.exp_utc_ms:
        yield name, schedule.lowest(newest, *_window(newest, params, utc_ms))
        if not now.synced and state.anchor_utc_ms is not None:
            # No absolute schedule beyond the running interval: what ran when the clock was lost binds.
            yield f"{name}, clock not synced", schedule.at(newest, state.anchor_utc_ms)
    elif state.mode is Mode.CONTROLLED:
        yield f"default of expired {name}", schedule.default(newest)
    for older in program.earlier:
        if utc_ms <= older.exp_utc_ms:
            yield (
                f"envelope {older.program} {older.id}, until loosening is allowed",
                schedule.at(older, utc_ms),
            )


def _window(envelope: Envelope, params: LinkParams, utc_ms: int) -> tuple[int, int]:
    """From when to when a cap of the envelope binds now: a random start only delays what loosens."""
    # Not for secrets: the same building and document give the same delay after a restart.
    fraction = Random(f"{params.seed}:{envelope.id}:{envelope.seq}").random()  # noqa: S311  see above
    delay_ms = int(fraction * envelope.randomize_start_s * 1000)
    return min(max(utc_ms - delay_ms, envelope.nbf_utc_ms), utc_ms), utc_ms


def _failsafe(state: LinkState, params: LinkParams) -> FailsafeValues:
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


# --- time ------------------------------------------------------------------------------------


def _fresh(now: Now) -> LinkState:
    return LinkState(
        mode=Mode.INIT,
        why="no state was kept",
        since_ns=now.ns,
        since_utc_ms=now.utc_ms,
        seen_ns=now.ns,
        seen_utc_ms=now.utc_ms,
        valid_ns=now.ns,
    )


def _resumed(old: LinkState, now: Now) -> LinkState:
    """The old state on this process's clock.

    The monotonic clock either went on (its difference is the time that passed) or began anew
    (then what it shows is less than what passed), so its difference, not below 0, is certain.
    """
    certain_ns = max(0, now.ns - old.seen_ns)
    wall_ns = (now.utc_ms - old.seen_utc_ms) * 1_000_000
    likely_ns = max(certain_ns, wall_ns) if now.synced else certain_ns
    unknown = not now.synced and now.ns < old.seen_ns

    def moved(then_ns: int, passed_ns: int) -> int:
        return now.ns - (old.seen_ns - then_ns) - passed_ns

    heartbeat_ns = None
    if old.heartbeat_ns is not None and not unknown:
        # A heartbeat of the process before keeps CONTROLLED, but allows no loosening.
        heartbeat_ns = min(moved(old.heartbeat_ns, likely_ns), now.ns - round(FRESH_S * _S) - 1)
    return replace(
        old,
        since_ns=moved(old.since_ns, likely_ns if old.mode is Mode.HOLD else certain_ns),
        owed_ns=None if old.owed_ns is None else moved(old.owed_ns, certain_ns),
        shed_until_ns=None if old.shed_until_ns is None else moved(old.shed_until_ns, certain_ns),
        heartbeat_ns=heartbeat_ns,
        heartbeat_n=None,
        back_ns=None,
        document_ns=None,
        valid_ns=now.ns,
        anchor_ns=None,
        seen_ns=now.ns,
        seen_utc_ms=now.utc_ms,
    )


def _reckoned_ms(state: LinkState, now: Now) -> int:
    """UTC by the wall clock if synced, else counted on from when it last was."""
    if now.synced or state.anchor_ns is None or state.anchor_utc_ms is None:
        return now.utc_ms
    return state.anchor_utc_ms + (now.ns - state.anchor_ns) // 1_000_000


def _age_s(then_ns: int | None, now: Now) -> float:
    return float("inf") if then_ns is None else (now.ns - then_ns) / _S


def _seen(state: LinkState, params: LinkParams, now: Now) -> LinkState:
    """Take note of the time: the anchor, and whether a document is still valid."""
    if now.synced:
        state = replace(state, anchor_ns=now.ns, anchor_utc_ms=now.utc_ms)
    if any(True for _ in _active(state, now)):
        state = replace(state, valid_ns=now.ns)
    if _age_s(state.heartbeat_ns, now) > params.heartbeat_timeout_s:
        state = replace(state, back_ns=None)
    return replace(state, seen_ns=now.ns, seen_utc_ms=now.utc_ms)


# --- documents -------------------------------------------------------------------------------


def _active(state: LinkState, now: Now) -> Iterator[Envelope]:
    """Documents not expired; ``nbf`` was judged when they came, a clock set back does not undo that."""
    utc_ms = _reckoned_ms(state, now)
    return (p.envelope for p in state.programs if utc_ms <= p.envelope.exp_utc_ms)


def _refusal(state: LinkState, envelope: Envelope, now: Now) -> Ack | None:
    def no(reception: str, reason: str) -> Ack:
        return Ack(envelope.id, envelope.seq, "envelope", reception, "REJECTED", reason)

    if schedule.fault(envelope):
        return no("INVALID_CONTENT", "BOUNDS")
    utc_ms = _reckoned_ms(state, now)
    last = state.seqs.get(envelope.program, -1)
    held = state.program(envelope.program)
    altered = held is not None and held.envelope.seq == envelope.seq and held.envelope != envelope
    if envelope.seq < last or altered:
        return no("OK", "REPLAY")
    if utc_ms > envelope.exp_utc_ms:
        return no("OK", "EXPIRED")
    if now.synced and utc_ms < envelope.nbf_utc_ms:
        return no("OK", "NOT_YET")
    if held is None and len(state.programs) >= PROGRAMS_MAX:
        return no("PERMANENT_ERROR", "BOUNDS")
    return None


def _chained(held: Program) -> tuple[Envelope, ...]:
    chain = (*held.earlier, held.envelope)
    return chain if len(chain) <= EARLIER_MAX else (schedule.flattened(chain[0], chain[1]), *chain[2:])


def _may_loosen(state: LinkState, now: Now) -> bool:
    return now.synced and _age_s(state.heartbeat_ns, now) <= FRESH_S


def _may_hold(state: LinkState, params: LinkParams, now: Now) -> bool:
    del params
    active = list(_active(state, now))
    shedding = state.shed_until_ns is not None and now.ns < state.shed_until_ns
    return bool(active) and all(e.on_loss == "hold" for e in active) and not shedding


# --- transitions -----------------------------------------------------------------------------


def _settled(state: LinkState, params: LinkParams, now: Now) -> LinkState:
    """Follow the rows until none holds, then let go of what waited for loosening."""
    for _ in Mode:  # no chain of rows is longer than the states there are
        row = next((r for r in ROWS if r.source is state.mode and r.holds(state, params, now)), None)
        if row is None:
            break
        state = _entered(state, params, now, row.target, row.why)
    if not _may_loosen(state, now):
        return state
    programs = tuple(replace(p, earlier=()) if p.earlier else p for p in state.programs)
    state = replace(state, programs=programs, floor=None)
    if state.failsafe_next is not None and state.mode is not Mode.FAILSAFE and state.owed_ns is None:
        state = replace(state, failsafe=state.failsafe_next, failsafe_next=None)
    return state


def _entered(state: LinkState, params: LinkParams, now: Now, mode: Mode, why: str) -> LinkState:
    floor = None
    owed_ns = state.owed_ns
    if mode is Mode.CONTROLLED:
        before = caps(state, params, now)
        floor = None if _may_loosen(state, now) else Powers(before.import_max_w, before.export_max_w)
    if mode is Mode.FAILSAFE and (owed_ns is None or owed_ns <= now.ns):
        owed_ns = now.ns + round(_failsafe(state, params).duration_min_s * _S)
    if mode in (Mode.CONTROLLED, Mode.AUTONOMOUS):
        owed_ns = None
    alive = {id(envelope) for envelope in _active(state, now)}
    return replace(
        state,
        mode=mode,
        why=why,
        since_ns=now.ns,
        since_utc_ms=now.utc_ms,
        back_ns=None,
        valid_ns=now.ns,
        owed_ns=owed_ns,
        floor=floor,
        programs=tuple(p for p in state.programs if id(p.envelope) in alive),
    )


def _paired(state: LinkState, params: LinkParams, now: Now) -> bool:
    """A heartbeat and a valid document, each at most 60 s old, in either order."""
    del params
    together = max(_age_s(state.heartbeat_ns, now), _age_s(state.document_ns, now)) <= FRESH_S
    return together and any(True for _ in _active(state, now))


def _paired_since_failsafe(state: LinkState, params: LinkParams, now: Now) -> bool:
    came = state.document_ns is not None and state.document_ns >= state.since_ns
    return came and _paired(state, params, now)


def _init_over(state: LinkState, params: LinkParams, now: Now) -> bool:
    del params
    return _age_s(state.since_ns, now) >= INIT_S


def _still_owed(state: LinkState, params: LinkParams, now: Now) -> bool:
    return state.owed_ns is not None and now.ns < state.owed_ns and _init_over(state, params, now)


def _silent(state: LinkState, params: LinkParams, now: Now) -> bool:
    return _age_s(state.heartbeat_ns, now) > params.heartbeat_timeout_s


def _silent_may_hold(state: LinkState, params: LinkParams, now: Now) -> bool:
    # After a restart that heard no heartbeat yet, holding needs a synced clock too.
    known = now.synced or state.heartbeat_n is not None
    return known and _silent(state, params, now) and _may_hold(state, params, now)


def _documents_gone(state: LinkState, params: LinkParams, now: Now) -> bool:
    del params
    return _age_s(state.valid_ns, now) >= NO_DOCUMENT_S


def _hold_over(state: LinkState, params: LinkParams, now: Now) -> bool:
    """26 h, or a schedule is used up: its last interval, not the default after it, or its ``exp``."""
    utc_ms = _reckoned_ms(state, now)
    used_up = any(utc_ms >= schedule.used_up_ms(p.envelope) for p in state.programs)
    return used_up or _age_s(state.since_ns, now) >= params.hold_max_s


def _back_without_document(state: LinkState, params: LinkParams, now: Now) -> bool:
    del params
    came = state.document_ns is not None and state.back_ns is not None and state.document_ns >= state.back_ns
    lasting = _age_s(state.back_ns, now) >= BACK_S and state.back_ns is not None
    return lasting and not came and _age_s(state.heartbeat_ns, now) <= FRESH_S


def _minimum_over(state: LinkState, params: LinkParams, now: Now) -> bool:
    del params
    return state.owed_ns is None or now.ns >= state.owed_ns


ROWS = (
    Row(Mode.INIT, "a valid document with a fresh heartbeat", _paired, Mode.CONTROLLED),
    Row(Mode.INIT, "the fail-safe minimum from before is not over", _still_owed, Mode.FAILSAFE),
    Row(Mode.INIT, "120 s without the district", _init_over, Mode.AUTONOMOUS),
    Row(Mode.CONTROLLED, "no heartbeat, every document says hold", _silent_may_hold, Mode.HOLD),
    Row(Mode.CONTROLLED, "no heartbeat", _silent, Mode.FAILSAFE),
    Row(Mode.CONTROLLED, "60 s without a valid document", _documents_gone, Mode.FAILSAFE),
    Row(Mode.HOLD, "heartbeat and document are back", _paired, Mode.CONTROLLED),
    Row(Mode.HOLD, "the schedule is used up or was held too long", _hold_over, Mode.FAILSAFE),
    Row(Mode.FAILSAFE, "heartbeat, then a valid document", _paired_since_failsafe, Mode.CONTROLLED),
    Row(Mode.FAILSAFE, "the minimum duration is over", _minimum_over, Mode.AUTONOMOUS),
    Row(Mode.FAILSAFE, "heartbeat back, 120 s without document", _back_without_document, Mode.AUTONOMOUS),
    Row(Mode.AUTONOMOUS, "heartbeat and document", _paired, Mode.CONTROLLED),
)
