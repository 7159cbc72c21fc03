"""What a site file does not ask for is neither started nor imported."""

import os
import subprocess
import sys
from types import SimpleNamespace

from tests.gateway.daemon import ahead
from tests.gateway.daemon.ahead import planning
from tests.gateway.daemon.conftest import SOURCES
from tests.gateway.daemon.reports.test_fallback_report import LIMITS

from quartier.control.link import allowed, machine
from quartier.control.link.state import LinkState
from quartier.daemon import background_tasks
from quartier.daemon.state_files import DeviceMemory
from quartier.runtime.bus.fallback_monitor import KnownFallbacks
from quartier.runtime.bus.write_budget import WriteCounts
from quartier.runtime.service_context import ServiceContext
from quartier.site.records import Now
from quartier_drivers.contract import ArmedFallback


async def tasks(house):
    context = ServiceContext(clock=house.yard.clock, event=lambda *_: None, log=house.yard.log)
    return background_tasks.make_optional_tasks(
        lambda: house.loaded, house.places, house.turn, lambda: None, context
    )


async def test_a_house_that_plans_has_a_planner_and_its_turn_knows_it(yard, tmp_path):
    async with ahead.ahead(yard, tmp_path)(planning()) as house:
        assert ["planner"] == list(await tasks(house))
        assert house.turn.planner is not None


async def test_a_house_that_does_not_plan_or_has_no_sound_prices_has_none(yard, tmp_path):
    async with ahead.ahead(yard, tmp_path)("") as house:
        assert {} == await tasks(house)
    async with ahead.ahead(yard, tmp_path)(planning().replace("0.0004", "0.4")) as house:
        assert {} == await tasks(house)
        assert house.turn.planner is None


async def test_only_a_house_that_plans_has_points_of_its_forecast(yard, tmp_path):
    async with ahead.ahead(yard, tmp_path)(planning()) as house:
        site, now = house.loaded.site, house.yard.clock.now()
        assert background_tasks.has_planning(house.loaded)
        assert "gateway.forecast_net_1h_w" in background_tasks.list_forecast_points(site, plans=True)
        assert (
            ()
            == background_tasks.list_forecast_points(site, plans=False)
            == background_tasks.read_forecast_points(house.turn, now)
        )
        background_tasks.follow_site_file(house.turn, site)  # nobody plans yet
        await tasks(house)
        assert () == background_tasks.read_forecast_points(house.turn, now), "none is made yet"
        private = site.model_copy(update={"assets": {**site.assets, "grid": _local(site.assets["grid"])}})
        background_tasks.follow_site_file(house.turn, private)
        assert () == house.turn.planner.forecast_points.names
    async with ahead.ahead(yard, tmp_path)("") as house:
        assert not background_tasks.has_planning(house.loaded)


def _local(asset):
    return asset.model_copy(update={"share": "local"})


def test_the_daemon_without_planning_imports_no_planner():
    code = (
        "import sys, quartier.daemon.lifecycle; "
        "found = [m for m in sys.modules if m.startswith('quartier.planning') or m in "
        "('quartier.planning.service.planner', 'quartier.planning.service.forecast_points')]; "
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": SOURCES})


NOON = 1_764_000_000_000


async def test_an_empty_folder_is_a_first_run(tmp_path):
    known = await background_tasks.load_earlier_run(tmp_path)

    assert (0, None, None) == (
        known.write_counts.total("a.b_w"),
        known.fallbacks.of("a.b_w"),
        known.link.state,
    )


async def test_the_last_word_of_a_run_is_what_the_next_one_recalls(tmp_path):
    fleet = SimpleNamespace(write_counts=WriteCounts(), memory=DeviceMemory(), fallbacks=KnownFallbacks())
    fleet.write_counts.add("ev1.current_max_a", NOON)
    fleet.fallbacks.note(ArmedFallback("ev1.current_max_a", 0.0, 60.0), NOON)
    params = allowed.LinkParameters(limits=LIMITS)
    state = machine.start_link(params, None, Now(0, NOON, synced=True), outage=False, lost=False)
    await background_tasks.save_last_state(tmp_path, fleet, state, (), NOON, planned=True)
    known = await background_tasks.load_earlier_run(tmp_path)

    assert isinstance(known.link.state, LinkState)
    assert (1, 0.0) == (
        known.write_counts.total("ev1.current_max_a"),
        known.fallbacks.of("ev1.current_max_a").armed.value,
    )
