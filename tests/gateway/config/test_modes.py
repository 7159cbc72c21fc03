import pytest

from quartier.config.load import check
from quartier_drivers.errors import ConfigError

LAMPS = """
[profile]
protocol = "modbus"
maker = "Acme"
model = "lamps"
source = "made up"
[points.power_w]
register = "input:0"
type = "int32"
[points.dim_pct]
register = "holding:0"
write = { low = 50, high = 100, on_release = 100, fallback = { value = 100, after_s = 600 } }
"""
STREET = """
[devices.lamps]
bus = "rs485"
profile = "acme/lamps"
unit = 3
[assets.street]
role = "lights"
device = "lamps"
rated_w = 4000
"""


@pytest.fixture
def lamps(written, tmp_path):
    (tmp_path / "profiles" / "acme" / "lamps.toml").write_text(LAMPS, encoding="utf-8")
    return written


def test_street_lights_need_little(lamps, site_text):
    site = check(lamps(site_text + STREET)).site

    assert (4_000, 50, "C") == tuple(
        getattr(site.assets["street"], key) for key in ("rated_w", "dim_min_pct", "tier")
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("dim_min_pct = 40", "assets.street.dim_min_pct: 40 is outside 50..100"),
        ('evening = ["22:30 30 %"]', "50 to 100 %, such as '22:30 80 %'"),
        ('evening = ["10 pm 80 %"]', "a time of day and 50 to 100 %"),
    ],
)
def test_lights_are_never_planned_darker_than_half(lamps, site_text, line, said):
    with pytest.raises(ConfigError) as error:
        check(lamps(site_text + STREET + line + "\n"))

    assert said in str(error.value)


def test_a_device_that_takes_no_dim_level_is_named(written, site_text):
    with pytest.raises(ConfigError) as error:
        check(written(site_text + STREET.replace("acme/lamps", "acme/meter")))

    assert "assets.street.device: acme/meter has no dim_pct to write, which a lights needs" in str(
        error.value
    )
