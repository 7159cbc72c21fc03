import pytest

from quartier_sim.meters.sml.encoding import make_identity_entry, make_number_entry, parse_obis


def test_codes_are_called_with_f_only_where_it_says_something():
    assert "1-0:1.8.0" == parse_obis("1-0:1.8.0").label
    assert "1-0:96.50.1*1" == parse_obis("1-0:96.50.1*1").label
    assert (129, 129, 199, 130, 5, 255) == parse_obis("129-129:199.130.5").code


def test_a_number_carries_scaler_unit_and_status():
    found = make_number_entry(
        "1-0:1.8.0", 1989273, width=5, is_signed=False, scaler=-1, unit="Wh", status=0x182, status_width=4
    )

    assert (
        "77070100010800ff6500000182" + "01" + "621e" + "52ff" + "66" + "00001e5a99" + "01" == found.data.hex()
    )
    assert (198927.3, "Wh", 0x182) == (found.says.value, found.says.unit, found.says.more["status"])


def test_a_hidden_sign_is_told_as_it_is_meant():
    found = make_number_entry("1-0:16.7.0", 500, width=4, is_signed=False, unit="W", meaning=-500)

    assert -500 == found.says.value


@pytest.mark.parametrize(("scaler", "value"), [(None, 7), (3, 7000), (-3, 0.007)])
def test_the_scaler_is_a_power_of_ten(scaler, value):
    assert value == make_number_entry("1-0:16.7.0", 7, width=1, scaler=scaler).says.value


def test_an_identity_is_hexadecimal():
    assert "0a01" == make_identity_entry("1-0:96.1.0", b"\x0a\x01").says.value
