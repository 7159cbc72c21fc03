from math import inf

import pytest

from quartier_sim.sunspec.pv_inverter import SolarInverter


@pytest.mark.parametrize(
    ("generation", "floats", "path"),
    [("1xx", False, "103.W"), ("1xx", True, "113.W"), ("7xx", False, "701.W")],
)
def test_generation_is_minus_in_the_house_and_plus_on_the_wire(generation, floats, path):
    inverter = SolarInverter(generation, floats=floats)
    inverter.publish({"power_w": -4200.0})

    assert 4200.0 == inverter.image.number(path)


def test_without_a_cap_the_sun_decides():
    assert {"generation_max_w": inf} == SolarInverter().orders()


@pytest.mark.parametrize("generation", ["1xx", "7xx"])
def test_standby_is_shown_and_orders_nothing(generation):
    inverter = SolarInverter(generation, habits=["standby-at-zero"])
    name = "123.WMaxLim" if generation == "1xx" else "704.WMaxLimPct"
    inverter.image.put(f"{name.removesuffix('Pct')}Pct", 0)
    inverter.image.put("123.WMaxLim_Ena" if generation == "1xx" else "704.WMaxLimPctEna", 1)
    inverter.publish({"power_w": 0.0})

    assert {"generation_max_w": 0.0} == inverter.orders()
    assert {"1xx": 8, "7xx": 7}[generation] == inverter.image.get(
        "103.St" if generation == "1xx" else "701.InvSt"
    )


def test_its_heart_beats_once_a_second():
    inverter = SolarInverter()
    inverter.tick(41.5)
    inverter.publish({})

    assert 41 == inverter.image.get("715.DERHb")


def test_values_it_does_not_show_are_an_error():
    with pytest.raises(KeyError, match="soc_pct"):
        SolarInverter().publish({"soc_pct": 1.0})
