"""What a person says of the day that is planned."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from quartier.cli.plan.assumptions import (
    ASSUMABLE_WORDS,
    apply_assumptions,
    explain_left_out,
    find_planned_class,
    list_series_points,
    make_day,
    parse_assumptions,
)
from quartier.cli.plan.step_series import SeriesError, StepSeries
from quartier.planning.horizon import Outlook
from quartier.planning.site.asset_selection import KNOWN_POINTS, AssetSelection, ExcludedAsset
from quartier.site.asset_types import (
    BatchLoad,
    Battery,
    ChargePointAsset,
    HeatAsset,
    Load,
    OperationMode,
    Pv,
    WasteCollection,
)

BAT = Battery(
    name="bat1",
    rated_w=1.0,
    capacity_wh=1.0,
    charge_max_w=1.0,
    discharge_max_w=1.0,
    ramp_max_w_per_s=1.0,
)
EV = ChargePointAsset(name="ev1", rated_w=1.0, departure_s=3600.0)
MODES = (OperationMode("runs", 1, 1.0), OperationMode("waits", 0, 0.0))
BOILER = HeatAsset(name="boiler", rated_w=1.0, quantity="relay_on", modes=MODES)
WASTE = WasteCollection(
    name="waste1", rated_w=1.0, quantity="run_on", modes=MODES, window_s=0.0, deadline_s=1.0, duration_s=1.0
)
WASHER = BatchLoad(name="washer", rated_w=1.0, quantity="relay_on", modes=MODES, run_w=(1.0,))
LIFT = Load(name="lift", rated_w=1.0)
ASSETS = (BAT, EV, BOILER, WASTE, WASHER, LIFT, Pv(name="pv1", rated_w=1.0))


def steps(begin="2026-06-12T18:00", count=24):
    first = datetime.fromisoformat(begin)
    blank = [0.0] * count
    outlook = Outlook(3600, blank, blank, blank, blank, blank, blank)
    return StepSeries(outlook, tuple(first + number * timedelta(hours=1) for number in range(count)))


def known(*texts, begin="2026-06-12T18:00"):
    return make_day(steps(begin), parse_assumptions(texts, ASSETS), 50.0, 0.0, ASSETS).known


def test_the_words_of_people_and_of_the_planner_are_the_same():
    times = {"arrival_in_s", "departure_in_s"}
    for name, words in KNOWN_POINTS.items():
        assert set(words) - times <= set(ASSUMABLE_WORDS[name])


def test_each_battery_has_what_is_said_of_all_unless_of_itself():
    assert {"bat1.soc_pct": 50.0, "bat1.target_soc_pct": 0.0} == known()
    assert 40.0 == known("bat1.soc_pct=40")["bat1.soc_pct"]


def test_a_time_is_the_next_by_the_clock_or_one_with_its_date():
    assert 0.0 == known("ev1.arrival=18:00")["ev1.arrival_in_s"]
    assert 7200.0 == known("ev1.arrival=20:00")["ev1.arrival_in_s"]
    assert 86_400.0 == known("ev1.arrival=17:59", begin="2026-06-12T18:00")["ev1.arrival_in_s"] + 60.0
    assert 13.5 * 3600 == known("ev1.departure=2026-06-13T07:30")["ev1.departure_in_s"]
    aware = known("ev1.departure=2026-06-13T07:30+02:00", begin="2026-06-12T18:00+02:00")
    mixed = known("ev1.departure=2026-06-13T07:30", begin="2026-06-12T18:00+02:00")
    assert (13.5 * 3600, 13.5 * 3600) == (aware["ev1.departure_in_s"], mixed["ev1.departure_in_s"])


def test_a_time_with_its_date_counts_by_the_clock_of_the_building_where_that_changes():
    paris = ZoneInfo("Europe/Paris")
    first = datetime(2026, 3, 28, 20, tzinfo=paris)
    blank = [0.0] * 24
    night = StepSeries(Outlook(3600, blank, blank, blank, blank, blank, blank), (first,) * 24)
    said = parse_assumptions(["ev1.arrival=2026-03-28T22:00", "ev1.departure=2026-03-29T07:30"], ASSETS)
    known = make_day(night, said, 50.0, 0.0, ASSETS).known

    assert (2 * 3600.0, 10.5 * 3600.0) == (known["ev1.arrival_in_s"], known["ev1.departure_in_s"])


def test_a_time_with_an_offset_says_nothing_where_the_series_has_none():
    with pytest.raises(SeriesError, match=r"the times of the series have no offset; expected .* without one"):
        known("ev1.departure=2026-06-13T05:30Z")


def test_hours_by_the_clock_stand_in_the_place_of_those_of_the_site_file():
    said = parse_assumptions(
        ["ev1.departure=07:30", "washer.deadline=06:00", "waste1.window_start=05:00"], ASSETS
    )
    found = {asset.name: asset for asset in apply_assumptions(ASSETS, said)}

    assert 7.5 * 3600 == found["ev1"].departure_s
    assert 6 * 3600.0 == found["washer"].deadline_s
    assert (5 * 3600.0, 1.0) == (found["waste1"].window_s, found["waste1"].deadline_s)
    assert "ev1.departure_in_s" not in known("ev1.departure=07:30")
    assert apply_assumptions(ASSETS, parse_assumptions(["ev1.departure=2026-06-13T07:30"], ASSETS)) == list(
        ASSETS
    )


def test_on_and_off_have_their_words():
    assert (1.0, 0.0) == (
        known("ev1.plugged_on=yes")["ev1.plugged_on"],
        known("waste1.waiting_on=Off")["waste1.waiting_on"],
    )


def test_an_arrival_beyond_the_series_is_beyond_it():
    short = make_day(steps(count=3), parse_assumptions(["ev1.arrival=23:00"], ASSETS), 50.0, 0.0, ASSETS)

    assert 3 * 3600.0 == short.known["ev1.arrival_in_s"]


def test_what_is_said_twice_is_refused():
    with pytest.raises(SeriesError, match=r"ev1\.departure is said twice"):
        parse_assumptions(["ev1.departure=07:30", "ev1.departure=08:30"], ASSETS)


def test_only_what_can_be_planned_has_a_role_and_columns():
    assert ["battery", "ev", "heat", "waste", "load", "", ""] == [
        find_planned_class(asset) for asset in ASSETS
    ]
    assert ["ev1.plugged_on", "boiler.draw_w"] == list_series_points(ASSETS)


def test_a_key_of_the_site_file_a_word_or_nothing_is_the_next_step():
    found = AssetSelection(
        left_out={
            "pump": ExcludedAsset("its water is not in the site file", "assets.pump.tank_m3"),
            "bat1": ExcludedAsset("its state of charge is not known", "bat1.soc_pct"),
            "ev1": ExcludedAsset("no car is there"),
        }
    )

    assert [
        "pump: its water is not in the site file; see assets.pump.tank_m3 in the site file",
        "bat1: its state of charge is not known; say --with bat1.soc_pct=40",
        "ev1: no car is there",
    ] == explain_left_out(found)
