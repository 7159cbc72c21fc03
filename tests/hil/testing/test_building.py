"""The Python interface of the rig, on a building in a process of its own."""

import inspect
import socket

import pytest
from pymodbus.client import ModbusTcpClient

from quartier_hil import testing
from quartier_hil.testing import (
    BuildingNotServed,
    CommandRefused,
    DeviceAddress,
    ExpectationFailed,
    Order,
    SimulatedBuilding,
)

SITE = """
site = { id = "shop", district = "test" }
limits = { contract_import_w = 9000, failsafe_import_w = 6000 }
assets.grid = { role = "grid", device = "meter" }
assets.boiler = { role = "load", device = "submeter", rated_w = 2000, switch_device = "relays", switch_part = "relay1", tier = "C", accept_no_fallback = "only the rig, in a test" }
assets.bat1 = { role = "battery", device = "gx", part = "battery", rated_w = 5000, capacity_wh = 10000 }
assets.ev1 = { role = "ev", device = "charger", accept_no_fallback = "only the rig, in a test" }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1" }
buses.rs485 = { kind = "modbus-rtu", port = "/dev/ttyUSB0", baud = 9600 }
devices.meter = { bus = "rs485", profile = "eastron/sdm630", unit = 1 }
devices.submeter = { bus = "rs485", profile = "carlo-gavazzi/em24", unit = 2 }
devices.relays = { bus = "rs485", profile = "waveshare/relay8", unit = 3 }
devices.gx = { bus = "lan", profile = "victron/gx", unit = 227 }
devices.charger = { bus = "lan", profile = "keba/p30", unit = 255 }
devices.other = { bus = "lan", profile = "fronius/gen24", unit = 9 }
"""


@pytest.fixture(scope="module")
def site_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("shop") / "shop.toml"
    lines = [line for line in SITE.splitlines() if not line.startswith("devices.other")]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def building(site_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    with SimulatedBuilding(site_file, folder, load_w=800, sun_w_per_kw=0, rate=10) as served:
        yield served


def test_there_are_at_most_ten_names():
    assert len(testing.__all__) <= 10
    assert all(inspect.getdoc(getattr(testing, name)) for name in testing.__all__)


def test_every_device_has_an_address_that_answers(building):
    assert {"meter", "submeter", "relays", "gx", "charger"} == set(building.devices)
    assert {} == building.not_simulated
    charger = building.devices["charger"]
    with ModbusTcpClient(charger.host, port=charger.port) as client:
        assert not client.read_holding_registers(1000, count=2, device_id=charger.unit).isError()
    with pytest.raises(ValueError, match="meter is on the serial port .*rs485: it has no host"):
        _ = building.devices["meter"].host
    assert str(charger.port) in building.site_file.read_text()


def test_an_address_of_opc_ua_has_host_and_port():
    address = DeviceAddress("lan", "OPC UA", "opc.tcp://127.0.0.1:4840/plant", 0, "chp", "a/b")
    assert ("127.0.0.1", 4840) == (address.host, address.port)


def test_events_change_what_is_read(building):
    building.set_load(3_000)
    building.expect("base.power_w == 3000", within_s=20)
    building.set_soc("bat1", 30)
    building.plug_car("ev1", 5_000)
    building.expect("ev1.plugged_on == 1", within_s=20)
    building.unplug_car("ev1")
    building.set_sun(100)
    building.set_sun(None)
    building.set_grid(frequency_hz=49.5, voltage_v=225)
    building.expect("grid.frequency_hz < 49.6", within_s=20)
    building.set_grid(frequency_hz=50, voltage_v=230)
    building.wait(5)
    building.cause_fault("meter", "wrong", factor=2.0)
    building.clear_faults()
    building.unplug_bus("rs485")
    building.plug_bus("rs485")
    building.set_load(800)

    assert 29 < building.read("bat1.soc_pct") < 31
    assert {"grid.power_w", "bat1.power_w"} <= set(building.read_all("*.power_w"))
    assert 0 <= building.lag_max_s < 30


def test_a_written_order_is_seen(building):
    charger = building.devices["charger"]
    with ModbusTcpClient(charger.host, port=charger.port) as client:
        client.write_register(5004, 8_000, device_id=charger.unit)
    building.expect("charger.current_max_a == 8", within_s=20)
    building.wait(2)

    orders = [order for order in building.orders if order.device == "charger"]
    assert isinstance(orders[-1], Order)
    assert ("current_max_a", 8.0, "written") == (orders[-1].point, orders[-1].value, orders[-1].by)


def test_what_is_not_as_expected_fails_and_says_what_it_is(building):
    with pytest.raises(ExpectationFailed, match=r"base.power_w > 1e6 .*NO, it is 800 after"):
        building.expect("base.power_w > 1e6", within_s=2)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda one: one.read("gird.power_w"), "nothing here is called 'gird.power_w'"),
        (
            lambda one: one.cause_fault("metre", "silent"),
            "there is no device or bus 'metre' here; expected one",
        ),
        (lambda one: one.cause_fault("meter", "mute"), "'mute' is no fault; expected one of"),
        (lambda one: one.plug_car("bat1"), "expected one of ev1"),
        (lambda one: one.set_contact("cut", closed=True), "there is no contact 'cut'"),
        (lambda one: one.expect("grid.power_w ~ 3"), "compares nothing; expected one of <="),
        (lambda one: one.unplug_bus("lan"), "there is no serial port 'lan'; expected one of rs485"),
    ],
)
def test_an_unknown_name_is_refused_with_those_that_exist(building, act, words):
    with pytest.raises(CommandRefused, match=words):
        act(building)


def test_a_device_that_is_not_simulated_is_named_with_the_reason(tmp_path):
    (tmp_path / "shop.toml").write_text(SITE)
    with SimulatedBuilding(tmp_path / "shop.toml", tmp_path / "served", load_w=0, sun_w_per_kw=0) as served:
        (key,) = served.not_simulated
        assert key.startswith("devices.other")
        assert served.not_simulated[key]
        assert "other" not in served.devices


def test_a_site_file_that_cannot_be_served_is_said_with_its_faults(tmp_path):
    (tmp_path / "shop.toml").write_text("site = [")
    with (
        pytest.raises(BuildingNotServed, match=r"exit code (2|78)[\s\S]*shop.toml:1"),
        SimulatedBuilding(tmp_path / "shop.toml", tmp_path / "served", load_w=0, sun_w_per_kw=0),
    ):
        pass


def test_after_its_end_the_ports_are_free_and_a_command_says_so(site_file, tmp_path):
    with SimulatedBuilding(site_file, tmp_path / "served", load_w=0, sun_w_per_kw=0) as served:
        charger = served.devices["charger"]
    with pytest.raises(BuildingNotServed, match="ended, exit code 0"):
        served.read("grid.power_w")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((charger.host, charger.port), 1)
    with pytest.raises(BuildingNotServed, match="was not started: use it with `with`"):
        SimulatedBuilding(site_file, tmp_path / "other").read("grid.power_w")
