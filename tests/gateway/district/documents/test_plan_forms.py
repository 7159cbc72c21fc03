"""Schedules, fail-safe parameters and signals: what may stand in each, and what control gets."""

import pytest
from pydantic import ValidationError

from quartier.control.requests import (
    DeviceSchedule,
    FailsafeDocument,
    FailsafeValues,
    ScheduleInterval,
    SignalInterval,
)
from quartier.district.documents.document_types import DISTRICT_DOCUMENT_TYPES, DOCUMENT_TYPES
from quartier.district.documents.plan_forms import FailsafeForm, ScheduleForm

FRAME = {"id": "d", "seq": 1, "iss": "district", "aud": "issy.b012", "iat": 1, "nbf": 1, "exp": 9}
SCHEDULE = FRAME | {"asset": "bat1", "start": 2, "intervals": [{"duration_s": 60, "power_w": -500}]}
FAILSAFE = FRAME | {"import_max_w": 4000, "export_max_w": 0, "duration_min_s": 7200}
SPANS = {
    "price": {"import_eur_per_kwh": 0.25, "export_eur_per_kwh": -0.02},
    "co2": {"import_g_per_kwh": 56.0},
    "level": {"level": 2},
    "alert": {"code": "GRID_EMERGENCY", "text": "a storm comes"},
}


def signal(kind, *spans):
    intervals = [{"duration_s": 900, **span} for span in spans or (SPANS[kind],)]
    return FRAME | {"aud": "issy", "start": 2, "intervals": intervals}


def read(kind, body):
    return DISTRICT_DOCUMENT_TYPES[f"signal/{kind}"].form.model_validate(body)


def test_a_schedule_gives_powers_states_of_charge_and_gaps():
    intervals = [{"duration_s": 60, "power_w": -500}, {"duration_s": 90, "soc_pct": 80}, {"duration_s": 1}]
    form = ScheduleForm.model_validate(SCHEDULE | {"intervals": intervals})

    assert "bat1" == form.place
    assert form.convert() == DeviceSchedule(
        id="d",
        seq=1,
        asset="bat1",
        nbf_utc_ms=1,
        exp_utc_ms=9,
        start_utc_ms=2,
        intervals=(ScheduleInterval(60, -500), ScheduleInterval(90, None, 80), ScheduleInterval(1)),
    )


@pytest.mark.parametrize(
    "interval",
    [
        {"duration_s": 0, "power_w": 1},
        {"duration_s": 60, "power_w": 1, "soc_pct": 50},
        {"duration_s": 60, "power_w": float("nan")},
        {"duration_s": 60, "soc_pct": 101},
        {"duration_s": 60, "power_kw": 1},
    ],
)
def test_a_schedule_says_one_thing_at_a_time_and_only_numbers(interval):
    with pytest.raises(ValidationError):
        ScheduleForm.model_validate(SCHEDULE | {"intervals": [interval]})


@pytest.mark.parametrize("count", [0, 289])
def test_a_schedule_has_1_to_288_intervals(count):
    with pytest.raises(ValidationError):
        ScheduleForm.model_validate(SCHEDULE | {"intervals": [{"duration_s": 1}] * count})


def test_failsafe_parameters_need_no_end():
    body = {key: value for key, value in FAILSAFE.items() if key != "exp"}
    values = FailsafeValues(import_max_w=4000, export_max_w=0, duration_min_s=7200)

    assert FailsafeDocument(id="d", seq=1, values=values) == FailsafeForm.model_validate(body).convert()
    assert FailsafeForm.model_validate(body).exp > 4e12


@pytest.mark.parametrize("change", [{"import_max_w": -1}, {"duration_min_s": None}, {"export_max_w": "0"}])
def test_failsafe_parameters_are_numbers_and_never_negative(change):
    with pytest.raises(ValidationError):
        FailsafeForm.model_validate(FAILSAFE | change)


def test_prices_and_co2_come_per_kwh_and_are_kept_per_wh():
    (price,), (co2,) = (read(kind, signal(kind)).convert().spans for kind in ("price", "co2"))

    assert SignalInterval(900, {"import_eur_per_wh": 0.00025, "export_eur_per_wh": -0.00002}) == price
    assert SignalInterval(900, {"import_g_per_wh": 0.056}) == co2
    bare = read("price", signal("price", {"import_eur_per_kwh": 0.1})).convert().spans[0]
    assert {"import_eur_per_wh": 0.0001} == bare.values


def test_levels_and_alerts_are_as_they_were_said():
    assert [{"level": 2}, {"code": "GRID_EMERGENCY", "text": "a storm comes"}] == [
        dict(read(kind, signal(kind)).convert().spans[0].values) for kind in ("level", "alert")
    ]
    assert ["level", "alert"] == [read(kind, signal(kind)).convert().kind for kind in ("level", "alert")]


@pytest.mark.parametrize(
    ("kind", "span"),
    [
        ("level", {"level": 4}),
        ("level", {"level": 1.0}),
        ("level", {"import_eur_per_kwh": 1}),
        ("price", {}),
        ("price", {"import_eur_per_kwh": 1e9}),
        ("co2", {"import_g_per_kwh": -1}),
        ("alert", {"code": "no capitals"}),
        ("alert", {"code": "X", "text": "x" * 501}),
    ],
)
def test_a_signal_says_only_what_its_kind_says(kind, span):
    with pytest.raises(ValidationError):
        read(kind, signal(kind, span))


def test_each_kind_has_room_for_its_largest_document():
    interval = {"duration_s": 86400.12345678, "power_w": -123456.78901234}
    largest = ScheduleForm.model_validate(SCHEDULE | {"intervals": [interval] * 288})
    assert len(largest.model_dump_json()) < DOCUMENT_TYPES["schedule"].size_max_bytes
    spans = SPANS | {"alert": {"code": "X" * 64, "text": "x" * 500}}
    for kind, span in spans.items():
        largest = read(kind, signal(kind, *[span] * 288))
        assert len(largest.model_dump_json()) < DISTRICT_DOCUMENT_TYPES[f"signal/{kind}"].size_max_bytes, kind
