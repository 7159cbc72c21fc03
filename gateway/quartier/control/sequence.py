"""The order of one turn: the public grid first, then the link to the district, then the cycle (pure).

The daemon and days without wires take it, so that neither tells of an order that the other does not keep.
"""

from collections.abc import Callable

from quartier.control import aims, asked, clocks, cycle, events, legs, link
from quartier.control.linkstate import LinkState
from quartier.control.override import Overrides
from quartier.control.running import Commands
from quartier.control.state import Decision, State
from quartier.control.wishes import LocalPlan, Wishes
from quartier.house.image import Frozen
from quartier.house.now import Now
from quartier.house.records import replace

NONE = Commands()


def taken(
    frozen: Frozen,
    state: State,
    linked: LinkState,
    params: link.LinkParams,
    now: Now,
    by_hand: Callable[[bool], Overrides] | None = None,
    commands: Commands = NONE,
    plan: LocalPlan | None = None,
) -> tuple[Decision, LinkState]:
    """One turn; ``by_hand`` gives what people ordered, told whether the public grid's voltage is gone.

    ``commands`` are the district's that run: below people's orders, and below every cap.  ``plan`` is the
    building's own, below all of them.
    """
    seen = events.judged(state.events, frozen, state.house, now.ns)
    linked = link.commanded(linked, commands.shed_until_ns(now.ns), commands.test_ns(now.ns))
    linked = link.tick(linked, params, now, outage=seen.is_gone)
    caps = link.caps(linked, params, now)
    people = {} if by_hand is None else by_hand(seen.is_gone)
    ordered = asked.overrides(commands, state.house, people, now.ns)
    wishes = Wishes(
        caps=caps,
        overrides=legs.overrides(plan, state, ordered, now, outage=seen.is_gone),
        shed=asked.shed(commands, now.ns),
        aims=aims.now_wanted(plan, now, outage=seen.is_gone, doubt=clocks.doubt(state.clocks, now.ns)),
    )
    return cycle.step(frozen, wishes, replace(state, events=seen), now), linked
