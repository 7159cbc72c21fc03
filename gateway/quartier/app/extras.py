"""Tasks that a daemon has where its site file asks for them; what is not asked for is not imported."""

from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from quartier.app.places import Places
from quartier.app.turn import Turn
from quartier.config.load import Loaded
from quartier.config.model import Site
from quartier.house.now import Now
from quartier.runtime.clock import HouseClock
from quartier_drivers.contract import Readings

if TYPE_CHECKING:
    from quartier.district.uplink import Uplink

Run = Callable[[], Coroutine[Any, Any, None]]
Event = Callable[[str, str, Mapping[str, Any], Now], None]


def plans(loaded: Loaded) -> bool:
    """Whether this house plans ahead."""
    return loaded.site.planning is not None and not {"planning", "tariff"} & set(loaded.disabled)


def points(site: Site, *, plans: bool) -> tuple[str, ...]:
    """The gateway's points that only such a house has."""
    if not plans:
        return ()
    from quartier.app.forecast import names  # noqa: PLC0415 - a house that does not plan loads no forecast

    return names(site)


def readings(turn: Turn, now: Now) -> tuple[Readings, ...]:
    """What these points are now."""
    found = None if turn.planner is None else turn.planner.foretold.readings(now)
    return () if found is None else (found,)


def follow(turn: Turn, site: Site) -> None:
    """Go on with a site file that was read again: what may leave the building counts at once."""
    if turn.planner is not None:
        turn.planner.foretold.follow(site)


def tasks(
    loaded: Callable[[], Loaded],
    places: Places,
    turn: Turn,
    reread: Callable[[], None],
    clock: HouseClock,
    event: Event,
    log: Any,
) -> dict[str, Run]:
    """By name: what the district may order of the gateway itself, and planning ahead."""
    found: dict[str, Run] = {}
    uplink: Uplink | None = turn.uplink
    if uplink is not None:
        from quartier.app.jobs import Jobs  # noqa: PLC0415 - as the uplink

        found["jobs"] = Jobs(uplink, places, loaded, reread, lambda: turn.link, clock, event, log).run
    if plans(loaded()):
        from quartier.app.planner import Planner  # noqa: PLC0415 - a house that does not plan loads no planner

        turn.planner = Planner(loaded(), places, turn, clock, event, log)
        found["planner"] = turn.planner.run
    return found
