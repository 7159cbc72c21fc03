"""Names of objects, as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.dlms.values import is_obis_name, parse_obis
from quartier_drivers.meter.units import COSEM_UNITS, render_obis


def test_f_is_told_only_where_it_says_something() -> None:
    assert "1-0:1.8.0" == render_obis(bytes([1, 0, 1, 8, 0, 255]))
    assert "1-0:1.8.0*12" == render_obis(bytes([1, 0, 1, 8, 0, 12]))


@given(st.binary(min_size=6, max_size=6))
def test_a_label_names_the_same_object_again(octets: bytes) -> None:
    assert octets == parse_obis(render_obis(octets))


@pytest.mark.parametrize("text", ["", "1.8.0", "1-0:1.8.256", "1-0:1.8.0*", "x-0:1.8.0"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no OBIS name"):
        parse_obis(text)


def test_texts_are_no_names() -> None:
    assert is_obis_name(bytes([1, 0, 1, 8, 0, 255]))
    assert not is_obis_name(b"160456")
    assert not is_obis_name(b"KFM_001")


def test_energy_power_volts_and_amperes_have_the_codes_of_the_blue_book() -> None:
    assert ["W", "VA", "var", "Wh", "varh", "A", "V", "Hz"] == [
        COSEM_UNITS[code] for code in (27, 28, 29, 30, 32, 33, 35, 44)
    ]
