"""Points of the standard become registers in the house's words."""

import pytest

from quartier_drivers import register_codec
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.sunspec.models import find_model, unfold_model
from quartier_drivers.sunspec.schema import SunspecPoint
from quartier_drivers.sunspec.values import make_register_point


def made(quantity, number, path, **said):
    leaf = unfold_model(find_model(number), find_model(number).length, {}.get).of(path)
    return make_register_point(
        quantity, SunspecPoint.model_validate({"source": f"{number}.{path}", **said}), 40070, leaf
    )


def test_a_number_takes_type_place_scale_register_and_codes():
    found = made("power_w", 103, "W", sign=-1)

    assert ("int16", Address("holding", 40084), Address("holding", 40085), (0x8000,), -1) == (
        found.type_name,
        found.address,
        found.scale_address,
        found.absent,
        found.sign,
    )
    assert -123.4 == register_codec.decode_number(found, [1234], -1)


def test_a_fixed_power_goes_into_the_scale():
    assert 21.5 == register_codec.decode_number(made("ambient_c", 307, "TmpAmb"), [215])


def test_an_enumeration_is_a_text_in_the_standards_words():
    found = made("inverter_text", 103, "St")

    assert ("mppt", "shutting down") == (
        register_codec.decode_point("inverter_text", found, [4])[0],
        found.values[6],
    )


def test_a_profile_may_have_words_of_its_own():
    assert {4: "feeding"} == made("inverter_text", 103, "St", values={"4": "feeding"}).values


def test_a_text_keeps_its_length():
    assert ("string", 16) == (made("maker_text", 1, "Mn").type_name, made("maker_text", 1, "Mn").length)


@pytest.mark.parametrize(
    ("type_name", "number", "path"),
    [("float32", 113, "W"), ("uint64", 701, "TotWhInj"), ("uint32", 103, "WH")],
)
def test_every_kind_of_number_has_a_type(type_name, number, path):
    assert type_name == made("power_w", number, path).type_name
