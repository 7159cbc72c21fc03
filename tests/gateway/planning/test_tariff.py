"""What energy will cost: by the contract and the meter's word, or by what is signalled."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from quartier.planning.tariff import (
    MOBILE_SHARE,
    RED_SHARE,
    WHITE_SHARE,
    Quote,
    Tariff,
    Told,
    minutes,
    prices,
)

PARIS = ZoneInfo("Europe/Paris")
HCHP = Tariff(kind="hchp", zone="Europe/Paris", prices_eur_per_wh=(2e-4, 3e-4))
TEMPO = Tariff(kind="tempo", zone="Europe/Paris", prices_eur_per_wh=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
EJP = Tariff(kind="ejp", zone="Europe/Paris", prices_eur_per_wh=(1.0, 9.0))


def utc_s(text):
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()


def imports(tariff, start, hours, told=None, quotes=()):
    return prices(tariff, told or Told(), quotes, utc_s(start), 3600, hours).import_eur_per_wh


def test_off_peak_begins_and_ends_by_the_local_wall_also_on_a_day_of_23_hours():
    cheap, dear = 2e-4, 3e-4

    assert [dear] * 2 + [cheap] * 8 + [dear] * 2 == pytest.approx(imports(HCHP, "2026-06-12T20:00", 12))
    assert [cheap] * 7 + [dear] == pytest.approx(imports(HCHP, "2026-03-28T22:00", 8))


def test_a_span_within_the_day_and_an_edge_inside_a_step():
    noon = Tariff(kind="hchp", zone="Europe/Paris", prices_eur_per_wh=(1.0, 3.0), off_peak=((750, 870),))

    assert (3.0, 2.0, 1.0, 2.0, 3.0) == pytest.approx(imports(noon, "2026-06-12T11:00", 5))


def test_the_meters_word_counts_for_now_whatever_the_file_says_of_its_times():
    assert [2e-4, 3e-4] == pytest.approx(imports(HCHP, "2026-06-12T12:00", 2, Told(index=1)))
    assert [3e-4, 2e-4] == pytest.approx(imports(HCHP, "2026-06-12T23:00", 2, Told(index=2)))
    assert [3e-4, 3e-4] == pytest.approx(imports(HCHP, "2026-06-12T12:00", 2, Told(index=7))), "no such index"


def test_a_tempo_day_lasts_from_six_to_six_in_its_colour():
    found = imports(TEMPO, "2026-01-13T21:00", 34, Told(index=2, today=1, tomorrow=3))

    # blue until 6 h, red until 6 h of the day after, off-peak from 22 h
    assert [2.0] + [1.0] * 8 + [6.0] * 16 + [5.0] * 8 == list(found[:33])


def test_before_six_todays_colour_is_that_of_the_day_before_and_the_index_says_it_too():
    assert [5.0, 6.0] == list(imports(TEMPO, "2026-01-14T05:00", 2, Told(index=5, tomorrow=3)))
    assert [3.0] == list(imports(TEMPO, "2026-01-14T05:00", 1, Told(today=2)))


def chances(red, white):
    return (1 - red - white) * 2.0 + white * 4.0 + red * 6.0


COLOURLESS = [
    ("2026-01-14T12:00", chances(RED_SHARE, WHITE_SHARE)),  # a Wednesday of winter
    ("2026-01-17T12:00", chances(0, WHITE_SHARE)),  # a Saturday is never red
    ("2026-01-18T12:00", 2.0),  # a Sunday is always blue
    ("2026-06-10T12:00", chances(0, WHITE_SHARE)),  # no summer's day is red
]


@pytest.mark.parametrize(("start", "price"), COLOURLESS)
def test_a_colour_that_nobody_told_counts_with_its_chance(start, price):
    assert price == pytest.approx(imports(TEMPO, start, 1)[0])


def test_a_mobile_peak_that_runs_lasts_until_one_o_clock():
    found = imports(EJP, "2026-01-14T20:00", 12, Told(index=2))

    assert [9.0] * 5 + [1.0] * 6 == list(found[:11])
    assert 1 + MOBILE_SHARE * 8 == pytest.approx(found[11]), "whether tomorrow is one is not known"


def test_a_normal_day_stays_one_and_in_summer_there_is_no_mobile_peak():
    assert [1.0] * 4 == list(imports(EJP, "2026-01-14T12:00", 4, Told(index=1)))
    assert [1 + MOBILE_SHARE * 8] == pytest.approx(imports(EJP, "2026-01-14T12:00", 1))
    assert [1.0] * 4 == list(imports(EJP, "2026-07-14T12:00", 4))
    assert [1 + MOBILE_SHARE * 8] == pytest.approx(imports(EJP, "2026-01-14T04:00", 4, Told(index=1))[3:])


def test_signalled_prices_count_as_far_as_they_go_and_no_further():
    dynamic = Tariff(kind="signal", zone="Europe/Paris", export_eur_per_wh=0.5)
    begin = utc_s("2026-06-12T12:00")
    quotes = (
        Quote(begin - 3600, begin + 3600, {"import_eur_per_wh": 1.0, "export_eur_per_wh": 0.7}),
        Quote(begin + 3600, begin + 7200, {"import_eur_per_wh": 2.0}),
        Quote(begin, begin + 7200, {"import_g_per_wh": 0.05}),
    )
    found = prices(dynamic, Told(), quotes, begin, 3600, 24)

    assert (2, (1.0, 2.0), (0.7, 0.5), (0.05, 0.05)) == (
        found.count,
        found.import_eur_per_wh,
        found.export_eur_per_wh,
        found.import_g_per_wh,
    )
    assert 0 == prices(dynamic, Told(), (), begin, 3600, 24).count


def test_a_base_contract_has_one_price_and_the_signal_of_co2_counts_with_it():
    base = Tariff(kind="base", zone="Europe/Paris", prices_eur_per_wh=(2.5,), export_eur_per_wh=0.1)
    begin = utc_s("2026-06-12T12:00")
    found = prices(base, Told(), (Quote(begin, begin + 3600, {"import_g_per_wh": 0.3}),), begin, 3600, 2)

    assert ((2.5, 2.5), (0.1, 0.1)) == (found.import_eur_per_wh, found.export_eur_per_wh)
    assert 0.3 == found.import_g_per_wh[0]
    assert math.isnan(found.import_g_per_wh[1]), "nobody signals it"


def test_a_span_of_the_site_file_in_minutes():
    assert (22 * 60 + 30, 6 * 60) == minutes("22:30-06:00")
