"""Thirty simulated days: what the store keeps in memory and on disk does not grow with time."""

import random
import tracemalloc
from array import array
from pathlib import Path

from quartier.site.records import Now
from quartier.store.deadband import NO_DEADBAND, Deadbands
from quartier.store.history_store import Store
from quartier_drivers.readings import Layout, Readings

START_MS = 1_700_000_000_000
DAY_S = 86_400
STEP_S = 3600
ASSETS = [f"a{number}" for number in range(10)]
POINTS = 10


def layouts() -> list[Layout]:
    return [
        Layout(tuple(f"{asset}.p{number}_w" for number in range(POINTS)), bytes(POINTS)) for asset in ASSETS
    ]


def test_thirty_days_leave_memory_and_disk_as_the_third_day_did(tmp_path: Path) -> None:
    dice = random.Random(1)
    store = Store(
        tmp_path / "history.db",
        tmp_path / "run",
        size_max_bytes=300_000,
        commit_s=3600.0,
        chunk_count=32,
        assets=ASSETS,
        deadbands=Deadbands({"w": NO_DEADBAND}),
    )
    store.open(Now(0, START_MS, synced=True))
    kept_bytes, held = [], layouts()
    tracemalloc.start()
    try:
        for second in range(STEP_S, 30 * DAY_S + 1, STEP_S):
            now = Now(second * 10**9, START_MS + second * 1000, synced=True)
            for layout in held:
                values = array("d", [dice.randrange(10**6) / 10 for _ in range(POINTS)])
                store.record(Readings(layout, values, bytes(POINTS), now.ns), now)
            store.trim(store.heads())
            store.tick(now)
            assert store._writer.wait(60.0)
            if second % DAY_S == 0:  # a re-read site file: layouts come and go
                held = layouts()
                store.set_assets(ASSETS)
                kept_bytes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        store.close(now)

    assert 1_000_000 > (max(kept_bytes[-3:]) - max(kept_bytes[:3])) / 27
    assert store.stats["recorded_count"] > 30 * DAY_S // STEP_S * len(ASSETS) * POINTS - 1
    assert 0 < store.stats["evicted_count"] < store.stats["recorded_count"]
    assert 300_000 >= store.stats["used_bytes"]


def test_a_store_that_fills_faster_than_commits_are_due_commits_early_and_drops_nothing(
    tmp_path: Path,
) -> None:
    store = Store(
        tmp_path / "history.db",
        tmp_path / "run",
        commit_s=10.0,
        pending_max_count=500,
        assets=ASSETS,
        deadbands=Deadbands({"w": NO_DEADBAND}),
    )
    store.open(Now(0, START_MS, synced=True))
    held = layouts()
    for second in range(1, 31):
        now = Now(second * 10**9, START_MS + second * 1000, synced=True)
        for layout in held:
            store.record(Readings(layout, array("d", [float(second)] * POINTS), bytes(POINTS), now.ns), now)
        store.tick(now)
        assert store._writer.wait(60.0)
    store.tick(now)
    figures = store.stats
    store.close(now)

    assert (0, 0) == (figures["dropped_count"], figures["gaps_count"])
    assert figures["commits_count"] > 3
    assert 1 + 30 * len(ASSETS) * POINTS == figures["recorded_count"], "and the event that opens the boot"
