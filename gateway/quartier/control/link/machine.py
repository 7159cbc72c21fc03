"""The link-state machine of spec/failsafe.md#section-2: heartbeats, documents and time in, limits out.

Every function takes a state and returns the next one; nothing here asks the time. ``state`` lists the states,
``transitions`` what leads from one to the next.

Each function that accepts an input records the time, then the input. Then it takes transitions until none
holds, and applies what waited for loosening (``_settle``).

Invariants:

- The limits of a state never exceed the hard limits (spec/failsafe.md#rule-4).
- Nothing that is missing raises a limit, except the two declared steps to AUTONOMOUS and the end of a
  document at its own ``exp`` (spec/failsafe.md#rule-1).
- A tighter document acts in the call that accepts it; a looser one waits until loosening is allowed
  (spec/failsafe.md#rule-3).
- The same document again has no second effect, except that it counts as received
  (spec/failsafe.md#heartbeat-back).
- A document whose number is not on disk (not ``sure``) never loosens a limit and gives no control.
- No call leaves a state twice, so each call ends.
"""

from math import isfinite
from operator import is_not

from quartier.control.link import envelopes
from quartier.control.link.allowed import (
    CLOCK_DENIED_S,
    CLOCK_JUMP_MS,
    OTHER_POSITION_MS,
    LinkParameters,
    count_utc_ms,
    describe_clock_fault,
    find_age_s,
    find_clock_offset_ms,
    find_failsafe_values,
    find_latest_time,
    find_possible_times_ms,
    find_standing_limits,
    has_waiting_parameters,
    is_clock_trusted,
    is_loosening_allowed,
    is_utc_known,
)
from quartier.control.link.state import (
    CLOCK_NOISE_MS,
    LinkMode,
    LinkState,
    ProgramState,
    TrackedDocument,
    UtcPosition,
)
from quartier.control.link.transitions import (
    TRANSITIONS,
    Transition,
    is_hold_allowed,
    make_initial_state,
    resume_state,
)
from quartier.control.requests import Ack, Envelope, FailsafeDocument, FailsafeValues, Heartbeat
from quartier.site.records import Now, replace

PROGRAMS_MAX = 16
ABSURD_FACTOR = 100.0
"""A document with a power so many times above the site's hard limits is refused: no limit of this site."""
EARLIER_ENVELOPES_MAX = 4
EARLY_DOCUMENT_MS = 60_000
"""How long before its ``nbf`` a document may come, as clocks differ. What it loosens waits for ``nbf``."""
_S = 1_000_000_000


def start_link(
    params: LinkParameters,
    persisted: LinkState | None,
    now: Now,
    *,
    outage: bool,
    lost: bool = False,
    rebooted: bool | None = None,
) -> LinkState:
    """Return the link state of a process that starts.

    Without a persisted state, or after a grid outage, it is INIT. Else the persisted state goes on with its
    entry time. The time without a process is estimated to the safe side: as little as is certain for the
    fail-safe minimum, as much as the clocks say for the heartbeat and HOLD.

    ``lost``: a state was stored and cannot be read. A limit may have been in force, so the fail-safe limits
    hold for their minimum duration. ``rebooted``: the machine was restarted since, so its clocks measure that
    time only once they are synchronised; None: not known.
    """
    if persisted is None:
        owed_ns = now.ns + round(params.failsafe_min_s * _S) if lost else None
        return advance_link(replace(make_initial_state(now), owed_ns=owed_ns), params, now, outage=outage)
    state = resume_state(persisted, now, rebooted=rebooted)
    if outage:
        return advance_link(state, params, now, outage=True)
    if state.mode is LinkMode.HOLD and not (now.synced and is_hold_allowed(state, params, now)):
        state = _enter(state, params, now, LinkMode.FAILSAFE, "restarted in HOLD without the right to hold")
    return advance_link(state, params, now, outage=False)


def accept_heartbeat(state: LinkState, params: LinkParameters, beat: Heartbeat, now: Now) -> LinkState:
    """Accept a verified heartbeat; ignore one that does not rise or disagrees with a synced clock."""
    state = _record_time(state, params, now)
    last_n = state.heartbeat_n
    if last_n is not None and beat.n <= last_n and not find_latest_time(state, now).rejects_future(last_n):
        return state
    state = replace(state, beat_offset_ms=UtcPosition.from_utc(beat.ts_utc_ms, now.ns).offset_ms)
    if now.synced and abs(beat.ts_utc_ms - now.utc_ms) > params.heartbeat_offset_max_s * 1000:
        return replace(state, denied_ns=now.ns)
    back_ns = now.ns if state.mode is LinkMode.FAILSAFE and state.back_ns is None else state.back_ns
    state = replace(state, heartbeat_ns=now.ns, heartbeat_n=beat.n, denied_ns=None, back_ns=back_ns)
    if now.synced:  # the district and the kernel agree
        state = _confirm_clock(state, now)
    return _settle(state, params, now)


def accept_envelope(
    state: LinkState, params: LinkParameters, envelope: Envelope, now: Now, *, sure: bool = True
) -> tuple[LinkState, Ack]:
    """Accept a verified envelope: what tightens acts at once, what loosens waits until it may.

    The same document again (retained, republished) counts as received, without a second effect. Without
    ``sure`` its number is not on disk; then it never loosens anything, and gives no control.
    """
    state = _record_time(state, params, now)
    refusal = _refusal(state, envelope, params, now)
    if refusal is not None:
        return state, refusal
    held = state.program(envelope.program)
    if held is None or held.envelope.seq != envelope.seq:
        newest = _track_envelope(envelope, state, now)
        at_once = sure and is_loosening_allowed(state, now) and _has_begun(newest, now)
        earlier = () if held is None or at_once else _make_chain(_lasting(held, newest, state, now), now)
        others = tuple(p for p in state.programs if p is not held)
        programs = sorted((*others, ProgramState(newest, earlier, sure)), key=_precedence)
        seqs = {**state.seqs, envelope.program: envelope.seq}
        state = replace(state, programs=tuple(programs), seqs=seqs)
    elif sure and not held.sure:
        programs = [replace(p, sure=True) if p is held else p for p in state.programs]
        state = replace(state, programs=tuple(programs))
    if sure:
        state = replace(state, document_ns=now.ns, valid_ns=now.ns)
    state = _settle(state, params, now)
    waits = "" if is_loosening_allowed(state, now) or now.synced else "CLOCK"
    return state, Ack(envelope.id, envelope.seq, "envelope", "OK", "ACCEPTED", waits)


def accept_failsafe_parameters(
    state: LinkState, params: LinkParameters, document: FailsafeDocument, now: Now
) -> tuple[LinkState, Ack]:
    """Accept new fail-safe parameters, clamped to the hard limits; loosening waits for FAILSAFE's end.

    The ack has the reason BOUNDS if they were clamped, CLOCK if loosening waits for a trusted clock.
    """
    state = _record_time(state, params, now)
    wanted = document.values
    numbers = (wanted.import_max_w, wanted.export_max_w, wanted.duration_min_s)
    if not all(isfinite(number) and number >= 0 for number in numbers):
        return state, Ack(document.id, document.seq, "failsafe", "INVALID_CONTENT", "REJECTED", "BOUNDS")
    if document.seq < state.failsafe_seq and not find_latest_time(state, now).rejects_future(
        state.failsafe_seq
    ):
        return state, Ack(document.id, document.seq, "failsafe", "OK", "REJECTED", "REPLAY")
    clamped = FailsafeValues(
        import_max_w=min(wanted.import_max_w, params.limits.import_hard_w),
        export_max_w=min(wanted.export_max_w, params.limits.export_hard_w),
        duration_min_s=min(max(wanted.duration_min_s, 7200.0), 86400.0),
    )
    if document.seq != state.failsafe_seq:
        inforce = find_failsafe_values(state, params)
        tighter = FailsafeValues(
            import_max_w=min(inforce.import_max_w, clamped.import_max_w),
            export_max_w=min(inforce.export_max_w, clamped.export_max_w),
            duration_min_s=max(inforce.duration_min_s, clamped.duration_min_s),
        )
        state = replace(state, failsafe=tighter, failsafe_next=clamped, failsafe_seq=document.seq)
    state = _settle(state, params, now)
    waits = not now.synced and has_waiting_parameters(state)
    reason = "BOUNDS" if clamped != wanted else "CLOCK" if waits else ""
    return state, Ack(document.id, document.seq, "failsafe", "OK", "ACCEPTED", reason)


def note_running_commands(
    state: LinkState, shed_until_ns: int | None, test_ns: tuple[int, int] | None
) -> LinkState:
    """Record the running commands: until when a shed runs, and when the fail-safe state is tested.

    While a shed runs, a loss leads to FAILSAFE.
    """
    if (state.shed_until_ns, state.test_ns) == (shed_until_ns, test_ns):
        return state
    return replace(state, shed_until_ns=shed_until_ns, test_ns=test_ns)


def advance_link(state: LinkState, params: LinkParameters, now: Now, *, outage: bool = False) -> LinkState:
    """Advance the link by time alone; ``outage`` while the grid's voltage is gone (below 50 %)."""
    state = _record_time(state, params, now)
    if outage:
        state = _enter(state, params, now, LinkMode.INIT, "grid outage")
        return replace(state, document_ns=None)
    return _settle(state, params, now)


# --- time ------------------------------------------------------------------------------------


def _record_time(state: LinkState, params: LinkParameters, now: Now) -> LinkState:
    """Record the time: a step of the wall clock, its trust, and whether a document is still valid."""
    state = _record_clock_step(state, now)
    if now.synced and not is_utc_known(state):  # the first synchronisation
        state = _confirm_clock(state, now)
    last_ns = state.seen_ns  # if trust is lost now, this is when it last was there
    looked = tuple(
        p.map_documents(lambda one: one.update(last_ns, synced=now.synced)) for p in state.programs
    )
    is_valid = any(p.newest.find_binding(now.ns) for p in looked)
    return replace(
        state,
        anchor_utc_ms=count_utc_ms(state, now) if is_clock_trusted(state, now) else state.anchor_utc_ms,
        programs=looked if any(map(is_not, looked, state.programs)) else state.programs,
        valid_ns=now.ns if is_valid else state.valid_ns,
        back_ns=None if find_age_s(state.heartbeat_ns, now) > params.heartbeat_timeout_s else state.back_ns,
        seen_ns=now.ns,
        seen_utc_ms=now.utc_ms,
    )


def _record_clock_step(state: LinkState, now: Now) -> LinkState:
    """Record a wall clock that was set by more than a minute and is not yet confirmed."""
    step_ms = find_clock_offset_ms(state, now)
    if abs(step_ms) <= CLOCK_JUMP_MS:
        return state if state.stepped_ns is None else replace(state, stepped_ns=None)
    if find_age_s(state.step_ns, now) <= CLOCK_DENIED_S and abs(step_ms - state.step_ms) <= OTHER_POSITION_MS:
        step_ms = state.step_ms  # the same step, or a clock that makes no sense: one alarm
    stepped_ns = state.stepped_ns if step_ms == state.step_ms else None
    return replace(
        state, step_ms=step_ms, step_ns=now.ns, stepped_ns=now.ns if stepped_ns is None else stepped_ns
    )


def _confirm_clock(state: LinkState, now: Now) -> LinkState:
    """Take the wall clock as right: count UTC from it, and set the position in each document anew.

    Loosening by this waits: the earlier positions bind on until loosening is allowed.
    """
    clock = UtcPosition.from_utc(now.utc_ms, now.ns)
    if (
        state.clock is not None
        and is_utc_known(state)
        and abs(find_clock_offset_ms(state, now)) <= CLOCK_NOISE_MS
    ):
        clock = state.clock
    programs = tuple(p.map_documents(lambda one: _set(one, clock, now)) for p in state.programs)
    return replace(state, clock=clock, programs=programs, stepped_ns=None)


def _set(document: TrackedDocument, clock: UtcPosition, now: Now) -> TrackedDocument:
    counted = document.positions[0]
    near = abs(counted.utc_ms(now.ns) - clock.utc_ms(now.ns)) <= CLOCK_NOISE_MS
    return document if counted.known and near else document.replace_position(clock)


# --- documents -------------------------------------------------------------------------------


def _refusal(state: LinkState, envelope: Envelope, params: LinkParameters, now: Now) -> Ack | None:
    def no(reception: str, reason: str) -> Ack:
        return Ack(envelope.id, envelope.seq, "envelope", reception, "REJECTED", reason)

    most_w = ABSURD_FACTOR * max(params.limits.import_hard_w, params.limits.export_hard_w)
    if envelopes.find_envelope_fault(envelope, most_w):
        return no("INVALID_CONTENT", "BOUNDS")
    last = state.seqs.get(envelope.program, -1)
    held = state.program(envelope.program)
    altered = held is not None and held.envelope.seq == envelope.seq and held.envelope != envelope
    if (envelope.seq < last and not find_latest_time(state, now).rejects_future(last)) or altered:
        return no("OK", "REPLAY")
    times = find_possible_times_ms(state, now)
    if times and min(times) > envelope.exp_utc_ms:
        return no("OK", "EXPIRED")
    if now.synced and not any(_is_inside(envelope, utc_ms) for utc_ms in times):
        return no("OK", "EXPIRED" if times[0] > envelope.exp_utc_ms else "NOT_YET")
    if held is None and len(state.programs) >= PROGRAMS_MAX:
        return no("PERMANENT_ERROR", "BOUNDS")
    return None


def _precedence(program: ProgramState) -> tuple[int, str]:
    """Return the sort key: the lower number comes first, and is named among equal limits."""
    return program.envelope.priority, program.envelope.program


def _is_inside(envelope: Envelope, utc_ms: int) -> bool:
    return envelope.nbf_utc_ms - EARLY_DOCUMENT_MS <= utc_ms <= envelope.exp_utc_ms


def _track_envelope(envelope: Envelope, state: LinkState, now: Now) -> TrackedDocument:
    """Track a document that is accepted now, with each position that may be the right one.

    A valid document comes at its ``nbf`` or later: while the time is not known, that is the earliest
    position.
    """
    first_ms = envelope.nbf_utc_ms - EARLY_DOCUMENT_MS
    times = find_possible_times_ms(state, now)
    inside = [one for one in times if _is_inside(envelope, one)] or times[:1]
    if state.clock is None or not is_utc_known(state):
        positions = [UtcPosition.from_utc(first_ms, now.ns, known=False)]
    else:
        clock = [state.clock] if abs(inside[0] - times[0]) <= CLOCK_NOISE_MS else []
        others = [one for one in inside if abs(one - times[0]) > CLOCK_NOISE_MS]
        positions = [*clock, *(UtcPosition.from_utc(one, now.ns) for one in others)]
    return TrackedDocument(envelope, tuple(positions), now.ns, first_ms).update(now.ns, synced=now.synced)


def _has_begun(document: TrackedDocument, now: Now) -> bool:
    """Return whether its ``nbf`` has come by every time that may be right."""
    by_wall = not now.synced or now.utc_ms >= document.envelope.nbf_utc_ms
    return by_wall and all(one.utc_ms(now.ns) >= document.envelope.nbf_utc_ms for one in document.positions)


def _lasting(held: ProgramState, newer: TrackedDocument, state: LinkState, now: Now) -> ProgramState:
    """Return the replaced program; an expired one's default in force goes on under the newer document."""
    if held.newest.find_binding(now.ns) or state.mode not in (LinkMode.CONTROLLED, LinkMode.HOLD):
        return held
    return replace(
        held, newest=replace(newer, envelope=envelopes.keep_default(held.envelope, newer.envelope))
    )


def _make_chain(held: ProgramState, now: Now) -> tuple[TrackedDocument, ...]:
    chain = tuple(one for one in (*held.earlier, held.newest) if one.find_binding(now.ns))
    return (
        chain if len(chain) <= EARLIER_ENVELOPES_MAX else (_merge_documents(chain[0], chain[1]), *chain[2:])
    )


def _merge_documents(first: TrackedDocument, second: TrackedDocument) -> TrackedDocument:
    """Return one constant document that is never looser than either, and ends with the later of the two."""
    flat = envelopes.flatten_envelopes(first.envelope, second.envelope)
    positions = tuple(dict.fromkeys((*first.positions, *second.positions)))
    return TrackedDocument(
        flat,
        (min(positions, key=lambda one: one.offset_ms),),
        max(first.accepted_ns, second.accepted_ns),
        min(first.first_utc_ms, second.first_utc_ms),
    )


# --- transitions -----------------------------------------------------------------------------


def _settle(state: LinkState, params: LinkParameters, now: Now) -> LinkState:
    """Take transitions until none holds, then apply what waited for loosening."""
    left: set[LinkMode] = set()  # no instant leaves a state twice
    while state.mode not in left and (row := _way_out(state, params, now)) is not None:
        left.add(state.mode)
        state = _enter(state, params, now, row.target, _why(state, row, now))
    if not is_loosening_allowed(state, now):
        return state
    settled = (p.map_documents(TrackedDocument.drop_old_positions) for p in state.programs)
    programs = tuple(
        replace(p, earlier=()) if p.earlier and p.sure and _has_begun(p.newest, now) else p for p in settled
    )
    if state.floor is not None or any(map(is_not, programs, state.programs)):
        state = replace(state, programs=programs, floor=None)
    if state.failsafe_next is not None and state.mode is not LinkMode.FAILSAFE and state.owed_ns is None:
        state = replace(state, failsafe=state.failsafe_next, failsafe_next=None)
    return state


def _way_out(state: LinkState, params: LinkParameters, now: Now) -> Transition | None:
    return next(
        (row for row in TRANSITIONS if row.source is state.mode and row.holds(state, params, now)), None
    )


def _why(state: LinkState, row: Transition, now: Now) -> str:
    """Return why a state is left; if heartbeats are missing and the clock is wrong, it is the clock."""
    text = describe_clock_fault(state, now) if row.for_silence else ""
    return text or row.why


def _enter(state: LinkState, params: LinkParameters, now: Now, mode: LinkMode, why: str) -> LinkState:
    floor = state.floor if mode is LinkMode.HOLD else None
    owed_ns = state.owed_ns
    if mode is LinkMode.CONTROLLED:
        floor = None if is_loosening_allowed(state, now) else find_standing_limits(state, params, now)
    if mode is LinkMode.FAILSAFE and (owed_ns is None or owed_ns <= now.ns):
        owed_ns = now.ns + round(find_failsafe_values(state, params).duration_min_s * _S)
    if mode in (LinkMode.CONTROLLED, LinkMode.AUTONOMOUS):
        owed_ns = None
    programs = tuple(
        p
        for p in state.programs
        if mode is LinkMode.HOLD or any(one.find_binding(now.ns) for one in p.documents)
    )
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
        programs=programs,
    )
