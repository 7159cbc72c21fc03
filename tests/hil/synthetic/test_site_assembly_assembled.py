import pytest

from quartier_drivers.errors import ConfigError
from quartier_hil.synthetic.site_assembly import assemble_site


def test_the_site_file_becomes_the_house_that_the_daemon_would_steer(day):
    site = day().site

    assert ["bat1", "pv1", "ev1", "hp1"] == [asset.name for asset in site.house.assets]
    assert ("rs485", ("meter", "heatmeter", "relays")) == next(iter(site.buses.items()))
    assert {
        "hp1.relay_on": 0.0,
        "ev1.current_max_a": 0.0,
        "bat1.setpoint_w": 0.0,
    } == site.house.release_values


def test_every_point_is_known_without_a_wire(day):
    points = day().site.points

    assert 1.0 == points["grid.power_w"].period_s
    assert (0.0, 60.0) == (
        points["bat1.setpoint_w"].fallback.value,
        points["bat1.setpoint_w"].fallback.after_s,
    )


def test_a_faulty_site_file_is_told_with_its_faults(tmp_path):
    (tmp_path / "site.toml").write_text("[site]\n")

    with pytest.raises(ConfigError, match="site"):
        assemble_site(tmp_path / "site.toml")
