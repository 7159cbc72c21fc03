"""The running commands after one more cycle: begun, seen to be done, or ended before their time (pure)."""

from collections.abc import Iterator

from quartier.control import bands, running
from quartier.control.acks import Reason, Status
from quartier.control.commands import SetMode, Setpoint
from quartier.control.running import Commands, Running
from quartier.control.verdict import World
from quartier.control.wishes import Ack


def judged(before: Commands, world: World) -> tuple[Commands, list[Ack]]:
    """Look at each that runs, after the cycle that followed it; what is said of them.

    STARTED after the first cycle, SUCCEEDED once measured, ABORTED where it ends before its time, or comes to
    its end without having been seen to be done.
    """
    after, acks = before, []
    for one in before.running:
        for status, reason in _steps(one, world):
            after, ack = running.moved(after, one.document, status, reason)
            acks.append(ack)
        if world.now.ns >= one.until_ns:
            after = running.over(after, one.document)
    return after, acks


def _steps(one: Running, world: World) -> Iterator[tuple[Status, str]]:
    reason = _cut(one, world)
    is_over = world.now.ns >= one.until_ns
    if is_over and not reason and one.status is not Status.SUCCEEDED:
        reason = bands.why_not(one, world)
    if reason:
        yield Status.ABORTED, reason
    if reason or is_over:
        return
    if one.status is Status.ACCEPTED:
        yield Status.STARTED, ""
    if one.status is not Status.SUCCEEDED and bands.is_inside(one, world):
        yield Status.SUCCEEDED, ""


def _cut(one: Running, world: World) -> str:
    """Why it must end now: what gives ends with whoever stands behind it; what takes goes on."""
    wish = one.document.asked
    if not isinstance(wish, Setpoint | SetMode):
        return ""
    if isinstance(wish, Setpoint) and wish.asset in world.people:
        return Reason.LOCAL_OVERRIDE
    return "" if world.leads and not world.state.events.is_gone else Reason.SAFETY
