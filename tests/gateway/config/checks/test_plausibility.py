"""Values that a site file may have, but hardly any site has, are warned of; usual sites are not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from quartier.config.checks.plausibility import find_implausible_values, find_principal_city
from quartier.config.checks.site_draft import read_draft
from quartier.config.loading import check_site_file
from quartier_drivers.device_profile.toml_files import read_toml, render_path

SITE = """
[site]
id = "b1"
district = "issy"
latitude = 48.82
longitude = 2.27
[assets.grid]
role = "grid"
device = "gx"
[assets.pv1]
role = "pv"
device = "gx"
rated_w = 6000
[assets.bat1]
role = "battery"
device = "gx"
rated_w = 5000
capacity_wh = 15000
soc_min_pct = 10
[assets.ev1]
role = "ev"
device = "gx"
node = "board"
current_max_a = 16
energy_wanted_wh = 20000
[assets.pump]
role = "load"
device = "gx"
rated_w = 40
[nodes.board]
fuse_a = 32
[limits]
contract_import_w = 32400
contract_export_w = 6000
autonomous_import_w = 32400
main_fuse_a = 63
[planning]
round_trip_pct = 90
[tariff]
contract = "hchp"
off_peak_eur_per_wh = 0.00020
peak_eur_per_wh = 0.00027
"""


def warnings(text: str) -> dict[str, str]:
    read = read_draft(read_toml("site.toml", text))
    assert not read.flaws
    return {render_path(one.path): one.what for one in find_implausible_values(read, {})}


def test_a_usual_site_has_no_warning() -> None:
    assert {} == warnings(SITE)


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("t_import_w = 32400\nc", "t_import_w = 36\nc", "limits.contract_import_w", "write 32400 for 36 kVA"),
        ("contract_export_w = 6000", "contract_export_w = 6", "limits.contract_export_w", "6 kW are 6000 W"),
        ("autonomous_import_w = 32400", "autonomous_import_w = 12", "limits.autonomous_import_w", "12000 W"),
        ("fuse_a = 32\n", "fuse_a = 32\npower_max_w = 9\n", "nodes.board.power_max_w", "9 kW are 9000 W"),
        ("capacity_wh = 15000", "capacity_wh = 15", "assets.bat1.capacity_wh", "15 kWh are 15000 Wh"),
        ("capacity_wh = 15000", "capacity_wh = 15000000", "assets.bat1.capacity_wh", "take 3000 h"),
        ("rated_w = 5000", "rated_w = 5", "assets.bat1.rated_w", "5 kW are 5000 W"),
        ("rated_w = 6000", "rated_w = 6", "assets.pv1.rated_w", "6 kW are 6000 W"),
        ("rated_w = 6000", "rated_w = 6000000", "assets.pv1.rated_w", "more than 20 times"),
        ("rated_w = 40", "rated_w = 3", "assets.pump.rated_w", "3 kW are 3000 W"),
        ("rated_w = 40", "rated_w = 2000\nrun_w = [1,5, 2,0]", "assets.pump.run_w", "5 kW are 5000 W"),
        ("wanted_wh = 20000", "wanted_wh = 20", "assets.ev1.energy_wanted_wh", "20 kWh are 20000 Wh"),
        ("min_pct = 10", "min_pct = 0.1", "assets.bat1.soc_min_pct", "0.1 may be 10"),
        ("trip_pct = 90", "trip_pct = 0.9", "planning.round_trip_pct", "0.9 may be 90"),
        ("48.82\nlongitude = 2.27", "2.27\nlongitude = 48.82", "site.latitude", "may be swapped"),
        (
            "48.82\nlongitude = 2.27",
            "-21.1\nlongitude = 55.5",
            "site.latitude",
            "compare both with time_zone",
        ),
        ("main_fuse_a = 63", "main_fuse_a = 16", "limits.main_fuse_a", "16 A carry 11040 W on three phases"),
        ("fuse_a = 32\n", "fuse_a = 10\n", "assets.ev1.current_max_a", "more than fuse_a of 'board', 10 A"),
        (
            "contract_export_w = 6000\n",
            "",
            "limits.contract_export_w",
            "no export is allowed; write the power agreed",
        ),
        ("autonomous_import_w = 32400\n", "", "limits.autonomous_import_w", "limited to 25920 W, 80 %"),
        ('role = "grid"', 'role = "grid"\nvoltage_v = 400', "assets.grid.voltage_v", "to neutral, 231"),
        ("peak_eur_per_wh = 0.00027", "peak_eur_per_wh = 0.0001", "tariff.off_peak_eur_per_wh", "swapped?"),
    ],
)
def test_an_implausible_value_is_warned_of(old: str, new: str, key: str, words: str) -> None:
    found = warnings(SITE.replace(old, new))
    assert [key] == list(found)
    assert words in found[key]


SUN = '[assets.pv1]\nrole = "pv"\ndevice = "hybrid"\npart = "pv"\nrated_w = 5000\n'
CUT = 'switch_device = "relays"\nswitch_part = "r2"\n'


@pytest.mark.parametrize(
    ("pv", "words"),
    [
        (SUN, "; PV (pv1) cannot be curtailed and may export; write"),
        (f"{SUN}{CUT}", "; PV (pv1) is curtailed to zero export; write"),
        (f'{SUN}{CUT}curtail = "none"\n', "; PV (pv1) cannot be curtailed and may export; write"),
    ],
)
def test_without_an_agreed_export_only_pv_that_takes_limits_is_called_curtailed(
    written: Callable[[str], Path], site_text: str, pv: str, words: str
) -> None:
    loaded = check_site_file(written(site_text + pv))

    (found,) = [one.what for one in loaded.warnings if one.key == "limits.contract_export_w"]
    assert found.startswith(f"is missing, so no export is allowed{words}")


def test_pv_whose_order_no_device_ends_is_not_called_curtailed(
    written: Callable[[str], Path], site_text: str
) -> None:
    path = written(site_text + SUN + CUT)
    relays = path.parent / "profiles/acme/relays.toml"
    relays.write_text(
        relays.read_text("utf-8").replace(", fallback = { value = 1, after_s = 60 }", ""), "utf-8"
    )

    (found,) = [one.what for one in check_site_file(path).warnings if one.key == "limits.contract_export_w"]
    assert "PV (pv1) cannot be curtailed" in found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("contract_export_w = 6000", "contract_export_w = 0"),
        ("autonomous_import_w = 32400", "[district_link]\nurl = 'mqtts://broker.example'\n[limits_]"),
        ("autonomous_import_w = 32400", "import_max_w = 20000"),
        ("latitude = 48.82\nlongitude = 2.27", ""),
        ("latitude = 48.82", "latitude = 48.82\ntime_zone = 'Etc/UTC'"),
        ("48.82\nlongitude = 2.27", "-20.9\nlongitude = 55.5\ntime_zone = 'Indian/Reunion'"),
        ("48.82\nlongitude = 2.27", "37.9\nlongitude = 23.7\ntime_zone = 'Europe/Athens'"),
        ("main_fuse_a = 63", "main_fuse_a = 16\nimport_max_w = 11000"),
    ],
)
def test_what_was_decided_is_not_warned_of(old: str, new: str) -> None:
    text = SITE.replace(old, new)
    if "[limits_]" in text:  # what follows limits, in a section before it
        text = text.replace("[limits_]\nmain_fuse_a = 63\n", "")
    assert {} == warnings(text)


def test_swapped_coordinates_are_seen_outside_france_too() -> None:
    text = SITE.replace("48.82\nlongitude = 2.27", "23.7\nlongitude = 37.9\ntime_zone = 'Europe/Athens'")
    assert "may be swapped" in warnings(text)["site.latitude"]


@pytest.mark.parametrize(
    ("zone", "place"),
    [
        ("Europe/Paris", (48.867, 2.333)),
        ("America/Cayenne", (4.933, -52.333)),
        ("Antarctica/DumontDUrville", (-66.667, 140.017)),
        ("Etc/UTC", None),
    ],
)
def test_place_of_a_time_zone_is_that_of_its_principal_city(
    zone: str, place: tuple[float, float] | None
) -> None:
    assert place == (
        None if place is None else tuple(round(one, 3) for one in find_principal_city(zone) or ())
    )


def test_a_file_without_site_and_limits_has_no_warning() -> None:
    assert [] == list(find_implausible_values(read_draft({}), {}))
