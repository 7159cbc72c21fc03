"""What a device has of what a profile names."""

import pytest
from tests.drivers.sunspec.conftest import chain_of

from quartier_drivers.modbus.bus import TcpBus
from quartier_drivers.modbus.tcp import TcpLink
from quartier_drivers.schema import Address, Limits
from quartier_drivers.sunspec.chain import BASES
from quartier_drivers.sunspec.device import met, powers
from quartier_drivers.sunspec.names import name
from quartier_drivers.sunspec.registers import Registers
from quartier_drivers.sunspec.survey import Survey

COMMON = {"ID": 1, "Mn": "Solar Co", "Md": "X1", "SN": "1"}
PORTS = {"ID": 714, "NPrt": 2, "DCW_SF": 1, "Prt": [{"DCW": 11}, {"DCW": 22}]}
MODELS = [
    COMMON,
    {"ID": 103, "W": 12, "W_SF": 2},
    {"ID": 103, "W": 13, "W_SF": 0},
    PORTS,
    {"ID": 701, "W_SF": 0},
]


@pytest.fixture
async def device(inverter, clock):
    inverter.words = chain_of(MODELS)
    line = TcpLink("lan", TcpBus(kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port), clock)
    registers = Registers(line, 1, Limits())
    chain = await Survey(registers, BASES, clock).chain()
    wanted = ("103.W", "103#2.W", "714.Prt[2].DCW", "701.W", "121.WMax", "714.Prt[3].DCW")
    yield await met(registers, chain, [name(one) for one in wanted])
    await line.close()


async def test_values_are_read_before_it_is_polled(device):
    told = {one: device.value(name(one)) for one in ("103.W", "103#2.W", "714.Prt[2].DCW")}

    assert {"103.W": 1200, "103#2.W": 13, "714.Prt[2].DCW": 220} == told
    assert device.value(name("701.W")) is None  # not implemented
    assert device.value(name("121.WMax")) is None  # no such model
    assert device.value(name("714.Prt[3].DCW")) is None  # no third port


async def test_the_first_alternative_that_tells_is_chosen_else_the_first_that_is_there(device):
    def chosen(*alternatives):
        found = device.chosen([tuple(name(one) for one in names) for names in alternatives])
        return None if found is None else [str(one) for one in found]

    assert ["103.W"] == chosen(["701.W"], ["103.W"])
    assert ["701.W"] == chosen(["121.WMax"], ["701.W"])
    assert ["103.W", "103#2.W"] == chosen(["103.W", "714.Prt[3].DCW"], ["103.W", "103#2.W"])
    assert chosen(["121.WMax"]) is None


async def test_who_it_is_stands_in_model_1(device):
    assert {"maker": "Solar Co", "model": "X1", "serial": "1"} == device.identity


async def test_scale_factors_are_known_by_their_registers(device):
    at = Address("holding", device.term(name("103.W")).scale_place)

    assert 2 == powers(device)[at]
