import pytest

from quartier_sim.sunspec.measurements import SunSpecMeter


def test_it_shows_what_comes_in_as_plus():
    meter = SunSpecMeter(213)
    meter.publish({"power_w": -750.0, "energy_export_wh": 12.0})

    assert (-750.0, 12.0) == (meter.image.number("213.W"), meter.image.number("213.TotWhExp"))


def test_a_model_that_is_no_meters_is_refused():
    with pytest.raises(ValueError, match="103 is no meter's model"):
        SunSpecMeter(103)
