import json
from dataclasses import replace
from itertools import islice

import pytest

from quartier_bench.meter_check.sound_meter_check import (
    CheckRequest,
    VerdictCounts,
    format_json_lines,
    format_rows,
    make_site,
    run_check_alone,
    run_request,
)
from quartier_bench.meter_check.sound_meters import VARIANTS, iterate_records

EVENING_S = 17 * 3_600


def _evening(home, variant, count):
    return islice(iterate_records(home, variant, days=[0]), EVENING_S, EVENING_S + count)


@pytest.fixture
def site(tmp_path):
    return make_site(tmp_path, VARIANTS["plain"])


def test_the_site_has_what_the_stream_tells_of(site):
    assert {"bat1", "pv1", "ev1", "hp1"} == {asset.name for asset in site.assets}
    assert {1.0} == {asset.period_s for asset in (site.grid, *site.assets)}


def test_a_meter_of_a_minute_and_one_without_sign_are_known_to_the_site(tmp_path):
    assert 60 == make_site(tmp_path / "a", VARIANTS["minute-meter"]).grid.period_s
    assert make_site(tmp_path / "b", VARIANTS["apparent"]).grid.is_apparent


def test_a_sound_meter_is_believed_for_an_hour(home, site):
    counts = run_check_alone(site, _evening(home, VARIANTS["plain"], 3_600))

    assert (3_600, 0, []) == (counts.seconds_count, counts.implausible_s, counts.spans)


def test_a_reversed_meter_that_is_followed_is_found_out(home, site):
    """The bench would be worth nothing if it had no verdict for those either."""
    liar = replace(VARIANTS["plain"], factor=-1.0)
    counts = run_check_alone(site, _evening(home, liar, 4 * 3_600))

    assert counts.suspect_s + counts.implausible_s > 0
    assert counts.causes


def test_spans_seconds_and_causes_stand_in_a_line_for_each_home_and_variant():
    counts = VerdictCounts(seconds_count=86_400, suspect_s=90, spans=[(5.0, "suspect", "below_bound")])
    lines = list(format_rows([("Building_1", "unlisted-pv", counts)]))

    assert ["Building_1", "unlisted-pv", "1.0", "1", "90", "0", "0"] == lines[1].split()[:7]
    assert "suspect: below_bound (1)" in lines[1]


def test_a_home_is_judged_for_as_many_days_as_are_asked_for(home):
    """Half a year's hours would take too long here; no day is no second."""
    assert 0 == run_request(CheckRequest(home, "plain", 0)).seconds_count


def test_the_same_is_told_as_json():
    counts = VerdictCounts(seconds_count=9, spans=[(5.0, "implausible", "none")])
    (line,) = format_json_lines([("Building_1", "ovens", counts)])

    assert ("ovens", 9, 0, 1) == tuple(
        json.loads(line)[key] for key in ("variant", "seconds", "suspect", "implausible")
    )
