from quartier_hil.scenario.outputs import list_outputs
from quartier_hil.scenario.site import SiteSpec


def test_each_output_of_the_house_is_declared():
    found = {output.point: output for output in list_outputs(SiteSpec())}

    assert {"bat1.setpoint_w", "ev1.current_max_a", "hp1.relay_on"} == set(found)
    assert (300, 180, "C") == (
        found["hp1.relay_on"].min_on_s,
        found["hp1.relay_on"].min_off_s,
        found["hp1.relay_on"].tier,
    )


def test_a_sunspec_battery_has_its_own_device():
    assert ["storage"] == [
        one.device for one in list_outputs(SiteSpec(battery="sunspec-7xx")) if one.asset == "bat1"
    ]
