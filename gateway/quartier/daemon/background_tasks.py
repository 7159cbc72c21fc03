"""Make the tasks that save state and the optional tasks; load the state of earlier runs."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quartier.commissioning import probe_results
from quartier.config.loading import LoadedSite
from quartier.config.sections.site_file import SiteFile
from quartier.config.stored_site_file import GatewayPaths
from quartier.control.link.state import LinkState
from quartier.daemon import manual_overrides, state_files
from quartier.daemon.buses.lifecycle import BusManager
from quartier.daemon.control_loop import ControlLoop
from quartier.daemon.reports import alarm_list
from quartier.daemon.state_files import DeviceMemory, NamedParts
from quartier.runtime.bus.fallback_monitor import KnownFallbacks
from quartier.runtime.bus.write_budget import WriteCounts
from quartier.runtime.clock import SiteClock
from quartier.runtime.service_context import ServiceContext
from quartier.site.records import Now
from quartier_drivers.contract import Note
from quartier_drivers.readings import Readings

if TYPE_CHECKING:
    from quartier.district.uplink import Uplink
TaskFactory = Callable[[], Coroutine[Any, Any, None]]


def has_planning(loaded: LoadedSite) -> bool:
    """Return whether this site plans ahead."""
    return loaded.site.planning is not None and not {"planning", "tariff"} & set(loaded.disabled)


def list_forecast_points(site: SiteFile, *, plans: bool) -> tuple[str, ...]:
    """List the gateway's points that only a site with planning has."""
    if not plans:
        return ()
    from quartier.planning.service.forecast_points import (  # noqa: PLC0415 - a house that does not plan loads no forecast
        list_point_names,
    )

    return list_point_names(site)


def read_forecast_points(turn: ControlLoop, now: Now) -> tuple[Readings, ...]:
    """Return the present readings of the forecast points."""
    found = None if turn.planner is None else turn.planner.forecast_points.readings(now)
    return () if found is None else (found,)


def follow_site_file(turn: ControlLoop, site: SiteFile) -> None:
    """Adopt a site file that was read again: which data may leave the site takes effect at once."""
    if turn.planner is not None:
        turn.planner.forecast_points.follow(site)


def make_optional_tasks(
    loaded: Callable[[], LoadedSite],
    places: GatewayPaths,
    turn: ControlLoop,
    reread: Callable[[], None],
    context: ServiceContext,
) -> dict[str, TaskFactory]:
    """Make the tasks, by name, for jobs from the district and for planning."""
    found: dict[str, TaskFactory] = {}
    uplink: Uplink | None = turn.uplink
    if uplink is not None:
        from quartier.district.service.jobs import JobRunner  # noqa: PLC0415 - as the uplink

        found["jobs"] = JobRunner(uplink, places, loaded, reread, lambda: turn.link, context).run
    if has_planning(loaded()):
        from quartier.planning.service.planner import (  # noqa: PLC0415 - a house that does not plan loads no planner
            Planner,
        )

        turn.planner = Planner(loaded(), places, turn, context)
        found["planner"] = turn.planner.run
    return found


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """State left by earlier runs: write counts, device memory, fallbacks, link, probes, overrides, alarms."""

    write_counts: WriteCounts
    memory: DeviceMemory
    fallbacks: KnownFallbacks
    link: state_files.LinkRecord
    probes: Mapping[str, probe_results.ProbeResult]
    overrides: Mapping[str, Any] | None
    alarms: Mapping[str, Any] | None

    def fleet(
        self,
        group: asyncio.TaskGroup,
        clock: SiteClock,
        deliver: Callable[[Readings], None],
        log: Any,
        tell: Callable[[Note], None],
    ) -> BusManager:
        """Make a bus manager that continues from this state."""
        made = BusManager(
            group,
            clock,
            deliver,
            log,
            counts=self.write_counts,
            tell=tell,
            memory=self.memory,
            fallbacks=self.fallbacks,
        )
        made.probes = self.probes
        return made


async def load_earlier_run(state_dir: Path) -> EarlierRun:
    """Load what earlier runs left; a part that cannot be read starts empty."""
    return await asyncio.to_thread(
        lambda: EarlierRun(
            state_files.load_write_counts(state_dir),
            state_files.load_device_memory(state_dir),
            state_files.load_fallbacks(state_dir),
            state_files.load_link(state_dir),
            state_files.load_probe_results(state_dir),
            manual_overrides.load_overrides(state_dir),
            alarm_list.load_alarms(state_dir),
        )
    )


def list_remembering_parts(fleet: BusManager, turn: ControlLoop) -> NamedParts:
    """List, by name, all that keep facts over a restart: each driver, and the control loop as ``gateway``."""
    return (*fleet.drivers(), ("gateway", turn))


def make_saving_tasks(
    state_dir: Path,
    fleet: BusManager,
    turn: ControlLoop,
    clock: SiteClock,
    log: Any,
) -> list[Coroutine[Any, Any, None]]:
    """Make the tasks that save state, each when something changed."""
    return [
        state_files.run_link_saving(state_dir, lambda: turn.link, clock, log),
        state_files.run_write_count_saving(state_dir, fleet.write_counts, clock, log),
        state_files.run_memory_saving(
            state_dir,
            fleet.memory,
            lambda: list_remembering_parts(fleet, turn),
            clock,
            log,
            contract=turn.dump_state,
            pending_acks=turn.pending_acks,
        ),
        state_files.run_fallback_saving(state_dir, fleet.fallbacks, clock, log),
    ]


async def save_last_state(
    state_dir: Path,
    fleet: BusManager,
    link: LinkState,
    remembering: NamedParts,
    utc_ms: int,
    *,
    planned: bool,
) -> None:
    """Save the state of a run that ends.  Raises OSError."""
    facts = fleet.memory.gather(remembering, utc_ms)
    await asyncio.to_thread(state_files.save_link, state_dir, link, planned=planned)
    await asyncio.to_thread(state_files.save_write_counts, state_dir, fleet.write_counts)
    await asyncio.to_thread(state_files.save_device_memory, state_dir, facts)
    await asyncio.to_thread(state_files.save_fallbacks, state_dir, fleet.fallbacks)
