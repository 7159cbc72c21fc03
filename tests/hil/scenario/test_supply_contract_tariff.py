import datetime as dt
import tomllib

import pytest
from pydantic import ValidationError

from quartier.config.sections.planning_sections import PRICES_BY_CONTRACT
from quartier_hil.scenario.supply_contract import (
    PERIODS,
    ContractCalendar,
    Planning,
    Tariff,
    build_calendar,
)
from quartier_sim.meters.tic.meter_state import TARIFFS

MONDAY_NOON = dt.datetime(2026, 1, 19, 12)  # noqa: DTZ001 - legal time of the place
TEMPO = Tariff(contract="tempo", colours=("white", "red", "blue"))
EJP = Tariff(contract="ejp", colours=("blue", "red", "blue"), prices_eur_per_kwh=(0.15, 1.1))


def _at(tariff, days, hour, minute=0):
    moment = dt.datetime(2026, 1, 19 + days, hour, minute)  # noqa: DTZ001 - as above
    return ContractCalendar(tariff, MONDAY_NOON).at(moment)


@pytest.mark.parametrize(
    ("days", "hour", "minute", "index", "today", "tomorrow"),
    [
        (0, 12, 0, 4, 2, 0),
        (0, 19, 59, 4, 2, 0),
        (0, 20, 0, 4, 2, 3),
        (0, 22, 0, 3, 2, 3),
        (1, 5, 59, 3, 2, 3),
        (1, 6, 0, 6, 3, 0),
        (1, 21, 59, 6, 3, 1),
        (2, 0, 0, 5, 3, 1),
        (2, 6, 0, 2, 1, 0),
        (3, 6, 0, 2, 1, 0),
    ],
)
def test_a_day_of_tempo_is_from_six_to_six_and_tomorrow_is_told_from_eight(
    days, hour, minute, index, today, tomorrow
):
    standing = _at(TEMPO, days, hour, minute)

    assert (index, today, tomorrow) == (standing.index, standing.today, standing.tomorrow)


def test_before_six_a_scenario_begins_in_the_day_before():
    begun = ContractCalendar(TEMPO, dt.datetime(2026, 1, 20))  # noqa: DTZ001 - as above

    assert [2, 3] == [begun.at(dt.datetime(2026, 1, 20, hour)).today for hour in (5, 6)]  # noqa: DTZ001 - as above


@pytest.mark.parametrize(
    ("contract", "hour", "period"),
    [
        ("base", 3, "base"),
        ("hc", 5, "off_peak"),
        ("hc", 6, "peak"),
        ("hc", 21, "peak"),
        ("hc", 22, "off_peak"),
    ],
)
def test_hours_say_the_period_where_there_are_no_colours(contract, hour, period):
    standing = _at(Tariff(contract=contract), 0, hour)

    assert (period, 0, 0) == (standing.period, standing.today, standing.tomorrow)


@pytest.mark.parametrize(
    ("days", "hour", "minute", "period", "notice_min"),
    [
        (1, 6, 29, "normal", 0),
        (1, 6, 30, "normal", 30),
        (1, 6, 59, "normal", 1),
        (1, 7, 0, "mobile_peak", 0),
        (2, 0, 59, "mobile_peak", 0),
        (2, 1, 0, "normal", 0),
        (2, 6, 45, "normal", 0),
        (2, 12, 0, "normal", 0),
    ],
)
def test_a_mobile_peak_is_from_seven_to_one_and_announced_half_an_hour_before(
    days, hour, minute, period, notice_min
):
    standing = _at(EJP, days, hour, minute)

    assert (period, notice_min) == (standing.period, standing.notice_min)


@pytest.mark.parametrize("tariff", [Tariff(contract="base"), Tariff(contract="hc"), TEMPO, EJP])
def test_the_meter_reckons_the_same_period_by_itself(tariff):
    known = ContractCalendar(tariff, MONDAY_NOON)
    moments = [MONDAY_NOON + dt.timedelta(minutes=10 * number) for number in range(400)]

    assert [known.at(moment).index for moment in moments] == [
        TARIFFS[tariff.contract].period(moment, known.at(moment).today or 1).index for moment in moments
    ]
    assert len(PERIODS[tariff.contract]) == len(TARIFFS[tariff.contract].periods)


def test_each_period_has_its_price():
    assert pytest.approx([0.1921e-3, 0.7295e-3]) == [
        _at(TEMPO, 0, 12).price_eur_per_wh,
        _at(TEMPO, 1, 12).price_eur_per_wh,
    ]
    assert pytest.approx(1.1e-3) == _at(EJP, 1, 12).price_eur_per_wh
    assert "Tempo (white, red, blue): blue off peak 0.1356" in TEMPO.words


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ({"contract": "tempo"}, "needs colours"),
        ({"contract": "hc", "colours": ["red"]}, "has no colours"),
        ({"contract": "ejp", "colours": ["white"], "prices_eur_per_kwh": [0.1, 1]}, "red days and blue"),
        ({"contract": "ejp", "colours": ["red"]}, "one for each of normal, mobile_peak"),
        ({"contract": "hc", "prices_eur_per_kwh": [0.1]}, "one for each of off_peak, peak"),
    ],
)
def test_a_contract_that_is_not_whole_is_refused(told, fault):
    with pytest.raises(ValidationError, match=fault):
        Tariff.model_validate(told)


@pytest.mark.parametrize("tariff", [Tariff(contract="base"), Tariff(contract="hc"), TEMPO, EJP])
def test_the_site_file_has_the_contract_with_the_prices_in_the_same_order(tariff):
    site = tomllib.loads(tariff.site())
    kind = site["tariff"].pop("contract")

    assert {"tariff"} == set(site)
    assert [round(price / 1000, 9) for price in tariff.prices] == [
        site["tariff"][key] for key in PRICES_BY_CONTRACT[kind]
    ]
    assert 0.00004 == site["tariff"]["export_eur_per_wh"]


def test_without_a_contract_there_is_no_calendar():
    assert build_calendar(None, MONDAY_NOON) is None
    assert build_calendar(TEMPO, MONDAY_NOON).tariff is TEMPO


def test_a_price_of_the_largest_import_is_the_days_or_the_months():
    assert {"planning": {}} == tomllib.loads(Planning().site())
    day, month = Planning(day_peak_eur_per_w=1e-4), Planning(month_peak_eur_per_w=0.008)
    assert {"day_peak_eur_per_w": 1e-4} == tomllib.loads(day.site())["planning"]
    said = {"peak_eur_per_w": 0.008, "peak_by_month": True}
    assert said == tomllib.loads(month.site())["planning"]
    with pytest.raises(ValidationError, match="expected one of them"):
        Planning(day_peak_eur_per_w=1e-4, month_peak_eur_per_w=0.008)


def test_each_days_largest_import_is_paid_and_of_a_months_what_it_had_not_reached_before():
    days_w = [2_000.0, 5_000.0]

    assert pytest.approx(0.7) == Planning(day_peak_eur_per_w=1e-4).peaks_eur(days_w, 4_000.0)
    month = Planning(month_peak_eur_per_w=0.008)
    assert (pytest.approx(8.0), 0.0) == (month.peaks_eur(days_w, 4_000.0), month.peaks_eur(days_w, 6_000.0))
    assert 0.0 == month.peaks_eur([], 0.0) == Planning().peaks_eur(days_w, 0.0)
