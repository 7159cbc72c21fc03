"""Devices that tell their models are known by them."""

import pytest
from tests.drivers.shelf import list_names, load_builtin
from tests.drivers.sunspec.conftest import chain_of

from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.sunspec.model_chain import FoundModel, ModelChain
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.reader import find_matches, match_profiles

PROFILES = [load_builtin(name) for name in list_names(SunspecProfile)]


def best(maker, *numbers):
    chain = ModelChain(40000, tuple(FoundModel(number, 0, 0) for number in (1, *numbers)))
    return [
        (one.profile, one.sure) for one in match_profiles(chain, {"maker": maker, "model": "X"}, PROFILES)
    ]


@pytest.mark.parametrize(
    ("expected", "maker", "numbers"),
    [
        ("sunspec/inverter", "ACME", (103,)),
        ("sunspec/pv", "ACME", (103, 120, 121, 123)),
        ("sunspec/battery", "ACME", (701, 702, 704, 713, 802)),
        ("sunspec/hybrid", "ACME", (701, 702, 704, 713, 714, 124)),
        ("sunspec/meter", "ACME", (203,)),
        ("fronius/gen24", "Fronius", (103, 120, 121, 122, 123, 160, 124)),
        ("solaredge/meter", "SolarEdge ", (103, 203)),
    ],
)
def test_the_profile_of_which_it_has_the_most_comes_first(expected, maker, numbers):
    first, *others = best(maker, *numbers)

    assert (expected, "likely") == first
    assert {"possible"} >= {sure for _, sure in others}


def test_a_makers_profile_fits_no_other_maker():
    assert "fronius/gen24" not in [name for name, _ in best("ACME", 103, 121, 123, 160, 124)]


def test_a_device_of_nothing_that_is_known_fits_nothing():
    assert [] == best("ACME", 64999)


async def test_it_is_asked_who_it_is(inverter, clock):
    inverter.words = chain_of(
        [{"ID": 1, "Mn": "Solar Co", "Md": "X1", "SN": "1"}, {"ID": 103, "W": 1, "W_SF": 0}]
    )
    line = TcpLine("lan", TcpBus(kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port), clock)

    (first, *_) = await find_matches(line, 1, PROFILES)

    assert ("sunspec/inverter", "it is Solar Co X1; its models are 1 103") == (first.profile, first.why)
    inverter.words = {0: 0}
    assert [] == await find_matches(line, 1, PROFILES)
    await line.close()
