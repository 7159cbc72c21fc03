"""What births tell: meaning by role and quantity, aliases that stay, what never leaves."""

import pytest

from quartier.district.records import NODE_STREAM
from quartier.district.sparkplug.metric_catalog import (
    LEARNED_MAX,
    MetricCatalog,
    build_catalog,
    find_brick_class,
)
from quartier.district.sparkplug.payload_codec import Datatype
from quartier_drivers.contract import PointInfo


@pytest.mark.parametrize(
    ("role", "quantity", "expected"),
    [
        ("grid", "power_w", "Active_Power_Sensor"),
        ("grid", "power_l1_w", "Active_Power_Sensor"),
        ("grid", "energy_import_wh", "Electrical_Energy_Usage_Sensor"),
        ("grid", "energy_export_wh", "Electric_Energy_Sensor"),
        ("pv", "energy_export_wh", "Energy_Generation_Sensor"),
        ("pv", "generation_max_w", "Max_Load_Setpoint"),
        ("battery", "setpoint_w", "Setpoint"),
        ("battery", "soc_pct", "Level_Status"),
        ("ev", "current_max_a", "Current_Limit"),
        ("ev", "plugged_on", "On_Off_Status"),
        ("ev", "charge_state", "Mode_Status"),
        ("load", "relay_on", "On_Off_Command"),
        ("grid", "voltage_l1_v", "Voltage_Sensor"),
        ("grid", "frequency_hz", "Frequency_Sensor"),
        ("", "requests_count", "Point"),
    ],
)
def test_the_brick_class_by_role_and_quantity(role, quantity, expected):
    assert expected == find_brick_class(role, quantity)


def test_assets_are_devices_and_all_other_owners_metrics_of_the_node(catalog):
    assert ("grid", "bat1", "ev1") == catalog.devices
    assert ["rs485.requests_count", "gateway.version_text"] == [
        entry.metric for entry in catalog.entries(NODE_STREAM)
    ]
    assert "grid.power_w" == catalog.find("grid", "power_w").point
    assert "%" == catalog.find("bat1", "soc_pct").properties["engUnit"]


def test_local_assets_are_not_in_it(make_catalog):
    assert ("grid", "ev1") == make_catalog(local=("bat1",)).devices


def test_a_metric_keeps_its_alias_and_none_is_shared(catalog):
    aliases = [entry.alias for stream in (*catalog.devices, NODE_STREAM) for entry in catalog.entries(stream)]
    assert len(aliases) == len(set(aliases))
    before = catalog.find("bat1", "soc_pct").alias
    assert before == catalog.add("bat1", "soc_pct", Datatype.DOUBLE).alias
    assert "soc_pct" == catalog.by_alias("bat1", before).metric
    assert catalog.by_alias("grid", before) is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [(1.5, Datatype.DOUBLE), (1, Datatype.INT64), (True, Datatype.BOOLEAN), ("x", Datatype.STRING)],
)
def test_what_a_sample_brings_is_learned_once(value, kind):
    catalog = MetricCatalog()
    assert [True, False] == [catalog.learn("old1", "power_w", value) for _ in range(2)]
    assert kind is catalog.find("old1", "power_w").type


def test_learning_is_bounded():
    catalog = MetricCatalog()
    assert LEARNED_MAX == sum(catalog.learn("x", f"n{number}_count", 1) for number in range(LEARNED_MAX + 50))


def test_what_a_profile_does_not_know_is_not_told():
    catalog = build_catalog({"grid.power_w": PointInfo("grid.power_w", "float", "x", 1.0)}, {"grid": "grid"})
    assert {"brickClass", "engUnit", "address"} == set(catalog.find("grid", "power_w").properties)
