import numpy as np
import pytest
from tests.hil.bench.fleet.conftest import plain_drive

from quartier_bench.fleet import building_stock, events
from quartier_bench.fleet.district_limits import compute_minute_means
from quartier_bench.fleet.results import find_rebounds
from quartier_bench.fleet.simulation import DaySettings, FleetDay
from quartier_native import fleet as kernel
from quartier_native.reference import fleet as twin

NOON_S = 43_200
EVENING_S = 6 * 3600
HAPPENS = ("cap@18:02-18:12=0.35", "restart@18:06", "optimiser-lost@18:08", "outage@18:14-18:16")


def day(one, plain, *words, seconds=7200, module=kernel, **how):
    return FleetDay(
        DaySettings(
            stock=one,
            drive=plain(one),
            events=events.parse_events(words, NOON_S),
            from_second=EVENING_S,
            seconds=seconds,
            kernel=module,
            **how,
        )
    )


def test_fifty_buildings_are_the_same_to_the_bit_by_their_seed(small, plain):
    first, again = (day(small, plain, *HAPPENS, seconds=1800).run() for _ in range(2))

    assert first.digest == again.digest
    assert first.digest != day(building_stock.draw_stock(50, 4), plain, *HAPPENS, seconds=60).run().digest
    assert 1800 == len(first.total_w)


def test_the_kernel_and_its_twin_run_the_same_fleet_to_the_last_bit(plain):
    one = building_stock.draw_stock(8, 3)
    ours, theirs = (day(one, plain, *HAPPENS, seconds=1300, module=module) for module in (kernel, twin))
    mine, other = ours.run(), theirs.run()

    assert np.array_equal(mine.total_w, other.total_w)
    for name in ("on", "since_ns", "limit_w", "setpoint_w", "sheds_ns"):
        assert bytes(getattr(ours.state, name)) == bytes(getattr(theirs.state, name)), name
    assert mine.digest == other.digest


def test_the_sorts_add_up_to_what_the_district_takes(small, plain):
    record = day(small, plain, *HAPPENS, seconds=1300).run()

    assert record.total_w == pytest.approx(record.load_kinds_w.sum(axis=1), abs=1e-6)


def test_a_cap_lowers_the_district_within_seconds(small, plain):
    record, free = (day(small, plain, *words, seconds=1800).run() for words in (["cap@18:10-18:25=0.2"], []))

    assert np.array_equal(record.total_w[:600], free.total_w[:600])
    assert record.total_w[640:1500].max() < free.total_w[640:1500].min()
    assert [("CONTROLLED", 0.2), ("CONTROLLED", 1.0)] == [(mark.mode, mark.share) for mark in record.marks]


def test_a_lost_optimiser_leaves_half_of_each_contract_after_120_s(small, plain):
    record = day(small, plain, "optimiser-lost@18:00", seconds=900).run()

    assert [("FAILSAFE", 0.5)] == [(mark.mode, mark.share) for mark in record.marks]
    assert EVENING_S + 100 < record.marks[0].second < EVENING_S + 125


def test_what_is_shed_comes_back_after_the_cap(small, plain):
    record = day(small, plain, "cap@18:01-18:10=0.2", seconds=2400).run()

    assert record.held[500] > record.held[-1]
    assert record.total_w[-300:].mean() > record.total_w[120:500].mean()


def test_an_outage_takes_everything_and_the_fail_safe_value_waits_behind_it(small, plain):
    record = day(small, plain, "outage@18:10-18:15", seconds=1500).run()

    assert 0 == record.total_w[600:900].max()
    assert "INIT" == record.marks[0].mode
    assert "CONTROLLED" == record.marks[-1].mode


def test_a_restart_lets_chargers_rest_for_its_time(small, plain):
    record = day(small, plain, "restart@18:10", seconds=900).run()

    assert 0 == record.load_kinds_w[600:630, 1].max() < record.load_kinds_w[599, 1]
    assert [] == record.marks


def test_what_loosens_may_be_spread(small, plain):
    words = ("cap@18:01-18:05=0.2",)
    at_once, spread = (day(small, plain, *words, seconds=1500, spread_s=s).run() for s in (0.0, 900.0))

    assert spread.held[400:900].mean() > at_once.held[400:900].mean()


@pytest.fixture(scope="module")
def calm():
    """A district on which nothing is imposed, and its evening: the longest that a test below looks at."""
    one = building_stock.draw_stock(300, 5)
    return one, day(one, plain_drive, seconds=6000).run()


@pytest.mark.parametrize(
    ("word", "seconds"),
    [
        # So long that what comes back at once is seen above the level.
        ("cap@18:05-18:20=0.3", 3600),
        ("outage@18:10-18:20", 6000),
        ("optimiser-lost@18:05-18:20", 3600),
    ],
    ids=["cap", "outage", "optimiser-lost"],
)
def test_a_district_that_lets_go_by_its_load_stays_under_its_level(calm, word, seconds):
    one, free = calm
    at_once = day(one, plain_drive, word, seconds=seconds)
    staged = day(one, plain_drive, word, seconds=seconds, plain_w=compute_minute_means(free.total_w))
    worst = {}
    for name, run in (("at once", at_once), ("staged", staged)):
        (found,) = find_rebounds(run.run(), free, run.settings.events, EVENING_S)
        worst[name] = found.after_w / found.level_w

    assert worst["staged"] <= 1.0 < worst["at once"]


def test_somebody_may_watch(small, plain):
    seen = []
    day(small, plain, seconds=60, watch=seen.append).run()

    assert [0] == seen
