"""A whole device is told as pysunspec2 tells it, its own device images included."""

import asyncio

import pytest
import sunspec2.modbus.client
from tests.drivers.builtin_profiles import list_names, load_builtin
from tests.drivers.sunspec.conftest import IMAGES, chain_of, image

from quartier_drivers.errors import NoReply
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.sunspec import reader
from quartier_drivers.sunspec.model_chain import FoundModel, ModelChain
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.reader import find_matches, match_profiles

COMMON = {"ID": 1, "Mn": "Solar Co", "Md": "X1", "SN": "1"}
FLOATS = {"ID": 113, "W": 1234.5, "A": 1.5, "Hz": 50.25, "St": 4}
METERS = [
    {"ID": 203, "W": -1234, "W_SF": 1, "TotWhImp": 123456, "TotWh_SF": 0},
    {"ID": 203, "W": 7, "W_SF": -2},
]
MODULE = {
    "IDStr": "MPPT",
    "DCA": 12,
    "DCV": 3450,
    "DCW": 4000,
    "DCWH": 7654321,
    "Tms": 5,
    "DCSt": 4,
    "DCEvt": 1,
}
MPPT = {
    "ID": 160,
    "L": 8 + 3 * 20,
    "DCA_SF": -1,
    "DCV_SF": -1,
    "DCW_SF": 0,
    "DCWH_SF": 1,
    "N": 3,
    "module": [{"ID": number, **MODULE} for number in (1, 2, 3)],
}
STRINGS = {
    "ID": 803,
    "NStr": 3,
    "CellV_SF": -3,
    "ModTmp_SF": -1,
    "A_SF": -1,
    "SoC_SF": 0,
    "V_SF": -1,
    "string": [
        {"StrNMod": n, "StrSt": 3, "StrSoC": 40 + n, "StrA": -12, "StrCellVMax": 4101} for n in (1, 2, 3)
    ],
}
BUILT = [COMMON, FLOATS, *METERS, MPPT, STRINGS]


def judged(port):
    """All values by pysunspec2's own client, under the names that we use."""
    device = sunspec2.modbus.client.SunSpecModbusClientDeviceTCP(1, "127.0.0.1", port, timeout=30)
    device.scan()
    found, counts = {}, {}
    for model in device.model_list:
        counts[model.model_id] = counts.get(model.model_id, 0) + 1
        again = f"#{counts[model.model_id]}" if counts[model.model_id] > 1 else ""
        found |= flat(model, f"{model.model_id}{again}.")
    device.close()
    return found


def flat(group, before):
    found = {
        before + name: point.cvalue for name, point in group.points.items() if point.pdef["type"] != "pad"
    }
    for name, inner in group.groups.items():
        if isinstance(inner, list):
            for number, one in enumerate(inner, 1):
                found |= flat(one, f"{before}{name}[{number}].")
        else:
            found |= flat(inner, f"{before}{name}.")
    return found


@pytest.mark.parametrize("models", [image(name) for name in IMAGES] + [BUILT], ids=[*IMAGES, "built"])
@pytest.mark.parametrize("longest", [125, 50])
async def test_every_value_is_the_one_that_pysunspec2_reads(inverter, models, longest):
    inverter.words = chain_of(models)
    theirs = await asyncio.to_thread(judged, inverter.server.port)
    inverter.longest = longest

    told = await asyncio.to_thread(reader.read_all, f"tcp://127.0.0.1:{inverter.server.port}")

    assert theirs == {row.point: row.value for chapter in told.models for row in chapter.rows}
    assert () == told.faults
    assert [[] for _ in told.models] == [list(chapter.faults) for chapter in told.models]


async def test_a_makers_own_model_is_passed_over_by_its_length(inverter):
    inverter.words = chain_of([COMMON, FLOATS])
    own = [64999, 5, 1, 2, 3, 4, 5]
    first_end = 40070
    moved = {at + len(own) if at >= first_end else at: word for at, word in inverter.words.items()}
    inverter.words = moved | dict(enumerate(own, first_end))

    told = await asyncio.to_thread(reader.read_all, f"tcp://127.0.0.1:{inverter.server.port}")

    assert [1, 64999, 113] == [chapter.found.number for chapter in told.models]
    assert 1234.5 == {row.point: row.value for row in told.models[2].rows}["113.W"]


async def test_what_is_no_sunspec_device_is_told(inverter):
    with pytest.raises(NoReply, match="has no SunSpec map"):
        await asyncio.to_thread(reader.read_all, f"tcp://127.0.0.1:{inverter.server.port}")


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
