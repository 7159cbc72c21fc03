"""The order of one cycle: first the public grid, then the link to the district, then control (pure).

The daemon and simulated days without wires share it, so that neither reports an order that the other does not
keep.
"""

from collections.abc import Callable

from quartier.control import cycle
from quartier.control.events import detection
from quartier.control.link import allowed, machine
from quartier.control.link.state import LinkState
from quartier.control.observe import meter_clocks
from quartier.control.orders import local_plan, running_commands
from quartier.control.orders.running_commands import RunningCommands
from quartier.control.records import Overrides
from quartier.control.requests import LocalPlan, Requests
from quartier.control.state import ControlState, Decision
from quartier.site.process_image import FrozenImage
from quartier.site.records import Now, replace

NO_COMMANDS = RunningCommands()


def run_turn(
    frozen: FrozenImage,
    state: ControlState,
    linked: LinkState,
    params: allowed.LinkParameters,
    now: Now,
    *,
    by_hand: Callable[[bool], Overrides] | None = None,
    commands: RunningCommands = NO_COMMANDS,
    plan: LocalPlan | None = None,
) -> tuple[Decision, LinkState]:
    """Run one cycle.

    ``by_hand`` returns the orders of people; its argument says whether the voltage of the public grid is
    gone. ``commands`` are the running district commands: they rank below people's orders and below every
    limit. ``plan`` is the local plan of the building; it ranks below all of them.
    """
    events = detection.update_events(state.events, frozen, state.site, now.ns)
    linked = machine.note_running_commands(
        linked, commands.find_shed_end_ns(now.ns), commands.test_ns(now.ns)
    )
    linked = machine.advance_link(linked, params, now, outage=events.is_grid_lost)
    caps = allowed.find_link_limits(linked, params, now)
    people = {} if by_hand is None else by_hand(events.is_grid_lost)
    ordered = running_commands.collect_overrides(commands, state.site, people, now.ns)
    requests = Requests(
        caps=caps,
        overrides=local_plan.find_plan_orders(plan, state, ordered, now, outage=events.is_grid_lost),
        shed=running_commands.find_commanded_tiers(commands, now.ns),
        aims=local_plan.find_running_aims(
            plan, now, outage=events.is_grid_lost, doubt=meter_clocks.find_clock_doubt(state.clocks, now.ns)
        ),
    )
    return cycle.run_cycle(frozen, requests, replace(state, events=events), now), linked
