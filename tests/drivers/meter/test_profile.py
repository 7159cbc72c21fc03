"""Profiles of meters load, with the meter's own points beside those of its children."""

from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.meter.profile import MeterProfile

TEXT = """\
[profile]
protocol = "p1"
maker = "Acme"
model = "M1"
source = "made for this test"
[scan]
hourly = 3600
[points.power_w]
group = "1-0:1.7.0"
minus = "1-0:2.7.0"
scan = "fast"
[parts.gas.volume_m3]
group = "0-?:24.2.*"
select = { medium = "gas" }
scan = "hourly"
counter = { rate_max = 25, roll_over = 1e5 }
"""


def test_a_meter_and_its_children_stand_together():
    loaded = parse_profile(TEXT, "acme/m1", "m1.toml")

    assert isinstance(loaded, MeterProfile)
    assert {"": ["power_w"], "gas": ["volume_m3"]} == {
        part: list(points) for part, points in loaded.parts.items()
    }
    assert (3600.0, {}, "p1") == (loaded.scan["hourly"], loaded.decoder, loaded.protocol)


def test_labels_and_selections_are_alternatives():
    points = parse_profile(TEXT, "acme/m1", "m1.toml").parts

    assert (("1-0:1.7.0",),) == points[""]["power_w"].group
    assert ({"medium": ("gas",)},) == points["gas"]["volume_m3"].select
    assert (25, 1e5) == (
        points["gas"]["volume_m3"].counter.rate_max,
        points["gas"]["volume_m3"].counter.roll_over,
    )


def test_a_meter_cannot_be_written():
    assert not any(
        point.writable
        for points in parse_profile(TEXT, "acme/m1", "m1.toml").parts.values()
        for point in points.values()
    )
