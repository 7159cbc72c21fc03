"""The link-state machine of failsafe.md section 2: heartbeats, documents and time in, caps out.

Every function takes a state and gives the next; nothing here asks the time.  The caps of a state
never exceed the hard limits, and nothing that is missing widens one, but for the two declared
steps to AUTONOMOUS and the end of a document at its own ``exp``.
"""

from dataclasses import replace
from math import isfinite

from quartier.control import schedule
from quartier.control.caps import Powers
from quartier.control.linkcaps import (
    LinkParams,
    active,
    age_s,
    caps,
    failsafe_values,
    failsafe_waits,
    leads,
    may_loosen,
    reckoned_ms,
)
from quartier.control.linkresume import fresh, resumed
from quartier.control.linkrows import ROWS, Row, may_hold
from quartier.control.linkstate import LinkState, Mode, Program, dump, restore, worth_saving
from quartier.control.wishes import Ack, Envelope, FailsafeDocument, FailsafeValues, Heartbeat
from quartier.house.now import Now

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
EARLIER_MAX = 4
EARLY_MS = 60_000
"""So long before its ``nbf`` a document may come: clocks differ.  What it loosens waits for that."""
_S = 1_000_000_000


def start(
    params: LinkParams, persisted: LinkState | None, now: Now, *, outage: bool, lost: bool = False
) -> LinkState:
    """The state of a process that begins.

    Without a persisted one, or after a grid outage, it is INIT; else the persisted state goes on
    with its entry time.  What passed while nobody ran is judged to the safe side: as little as is
    certain for the fail-safe minimum, as much as the clocks say for the heartbeat and HOLD.
    ``lost``: a state was kept and cannot be read.  A limit may have been in force, so the fail-safe
    values hold for their minimum duration.
    """
    if persisted is None:
        owed_ns = now.ns + round(params.failsafe_min_s * _S) if lost else None
        return tick(replace(fresh(now), owed_ns=owed_ns), params, now, outage=outage)
    state = resumed(persisted, now)
    if outage:
        return tick(state, params, now, outage=True)
    if state.mode is Mode.HOLD and not (now.synced and may_hold(state, params, now)):
        state = _entered(state, params, now, Mode.FAILSAFE, "restarted in HOLD without the right to hold")
    return tick(state, params, now, outage=False)


def heartbeat(state: LinkState, params: LinkParams, beat: Heartbeat, now: Now) -> LinkState:
    """Take a heartbeat whose signature held; one that does not rise or is off a synced clock is ignored."""
    state = _seen(state, params, now)
    last_n = state.heartbeat_n
    if last_n is not None and beat.n <= last_n and not now.denies(last_n):
        return state
    if now.synced and abs(beat.ts_utc_ms - now.utc_ms) > params.heartbeat_offset_max_s * 1000:
        return state
    back_ns = now.ns if state.mode is Mode.FAILSAFE and state.back_ns is None else state.back_ns
    state = replace(state, heartbeat_ns=now.ns, heartbeat_n=beat.n, back_ns=back_ns)
    if now.synced:  # the district and the kernel agree
        state = _sure(state, now)
    return _settled(state, params, now)


def document(
    state: LinkState, params: LinkParams, envelope: Envelope, now: Now, *, sure: bool = True
) -> tuple[LinkState, Ack]:
    """Take a verified envelope: what tightens acts at once, what loosens waits until it may.

    The same document again (retained, republished) counts as received, without a second effect.  Not
    ``sure``: its number is not on disk; then it loosens nothing, at no time, and gives no control.
    """
    state = _seen(state, params, now)
    refusal = _refusal(state, envelope, now)
    if refusal is not None:
        return state, refusal
    held = state.program(envelope.program)
    if held is None or held.envelope.seq != envelope.seq:
        at_once = sure and may_loosen(state, now) and _has_begun(envelope, state, now)
        earlier = () if held is None or at_once else _chained(_lasting(held, envelope, state, now))
        others = tuple(p for p in state.programs if p is not held)
        programs = sorted((*others, Program(envelope, earlier, sure)), key=_precedence)
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
    if paper.seq < state.failsafe_seq and not now.denies(state.failsafe_seq):
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
    """Take note of the time: the anchor, and whether a document is still valid."""
    if now.synced:
        state = replace(state, anchor_ns=now.ns, anchor_utc_ms=now.utc_ms)
        state = state if state.sure_ns is not None else _sure(state, now)
    if any(True for _ in active(state, now)):
        state = replace(state, valid_ns=now.ns)
    if age_s(state.heartbeat_ns, now) > params.heartbeat_timeout_s:
        state = replace(state, back_ns=None)
    return replace(state, seen_ns=now.ns, seen_utc_ms=now.utc_ms)


def _sure(state: LinkState, now: Now) -> LinkState:
    return replace(state, sure_ns=now.ns, sure_utc_ms=now.utc_ms)


# --- documents -------------------------------------------------------------------------------


def _refusal(state: LinkState, envelope: Envelope, now: Now) -> Ack | None:
    def no(reception: str, reason: str) -> Ack:
        return Ack(envelope.id, envelope.seq, "envelope", reception, "REJECTED", reason)

    if schedule.fault(envelope):
        return no("INVALID_CONTENT", "BOUNDS")
    utc_ms = reckoned_ms(state, now)
    last = state.seqs.get(envelope.program, -1)
    held = state.program(envelope.program)
    altered = held is not None and held.envelope.seq == envelope.seq and held.envelope != envelope
    if (envelope.seq < last and not now.denies(last)) or altered:
        return no("OK", "REPLAY")
    if utc_ms > envelope.exp_utc_ms:
        return no("OK", "EXPIRED")
    if now.synced and utc_ms < envelope.nbf_utc_ms - EARLY_MS:
        return no("OK", "NOT_YET")
    if held is None and len(state.programs) >= PROGRAMS_MAX:
        return no("PERMANENT_ERROR", "BOUNDS")
    return None


def _precedence(program: Program) -> tuple[int, str]:
    """The lower number comes first: of equal caps it is the one that is named."""
    return program.envelope.priority, program.envelope.program


def _has_begun(envelope: Envelope, state: LinkState, now: Now) -> bool:
    return reckoned_ms(state, now) >= envelope.nbf_utc_ms


def _lasting(held: Program, newer: Envelope, state: LinkState, now: Now) -> Program:
    """The one that is replaced; the default of an expired one that is in force goes on under the newer."""
    if reckoned_ms(state, now) <= held.envelope.exp_utc_ms or state.mode not in (Mode.CONTROLLED, Mode.HOLD):
        return held
    return replace(held, envelope=schedule.outlived(held.envelope, newer.exp_utc_ms))


def _chained(held: Program) -> tuple[Envelope, ...]:
    chain = (*held.earlier, held.envelope)
    return chain if len(chain) <= EARLIER_MAX else (schedule.flattened(chain[0], chain[1]), *chain[2:])


# --- transitions -----------------------------------------------------------------------------


def _settled(state: LinkState, params: LinkParams, now: Now) -> LinkState:
    """Follow the rows until none holds, then let go of what waited for loosening."""
    left: set[Mode] = set()  # no instant leaves a state twice
    while state.mode not in left and (row := _way_out(state, params, now)) is not None:
        left.add(state.mode)
        state = _entered(state, params, now, row.target, row.why)
    if not may_loosen(state, now):
        return state
    programs = tuple(
        replace(p, earlier=()) if p.earlier and p.sure and _has_begun(p.envelope, state, now) else p
        for p in state.programs
    )
    state = replace(state, programs=programs, floor=None)
    if state.failsafe_next is not None and state.mode is not Mode.FAILSAFE and state.owed_ns is None:
        state = replace(state, failsafe=state.failsafe_next, failsafe_next=None)
    return state


def _way_out(state: LinkState, params: LinkParams, now: Now) -> Row | None:
    return next((row for row in ROWS if row.source is state.mode and row.holds(state, params, now)), None)


def _entered(state: LinkState, params: LinkParams, now: Now, mode: Mode, why: str) -> LinkState:
    floor = state.floor if mode is Mode.HOLD else None
    owed_ns = state.owed_ns
    if mode is Mode.CONTROLLED:
        before = caps(state, params, now)
        floor = None if may_loosen(state, now) else Powers(before.import_max_w, before.export_max_w)
    if mode is Mode.FAILSAFE and (owed_ns is None or owed_ns <= now.ns):
        owed_ns = now.ns + round(failsafe_values(state, params).duration_min_s * _S)
    if mode in (Mode.CONTROLLED, Mode.AUTONOMOUS):
        owed_ns = None
    alive = list(active(state, now))
    programs = tuple(p for p in state.programs if mode is Mode.HOLD or p.envelope in alive)
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
