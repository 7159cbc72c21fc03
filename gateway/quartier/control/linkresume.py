"""How a link state kept on disk goes on in a new process."""

from quartier.control.linkcaps import FRESH_S
from quartier.control.linkstate import LinkState, Mode
from quartier.house.now import Now
from quartier.house.records import replace

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


def resumed(old: LinkState, now: Now, *, rebooted: bool | None = None) -> LinkState:
    """The old state on this start's clock; ``rebooted``: the machine started anew since, None: nobody knows.

    In the same boot ``Now.ns`` went on, and says how much time passed.  Over a reboot only a synced wall
    clock does; certain is no more than that it was not less than nothing.
    """
    anew = bool(rebooted) or now.ns < old.seen_ns
    certain_ns = 0 if anew else now.ns - old.seen_ns
    wall_ns = (now.utc_ms - old.seen_utc_ms) * 1_000_000
    likely_ns = max(certain_ns, wall_ns) if now.synced and (anew or rebooted is None) else certain_ns
    unknown = anew and not now.synced
    shift_ns = now.ns - old.seen_ns - certain_ns

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
        # A wall clock that was set meanwhile is still set: time is counted on from before.
        programs=tuple(p.each(lambda one: one.resumed(shift_ns, rebooted=anew)) for p in old.programs),
        clock=None if old.clock is None else old.clock.resumed(shift_ns, rebooted=anew),
        step_ns=None if old.step_ns is None else old.step_ns + shift_ns,
        stepped_ns=None if old.stepped_ns is None or anew else old.stepped_ns,
        seen_ns=now.ns,
        seen_utc_ms=now.utc_ms,
    )
