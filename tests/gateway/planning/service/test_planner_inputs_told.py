"""What meters say of the tariff, as the planner is told it."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from quartier.control.observe.observations import LastGood
from quartier.control.state import ControlState
from quartier.planning.service.planner_inputs import read_meter_tariff
from quartier.planning.tariffs.energy_prices import MeterTariffState
from quartier.site.asset_types import GridMeter
from quartier.site.records import Now
from quartier.site.site_layout import ClockSource, Site, SiteLimits, SupplyMeter

VIRTUAL_TIME = True

S = 1_000_000_000
PARIS = ZoneInfo("Europe/Paris")
NOW_MS = round(datetime(2026, 11, 30, 20, 0, tzinfo=PARIS).timestamp() * 1000)
NOW = Now(1_000 * S, NOW_MS, synced=True)
HOUSE = Site(
    name="b1",
    grid=GridMeter(name="grid", rated_w=9_000),
    assets=(),
    limits=SiteLimits(
        import_hard_w=9_000,
        export_hard_w=0,
        import_failsafe_w=0,
        export_failsafe_w=0,
        import_autonomous_w=0,
        export_autonomous_w=0,
    ),
    supplies=(SupplyMeter(name="other"), SupplyMeter(name="linky", period_s=2.0)),
)


def heard(house=HOUSE, now=NOW, words=None, **values):
    memories = {f"linky.{name}": LastGood(float(value), 998 * S) for name, value in values.items()}
    state = replace(ControlState.fresh(house), last_good=memories)
    return read_meter_tariff(state, now, lambda point: (words or {}).get(point, ""))


def test_the_meter_tells_its_tariff_and_colours_and_0_is_not_told():
    assert MeterTariffState(index=2, today=1) == heard(
        tariff_index=2, today_colour_state=1, tomorrow_colour_state=0
    )
    assert MeterTariffState(index=2, tomorrow=3) == heard(
        tariff_index=2, today_colour_index=0, tomorrow_colour_index=3
    )


def test_a_meter_that_is_silent_says_nothing():
    assert MeterTariffState() == heard(now=NOW._replace(ns=1_014 * S), tariff_index=2)
    assert MeterTariffState() == heard()


@pytest.mark.parametrize(
    ("said", "notice"),
    [
        ({}, None),
        ({"peak_notice_s": 0.0}, False),
        ({"peak_notice_s": 1_800.0}, True),
        ({"peak_notice_state": 0}, False),
        ({"peak_notice_s": 0.0, "peak_notice_state": 1}, True),
    ],
)
def test_the_notice_of_a_mobile_peak_is_known_in_both_modes_and_its_absence_too(said, notice):
    assert MeterTariffState(index=1, notice=notice) == heard(tariff_index=1, **said)


def test_peaks_by_date_are_the_same_minute_however_old_the_word_is_and_whole():
    eight = datetime(2026, 12, 1, 8, 0, tzinfo=PARIS).timestamp()
    twenty = datetime(2026, 12, 1, 20, 0, tzinfo=PARIS).timestamp()
    taken_s = NOW_MS / 1000 - 2.0
    said = {"peak_1_begin_in_s": eight - taken_s + 3.0, "peak_1_end_in_s": twenty - taken_s - 2.0}

    expected = MeterTariffState(index=1, peaks=((eight, twenty),))
    assert expected == heard(tariff_index=1, **said)
    assert expected == heard(now=Now(1_009 * S, NOW_MS + 9_000, synced=True), tariff_index=1, **said)
    assert MeterTariffState(index=1) == heard(tariff_index=1, peak_2_begin_in_s=100.0), (
        "one without an end is none"
    )


def test_the_calendar_of_tomorrow_counts_for_today_where_that_is_a_day_of_the_same_kind():
    words = {"linky.tomorrow_profile_text": "0000C001 06308002 NONUTILE"}
    profile = ((0, 1), (390, 2))

    assert MeterTariffState(index=1, profile=profile) == heard(words=words, tariff_index=1)
    days = {"today_day_index": 0, "tomorrow_day_index": 0}
    found = heard(words=words, tariff_index=1, **days)
    assert MeterTariffState(index=1, profile=profile, profile_from=0) == found
    found = heard(words=words, tariff_index=1, today_day_index=0, tomorrow_day_index=1)
    assert MeterTariffState(index=1, profile=profile) == found


def test_a_meter_that_caps_nothing_tells_its_index_as_well_and_ages_by_its_own_period():
    silent, linky = ClockSource(name="sub1", clock_s=1.0), ClockSource(name="linky", tariff_s=10.0)
    house = replace(HOUSE, supplies=(), clock_sources=(silent, ClockSource(name="p2", tariff_s=1.0), linky))

    assert MeterTariffState(index=2) == heard(house, tariff_index=2)
    assert MeterTariffState(index=2) == heard(house, NOW._replace(ns=1_027 * S), tariff_index=2)
    assert MeterTariffState() == heard(house, NOW._replace(ns=1_029 * S), tariff_index=2)
