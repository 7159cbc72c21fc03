import csv
import io
import json
from itertools import combinations

from quartier_district.fleet.building_state import QUARTER_MS, QuarterMeans
from quartier_district.fleet.open_data import (
    OpenDataFeed,
    describe_dataset,
    is_dominated,
    isolates_buildings,
)

NOW_MS = 1_780_000_200_000
FIVE = tuple("abcde")


def quarters(count, start_ms=NOW_MS - QUARTER_MS, watts=1_000.0):
    found = {}
    for name in "abcdefghijklmno"[:count]:
        found[name] = QuarterMeans()
        found[name].means_w[start_ms] = watts
    return found


def test_with_four_buildings_nothing_is_published():
    feed = OpenDataFeed()
    feed.see(tuple("abcd"), quarters(4), NOW_MS)

    assert ([], "open data need 5 buildings, there are 4") == (feed.rows, feed.why)


def test_with_five_their_sum_is_published_once_it_is_whole():
    feed = OpenDataFeed()
    feed.see(FIVE, quarters(5), NOW_MS)

    assert [("2026-05-28T20:15:00Z", "2026-05-28T20:30:00Z", 5, 5_000, 0)] == feed.rows
    assert json.loads(feed.json())[0]["import_mean_w"] == int(
        next(csv.DictReader(io.StringIO(feed.csv())))["import_mean_w"]
    )


def test_one_who_is_missing_leaves_a_gap_and_no_smaller_sum():
    known = quarters(6)
    del known["f"].means_w[NOW_MS - QUARTER_MS]
    feed = OpenDataFeed()
    feed.see(tuple("abcdef"), known, NOW_MS)

    assert ([], "a building is missing in the last quarter hour: a gap") == (feed.rows, feed.why)


def test_a_value_that_was_published_is_never_changed():
    feed = OpenDataFeed()
    feed.see(FIVE, quarters(5), NOW_MS)
    before = feed.rows
    feed.see(FIVE, quarters(5, watts=2_000.0), NOW_MS + 60_000)

    assert before == feed.rows


def test_no_difference_of_two_sums_that_a_feed_ever_publishes_is_of_fewer_than_five():
    published = []
    for members in ("abcde", "abcdef", "abcdefghi", "abcdefghij", "fghij", "abcdeklmno", "bcdef"):
        feed = OpenDataFeed(cohorts=list(published))
        feed.see(tuple(members), quarters(15), NOW_MS)
        if feed.rows:
            published = feed.cohorts

    assert ["abcde", "abcdefghij", "abcdeklmno", "fghij"] == sorted("".join(sorted(one)) for one in published)
    for one, other in combinations(published, 2):
        assert not {len(one - other), len(other - one)} & {1, 2, 3, 4}


def test_a_cohort_that_changed_by_one_building_is_refused():
    feed = OpenDataFeed()
    feed.see(FIVE, quarters(6), NOW_MS)
    later = quarters(6, start_ms=NOW_MS)
    feed.see((*FIVE, "f"), later, NOW_MS + QUARTER_MS)

    assert 1 == len(feed.rows)
    assert "so few buildings changed" in feed.why
    assert isolates_buildings([FIVE, (*FIVE, "f")])
    assert not isolates_buildings([FIVE])


def test_a_sum_that_is_nearly_one_buildings_own_is_not_published():
    known = quarters(5, watts=10.0)
    known["c"].means_w[NOW_MS - QUARTER_MS] = -5_000.0
    feed = OpenDataFeed()
    feed.see(FIVE, known, NOW_MS)

    assert ([], "one building is nearly all of the last quarter hour: a gap") == (feed.rows, feed.why)
    assert not is_dominated([0.0, 0.0])


def test_the_description_names_both_forms_and_the_quarter_hour():
    found = json.loads(describe_dataset("issy", "http://127.0.0.1:8000/"))

    assert "PT15M" == found["dcat:temporalResolution"]["@value"]
    assert ["http://127.0.0.1:8000/open/load.csv", "http://127.0.0.1:8000/open/load.json"] == [
        one["dcat:downloadURL"]["@id"] for one in found["dcat:distribution"]
    ]
