"""The transitions of the link-state machine, and how a stored state continues in a new process.

``TRANSITIONS`` is the whole table, but for two ways in ``machine``: a grid outage leads from each state to
INIT, and a restart in HOLD without the right to hold leads to FAILSAFE:

- INIT -> CONTROLLED (heartbeat and document), FAILSAFE (minimum left), AUTONOMOUS (120 s).
- CONTROLLED -> HOLD or FAILSAFE (no heartbeat), FAILSAFE (60 s without a document).
- HOLD -> CONTROLLED (heartbeat and document), FAILSAFE (schedule over, or held too long).
- FAILSAFE -> CONTROLLED (heartbeat, then document), AUTONOMOUS (minimum over, or heartbeat without document).
- AUTONOMOUS -> CONTROLLED (heartbeat and document).

Invariants:

- Of the rows of a state the first that holds is taken; a condition reads only state, parameters and ``Now``.
- Only a heartbeat together with a valid document leads to CONTROLLED (spec/failsafe.md#rule-2).
- ``resume_state`` estimates the time without a process to the safe side: as little as is certain for the
  minimum of FAILSAFE, as much as the clocks say for the heartbeat and HOLD. It drops no document
  (spec/failsafe.md#rule-6) and allows no loosening.
"""

from collections.abc import Callable
from dataclasses import dataclass

from quartier.control.link import envelopes
from quartier.control.link.allowed import (
    HEARTBEAT_FRESH_S,
    LinkParameters,
    find_active_documents,
    find_age_s,
)
from quartier.control.link.state import LinkMode, LinkState
from quartier.site.records import Now, replace

_S = 1_000_000_000


def make_initial_state(now: Now) -> LinkState:
    """Return INIT, with nothing known."""
    return LinkState(
        mode=LinkMode.INIT,
        why="no state was kept",
        since_ns=now.ns,
        since_utc_ms=now.utc_ms,
        seen_ns=now.ns,
        seen_utc_ms=now.utc_ms,
        valid_ns=now.ns,
    )


def resume_state(old: LinkState, now: Now, *, rebooted: bool | None = None) -> LinkState:
    """Return the old state on the clock of this start; ``rebooted``: the machine restarted (None: not known).

    In the same boot ``Now.ns`` went on, and measures the time passed. Over a reboot only a synced wall clock
    does; certain is only that the time was not negative.
    """
    anew = bool(rebooted) or now.ns < old.seen_ns
    certain_ns = 0 if anew else now.ns - old.seen_ns
    wall_ns = (now.utc_ms - old.seen_utc_ms) * 1_000_000
    likely_ns = max(certain_ns, wall_ns) if now.synced and (anew or rebooted is None) else certain_ns
    unknown = anew and not now.synced
    shift_ns = now.ns - old.seen_ns - certain_ns

    def shift_time_ns(then_ns: int, passed_ns: int) -> int:
        return now.ns - (old.seen_ns - then_ns) - passed_ns

    heartbeat_ns = None
    if old.heartbeat_ns is not None and not unknown:
        # A heartbeat of the process before keeps CONTROLLED, but allows no loosening.
        heartbeat_ns = min(
            shift_time_ns(old.heartbeat_ns, likely_ns), now.ns - round(HEARTBEAT_FRESH_S * _S) - 1
        )
    return replace(
        old,
        since_ns=shift_time_ns(old.since_ns, likely_ns if old.mode is LinkMode.HOLD else certain_ns),
        owed_ns=None if old.owed_ns is None else shift_time_ns(old.owed_ns, certain_ns),
        shed_until_ns=None if old.shed_until_ns is None else shift_time_ns(old.shed_until_ns, certain_ns),
        test_ns=None
        if old.test_ns is None
        else (shift_time_ns(old.test_ns[0], certain_ns), shift_time_ns(old.test_ns[1], certain_ns)),
        heartbeat_ns=heartbeat_ns,
        heartbeat_n=None,
        back_ns=None,
        document_ns=None,
        valid_ns=now.ns,
        # A wall clock that was set meanwhile is still set: time is counted on from before.
        programs=tuple(
            p.map_documents(lambda one: one.resume(shift_ns, rebooted=anew)) for p in old.programs
        ),
        clock=None if old.clock is None else old.clock.resume(shift_ns, rebooted=anew),
        step_ns=None if old.step_ns is None else old.step_ns + shift_ns,
        stepped_ns=None if old.stepped_ns is None or anew else old.stepped_ns,
        seen_ns=now.ns,
        seen_utc_ms=now.utc_ms,
    )


INIT_MAX_S = 120.0
WITHOUT_DOCUMENT_S = 60.0
OUTAGE_TEXT = "voltage below 50 %, or a boot of the machine that nobody planned"
HEARTBEAT_BACK_S = 120.0  # heartbeats are back, but no document comes


@dataclass(frozen=True, slots=True)
class Transition:
    """One way out of a state; the first row whose condition holds is taken.

    ``for_silence``: the reason is that no heartbeat counts, which may be the fault of the clock.
    """

    source: LinkMode
    why: str
    holds: Callable[[LinkState, LinkParameters, Now], bool]
    target: LinkMode
    for_silence: bool = False


def is_hold_allowed(state: LinkState, _params: LinkParameters, now: Now) -> bool:
    """Return whether there are active documents, all of them say hold, and no shed command runs."""
    documents = list(find_active_documents(state, now))
    shedding = state.shed_until_ns is not None and now.ns < state.shed_until_ns
    return bool(documents) and all(e.on_loss == "hold" for e in documents) and not shedding


def _is_paired(state: LinkState, _params: LinkParameters, now: Now) -> bool:
    """Return whether a heartbeat and a valid document are each at most 60 s old, in either order."""
    together = (
        max(find_age_s(state.heartbeat_ns, now), find_age_s(state.document_ns, now)) <= HEARTBEAT_FRESH_S
    )
    return together and any(True for _ in find_active_documents(state, now))


def _is_paired_since_failsafe(state: LinkState, params: LinkParameters, now: Now) -> bool:
    came = state.document_ns is not None and state.document_ns >= state.since_ns
    return came and _is_paired(state, params, now)


def _init_over(state: LinkState, _params: LinkParameters, now: Now) -> bool:
    return find_age_s(state.since_ns, now) >= INIT_MAX_S


def _still_owed(state: LinkState, params: LinkParameters, now: Now) -> bool:
    return state.owed_ns is not None and now.ns < state.owed_ns and _init_over(state, params, now)


def _silent(state: LinkState, params: LinkParameters, now: Now) -> bool:
    return find_age_s(state.heartbeat_ns, now) > params.heartbeat_timeout_s


def _silent_may_hold(state: LinkState, params: LinkParameters, now: Now) -> bool:
    # After a restart without a heartbeat yet, holding needs a synced clock too.
    known = now.synced or state.heartbeat_n is not None
    return known and _silent(state, params, now) and is_hold_allowed(state, params, now)


def _documents_gone(state: LinkState, _params: LinkParameters, now: Now) -> bool:
    return find_age_s(state.valid_ns, now) >= WITHOUT_DOCUMENT_S


def _hold_over(state: LinkState, params: LinkParameters, now: Now) -> bool:
    """Return whether HOLD must end: after 26 h, or when a schedule reached the end of its last interval.

    The default after the last interval does not count. Schedules that had ended before HOLD go on with their
    default, but not alone.
    """
    age_ms = (now.ns - state.since_ns) // 1_000_000
    ended_ms = [p.newest.utc_ms(now.ns) - envelopes.find_schedule_end_ms(p.envelope) for p in state.programs]
    over = all(ago_ms >= 0 for ago_ms in ended_ms) or any(0 <= ago_ms < age_ms for ago_ms in ended_ms)
    return over or find_age_s(state.since_ns, now) >= params.hold_max_s


def _back_without_document(state: LinkState, _params: LinkParameters, now: Now) -> bool:
    came = state.document_ns is not None and state.back_ns is not None and state.document_ns >= state.back_ns
    lasting = find_age_s(state.back_ns, now) >= HEARTBEAT_BACK_S and state.back_ns is not None
    return lasting and not came and find_age_s(state.heartbeat_ns, now) <= HEARTBEAT_FRESH_S


def _minimum_over(state: LinkState, _params: LinkParameters, now: Now) -> bool:
    return state.owed_ns is not None and now.ns >= state.owed_ns


TRANSITIONS = (
    Transition(LinkMode.INIT, "a valid document with a fresh heartbeat", _is_paired, LinkMode.CONTROLLED),
    Transition(
        LinkMode.INIT, "the fail-safe minimum from before is not over", _still_owed, LinkMode.FAILSAFE
    ),
    Transition(LinkMode.INIT, "120 s without the district", _init_over, LinkMode.AUTONOMOUS, True),
    Transition(
        LinkMode.CONTROLLED, "no heartbeat, every document says hold", _silent_may_hold, LinkMode.HOLD, True
    ),
    Transition(LinkMode.CONTROLLED, "no heartbeat", _silent, LinkMode.FAILSAFE, True),
    Transition(LinkMode.CONTROLLED, "60 s without a valid document", _documents_gone, LinkMode.FAILSAFE),
    Transition(LinkMode.HOLD, "heartbeat and document are back", _is_paired, LinkMode.CONTROLLED),
    Transition(LinkMode.HOLD, "the schedule is used up or was held too long", _hold_over, LinkMode.FAILSAFE),
    Transition(
        LinkMode.FAILSAFE, "heartbeat, then a valid document", _is_paired_since_failsafe, LinkMode.CONTROLLED
    ),
    Transition(LinkMode.FAILSAFE, "the minimum duration is over", _minimum_over, LinkMode.AUTONOMOUS),
    Transition(
        LinkMode.FAILSAFE,
        "heartbeat back, 120 s without document",
        _back_without_document,
        LinkMode.AUTONOMOUS,
    ),
    Transition(LinkMode.AUTONOMOUS, "heartbeat and document", _is_paired, LinkMode.CONTROLLED),
)
