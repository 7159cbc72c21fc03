"""Groups may be known by what stands in them."""

from tests.drivers.sunspec.conftest import device_of

from quartier_drivers.sunspec.device import expand_selections, list_selectors
from quartier_drivers.sunspec.schema import parse_name, strip_indices

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
