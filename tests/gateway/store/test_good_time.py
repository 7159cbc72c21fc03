"""When the clock was trusted last: what an untrusted one stamped, years ahead perhaps, is no floor of time."""

from quartier.site.records import Now
from quartier.store.history_store import Store
from quartier_drivers.readings import Quality, Reading, make_readings

START_MS, YEARS_MS = 1_700_000_000_000, 10 * 365 * 86_400_000


def begun(folder, now):
    store = Store(folder / "history.db", folder / "run", assets=["grid"])
    store.open(now)
    return store


def at(second, ahead_ms=0):
    return Now(second * 10**9, START_MS + 1000 * second + ahead_ms, synced=not ahead_ms)


def lived(store, second, ahead_ms=0):
    """Record, and have it committed."""
    now = at(second, ahead_ms)
    store.record(make_readings([Reading("grid.power_w", float(second), Quality.GOOD, now.ns)], now.ns), now)
    store.tick(now)
    assert store._writer.wait(60.0)
    store._is_ready(now)


def test_a_commit_under_a_trusted_clock_is_a_floor_for_the_next_run(tmp_path):
    store = begun(tmp_path, at(0))
    lived(store, 700)
    store.close(at(701))

    again = begun(tmp_path, at(800))
    assert at(701).utc_ms == again.stats["good_utc_ms"]
    again.close(at(801))


def test_what_an_untrusted_clock_stamped_is_none(tmp_path):
    store = begun(tmp_path, at(0))
    lived(store, 700, YEARS_MS)
    store.close(at(701, YEARS_MS))

    again = begun(tmp_path, at(800))
    assert at(0).utc_ms == again.stats["good_utc_ms"], "the trusted start, by its number"
    again.close(at(801))


def test_who_never_had_the_time_has_no_floor(tmp_path):
    begun(tmp_path, at(0, YEARS_MS)).close(at(1, YEARS_MS))

    again = begun(tmp_path, at(2, YEARS_MS))
    assert again.stats["good_utc_ms"] < START_MS
    again.close(at(3, YEARS_MS))
