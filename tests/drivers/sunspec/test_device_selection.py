"""Groups may be known by what stands in them."""

from tests.drivers.sunspec.conftest import chain_of, device_of
from tests.drivers.sunspec.test_driver import COMMON, OLD

from quartier_drivers import registry
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.sunspec import device
from quartier_drivers.sunspec.device import expand_selections, list_selectors
from quartier_drivers.sunspec.registers import ChainSurvey, RegisterReader
from quartier_drivers.sunspec.schema import parse_name, strip_indices
from quartier_drivers.transport.event_loop import LoopClock

PORTS = {
    "ID": 714,
    "NPrt": 3,
    "DCW_SF": 0,
    "Prt": [{"PrtTyp": 0, "DCW": 5}, {"PrtTyp": 1, "DCW": 6}, {"PrtTyp": 1, "DCW": 7}],
}
MODULES = {"ID": 160, "L": 48, "DCW_SF": 0, "module": [{"IDStr": "MPPT 1"}, {"IDStr": "StCha 3"}]}
DEVICE = device_of([PORTS, MODULES])


def found(*names):
    told = expand_selections(DEVICE, tuple(parse_name(one) for one in names))
    return None if told is None else [str(one) for one in told]


def test_all_groups_that_fit_are_meant_by_number_by_name_or_by_text():
    assert ["714.Prt[2].DCW", "714.Prt[3].DCW"] == found("714.Prt[PrtTyp=ESS].DCW")
    assert ["-160.module[2].DCW"] == found("-160.module[IDStr=stcha*].DCW")
    assert ["714.Prt[1].DCW", "160.module[1].DCW"] == found("714.Prt[PrtTyp=PV].DCW", "160.module[1].DCW")


def test_where_none_fits_there_is_nothing():
    assert found("714.Prt[PrtTyp=EV].DCW") is None
    assert found("803.string[StrNMod=1].StrA") is None


def test_what_selects_must_be_read():
    names = list_selectors(DEVICE, [parse_name("-714.Prt[PrtTyp=ESS].DCW"), parse_name("701.W")])

    assert ["714.Prt[1].PrtTyp", "714.Prt[2].PrtTyp", "714.Prt[3].PrtTyp"] == [str(one) for one in names]


def test_a_path_is_checked_with_what_it_selects_by():
    assert ("Prt.DCW", "Prt.PrtTyp") == strip_indices("Prt[PrtTyp=ESS].DCW")
    assert ("module.DCW",) == strip_indices("module[3].DCW")


async def test_each_quantity_is_taken_from_the_first_that_tells_and_what_is_not_there_is_absent(
    inverter, clock
):
    inverter.words = chain_of([COMMON, OLD, {"ID": 701, "W_SF": 0}])
    bus = TcpBus(
        kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port, timeout_s=0.5, retries_count=0
    )
    line = registry.load_factory("modbus-tcp", "sunspec").line("lan", bus, clock)
    loaded = loading.load_profile("sunspec/battery")
    registers = RegisterReader(line, 1, loaded.limits)
    taken = loaded.parts[""]
    names = {name for one in taken.values() for names in one.source for name in names}
    known = await device.meet_device(
        registers, await ChainSurvey(registers, loaded.bases, LoopClock()).chain(), names
    )
    found = await device.choose_sources(known, registers, taken)
    await line.close()

    assert ["103.W"] == [str(name) for name in found["power_w"]]
    assert "soc_pct" in taken
    assert "soc_pct" not in found
