"""What energy will cost: by the contract and the meter's word, or by what is signalled."""

import math
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from quartier.planning.tariffs.energy_prices import (
    MOBILE_PEAK_CHANCE,
    RED_CHANCE,
    WHITE_CHANCE,
    MeterTariffState,
    PriceSignal,
    Tariff,
    find_prices,
    parse_day_profile,
    parse_time_span,
)

PARIS = ZoneInfo("Europe/Paris")
HCHP = Tariff(kind="hchp", zone="Europe/Paris", prices_eur_per_wh=(2e-4, 3e-4))
TEMPO = Tariff(kind="tempo", zone="Europe/Paris", prices_eur_per_wh=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
EJP = Tariff(kind="ejp", zone="Europe/Paris", prices_eur_per_wh=(1.0, 9.0))


def utc_s(text):
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()


def imports(tariff, start, hours, told=None, quotes=()):
    return find_prices(
        tariff, told or MeterTariffState(), quotes, utc_s(start), 3600, hours
    ).import_eur_per_wh


def test_off_peak_begins_and_ends_by_the_local_wall_also_on_a_day_of_23_hours():
    cheap, dear = 2e-4, 3e-4

    assert [dear] * 2 + [cheap] * 8 + [dear] * 2 == pytest.approx(imports(HCHP, "2026-06-12T20:00", 12))
    assert [cheap] * 7 + [dear] == pytest.approx(imports(HCHP, "2026-03-28T22:00", 8))


def test_a_span_within_the_day_and_an_edge_inside_a_step():
    noon = Tariff(kind="hchp", zone="Europe/Paris", prices_eur_per_wh=(1.0, 3.0), off_peak=((750, 870),))

    assert (3.0, 2.0, 1.0, 2.0, 3.0) == pytest.approx(imports(noon, "2026-06-12T11:00", 5))


def test_the_meters_word_counts_for_now_whatever_the_file_says_of_its_times():
    assert [2e-4, 3e-4] == pytest.approx(imports(HCHP, "2026-06-12T12:00", 2, MeterTariffState(index=1)))
    assert [3e-4, 2e-4] == pytest.approx(imports(HCHP, "2026-06-12T23:00", 2, MeterTariffState(index=2)))
    assert [3e-4, 3e-4] == pytest.approx(imports(HCHP, "2026-06-12T12:00", 2, MeterTariffState(index=7))), (
        "no such index"
    )


def test_a_tempo_day_lasts_from_six_to_six_in_its_colour():
    found = imports(TEMPO, "2026-01-13T21:00", 34, MeterTariffState(index=2, today=1, tomorrow=3))

    # blue until 6 h, red until 6 h of the day after, off-peak from 22 h
    assert [2.0] + [1.0] * 8 + [6.0] * 16 + [5.0] * 8 == list(found[:33])


def test_before_six_todays_colour_is_that_of_the_day_before_and_the_index_says_it_too():
    assert [5.0, 6.0] == list(imports(TEMPO, "2026-01-14T05:00", 2, MeterTariffState(index=5, tomorrow=3)))
    assert [3.0] == list(imports(TEMPO, "2026-01-14T05:00", 1, MeterTariffState(today=2)))


def chances(red, white):
    return (1 - red - white) * 2.0 + white * 4.0 + red * 6.0


COLOURLESS = [
    ("2026-01-14T12:00", chances(RED_CHANCE, WHITE_CHANCE)),  # a Wednesday of winter
    ("2026-01-17T12:00", chances(0, WHITE_CHANCE)),  # a Saturday is never red
    ("2026-01-18T12:00", 2.0),  # a Sunday is always blue
    ("2026-06-10T12:00", chances(0, WHITE_CHANCE)),  # no summer's day is red
]


@pytest.mark.parametrize(("start", "price"), COLOURLESS)
def test_a_colour_that_nobody_told_counts_with_its_chance(start, price):
    assert price == pytest.approx(imports(TEMPO, start, 1)[0])


def test_a_mobile_peak_that_runs_lasts_until_one_o_clock():
    found = imports(EJP, "2026-01-14T20:00", 12, MeterTariffState(index=2))

    assert [9.0] * 5 + [1.0] * 6 == list(found[:11])
    assert 1 + MOBILE_PEAK_CHANCE * 8 == pytest.approx(found[11]), "whether tomorrow is one is not known"


def test_a_normal_day_stays_one_and_in_summer_there_is_no_mobile_peak():
    assert [1.0] * 4 == list(imports(EJP, "2026-01-14T12:00", 4, MeterTariffState(index=1)))
    assert [1 + MOBILE_PEAK_CHANCE * 8] == pytest.approx(imports(EJP, "2026-01-14T12:00", 1))
    assert [1.0] * 4 == list(imports(EJP, "2026-07-14T12:00", 4))
    assert [1 + MOBILE_PEAK_CHANCE * 8] == pytest.approx(
        imports(EJP, "2026-01-14T04:00", 4, MeterTariffState(index=1))[3:]
    )


NOTICED = [
    # the meter announces it between half past six and seven: no doubt is left
    ("2026-01-14T06:30", {"notice": True}, [1.0] * 2 + [9.0] * 72 + [1.0]),
    # and where it would have by now and did not, none comes today
    ("2026-01-14T06:40", {"notice": False}, [1.0] * 74),
    # a moment before that it may still come, and one that announces nothing leaves the chance as it is
    ("2026-01-14T06:30", {"notice": False}, [1.0] * 2 + [1 + MOBILE_PEAK_CHANCE * 8] * 3),
    ("2026-01-14T06:40", {"notice": None}, [1.0] * 2 + [pytest.approx(1 + MOBILE_PEAK_CHANCE * 8)] * 2),
    # a meter whose peak begins at another hour: half an hour from its word, until one o'clock
    ("2026-01-14T17:00", {"notice": True, "index": 1}, [1.0] * 2 + [9.0] * 30 + [1.0]),
]


@pytest.mark.parametrize(("start", "told", "expected"), NOTICED)
def test_the_notice_of_a_mobile_peak_counts_from_the_moment_that_the_meter_gives_it(start, told, expected):
    found = find_prices(EJP, MeterTariffState(**told), (), utc_s(start), 900, len(expected)).import_eur_per_wh
    if start.endswith("40"):  # a step across seven o'clock is a mean
        expected, found = expected[:1] + expected[2:], found[:1] + found[2:]

    assert expected == pytest.approx(list(found))


def test_a_mobile_peak_that_is_announced_by_date_lasts_as_it_says():
    eight, twenty = utc_s("2026-12-01T08:00"), utc_s("2026-12-01T20:00")
    told = MeterTariffState(index=1, peaks=((eight, twenty),))

    found = imports(EJP, "2026-12-01T06:00", 20, told)
    assert [1.0] * 2 + [9.0] * 12 + [1.0] * 6 == list(found), "no other hour of that day is one"
    found = imports(EJP, "2026-12-01T19:00", 3, MeterTariffState(index=2, peaks=((eight, twenty),)))
    assert [9.0, 1.0, 1.0] == list(found), "neither while it runs"
    found = imports(EJP, "2026-11-30T22:00", 12, told)
    assert [1.0] * 10 + [9.0] * 2 == list(found)


TWO = Tariff(
    kind="two_rates",
    zone="Europe/Amsterdam",
    prices_eur_per_wh=(2.0, 3.0),
    off_peak=((23 * 60, 7 * 60),),
    off_peak_weekend=True,
)


def test_two_rates_go_by_local_times_and_the_weekend_and_the_meter_has_the_last_word():
    belgian = replace(TWO, off_peak_index=2)

    assert [3.0, 2.0] == list(imports(TWO, "2026-06-12T22:00", 2)), "a Friday's evening"
    assert [2.0] * 24 == list(imports(TWO, "2026-06-13T12:00", 24)), "Saturday and Sunday"
    assert [2.0, 3.0] == list(imports(TWO, "2026-06-15T06:00", 2)), "a Monday's morning"
    assert [2.0, 3.0] == list(imports(TWO, "2026-06-15T12:00", 2, MeterTariffState(index=1))), "a day off"
    assert [3.0, 2.0] == list(imports(TWO, "2026-06-13T12:00", 2, MeterTariffState(index=2)))
    assert [3.0, 2.0] == list(imports(belgian, "2026-06-13T12:00", 2, MeterTariffState(index=1)))
    assert [2.0, 3.0] == list(imports(belgian, "2026-06-15T12:00", 2, MeterTariffState(index=2)))
    assert [3.0] == list(imports(belgian, "2026-06-15T12:00", 1, MeterTariffState(index=3))), "no such index"


def test_two_rates_on_both_days_of_clock_change():
    # 22 h to 8 h: nine hours in March, eleven in October
    short = imports(replace(TWO, off_peak_weekend=False), "2026-03-28T22:00", 12)
    long = imports(replace(TWO, off_peak_weekend=False), "2026-10-24T22:00", 12)

    assert [3.0] + [2.0] * 7 + [3.0] * 4 == list(short)
    assert [3.0] + [2.0] * 9 + [3.0] * 2 == list(long)


REAL = "00008002 0050C001 06508002 1220C001 14208002 NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE NONUTILE"


def test_the_meters_calendar_of_tomorrow_is_read_from_the_word_of_a_real_meter():
    assert ((0, 2), (50, 1), (410, 2), (740, 1), (860, 2)) == parse_day_profile(REAL)
    assert ((0, 1),) == parse_day_profile("0000C001 NONUTILE")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NONUTILE",
        "00508002 0650C001",
        "00008002 0050C003",
        "00008002 0000C001",
        "00008002 2460C001",
        "0000",
    ],
)
def test_what_is_no_whole_calendar_of_two_indexes_is_none(text):
    assert () == parse_day_profile(text)


def test_the_meters_calendar_counts_from_the_day_that_it_tells_and_the_file_before():
    told = MeterTariffState(index=2, profile=parse_day_profile(REAL))
    found = find_prices(HCHP, told, (), utc_s("2026-06-12T20:00"), 600, 6 * 24).import_eur_per_wh

    cheap = [index for index, price in enumerate(found) if price == 2e-4]
    by_file, by_meter = range(12, 24), [*range(29, 65), *range(98, 110)]
    assert [*by_file, *by_meter] == cheap
    found = find_prices(HCHP, replace(told, profile_from=0), (), utc_s("2026-06-12T20:00"), 600, 24)
    assert 24 * [3e-4] == list(found.import_eur_per_wh)


def test_signalled_prices_count_as_far_as_they_go_and_no_further():
    dynamic = Tariff(kind="signal", zone="Europe/Paris", export_eur_per_wh=0.5)
    begin = utc_s("2026-06-12T12:00")
    quotes = (
        PriceSignal(begin - 3600, begin + 3600, {"import_eur_per_wh": 1.0, "export_eur_per_wh": 0.7}),
        PriceSignal(begin + 3600, begin + 7200, {"import_eur_per_wh": 2.0}),
        PriceSignal(begin, begin + 7200, {"import_g_per_wh": 0.05}),
    )
    found = find_prices(dynamic, MeterTariffState(), quotes, begin, 3600, 24)

    assert (2, (1.0, 2.0), (0.7, 0.5), (0.05, 0.05)) == (
        found.count,
        found.import_eur_per_wh,
        found.export_eur_per_wh,
        found.import_g_per_wh,
    )
    assert 0 == find_prices(dynamic, MeterTariffState(), (), begin, 3600, 24).count


def test_a_base_contract_has_one_price_and_the_signal_of_co2_counts_with_it():
    base = Tariff(kind="base", zone="Europe/Paris", prices_eur_per_wh=(2.5,), export_eur_per_wh=0.1)
    begin = utc_s("2026-06-12T12:00")
    found = find_prices(
        base,
        MeterTariffState(),
        (PriceSignal(begin, begin + 3600, {"import_g_per_wh": 0.3}),),
        begin,
        3600,
        2,
    )

    assert ((2.5, 2.5), (0.1, 0.1)) == (found.import_eur_per_wh, found.export_eur_per_wh)
    assert 0.3 == found.import_g_per_wh[0]
    assert math.isnan(found.import_g_per_wh[1]), "nobody signals it"


def test_a_span_of_the_site_file_in_minutes():
    assert (22 * 60 + 30, 6 * 60) == parse_time_span("22:30-06:00")
