"""What a device has of what a profile names."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.sunspec.conftest import chain_of, device_of

from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.sunspec.device import (
    PercentScale,
    find_powers,
    make_percent_scale,
    make_watt_scale,
    meet_device,
)
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
        found = device.find_first_sum([tuple(parse_name(one) for one in names) for names in alternatives])
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


CAP = parse_name("123.WMaxLimPct")
RATINGS = (parse_name("121.WMax"), parse_name("120.WRtg"))


def caps(rated, scale=0, power=-2, model=121):
    rating = {121: {"WMax": rated, "WMax_SF": scale}, 120: {"WRtg": rated, "WRtg_SF": scale}}[model]
    return device_of([{"ID": model, **rating}, {"ID": 123, "WMaxLimPct": 1, "WMaxLimPct_SF": power}])


def test_a_count_is_worth_its_share_of_the_rating():
    found = make_percent_scale(caps(6000), CAP, RATINGS)

    assert (Fraction(3, 5), 10_000, 6000.0) == (found.unit, found.whole, found.rated_w)
    assert (1666, 1667, 1667) == (found.below(1000.0), found.nearest(1000.0), found.above(1000.0))


def test_the_first_rating_that_the_device_tells_is_taken():
    assert 7000.0 == make_percent_scale(caps(700, 1, model=120), CAP, RATINGS).rated_w


@pytest.mark.parametrize("rated", [0xFFFF, 0])
def test_a_void_rating_is_told_in_words(rated):
    with pytest.raises(ValueError, match=r"121\.WMax nor 120\.WRtg tells no rating, so that a share"):
        make_percent_scale(caps(rated), CAP, RATINGS)


def test_a_rating_without_its_scale_factor_is_void():
    with pytest.raises(ValueError, match="tells no rating"):
        make_percent_scale(caps(6000, None), CAP, RATINGS)


def test_a_void_scale_factor_is_told_in_words():
    with pytest.raises(ValueError, match=r"scale factor of 123\.WMaxLimPct is not implemented"):
        make_percent_scale(caps(6000, power=None), CAP, RATINGS)
    with pytest.raises(ValueError, match=r"scale factor of 704\.WSet is not implemented"):
        make_watt_scale(device_of([{"ID": 704, "WSet": 5}]), parse_name("704.WSet"))


def test_a_point_in_watts_has_no_whole():
    found = make_watt_scale(device_of([{"ID": 704, "WSet": 5, "WSet_SF": 1}]), parse_name("704.WSet"))

    assert (50.0, float("inf")) == (found.watts(5), found.rated_w)


@given(
    st.floats(0, 1e7),
    st.fractions(Fraction(1, 10**6), 10**4, max_denominator=10**6),
)
def test_below_is_never_more_above_never_less_and_both_within_one_count(watts, unit):
    found = PercentScale(CAP, unit, 100)

    assert found.below(watts) * unit <= Fraction(watts) <= found.above(watts) * unit
    assert found.above(watts) - found.below(watts) <= 1
    assert found.below(watts) <= found.nearest(watts) <= found.above(watts)
