import pytest

from quartier.config.loading import check_site_file
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
    site = check_site_file(lamps(site_text + STREET)).site

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
        check_site_file(lamps(site_text + STREET + line + "\n"))

    assert said in str(error.value)


def test_a_device_that_takes_no_dim_level_is_named(written, site_text):
    with pytest.raises(ConfigError) as error:
        check_site_file(written(site_text + STREET.replace("acme/lamps", "acme/meter")))

    assert "assets.street.device: acme/meter has no dim_pct to write, which a lights needs" in str(
        error.value
    )


PLANT = """
[profile]
protocol = "modbus"
maker = "Acme"
model = "plant"
source = "made up"
[points.power_w]
register = "input:0"
type = "int32"
[points.supply_c]
register = "input:2"
[points.request_on]
register = "coil:0"
type = "bool"
write = { on_release = "hold", fallback = { value = 0, after_s = 900 } }
[points.pump_pct]
register = "holding:0"
write = { low = 10, high = 100, on_release = 100, fallback = { value = 100, after_s = 600 } }
"""


@pytest.fixture
def plant(written, tmp_path, site_text):
    """A site with one asset on a plant that serves some points."""
    (tmp_path / "profiles" / "acme" / "plant.toml").write_text(PLANT, encoding="utf-8")

    def made(text: str):
        device = '\n[devices.plant]\nbus = "rs485"\nprofile = "acme/plant"\nunit = 4\n[assets.x]\ndevice = "plant"\n'
        return check_site_file(written(site_text + device + text + "\n"))

    return made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'role = "chp"\nrated_w = 9000\nled = "electricity"',
            'assets.x.start_import_w: is missing; led = "electricity" needs it',
        ),
        (
            'role = "substation"\nrated_w = 9\npump_min_pct = 40\nreturn_max_c = 60',
            "assets.x.return_max_c: acme/plant has no return_c, which it needs",
        ),
        (
            'role = "substation"\nrated_w = 9\npump_min_pct = 60\npump_normal_pct = 50',
            "assets.x.pump_min_pct: 60 is above pump_normal_pct = 50",
        ),
        (
            'role = "substation"\nrated_w = 9\npump_min_pct = 40\nsupply_min_c = 60\nsupply_max_c = 50',
            "assets.x.supply_min_c: 60 is above supply_max_c = 50",
        ),
        ('role = "waste"\nrated_w = 9', "acme/plant has no waiting_on, which it needs"),
        ('role = "waste"\nrated_w = 9\ndeadline = "24:00"', "expected a time of day, such as '07:30'"),
        (
            'role = "ventilation"\nrated_w = 9\nspeed_min_pct = 40',
            "acme/plant has no speed_pct to write, which a ventilation needs",
        ),
        (
            'role = "heat"\nrated_w = 9',
            "acme/plant has no sg_ready_state or setpoint_shift_k or relay_on to write, which a heat needs",
        ),
        (
            'role = "heat"\nrated_w = 9\ncomfort_min_c = 50\ncomfort_max_c = 45',
            "assets.x.comfort_min_c: 50 is above comfort_max_c = 45",
        ),
        ('role = "substation"\nrated_w = 9\npump_min_pct = 40\nswitch_part = "a"', "assets.x.switch_part"),
        (
            'role = "heat"\nrated_w = 9\ntank_m3 = 0.3\ncomfort_max_c = 60',
            "assets.x.comfort_min_c: is missing; tank_m3 needs it",
        ),
        (
            'role = "heat"\nrated_w = 9\ntank_m3 = 0.3\ncomfort_min_c = 15\ncomfort_max_c = 60',
            "assets.x.comfort_min_c: 15 is below around_c; expected at least 20",
        ),
        (
            'role = "heat"\nrated_w = 9\ntank_loss_w = 70',
            "assets.x.tank_loss_w: is set without tank_m3; expected both",
        ),
        (
            'role = "load"\nrated_w = 900\nrun_w = [100, 1000]',
            "assets.x.run_w: 1000 is above rated_w; expected at most 900",
        ),
        (
            'role = "load"\nrated_w = 900\ndeadline = "20:00"',
            "assets.x.deadline: is set without run_w; expected both",
        ),
        (
            'role = "load"\nrated_w = 900\nrun_resumes = false',
            "assets.x.run_resumes: is set without run_w; expected both",
        ),
        (
            'role = "load"\nrated_w = 900\nrun_w = [0, 0]',
            "assets.x.run_w: has no power above 0; expected the power in each quarter of an hour",
        ),
        (
            'role = "load"\nrated_w = 900\nrun_w = [900, 900]\nwindow_start = "23:30"\ndeadline = "00:04"',
            "assets.x.deadline: a run of 30 min in 34 min cannot end before its deadline; expected a window of 35 min or more",
        ),
        (
            f'role = "load"\nrated_w = 900\nrun_w = {[900] * 96}',
            "assets.x.run_w: a run of 1440 min in 1440 min cannot end before its deadline; expected a window of 1584 min or more",
        ),
    ],
)
def test_what_a_class_cannot_do_without_is_named(plant, text, said):
    with pytest.raises(ConfigError) as error:
        plant(text)

    assert said in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        'role = "chp"\nrated_w = 9000',
        'role = "chp"\nrated_w = 9000\nled = "electricity"\nstart_import_w = 30000',
        'role = "substation"\nrated_w = 9\npump_min_pct = 40\nsupply_max_c = 75',
    ],
)
def test_a_class_with_all_it_needs_has_no_fault(plant, text):
    assert "x" in plant(text).site.assets
