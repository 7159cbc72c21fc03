from quartier_district.fleet.building_state import QUARTER_MS, QUARTERS_MAX_COUNT, QuarterMeans

START_MS = 1_780_000_200_000


def seen(quarters, *values, since_ms=START_MS, pause_ms=60_000):
    for place, value in enumerate(values):
        quarters.see(value, since_ms + place * pause_ms)


def test_the_mean_of_a_quarter_weighs_each_value_by_its_time():
    quarters = QuarterMeans()
    seen(quarters, *[1_000.0] * 5, *[4_000.0] * 11)

    assert {START_MS: 3_000.0} == dict(quarters.means_w)


def test_a_quarter_that_began_before_the_first_value_or_has_a_gap_is_not_there():
    quarters = QuarterMeans()
    seen(quarters, *[1_000.0] * 15, since_ms=START_MS + 120_000)
    assert {} == dict(quarters.means_w)
    seen(quarters, *[1_000.0] * 5, since_ms=START_MS + QUARTER_MS + 300_001)
    seen(quarters, *[1_000.0] * 18, since_ms=START_MS + QUARTER_MS + 660_000)
    assert {} == dict(quarters.means_w)


def test_a_value_that_is_lost_makes_its_quarter_unknown_and_the_next_one_is_whole_again():
    quarters = QuarterMeans()
    seen(quarters, *[1_000.0] * 5)
    quarters.lose()
    seen(quarters, *[1_000.0] * 26, since_ms=START_MS + 300_000)

    assert [START_MS + QUARTER_MS] == list(quarters.means_w)


def test_old_quarters_go():
    quarters = QuarterMeans()
    seen(quarters, *[1_000.0] * (15 * (QUARTERS_MAX_COUNT + 2) + 1))

    assert QUARTERS_MAX_COUNT == len(quarters.means_w)
    assert START_MS + 2 * QUARTER_MS == next(iter(quarters.means_w))
