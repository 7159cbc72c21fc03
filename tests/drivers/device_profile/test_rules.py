"""Contradictions between the keys of a point are found, and named by the key to change."""

from typing import Any

import pytest

from quartier_drivers.device_profile.loading import SCAN_PERIODS_S
from quartier_drivers.device_profile.rules import (
    check_mark,
    check_point,
    check_quantity_name,
    check_source,
)
from quartier_drivers.device_profile.schema import Mark, Point, Source

WRITE = {"low": 0, "high": 10, "on_release": 0}


def keys(quantity: str = "power_w", **table: Any) -> list[str]:
    table.setdefault("register", "holding:0")
    return [key for key, _ in check_point(quantity, Point.model_validate(table), SCAN_PERIODS_S)]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"register": "coil:0", "type": "int32"}, "type"),
        ({"register": "coil:0", "bit": 1}, "bit"),
        ({"bit": 1, "bits": [1, 2]}, "bits"),
        ({"bit": 16}, "bit"),
        ({"bits": [14, 16]}, "bits"),
        ({"type": "float32", "bit": 1}, "bit"),
        ({"length": 2}, "length"),
        ({"type": "float32", "values": {"0": "idle"}}, "values"),
        ({"absent": 0x10000}, "absent"),
        ({"absent": -1}, "absent"),
        ({"scale_register": "coil:1"}, "scale_register"),
        ({"bit": 1, "scale_register": "holding:1"}, "scale_register"),
        ({"bit": 1, "sum_of": 3}, "sum_of"),
        ({"type": "directed16", "bits": [1, 2]}, "length"),
        ({"type": "directed16", "length": 1, "bits": [1, 2]}, "length"),
        ({"type": "directed16", "length": 3}, "bits"),
        ({"type": "bcd16", "bit": 3}, "bit"),
        ({"register": "holding:65535", "type": "int32"}, "register"),
    ],
)
def test_a_source_that_contradicts_itself_is_named_by_its_key(table: dict[str, Any], key: str) -> None:
    source = Source.model_validate({"register": "holding:0"} | table)

    assert key in [found for found, _ in check_source(source)]


@pytest.mark.parametrize(
    ("write", "key"),
    [
        ({"low": None}, "write.low"),
        ({"high": None}, "write.high"),
        ({"low": 11}, "write.low"),
        ({"high": 70000}, "write.high"),
        ({"on_release": 11}, "write.on_release"),
        ({"on_release": "own"}, "write.own"),
        ({"own": {"register": "input:1", "value": 0}}, "write.own.register"),
        ({"own": {"register": "holding:1", "value": 0.5}}, "write.own.value"),
        ({"fallback": {"value": 0, "after_s": 60, "register": "discrete:1"}}, "write.fallback.register"),
        ({"fallback": {"value": 0, "after_s": 70000, "register": "holding:1"}}, "write.fallback.after_s"),
        ({"register": "input:1"}, "write.register"),
        ({"function": 5}, "write.function"),
        ({"function": 22, "type": "int32"}, "write.function"),
        ({"function": 6, "type": "float32"}, "write.function"),
        ({"register": "coil:1", "function": 16, "low": None, "high": 1, "on_release": 1}, "write.function"),
        ({"type": "bcd16", "high": 10000}, "write.high"),
        ({"writes_per_day": 4}, "write.writes_per_day"),
    ],
)
def test_a_write_that_cannot_be_is_named_by_its_key(write: dict[str, Any], key: str) -> None:
    assert [key] == keys(write=WRITE | write)


def test_a_sound_write_has_no_flaw() -> None:
    fallback = {"value": 0, "after_s": 60, "register": "holding:2"}
    own = {"register": "holding:1", "value": 1}

    assert [] == keys(write=WRITE | {"on_release": "own", "own": own, "fallback": fallback})
    assert [] == keys("relay_on", register="coil:3", write={"on_release": 1})
    assert [] == keys(type="int16", scale=0.1, write=WRITE | {"low": -3276.8, "high": 3276.7})
    assert [] == keys(scale_register="holding:9", write=WRITE | {"high": 1e6})


def test_a_bit_field_is_written_with_a_mask_or_not_at_all() -> None:
    write = {"low": 0, "high": 1, "on_release": 0}

    assert ["write.function"] == keys("relay_on", bit=1, write=write)
    assert [] == keys("relay_on", bit=1, write=write | {"function": 22})
    assert [] == keys("mode_index", bits=[4, 6], write=write | {"function": 22, "high": 7})
    assert ["write.high"] == keys("mode_index", bits=[4, 6], write=write | {"function": 22, "high": 8})


def test_strings_cannot_be_written() -> None:
    assert "write" in keys("name_text", type="string", length=2, write=WRITE)


@pytest.mark.parametrize(
    ("mark", "key"),
    [
        ({"equals": 1, "register": None}, ""),
        ({"equals": 1, "device_id": "vendor"}, ""),
        ({}, ""),
        ({"equals": 1, "low": 0, "high": 1}, ""),
        ({"like": "ACME"}, "like"),
        ({"type": "string", "length": 4, "equals": 1}, "like"),
        ({"type": "string", "like": "ACME"}, "length"),
        ({"low": 2}, "high"),
        ({"low": 2, "high": 1}, "low"),
        ({"register": "coil:0", "type": "int32", "equals": 1}, "type"),
    ],
)
def test_a_mark_that_recognises_nothing_is_named_by_its_key(mark: dict[str, Any], key: str) -> None:
    assert key in [found for found, _ in check_mark(Mark.model_validate({"register": "input:0"} | mark))]


def test_a_sound_mark_has_no_flaw() -> None:
    for mark in (
        {"register": "input:0", "equals": [1648, 1649]},
        {"register": "input:0", "type": "string", "length": 8, "like": "acme *"},
        {"register": "input:0", "type": "float32", "low": 180, "high": 260},
        {"device_id": "product", "like": "AM3??"},
    ):
        assert [] == check_mark(Mark.model_validate(mark))


def test_the_type_fits_what_the_name_says() -> None:
    assert ["type"] == keys("name_text")
    assert [] == keys("name_text", type="string", length=4)
    assert [] == keys("mode_text", values={"0": "idle"})
    assert ["type"] == keys("power_w", type="string", length=4)


def test_names_and_scan_classes_are_known() -> None:
    assert [""] == [key for key, _ in check_quantity_name("power_kw")]
    assert ["scan"] == keys(scan="fest")
    assert ["low"] == keys(low=2, high=1)


@pytest.mark.parametrize(
    ("write", "key"),
    [
        ({"codes": {"0": 1}}, "write.high"),
        ({"codes": {"10": 1}}, "write.low"),
        ({"codes": {"0": 1, "10": 0x10000}}, "write.codes"),
        ({"codes": {"0": 1, "10": 2}, "on_release": 5}, "write.on_release"),
    ],
)
def test_a_value_without_a_code_is_named_by_its_key(write: dict[str, Any], key: str) -> None:
    assert key in keys("run_state", write=WRITE | write)
