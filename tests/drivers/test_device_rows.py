from quartier_drivers.device_rows import DeviceRow, make_rows
from quartier_drivers.readings import Quality, Reading


def test_who_it_is_stands_first_and_a_point_without_a_reading_has_no_value():
    found = {
        "device.power_w": Reading("device.power_w", 5.0, Quality.GOOD, 0, "05"),
        "bat.soc_pct": Reading("bat.soc_pct", 40.0, Quality.BAD, 0, "FFFF"),
    }

    assert [
        DeviceRow("identity.maker", "ACME", "", "", ""),
        DeviceRow("power_w", 5.0, "W", "05", "GOOD"),
        DeviceRow("bat.soc_pct", None, "%", "FFFF", "BAD"),
        DeviceRow("flow_m3_per_h", None, "m³/h", "no reply", "BAD"),
    ] == make_rows({"maker": "ACME"}, found, ["device.power_w", "bat.soc_pct", "device.flow_m3_per_h"])
