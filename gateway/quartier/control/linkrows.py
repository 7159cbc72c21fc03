"""The ways out of each state of the link, as a table (spec/failsafe.md#section-2)."""

from collections.abc import Callable
from dataclasses import dataclass

from quartier.control import schedule
from quartier.control.linkcaps import FRESH_S, LinkParams, active, age_s
from quartier.control.linkstate import LinkState, Mode
from quartier.house.now import Now

INIT_S = 120.0
NO_DOCUMENT_S = 60.0
OUTAGE_WORDS = "voltage below 50 %, or a boot of the machine that nobody planned"
BACK_S = 120.0  # heartbeats are back, but no document comes


@dataclass(frozen=True, slots=True)
class Row:
    """One way out of a state: the first row whose condition holds is taken.

    ``for_silence``: because no heartbeat counts, which may be the fault of the clock.
    """

    source: Mode
    why: str
    holds: Callable[[LinkState, LinkParams, Now], bool]
    target: Mode
    for_silence: bool = False


def may_hold(state: LinkState, _params: LinkParams, now: Now) -> bool:
    """Whether every active document, and there is one, says hold, and no shed command runs."""
    documents = list(active(state, now))
    shedding = state.shed_until_ns is not None and now.ns < state.shed_until_ns
    return bool(documents) and all(e.on_loss == "hold" for e in documents) and not shedding


def _paired(state: LinkState, _params: LinkParams, now: Now) -> bool:
    """A heartbeat and a valid document, each at most 60 s old, in either order."""
    together = max(age_s(state.heartbeat_ns, now), age_s(state.document_ns, now)) <= FRESH_S
    return together and any(True for _ in active(state, now))


def _paired_since_failsafe(state: LinkState, params: LinkParams, now: Now) -> bool:
    came = state.document_ns is not None and state.document_ns >= state.since_ns
    return came and _paired(state, params, now)


def _init_over(state: LinkState, _params: LinkParams, now: Now) -> bool:
    return age_s(state.since_ns, now) >= INIT_S


def _still_owed(state: LinkState, params: LinkParams, now: Now) -> bool:
    return state.owed_ns is not None and now.ns < state.owed_ns and _init_over(state, params, now)


def _silent(state: LinkState, params: LinkParams, now: Now) -> bool:
    return age_s(state.heartbeat_ns, now) > params.heartbeat_timeout_s


def _silent_may_hold(state: LinkState, params: LinkParams, now: Now) -> bool:
    # After a restart that heard no heartbeat yet, holding needs a synced clock too.
    known = now.synced or state.heartbeat_n is not None
    return known and _silent(state, params, now) and may_hold(state, params, now)


def _documents_gone(state: LinkState, _params: LinkParams, now: Now) -> bool:
    return age_s(state.valid_ns, now) >= NO_DOCUMENT_S


def _hold_over(state: LinkState, params: LinkParams, now: Now) -> bool:
    """26 h, or a schedule came to its end since: its last interval, not the default after it.

    Schedules that were at their end before hold on with their default, but not without another.
    """
    age_ms = (now.ns - state.since_ns) // 1_000_000
    ended_ms = [p.newest.utc_ms(now.ns) - schedule.used_up_ms(p.envelope) for p in state.programs]
    over = all(ago_ms >= 0 for ago_ms in ended_ms) or any(0 <= ago_ms < age_ms for ago_ms in ended_ms)
    return over or age_s(state.since_ns, now) >= params.hold_max_s


def _back_without_document(state: LinkState, _params: LinkParams, now: Now) -> bool:
    came = state.document_ns is not None and state.back_ns is not None and state.document_ns >= state.back_ns
    lasting = age_s(state.back_ns, now) >= BACK_S and state.back_ns is not None
    return lasting and not came and age_s(state.heartbeat_ns, now) <= FRESH_S


def _minimum_over(state: LinkState, _params: LinkParams, now: Now) -> bool:
    return state.owed_ns is not None and now.ns >= state.owed_ns


ROWS = (
    Row(Mode.INIT, "a valid document with a fresh heartbeat", _paired, Mode.CONTROLLED),
    Row(Mode.INIT, "the fail-safe minimum from before is not over", _still_owed, Mode.FAILSAFE),
    Row(Mode.INIT, "120 s without the district", _init_over, Mode.AUTONOMOUS, True),
    Row(Mode.CONTROLLED, "no heartbeat, every document says hold", _silent_may_hold, Mode.HOLD, True),
    Row(Mode.CONTROLLED, "no heartbeat", _silent, Mode.FAILSAFE, True),
    Row(Mode.CONTROLLED, "60 s without a valid document", _documents_gone, Mode.FAILSAFE),
    Row(Mode.HOLD, "heartbeat and document are back", _paired, Mode.CONTROLLED),
    Row(Mode.HOLD, "the schedule is used up or was held too long", _hold_over, Mode.FAILSAFE),
    Row(Mode.FAILSAFE, "heartbeat, then a valid document", _paired_since_failsafe, Mode.CONTROLLED),
    Row(Mode.FAILSAFE, "the minimum duration is over", _minimum_over, Mode.AUTONOMOUS),
    Row(Mode.FAILSAFE, "heartbeat back, 120 s without document", _back_without_document, Mode.AUTONOMOUS),
    Row(Mode.AUTONOMOUS, "heartbeat and document", _paired, Mode.CONTROLLED),
)
