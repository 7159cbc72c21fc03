"""Each kind of bus knows its section and its door, and a door costs nothing until it is used."""

import subprocess
import sys
from typing import get_args

from quartier_drivers import registry
from quartier_drivers.bacnet import door as bacnet
from quartier_drivers.gpio import driver as gpio
from quartier_drivers.gpio.bus import GpioBus
from quartier_drivers.meter import driver as meter
from quartier_drivers.modbus.bus import RtuBus, TcpBus
from quartier_drivers.modbus.door import DOOR
from quartier_drivers.opcua import door as opcua


def test_every_kind_has_a_section_of_that_kind_and_a_door() -> None:
    sections = {kind: registry.section(kind) for kind in registry.KINDS}

    assert {"modbus-tcp": TcpBus, "modbus-rtu": RtuBus, "gpio": GpioBus}.items() <= sections.items()
    assert {*registry.METERS, "modbus-tcp", "modbus-rtu", "gpio", "opcua", "bacnet-ip"} == set(sections)
    assert all(kind == get_args(one.model_fields["kind"].annotation)[0] for kind, one in sections.items())
    doors = {DOOR, gpio.DOOR, meter.DOOR, bacnet.DOOR, opcua.DOOR}
    assert doors == {registry.door(kind) for kind in registry.KINDS}


def test_a_guest_on_a_wire_has_a_door_of_its_own_that_nobody_else_pays_for() -> None:
    code = (
        "import sys; from quartier_drivers import registry, profile;"
        "registry.door('modbus-tcp'), profile.load('eastron/sdm630');"
        "before = [name for name in sys.modules if 'sunspec' in name];"
        "registry.door('modbus-tcp', 'sunspec');"
        "sys.exit(bool(before) or 'quartier_drivers.sunspec.driver' not in sys.modules)"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}

    assert ("modbus", "sunspec") == registry.KINDS["modbus-rtu"].protocols
    assert ("gpio",) == registry.KINDS["gpio"].protocols
    assert 0 == subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode


def test_sections_import_no_protocol_library() -> None:
    code = (
        "import sys; from quartier_drivers import registry, profile;"
        "[registry.section(kind) for kind in registry.KINDS];"
        "sys.exit(any(name in sys.modules for name in ('pymodbus', 'serial', 'gpiod', 'bacpypes3', 'asyncua')))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}

    assert 0 == subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode
