import pytest

from quartier_sim.devices.meter_values import MeterValues
from quartier_sim.sunspec.measurements import (
    build_common_model,
    build_inverter_values,
    build_meter_values,
    compute_power_scale,
    show_inverter,
    show_meter,
)
from quartier_sim.sunspec.register_image import RegisterImage


@pytest.mark.parametrize(("rated", "scale"), [(5000, 0), (30_000, 0), (31_000, 1), (2_000_000, 2)])
def test_a_rating_has_room_in_sixteen_bits(rated, scale):
    assert scale == compute_power_scale(rated)


@pytest.mark.parametrize("number", [101, 103, 111, 113, 701])
def test_inverters_count_generation_as_plus(number):
    image = RegisterImage([(number, build_inverter_values(number, 50_000))])
    show_inverter(image, number, -23_000.0, import_wh=5.0, export_wh=7.0)

    assert 23_000.0 == image.number(f"{number}.W")
    assert 100.0 == pytest.approx(image.number(f"{number}.A"), abs=0.01)
    assert 50.0 == image.number(f"{number}.Hz")


def test_phases_of_the_second_generation_share_the_power():
    image = RegisterImage([(701, build_inverter_values(701, 5000))])
    show_inverter(image, 701, 3000.0, import_wh=5.0, export_wh=7.0)

    assert [-1000.0] * 3 == [image.number(f"701.WL{phase}") for phase in (1, 2, 3)]
    assert (7.0, 5.0) == (image.number("701.TotWhInj"), image.number("701.TotWhAbs"))


@pytest.mark.parametrize("number", [201, 203, 211, 213])
def test_meters_count_import_as_plus_on_every_phase(number):
    image, mains = RegisterImage([(number, build_meter_values(number, 20_000))]), MeterValues()
    mains.take({"power_w": 3000.0, "energy_import_wh": 9.0})
    show_meter(image, number, mains)

    share = 3000.0 if number in (201, 211) else 1000.0
    assert (3000.0, share, 9.0) == tuple(
        image.number(f"{number}.{name}") for name in ("W", "WphA", "TotWhImp")
    )


def test_it_says_who_it_is():
    image = RegisterImage([(1, build_common_model("Model", "S1"))])

    assert ("Quartier rig", "Model", "S1") == tuple(image.get(f"1.{name}") for name in ("Mn", "Md", "SN"))
