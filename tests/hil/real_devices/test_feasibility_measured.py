"""What the rig can see of a house with real devices, and which promises it can judge then."""

import datetime as dt

import pytest

from quartier_hil.real_devices.bench_model import Bench
from quartier_hil.real_devices.feasibility import (
    MeasurableSite,
    find_point,
    list_device_assets,
    list_device_orders,
    list_required_quantities,
    select_checks,
)
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.scenario.site import SiteSpec

START = dt.datetime(2026, 6, 12, 15)  # noqa: DTZ001 - the house's local time
ORDER = {"register": "holding:1100"}


def _measurable_site(house=None, real=("charger",), **measured):
    bench = Bench(
        title="x",
        devices={name: {"host": "h", "profile": "keba/p30", "measured": measured} for name in real},
    )
    return MeasurableSite(house or SiteSpec(), bench, real)


def _scenario(*checks, events=()):
    return Scenario(title="x", start=START, duration_s=300, rate=1, checks=checks, events=events)


@pytest.mark.parametrize(
    ("expected", "device"),
    [
        ({"ev1": ""}, "charger"),
        ({"hp1": ""}, "heatmeter"),
        ({"bat1": "battery.", "pv1": "pv."}, "gx"),
        ({}, "relays"),
        ({"fan1": ""}, "fan1_box"),
    ],
)
def test_each_device_has_its_assets(expected, device):
    house = SiteSpec(assets=({"kind": "ventilation", "name": "fan1", "rated_w": 900},))

    assert expected == list_device_assets(house, device)


def test_what_must_be_measured_is_the_power_of_each_asset_and_what_a_relay_does():
    house = SiteSpec()

    assert ["power_w"] == list_required_quantities(house, "charger")
    assert ["battery.power_w", "pv.power_w"] == list_required_quantities(house, "gx")
    assert ["relay1.relay_on"] == list_required_quantities(house, "relays")


@pytest.mark.parametrize(
    ("expected", "device", "quantity"),
    [
        ("ev1.power_w", "charger", "power_w"),
        ("order.current_max_a", "charger", "current_max_a"),
        ("bat1.soc_pct", "gx", "battery.soc_pct"),
        ("order.battery_w", "gx", "battery.setpoint_w"),
        ("order.relay_on", "relays", "relay1.relay_on"),
        ("", "gx", "power_w"),
    ],
)
def test_a_quantity_of_a_device_has_its_point_in_the_house(expected, device, quantity):
    assert expected == find_point(SiteSpec(), device, quantity)


def test_the_order_of_a_curtailed_pv_inverter_has_its_column():
    assert {"generation_max_w": "order.generation_max_w"} == list_device_orders(
        SiteSpec(pv="sunspec-7xx"), "solar"
    )


def test_of_a_real_device_only_what_is_read_is_shown():
    measurable_site = _measurable_site(power_w={"register": "holding:1020"})
    values = {
        "ev1.power_w": 1.0,
        "ev1.plugged_on": 1.0,
        "ev1.energy_import_wh": 2.0,
        "order.current_max_a": 16.0,
        "bat1.soc_pct": 50.0,
    }

    assert {"ev1.power_w", "ev1.energy_import_wh", "bat1.soc_pct"} == {
        *measurable_site.drop_unknown_values(values)
    }


def test_a_check_of_what_nobody_reads_is_named_and_not_judged():
    check = {"check": "within", "point": "ev1.plugged_on", "low": 0}
    told = {"check": "told", "point": "ev1.plugged_on", "from_s": 0, "until_s": 9}
    found = select_checks(
        _scenario(check, told), _measurable_site(power_w={"register": "holding:1020"}, current_max_a=ORDER)
    )

    assert ["told"] == [one.check for one in found.scenario.checks]
    assert ("within ev1.plugged_on: charger is real and nobody reads it",) == found.unjudged


def test_the_same_check_is_judged_where_somebody_reads_it():
    check = {"check": "within", "point": "ev1.plugged_on", "low": 0}
    measurable_site = _measurable_site(
        power_w={"register": "holding:1020"}, plugged_on={"register": "holding:1004"}, current_max_a=ORDER
    )

    assert (1, ()) == (
        len(select_checks(_scenario(check), measurable_site).scenario.checks),
        select_checks(_scenario(check), measurable_site).unjudged,
    )


def test_without_the_order_of_a_real_device_no_tightening_is_judged_and_its_switchings_are_named():
    found = select_checks(
        _scenario({"check": "invariants"}), _measurable_site(power_w={"register": "holding:1020"})
    )

    assert not found.is_tightening
    assert (
        "minimum-times, switchings, floors: not of order.current_max_a, which nobody reads"
        == found.unjudged[0]
    )


def test_the_band_of_a_real_battery_is_judged_where_its_charge_is_read():
    power = {"battery.power_w": {"register": "input:1"}, "pv.power_w": {"register": "input:2"}}
    charge = {"battery.soc_pct": {"register": "input:3"}}
    check = {"check": "invariants"}

    assert (
        "band-kept"
        in select_checks(_scenario(check), _measurable_site(real=("gx",), **power)).scenario.checks[0].without
    )
    assert (
        ()
        == select_checks(_scenario(check), _measurable_site(real=("gx",), **power, **charge))
        .scenario.checks[0]
        .without
    )


def test_what_a_device_does_while_it_is_cut_off_is_not_judged():
    cut = {"at_s": 60, "do": "fault", "device": "charger", "kind": "unplugged"}
    measurable_site = _measurable_site(power_w={"meter": "clamp"}, current_max_a=ORDER)
    found = select_checks(_scenario({"check": "invariants"}, events=(cut,)), measurable_site)

    assert ("declared",) == found.scenario.checks[0].without
    assert "declared: not of charger while it is cut off" in found.unjudged


def test_what_a_real_device_is_left_with_is_not_judged_by_the_twins_own():
    assert ("released: not of charger, which nobody asks then",) == select_checks(
        _scenario({"check": "released"}), _measurable_site(power_w={"meter": "clamp"}, current_max_a=ORDER)
    ).unjudged
