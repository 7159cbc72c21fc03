from pathlib import Path

import pytest

from quartier_district.gateway_session import TopicNames
from quartier_hil.runner.device_wiring import ABSENT_PORT, DeviceWiring
from quartier_hil.scenario.site import SiteSpec
from quartier_hil.scenario.site_file import GX, RELAYS, format_site_file
from quartier_sim.plant.building_model import (
    BuildingSpec,
    build_initial_state,
    measure_quantities,
    plug_car,
)

SPEC = BuildingSpec()


@pytest.fixture
async def wiring(tmp_path):
    found = DeviceWiring(seed=1)
    await found.serve(tmp_path / "rs485")
    yield found
    await found.close()


async def test_a_fresh_house_rests_with_its_relay_open(wiring):
    wiring.publish(measure_quantities(SPEC, build_initial_state(SPEC)), 1.0)
    orders = wiring.orders()

    assert (0, False) == (orders.battery_w, orders.relay_on)
    assert "(SDM630, EM24, relays), Modbus TCP (Victron GX), Modbus TCP (KEBA P30)" in wiring.words


async def test_outputs_that_are_not_released_are_named(wiring):
    assert ("charger current_max_a is 16 instead of 0",) == wiring.list_unreleased_outputs()


async def test_without_power_a_device_orders_nothing(wiring):
    wiring.fault(GX, "off")
    wiring.fault(RELAYS, "off")
    wiring.publish(measure_quantities(SPEC, plug_car(build_initial_state(SPEC), on=True, need_wh=1)), 2.0)

    assert (0, False) == (wiring.orders().battery_w, wiring.orders().relay_on)
    wiring.clear(GX)
    wiring.clear(RELAYS)


async def test_the_site_file_names_the_ends_of_the_wires(wiring, tmp_path):
    text = format_site_file(
        SiteSpec(),
        wiring,
        TopicNames("issy", "b012"),
        pty=tmp_path / "rs485",
        broker_port=1884,
        issuers_file=Path("/x/issuers.json"),
        rate=60,
    )

    for needle in (
        str(tmp_path / "rs485"),
        f"port = {wiring.ports[GX]}",
        "mqtt://127.0.0.1:1884",
        "simulated = true",
    ):
        assert needle in text


async def test_a_contact_brings_its_board_onto_the_line_and_into_the_site_file(tmp_path):
    house = SiteSpec(contact_import_w=4200)
    wiring = DeviceWiring(1, house)
    await wiring.serve(tmp_path / "line")
    words = {"pty": tmp_path / "rs485", "broker_port": 1, "issuers_file": Path("/x"), "rate": 60}
    text = format_site_file(house, wiring, TopicNames("issy", "b012"), **words)
    bare = format_site_file(SiteSpec(), wiring, TopicNames("issy", "b012"), **words)

    assert 'profile = "waveshare/io8"\nunit = 4' in text
    assert 'device = "inputs"\npart = "in1"\nimport_max_w = 4200' in text
    assert "contacts" not in bare
    await wiring.close()
    board = wiring.devices["inputs"].units[4]
    for closed in (True, False):
        wiring.contact(closed=closed)
        assert int(closed) == board.tables["discrete"][0]
    assert "inputs" not in DeviceWiring(seed=1).devices


@pytest.mark.parametrize("make", ["sunspec-1xx", "sunspec-7xx"])
async def test_sunspec_inverters_take_the_place_of_the_gx(tmp_path, make):
    house = SiteSpec(battery=make, pv=make, battery_w=4000)
    wiring = DeviceWiring(1, house)
    await wiring.serve(tmp_path / "line")
    words = {"pty": tmp_path / "line", "broker_port": 1, "issuers_file": Path("/x"), "rate": 60}
    text = format_site_file(house, wiring, TopicNames("issy", "b012"), **words)

    assert GX not in wiring.devices
    assert "Modbus TCP (SunSpec battery inverter), Modbus TCP (SunSpec PV inverter)" in wiring.words
    assert 'profile = "sunspec/battery"' in text
    assert 'bus = "solar_net"\nprofile = "sunspec/pv"\nunit = 1' in text
    assert 'device = "storage"\nrated_w = 4000' in text
    assert (0, float("inf")) == (wiring.orders().battery_w, wiring.orders().generation_max_w)
    wiring.publish(measure_quantities(SPEC, build_initial_state(SPEC, 61.0)), 2.0)
    assert 61.0 == wiring.devices["storage"].image.number("802.SoC")
    await wiring.close()


async def test_the_gx_keeps_what_it_is_not_relieved_of(tmp_path):
    house = SiteSpec(battery="sunspec-7xx")
    wiring = DeviceWiring(1, house)
    await wiring.serve(tmp_path / "line")
    words = {"pty": tmp_path / "line", "broker_port": 1, "issuers_file": Path("/x"), "rate": 60}
    text = format_site_file(house, wiring, TopicNames("issy", "b012"), **words)

    assert 'device = "gx"\npart = "pv"\ncurtail = "none"' in text
    assert 'profile = "victron/gx"' in text
    assert "sunspec/pv" not in text
    await wiring.close()


async def test_without_supply_all_but_those_with_a_battery_are_off(wiring):
    wiring.supply(on=False, backed=("meter",))
    assert {"meter"} == {name for name, device in wiring.devices.items() if not device.off}

    wiring.supply(on=True)
    assert not any(device.off for device in wiring.devices.values())


async def test_a_second_client_finds_the_device_of_an_output(wiring):
    device, port = wiring.find_output_device("ev1.current_max_a")

    assert (wiring.devices["charger"], wiring.ports["charger"]) == (device, port)


async def test_what_is_real_elsewhere_is_on_no_wire_and_its_twin_is_not_judged(tmp_path):
    wiring = DeviceWiring(1, real=("charger", "heatmeter"))
    await wiring.serve(tmp_path / "rs485")

    assert ABSENT_PORT == wiring.ports["charger"]
    assert [1, 3] == [unit for device in wiring._line.devices for unit in device.units]
    wiring.devices["charger"].units[255].accept("holding", 5004, [6000])
    assert not [text for text in wiring.list_unreleased_outputs() if text.startswith("charger")]
    await wiring.close()
