"""What a run must know of the ones before it: recalled at the start, kept while it runs and at its end."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quartier.app import fallbacks, hands, keeper, memory, probed, sentry, wear
from quartier.app.fleet import Fleet
from quartier.app.memory import Memory, Named
from quartier.app.pledges import Pledges
from quartier.control.link.state import LinkState
from quartier.runtime.clock import HouseClock
from quartier.runtime.fallbacks import Fallbacks
from quartier.runtime.writes import Tally
from quartier_drivers.contract import Note, Readings


@dataclass(frozen=True, slots=True)
class Known:
    """Writes counted, what devices must know, fall-backs, the link, probes, orders by hand, alarms."""

    tally: Tally
    memory: Memory
    fallbacks: Fallbacks
    link: keeper.Recalled
    probes: Mapping[str, probed.Probed]
    overrides: Mapping[str, Any] | None
    alarms: Mapping[str, Any] | None

    def fleet(
        self,
        group: asyncio.TaskGroup,
        clock: HouseClock,
        deliver: Callable[[Readings], None],
        log: Any,
        tell: Callable[[Note], None],
    ) -> Fleet:
        """A fleet that goes on from there."""
        made = Fleet(group, clock, deliver, log, self.tally, tell, self.memory, self.fallbacks)
        made.probes = self.probes
        return made


async def recalled(state_dir: Path) -> Known:
    """What earlier runs left; what cannot be read begins anew."""
    return await asyncio.to_thread(
        lambda: Known(
            wear.recalled(state_dir),
            memory.recalled(state_dir),
            fallbacks.recalled(state_dir),
            keeper.recalled(state_dir),
            probed.recalled(state_dir),
            hands.recalled(state_dir),
            sentry.recalled(state_dir),
        )
    )


def runs(
    state_dir: Path,
    fleet: Fleet,
    link: Callable[[], LinkState],
    contract: Callable[[], object],
    pledges: Pledges,
    remembering: Callable[[], Named],
    clock: HouseClock,
    log: Any,
) -> list[Coroutine[Any, Any, None]]:
    """The tasks that keep it, each when something changed; ``contract``, ``pledges`` as in ``memory.run``."""
    return [
        keeper.run(state_dir, link, clock, log),
        wear.run(state_dir, fleet.tally, clock, log),
        memory.run(state_dir, fleet.memory, remembering, clock, log, contract, pledges),
        fallbacks.run(state_dir, fleet.fallbacks, clock, log),
    ]


async def keep(
    state_dir: Path, fleet: Fleet, link: LinkState, remembering: Named, utc_ms: int, *, planned: bool
) -> None:
    """The last word of a run that leaves.  Raises OSError."""
    facts = fleet.memory.gather(remembering, utc_ms)
    await asyncio.to_thread(keeper.keep, state_dir, link, planned=planned)
    await asyncio.to_thread(wear.keep, state_dir, fleet.tally)
    await asyncio.to_thread(memory.keep, state_dir, facts)
    await asyncio.to_thread(fallbacks.keep, state_dir, fleet.fallbacks)
