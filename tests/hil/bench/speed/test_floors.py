"""Short form of the benchmarks: each figure keeps seven tenths of its floor.  ``make bench`` judges the floors."""

import os
from pathlib import Path

import pytest

from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.speed import bench_command
from quartier_bench.speed.measurement import SHORT_FLOOR_SHARE, Figure

pytestmark = [pytest.mark.peer, pytest.mark.measurement]
PLACE = Path(os.environ.get("QUARTIER_BENCH", Path(__file__).parents[4] / ".bench"))
# A round of these takes a minute or more: one has to do.
LONG = {"daemon", "lateness", "dead", "growth"}
# A runner that others share stalls for longer than these allow: they are measured here, and judged by ``make bench``.
WALL_CLOCK = {
    "daemon.p99_2000",
    "daemon.p99_20000",
    "protocols.p999",
    "protocols.skipped",
    "fleet.threads",
    "lateness.p999",
    "lateness.skipped",
    "requests.cycle",
    "start.history",
    "start.time",
}


def measured(group, told):
    """The figures of a group, and by name what those say that fell below their share of the floor."""
    rounds = 1 if group in LONG else 5
    found = list(
        bench_command.measure_groups(
            [group], PeerCache(PLACE, told.append), rounds=rounds, short=True, say=told.append
        )
    )
    broken = [one for one in found if not isinstance(one, Figure)]
    assert not broken, broken
    fallen = {
        one.name: f"{one.name}: {one.ratio:.3g} where {one.floor:.3g} is the floor ({one.ours} against {one.peer})"
        for one in found
        if one.holds(SHORT_FLOOR_SHARE) is False and one.name not in WALL_CLOCK
    }
    return found, fallen


@pytest.mark.parametrize("group", list(bench_command.GROUPS))
def test_every_figure_keeps_seven_tenths_of_its_floor(group):
    told = []
    found, fallen = measured(group, told)

    assert not fallen, "\n".join([*fallen.values(), *told])
    missing = [one.skipped for one in found if one.skipped]
    if missing:
        pytest.skip("; ".join(dict.fromkeys(missing)))
