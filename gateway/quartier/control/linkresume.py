"""How a link state kept on disk goes on in a new process."""

from dataclasses import replace

from quartier.control.linkcaps import FRESH_S
from quartier.control.linkstate import LinkState, Mode
from quartier.house.now import Now

_S = 1_000_000_000


def fresh(now: Now) -> LinkState:
    """INIT, with nothing known."""
    return LinkState(
        mode=Mode.INIT,
        why="no state was kept",
        since_ns=now.ns,
        since_utc_ms=now.utc_ms,
        seen_ns=now.ns,
        seen_utc_ms=now.utc_ms,
        valid_ns=now.ns,
    )


def resumed(old: LinkState, now: Now) -> LinkState:
    """The old state on this process's clock.

    The monotonic clock either went on (its difference is the time that passed) or began anew
    (then what it shows is less than what passed), so its difference, not below 0, is certain.
    """
    certain_ns = max(0, now.ns - old.seen_ns)
    wall_ns = (now.utc_ms - old.seen_utc_ms) * 1_000_000
    likely_ns = max(certain_ns, wall_ns) if now.synced else certain_ns
    since_ns = certain_ns if now.ns >= old.seen_ns else likely_ns
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
        test_ns=None
        if old.test_ns is None
        else (moved(old.test_ns[0], certain_ns), moved(old.test_ns[1], certain_ns)),
        heartbeat_ns=heartbeat_ns,
        heartbeat_n=None,
        back_ns=None,
        document_ns=None,
        valid_ns=now.ns,
        # Time is reckoned on from the last synced instant: an unsynced clock that jumped while
        # nobody ran must not end a document.
        anchor_ns=None if old.anchor_ns is None else moved(old.anchor_ns, certain_ns),
        # A clock that leapt has still leapt; over another boot only the wall clock knows how long it took.
        sure_ns=None if old.sure_ns is None else moved(old.sure_ns, since_ns),
        seen_ns=now.ns,
        seen_utc_ms=now.utc_ms,
    )
