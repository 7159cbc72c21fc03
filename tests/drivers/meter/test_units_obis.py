"""Names and units of SML and DLMS are those of the standard."""

import pytest

from quartier_drivers.meter.units import COSEM_UNITS, render_obis


def test_units_are_those_of_the_blue_book():
    numbers = (30, 27, 35, 33, 44, 32, 8, 9, 13, 15)

    assert ["Wh", "W", "V", "A", "Hz", "varh", "°", "°C", "m3", "m3/h"] == [
        COSEM_UNITS[number] for number in numbers
    ]


@pytest.mark.parametrize(
    ("name", "written"),
    [("0100010800ff", "1-0:1.8.0"), ("010060320101", "1-0:96.50.1*1"), ("8181c78203ff", "129-129:199.130.3")],
)
def test_names_have_f_only_where_it_says_something(name, written):
    assert written == render_obis(bytes.fromhex(name))
