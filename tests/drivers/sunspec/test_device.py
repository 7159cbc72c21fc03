"""What a device has of what a profile names."""

import pytest
from tests.drivers.sunspec.conftest import chain_of

from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.sunspec.device import find_powers, meet_device
from quartier_drivers.sunspec.model_chain import BASE_ADDRESSES
from quartier_drivers.sunspec.registers import ChainSurvey, RegisterReader
from quartier_drivers.sunspec.schema import parse_name

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
    line = TcpLine("lan", TcpBus(kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port), clock)
    registers = RegisterReader(line, 1, Limits())
    chain = await ChainSurvey(registers, BASE_ADDRESSES, clock).chain()
    wanted = ("103.W", "103#2.W", "714.Prt[2].DCW", "701.W", "121.WMax", "714.Prt[3].DCW")
    yield await meet_device(registers, chain, [parse_name(one) for one in wanted])
    await line.close()


async def test_values_are_read_before_it_is_polled(device):
    told = {one: device.value(parse_name(one)) for one in ("103.W", "103#2.W", "714.Prt[2].DCW")}

    assert {"103.W": 1200, "103#2.W": 13, "714.Prt[2].DCW": 220} == told
    assert device.value(parse_name("701.W")) is None  # not implemented
    assert device.value(parse_name("121.WMax")) is None  # no such model
    assert device.value(parse_name("714.Prt[3].DCW")) is None  # no third port


async def test_the_first_alternative_that_tells_is_chosen_else_the_first_that_is_there(device):
    def chosen(*alternatives):
        found = device.chosen([tuple(parse_name(one) for one in names) for names in alternatives])
        return None if found is None else [str(one) for one in found]

    assert ["103.W"] == chosen(["701.W"], ["103.W"])
    assert ["701.W"] == chosen(["121.WMax"], ["701.W"])
    assert ["103.W", "103#2.W"] == chosen(["103.W", "714.Prt[3].DCW"], ["103.W", "103#2.W"])
    assert chosen(["121.WMax"]) is None


async def test_who_it_is_stands_in_model_1(device):
    assert {"maker": "Solar Co", "model": "X1", "serial": "1"} == device.identity


async def test_scale_factors_are_known_by_their_registers(device):
    at = Address("holding", device.term(parse_name("103.W")).scale_place)

    assert 2 == find_powers(device)[at]
