"""Devices of another stack on loopback, each at a port of its own: the same port there fails."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from bacpypes3.app import Application
from bacpypes3.basetypes import EngineeringUnits
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.analog import AnalogInputObject, AnalogValueObject
from bacpypes3.local.binary import BinaryInputObject, BinaryOutputObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.multistate import MultiStateValueObject
from bacpypes3.pdu import IPv4Address
from tests.drivers.modbus.conftest import HandClock

from quartier_drivers.bacnet.bus_section import BacnetIpBus
from quartier_drivers.bacnet.factory import load_library
from quartier_drivers.bacnet.network.line import BacnetLine
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile.loading import parse_profile

HOST = "127.0.0.1"
INSTANCE = 2001
HEAD = """
[profile]
protocol = "bacnet"
maker = "ACME"
model = "AHU"
source = "Object list of the controller, revision 2, sheet 4"
"""
POINTS = """
[points.supply_c]
object = "analog-input:1"
units = "degrees-celsius"
[points.power_w]
object = "analog-input:2"
[points.fan_on]
object = "binary-output:1"
[points.fan_on.write]
on_release = "own"
[points.speed_max_pct]
object = "analog-value:2"
[points.speed_max_pct.write]
low = 10
high = 100
on_release = "cap"
[points.mode_state]
object = "multi-state-value:1"
"""


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


class Server:
    """bacpypes3's own device."""

    def __init__(self, app: Application, port: int) -> None:
        self.app = app
        self.port = port
        self.address = f"{HOST}:{port}"

    def object(self, name: str) -> Any:
        return self.app.objectName[name]

    def close(self) -> None:
        self.app.close()


def device(instance: int = INSTANCE, **keys: Any) -> DeviceObject:
    return DeviceObject(
        objectIdentifier=f"device,{instance}",
        objectName=f"ahu-{instance}",
        vendorIdentifier=999,
        vendorName="ACME",
        modelName="AHU-9",
        **keys,
    )


def objects() -> list[Any]:
    flags = {"statusFlags": [0, 0, 0, 0], "eventState": "normal", "outOfService": False}
    return [
        AnalogInputObject(
            objectIdentifier="analog-input,1",
            objectName="supply",
            presentValue=21.5,
            units=EngineeringUnits.degreesCelsius,
            covIncrement=0.1,
            **flags,
        ),
        AnalogInputObject(
            objectIdentifier="analog-input,2",
            objectName="power",
            presentValue=1.25,
            units=EngineeringUnits.kilowatts,
            covIncrement=0.1,
            **flags,
        ),
        BinaryInputObject(
            objectIdentifier="binary-input,1", objectName="alarm", presentValue="inactive", **flags
        ),
        BinaryOutputObject(
            objectIdentifier="binary-output,1",
            objectName="fan",
            presentValue="inactive",
            relinquishDefault="inactive",
            polarity="normal",
            **flags,
        ),
        AnalogValueObject(
            objectIdentifier="analog-value,2",
            objectName="speed",
            presentValue=100.0,
            relinquishDefault=100.0,
            units=EngineeringUnits.percent,
            covIncrement=1.0,
            **flags,
        ),
        MultiStateValueObject(
            objectIdentifier="multi-state-value,1",
            objectName="mode",
            presentValue=3,
            numberOfStates=4,
            relinquishDefault=3,
            **flags,
        ),
    ]


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Server]]]:
    """Makes devices; ``**keys`` are properties of the device object."""
    made: list[Server] = []

    async def make(
        instance: int = INSTANCE, port: int = 0, things: list[Any] | None = None, **keys: Any
    ) -> Server:
        number = port or free_port()
        app = NormalApplication(device(instance, **keys), IPv4Address(f"{HOST}:{number}"))
        for thing in objects() if things is None else things:
            app.add_object(thing)
        await asyncio.gather(*app.normal.server._transport_tasks)
        made.append(Server(app, number))
        return made[-1]

    yield make
    for one in made:
        one.close()
    await asyncio.sleep(0)


@pytest.fixture
async def line(clock: HandClock) -> AsyncIterator[BacnetLine]:
    one = BacnetLine("bms", bus(), clock, load_library)
    await one.open()
    yield one
    await one.close()


def bus(**keys: Any) -> BacnetIpBus:
    said = {"kind": "bacnet-ip", "interface": HOST, "port": free_port(), "timeout_s": 2.0, "retries_count": 0}
    return BacnetIpBus.model_validate(said | keys)


def spec(server: Server | None = None, **keys: Any) -> DeviceSpec:
    address = {} if server is None else {"address": server.address}
    return DeviceSpec(**({"name": "ahu", "unit": 1, "owners": {"": "air"}} | address | keys))


def profile(points: str = POINTS) -> Any:
    return parse_profile(HEAD + points, "acme/ahu", "ahu.toml")
