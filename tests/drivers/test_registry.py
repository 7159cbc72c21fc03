"""Each kind of bus knows its section and its factory, and a factory costs nothing until it is used."""

import subprocess
import sys
from typing import get_args

import pytest

from quartier_drivers import registry
from quartier_drivers.bacnet import factory
from quartier_drivers.gpio import driver
from quartier_drivers.gpio.bus_section import GpioBus
from quartier_drivers.meter import driver as meter_driver
from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.factory import FACTORY
from quartier_drivers.opcua import factory as opcua_factory
from quartier_drivers.registry import check_host


def test_every_kind_has_a_section_of_that_kind_and_a_factory() -> None:
    sections = {kind: registry.load_section(kind) for kind in registry.BUS_KINDS}

    assert {"modbus-tcp": TcpBus, "modbus-rtu": RtuBus, "gpio": GpioBus}.items() <= sections.items()
    assert {*registry.METER_PROTOCOLS, "modbus-tcp", "modbus-rtu", "gpio", "opcua", "bacnet-ip"} == set(
        sections
    )
    assert all(kind == get_args(one.model_fields["kind"].annotation)[0] for kind, one in sections.items())
    factories = {FACTORY, driver.FACTORY, meter_driver.FACTORY, factory.FACTORY, opcua_factory.FACTORY}
    assert factories == {registry.load_factory(kind) for kind in registry.BUS_KINDS}


def test_another_protocol_on_a_wire_has_a_factory_of_its_own_that_nobody_else_pays_for() -> None:
    code = (
        "import sys; from quartier_drivers import registry; from quartier_drivers.device_profile import loading;"
        "registry.load_factory('modbus-tcp'), loading.load_profile('eastron/sdm630');"
        "before = [name for name in sys.modules if 'sunspec' in name];"
        "registry.load_factory('modbus-tcp', 'sunspec');"
        "sys.exit(bool(before) or 'quartier_drivers.sunspec.driver' not in sys.modules)"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}

    assert ("modbus", "sunspec") == registry.BUS_KINDS["modbus-rtu"].protocols
    assert ("gpio",) == registry.BUS_KINDS["gpio"].protocols
    assert 0 == subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode


def test_sections_import_no_protocol_library() -> None:
    code = (
        "import sys; from quartier_drivers import registry; from quartier_drivers.device_profile import loading;"
        "[registry.load_section(kind) for kind in registry.BUS_KINDS];"
        "sys.exit(any(name in sys.modules for name in ('pymodbus', 'serial', 'gpiod', 'bacpypes3', 'asyncua')))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}

    assert 0 == subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode


@pytest.mark.parametrize("host", ["192.168.1.20", "meter.lan", "::1", "10-0-0-1.lan", "3com", ""])
def test_names_and_addresses_pass(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize("host", ["192.168.1.320", "192.168.1", "10.0.0.1.2", "1921681.20", "192.168.1.20."])
def test_digits_and_points_are_an_address_or_a_fault(host: str) -> None:
    with pytest.raises(ValueError, match="is no IPv4 address; expected four numbers of 0 to 255"):
        check_host(host)
