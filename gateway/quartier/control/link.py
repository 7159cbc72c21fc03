"""The link-state machine of spec/failsafe.md#section-2: heartbeats, documents and time in, caps out.

Every function takes a state and gives the next; nothing here asks the time.  The caps of a state
never exceed the hard limits, and nothing that is missing widens one, but for the two declared
steps to AUTONOMOUS and the end of a document at its own ``exp``.
"""

from math import isfinite
from operator import is_not

from quartier.control import schedule
from quartier.control.linkcaps import (
    ANOTHER_MS,
    DENIED_S,
    LEAP_MS,
    LinkParams,
    age_s,
    ahead_ms,
    caps,
    clock_words,
    failsafe_values,
    failsafe_waits,
    is_known,
    is_trusted,
    latest,
    leads,
    may_loosen,
    reckoned_ms,
    standing,
    times_ms,
)
from quartier.control.linkresume import fresh, resumed
from quartier.control.linkrows import ROWS, Row, may_hold
from quartier.control.linkstate import (
    NOISE_MS,
    LinkState,
    Mode,
    Position,
    Program,
    Tracked,
    dump,
    restore,
    worth_saving,
)
from quartier.control.wishes import Ack, Envelope, FailsafeDocument, FailsafeValues, Heartbeat
from quartier.house.now import Now
from quartier.house.records import replace

__all__ = [
    "LinkParams",
    "LinkState",
    "Mode",
    "caps",
    "commanded",
    "document",
    "dump",
    "failsafe_document",
    "heartbeat",
    "leads",
    "may_loosen",
    "restore",
    "start",
    "tick",
    "worth_saving",
]

PROGRAMS_MAX = 16
ABSURD = 100.0
"""A document with a power so many times above the site's hard limits is refused: no limit of this site."""
EARLIER_MAX = 4
EARLY_MS = 60_000
"""So long before its ``nbf`` a document may come: clocks differ.  What it loosens waits for that."""
_S = 1_000_000_000


def start(
    params: LinkParams,
    persisted: LinkState | None,
    now: Now,
    *,
    outage: bool,
    lost: bool = False,
    rebooted: bool | None = None,
) -> LinkState:
    """The state of a process that begins.

    Without a persisted one, or after a grid outage, it is INIT; else the persisted state goes on
    with its entry time.  What passed while nobody ran is judged to the safe side: as little as is
    certain for the fail-safe minimum, as much as the clocks say for the heartbeat and HOLD.
    ``lost``: a state was kept and cannot be read.  A limit may have been in force, so the fail-safe
    values hold for their minimum duration.  ``rebooted``: the machine started anew since, so that its clocks
    tell how long that took only once they are synchronised; None: nobody knows.
    """
    if persisted is None:
        owed_ns = now.ns + round(params.failsafe_min_s * _S) if lost else None
        return tick(replace(fresh(now), owed_ns=owed_ns), params, now, outage=outage)
    state = resumed(persisted, now, rebooted=rebooted)
    if outage:
        return tick(state, params, now, outage=True)
    if state.mode is Mode.HOLD and not (now.synced and may_hold(state, params, now)):
        state = _entered(state, params, now, Mode.FAILSAFE, "restarted in HOLD without the right to hold")
    return tick(state, params, now, outage=False)


def heartbeat(state: LinkState, params: LinkParams, beat: Heartbeat, now: Now) -> LinkState:
    """Take a heartbeat whose signature held; one that does not rise or is off a synced clock is ignored."""
    state = _seen(state, params, now)
    last_n = state.heartbeat_n
    if last_n is not None and beat.n <= last_n and not latest(state, now).denies(last_n):
        return state
    state = replace(state, beat_offset_ms=Position.at_utc(beat.ts_utc_ms, now.ns).offset_ms)
    if now.synced and abs(beat.ts_utc_ms - now.utc_ms) > params.heartbeat_offset_max_s * 1000:
        return replace(state, denied_ns=now.ns)
    back_ns = now.ns if state.mode is Mode.FAILSAFE and state.back_ns is None else state.back_ns
    state = replace(state, heartbeat_ns=now.ns, heartbeat_n=beat.n, denied_ns=None, back_ns=back_ns)
    if now.synced:  # the district and the kernel agree
        state = _confirmed(state, now)
    return _settled(state, params, now)


def document(
    state: LinkState, params: LinkParams, envelope: Envelope, now: Now, *, sure: bool = True
) -> tuple[LinkState, Ack]:
    """Take a verified envelope: what tightens acts at once, what loosens waits until it may.

    The same document again (retained, republished) counts as received, without a second effect.  Not
    ``sure``: its number is not on disk; then it loosens nothing, at no time, and gives no control.
    """
    state = _seen(state, params, now)
    refusal = _refusal(state, envelope, params, now)
    if refusal is not None:
        return state, refusal
    held = state.program(envelope.program)
    if held is None or held.envelope.seq != envelope.seq:
        newest = _tracked(envelope, state, now)
        at_once = sure and may_loosen(state, now) and _has_begun(newest, now)
        earlier = () if held is None or at_once else _chained(_lasting(held, newest, state, now), now)
        others = tuple(p for p in state.programs if p is not held)
        programs = sorted((*others, Program(newest, earlier, sure)), key=_precedence)
        seqs = {**state.seqs, envelope.program: envelope.seq}
        state = replace(state, programs=tuple(programs), seqs=seqs)
    elif sure and not held.sure:
        programs = [replace(p, sure=True) if p is held else p for p in state.programs]
        state = replace(state, programs=tuple(programs))
    if sure:
        state = replace(state, document_ns=now.ns, valid_ns=now.ns)
    state = _settled(state, params, now)
    waits = "" if may_loosen(state, now) or now.synced else "CLOCK"
    return state, Ack(envelope.id, envelope.seq, "envelope", "OK", "ACCEPTED", waits)


def failsafe_document(
    state: LinkState, params: LinkParams, paper: FailsafeDocument, now: Now
) -> tuple[LinkState, Ack]:
    """Take new fail-safe parameters, clamped by the hard limits; what loosens waits for FAILSAFE's end.

    The answer says BOUNDS where they were clamped, CLOCK where what loosens waits for a trusted clock.
    """
    state = _seen(state, params, now)
    wanted = paper.values
    numbers = (wanted.import_max_w, wanted.export_max_w, wanted.duration_min_s)
    if not all(isfinite(number) and number >= 0 for number in numbers):
        return state, Ack(paper.id, paper.seq, "failsafe", "INVALID_CONTENT", "REJECTED", "BOUNDS")
    if paper.seq < state.failsafe_seq and not latest(state, now).denies(state.failsafe_seq):
        return state, Ack(paper.id, paper.seq, "failsafe", "OK", "REJECTED", "REPLAY")
    clamped = FailsafeValues(
        import_max_w=min(wanted.import_max_w, params.limits.import_hard_w),
        export_max_w=min(wanted.export_max_w, params.limits.export_hard_w),
        duration_min_s=min(max(wanted.duration_min_s, 7200.0), 86400.0),
    )
    if paper.seq != state.failsafe_seq:
        inforce = failsafe_values(state, params)
        tighter = FailsafeValues(
            import_max_w=min(inforce.import_max_w, clamped.import_max_w),
            export_max_w=min(inforce.export_max_w, clamped.export_max_w),
            duration_min_s=max(inforce.duration_min_s, clamped.duration_min_s),
        )
        state = replace(state, failsafe=tighter, failsafe_next=clamped, failsafe_seq=paper.seq)
    state = _settled(state, params, now)
    waits = not now.synced and failsafe_waits(state)
    reason = "BOUNDS" if clamped != wanted else "CLOCK" if waits else ""
    return state, Ack(paper.id, paper.seq, "failsafe", "OK", "ACCEPTED", reason)


def commanded(state: LinkState, shed_until_ns: int | None, test_ns: tuple[int, int] | None) -> LinkState:
    """Take note of the commands that run: until when a shed does, from when to when FAILSAFE is tested.

    While a shed runs a loss leads to FAILSAFE.
    """
    if (state.shed_until_ns, state.test_ns) == (shed_until_ns, test_ns):
        return state
    return replace(state, shed_until_ns=shed_until_ns, test_ns=test_ns)


def tick(state: LinkState, params: LinkParams, now: Now, *, outage: bool = False) -> LinkState:
    """Let time pass; ``outage`` while the grid's voltage is gone (below 50 %)."""
    state = _seen(state, params, now)
    if outage:
        state = _entered(state, params, now, Mode.INIT, "grid outage")
        return replace(state, document_ns=None)
    return _settled(state, params, now)


# --- time ------------------------------------------------------------------------------------


def _seen(state: LinkState, params: LinkParams, now: Now) -> LinkState:
    """Take note of the time: a step of the wall clock, its trust, and whether a document is still valid."""
    state = _stepped(state, now)
    if now.synced and not is_known(state):  # the first synchronisation
        state = _confirmed(state, now)
    last_ns = state.seen_ns  # where trust is lost, it was there then
    looked = tuple(p.each(lambda one: one.looked(last_ns, synced=now.synced)) for p in state.programs)
    is_valid = any(p.newest.binding(now.ns) for p in looked)
    return replace(
        state,
        anchor_utc_ms=reckoned_ms(state, now) if is_trusted(state, now) else state.anchor_utc_ms,
        programs=looked if any(map(is_not, looked, state.programs)) else state.programs,
        valid_ns=now.ns if is_valid else state.valid_ns,
        back_ns=None if age_s(state.heartbeat_ns, now) > params.heartbeat_timeout_s else state.back_ns,
        seen_ns=now.ns,
        seen_utc_ms=now.utc_ms,
    )


def _stepped(state: LinkState, now: Now) -> LinkState:
    """Take note of a wall clock that was set by more than a minute, and is not yet confirmed."""
    step_ms = ahead_ms(state, now)
    if abs(step_ms) <= LEAP_MS:
        return state if state.stepped_ns is None else replace(state, stepped_ns=None)
    if age_s(state.step_ns, now) <= DENIED_S and abs(step_ms - state.step_ms) <= ANOTHER_MS:
        step_ms = state.step_ms  # the same one, or a clock that makes no sense: one alarm
    stepped_ns = state.stepped_ns if step_ms == state.step_ms else None
    return replace(
        state, step_ms=step_ms, step_ns=now.ns, stepped_ns=now.ns if stepped_ns is None else stepped_ns
    )


def _confirmed(state: LinkState, now: Now) -> LinkState:
    """The wall clock is right: UTC is counted from it, and the position in each document is set anew.

    What that loosens waits: the positions from before bind on until loosening is allowed.
    """
    clock = Position.at_utc(now.utc_ms, now.ns)
    if state.clock is not None and is_known(state) and abs(ahead_ms(state, now)) <= NOISE_MS:
        clock = state.clock
    programs = tuple(p.each(lambda one: _set(one, clock, now)) for p in state.programs)
    return replace(state, clock=clock, programs=programs, stepped_ns=None)


def _set(document: Tracked, clock: Position, now: Now) -> Tracked:
    counted = document.positions[0]
    near = abs(counted.utc_ms(now.ns) - clock.utc_ms(now.ns)) <= NOISE_MS
    return document if counted.known and near else document.moved(clock)


# --- documents -------------------------------------------------------------------------------


def _refusal(state: LinkState, envelope: Envelope, params: LinkParams, now: Now) -> Ack | None:
    def no(reception: str, reason: str) -> Ack:
        return Ack(envelope.id, envelope.seq, "envelope", reception, "REJECTED", reason)

    most_w = ABSURD * max(params.limits.import_hard_w, params.limits.export_hard_w)
    if schedule.fault(envelope, most_w):
        return no("INVALID_CONTENT", "BOUNDS")
    last = state.seqs.get(envelope.program, -1)
    held = state.program(envelope.program)
    altered = held is not None and held.envelope.seq == envelope.seq and held.envelope != envelope
    if (envelope.seq < last and not latest(state, now).denies(last)) or altered:
        return no("OK", "REPLAY")
    times = times_ms(state, now)
    if times and min(times) > envelope.exp_utc_ms:
        return no("OK", "EXPIRED")
    if now.synced and not any(_is_inside(envelope, utc_ms) for utc_ms in times):
        return no("OK", "EXPIRED" if times[0] > envelope.exp_utc_ms else "NOT_YET")
    if held is None and len(state.programs) >= PROGRAMS_MAX:
        return no("PERMANENT_ERROR", "BOUNDS")
    return None


def _precedence(program: Program) -> tuple[int, str]:
    """The lower number comes first: of equal caps it is the one that is named."""
    return program.envelope.priority, program.envelope.program


def _is_inside(envelope: Envelope, utc_ms: int) -> bool:
    return envelope.nbf_utc_ms - EARLY_MS <= utc_ms <= envelope.exp_utc_ms


def _tracked(envelope: Envelope, state: LinkState, now: Now) -> Tracked:
    """A document that is accepted now, with its position, or each that may be the right one.

    A valid one comes at its ``nbf`` or later: so while nobody knows the time, that is the least it can be.
    """
    first_ms = envelope.nbf_utc_ms - EARLY_MS
    times = times_ms(state, now)
    inside = [one for one in times if _is_inside(envelope, one)] or times[:1]
    if state.clock is None or not is_known(state):
        positions = [Position.at_utc(first_ms, now.ns, known=False)]
    else:
        clock = [state.clock] if abs(inside[0] - times[0]) <= NOISE_MS else []
        others = [one for one in inside if abs(one - times[0]) > NOISE_MS]
        positions = [*clock, *(Position.at_utc(one, now.ns) for one in others)]
    return Tracked(envelope, tuple(positions), now.ns, first_ms).looked(now.ns, synced=now.synced)


def _has_begun(document: Tracked, now: Now) -> bool:
    """Whether its ``nbf`` has come by every time that may be the right one."""
    by_wall = not now.synced or now.utc_ms >= document.envelope.nbf_utc_ms
    return by_wall and all(one.utc_ms(now.ns) >= document.envelope.nbf_utc_ms for one in document.positions)


def _lasting(held: Program, newer: Tracked, state: LinkState, now: Now) -> Program:
    """The one that is replaced; the default of an expired one that is in force goes on under the newer."""
    if held.newest.binding(now.ns) or state.mode not in (Mode.CONTROLLED, Mode.HOLD):
        return held
    return replace(held, newest=replace(newer, envelope=schedule.outlived(held.envelope, newer.envelope)))


def _chained(held: Program, now: Now) -> tuple[Tracked, ...]:
    chain = tuple(one for one in (*held.earlier, held.newest) if one.binding(now.ns))
    return chain if len(chain) <= EARLIER_MAX else (_merged(chain[0], chain[1]), *chain[2:])


def _merged(first: Tracked, second: Tracked) -> Tracked:
    """One constant document that is at no time looser than either, and ends with the later of the two."""
    flat = schedule.flattened(first.envelope, second.envelope)
    positions = tuple(dict.fromkeys((*first.positions, *second.positions)))
    return Tracked(
        flat,
        (min(positions, key=lambda one: one.offset_ms),),
        max(first.accepted_ns, second.accepted_ns),
        min(first.first_utc_ms, second.first_utc_ms),
    )


# --- transitions -----------------------------------------------------------------------------


def _settled(state: LinkState, params: LinkParams, now: Now) -> LinkState:
    """Follow the rows until none holds, then let go of what waited for loosening."""
    left: set[Mode] = set()  # no instant leaves a state twice
    while state.mode not in left and (row := _way_out(state, params, now)) is not None:
        left.add(state.mode)
        state = _entered(state, params, now, row.target, _why(state, row, now))
    if not may_loosen(state, now):
        return state
    settled = (p.each(Tracked.settled) for p in state.programs)
    programs = tuple(
        replace(p, earlier=()) if p.earlier and p.sure and _has_begun(p.newest, now) else p for p in settled
    )
    if state.floor is not None or any(map(is_not, programs, state.programs)):
        state = replace(state, programs=programs, floor=None)
    if state.failsafe_next is not None and state.mode is not Mode.FAILSAFE and state.owed_ns is None:
        state = replace(state, failsafe=state.failsafe_next, failsafe_next=None)
    return state


def _way_out(state: LinkState, params: LinkParams, now: Now) -> Row | None:
    return next((row for row in ROWS if row.source is state.mode and row.holds(state, params, now)), None)


def _why(state: LinkState, row: Row, now: Now) -> str:
    """Why a state is left: where heartbeats are missing and the clock is wrong, it is the clock."""
    said = clock_words(state, now) if row.for_silence else ""
    return said or row.why


def _entered(state: LinkState, params: LinkParams, now: Now, mode: Mode, why: str) -> LinkState:
    floor = state.floor if mode is Mode.HOLD else None
    owed_ns = state.owed_ns
    if mode is Mode.CONTROLLED:
        floor = None if may_loosen(state, now) else standing(state, params, now)
    if mode is Mode.FAILSAFE and (owed_ns is None or owed_ns <= now.ns):
        owed_ns = now.ns + round(failsafe_values(state, params).duration_min_s * _S)
    if mode in (Mode.CONTROLLED, Mode.AUTONOMOUS):
        owed_ns = None
    programs = tuple(
        p for p in state.programs if mode is Mode.HOLD or any(one.binding(now.ns) for one in p.documents)
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
