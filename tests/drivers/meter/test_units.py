"""Any meter's unit becomes the house's, or nothing."""

from fractions import Fraction

import pytest

from quartier_drivers.meter.units import COSEM_UNITS, find_factor, list_units, render_obis
from quartier_drivers.points import UCUM_UNITS


@pytest.mark.parametrize(
    ("factor", "said", "unit"),
    [
        (1, "Wh", "wh"),
        (1000, "kWh", "wh"),
        (1_000_000, "MWh", "wh"),
        (Fraction(2_500_000, 9), "GJ", "wh"),  # 277 777.77… Wh
        (Fraction(2500, 9), "MJ", "wh"),
        (Fraction("1.163"), "kcal", "wh"),
        (1_163_000, "Gcal", "wh"),
        (1000, "kW", "w"),
        (Fraction(2500, 9), "MJ/h", "w"),
        (1000, "kVA", "va"),
        (Fraction(1, 1000), "mA", "a"),
        (Fraction(1, 1000), "l", "m3"),
        (Fraction(1, 1000), "l/h", "m3_per_h"),
        (60, "m3/min", "m3_per_h"),
        (100_000, "bar", "pa"),
        (86400, "days", "s"),
    ],
)
def test_units_of_meters_are_worth_exactly(factor, said, unit):
    assert factor == find_factor(said, unit)


@pytest.mark.parametrize(
    ("said", "unit"),
    [("VA", "w"), ("kVA", "w"), ("W", "va"), ("W", "wh"), ("", "wh"), ("°C", "k"), ("m3", "wh")],
)
def test_what_is_another_quantity_is_worth_nothing(said, unit):
    assert find_factor(said, unit) is None


def test_case_is_forgiven_only_where_it_leaves_no_doubt():
    assert 1000 == find_factor("KWH", "wh")
    assert 1 == find_factor("va", "va")
    assert Fraction(1, 1000) == find_factor("mW", "w")
    assert 1_000_000 == find_factor("MW", "w")
    assert find_factor("mw", "w") is None, "milli or mega"


def test_every_unit_that_is_listed_is_one_of_the_houses():
    assert {unit for unit in UCUM_UNITS if list_units(unit)} >= {"wh", "w", "va", "v", "a", "m3", "c", "s"}
    assert [] == list_units("eur_per_wh")


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
