"""What one run keeps the next one knows."""

from types import SimpleNamespace

from tests.gateway.daemon.reports.test_fallback_report import LIMITS

from quartier.control.link import allowed, machine
from quartier.control.link.state import LinkState
from quartier.daemon import background_tasks
from quartier.daemon.state_files import DeviceMemory
from quartier.runtime.bus.fallback_monitor import KnownFallbacks
from quartier.runtime.bus.write_budget import WriteCounts
from quartier.site.records import Now
from quartier_drivers.contract import ArmedFallback

NOON = 1_764_000_000_000


async def test_an_empty_folder_is_a_first_run(tmp_path):
    known = await background_tasks.load_earlier_run(tmp_path)

    assert (0, None, None) == (known.tally.total("a.b_w"), known.fallbacks.of("a.b_w"), known.link.state)


async def test_the_last_word_of_a_run_is_what_the_next_one_recalls(tmp_path):
    fleet = SimpleNamespace(tally=WriteCounts(), memory=DeviceMemory(), fallbacks=KnownFallbacks())
    fleet.tally.add("ev1.current_max_a", NOON)
    fleet.fallbacks.note(ArmedFallback("ev1.current_max_a", 0.0, 60.0), NOON)
    params = allowed.LinkParameters(limits=LIMITS)
    state = machine.start_link(params, None, Now(0, NOON, synced=True), outage=False, lost=False)
    await background_tasks.save_last_state(tmp_path, fleet, state, (), NOON, planned=True)
    known = await background_tasks.load_earlier_run(tmp_path)

    assert isinstance(known.link.state, LinkState)
    assert (1, 0.0) == (
        known.tally.total("ev1.current_max_a"),
        known.fallbacks.of("ev1.current_max_a").armed.value,
    )
