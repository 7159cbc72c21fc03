import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from quartier.config.checks.fault_text import FileFault
from quartier.config.loading import (
    ReplacementText,
    check_site_file,
    load_site,
    load_site_leniently,
    make_faults,
)
from quartier.config.sections.asset_sections import BatterySection
from quartier_drivers.errors import ConfigError

Written = Callable[[str], Path]


def faults(path: Path) -> list[str]:
    """What ``quartier check`` would print, the file's own folder taken off."""
    with pytest.raises(ConfigError) as caught:
        load_site(path)
    return [str(fault).replace(f"{path.parent}/", "") for fault in caught.value.faults]


def test_a_right_file_loads_with_its_defaults(written: Written, site_text: str) -> None:
    site = load_site(written(site_text.replace("autonomous_import_w = 9000\n", "")))

    assert "b012" == site.site.id
    assert ("grid", "hybrid") == (site.grid()[0], site.grid()[1].device)
    battery = site.assets["bat1"]
    assert isinstance(battery, BatterySection)
    assert (10.0, 95.0, 20.0, "D") == (
        battery.soc_min_pct,
        battery.soc_max_pct,
        battery.reserve_soc_pct,
        battery.tier,
    )
    assert (9000, 4500, 7200) == (
        site.limits.import_hard_w,
        site.limits.import_failsafe_w,
        site.limits.import_autonomous_w,
    )
    assert (0, 0, 0) == (
        site.limits.export_hard_w,
        site.limits.export_failsafe_w,
        site.limits.export_autonomous_w,
    )


def test_all_faults_come_at_once_each_with_its_line(written: Written) -> None:
    text = """\
[site]
id = "b012"
district = "is.sy"
latitud = 48.8
[buses.lan]
kind = "modbus-tcp"
host = "192.0.2.1"
port = 70000
[buses.x]
kind = "modbus-tpc"
[devices.hybrid]
bus = "lna"
profile = "keba/p31"
unit = "1"
[assets]
Grid = { role = "grid", device = "hybrid" }
pv1 = { role = "pv", device = "hybrid", rated_w = -1 }

[assets.bat1]
role = "battery"
device = "hybird"
rated_w = 5000
soc_min_pct = 110
reserve_soc_pct = true
[limits]
failsafe_export_w = nan
[storage]
"""

    found = faults(written(text))

    assert [
        "site.toml:3: site.district: 'is.sy' is wrong; expected letters, digits, '_' and '-', at most 63 characters",
        "site.toml:4: site.latitud: is an unknown key; did you mean 'latitude'?",
        "site.toml:8: buses.lan.port: 70000 is outside 1..65535",
        "site.toml:10: buses.x.kind: 'modbus-tpc' is unknown; did you mean 'modbus-tcp'?",
        "site.toml:12: devices.hybrid.bus: there is no bus 'lna'; did you mean 'lan'?",
        "site.toml:13: devices.hybrid.profile: 'keba/p31' is unknown; did you mean 'keba/p30'?",
        "site.toml:14: devices.hybrid.unit: '1' is wrong; expected a whole number: 1 without quotes",
        "site.toml:16: assets.Grid: 'Grid' is wrong; expected a name of a-z, 0-9 and '_' that starts with a letter, at most 32 characters",
        "site.toml:17: assets.pv1.rated_w: -1 is outside 0..10000000",
        "site.toml:19: assets.bat1.capacity_wh: is missing; expected usable energy",
        "site.toml:21: assets.bat1.device: there is no device 'hybird'; did you mean 'hybrid'?",
        "site.toml:23: assets.bat1.soc_min_pct: 110 is outside 0..100",
        "site.toml:24: assets.bat1.reserve_soc_pct: true is wrong; expected a number",
        "site.toml:25: limits.contract_import_w: is missing; expected import power of the contract",
        "site.toml:26: limits.failsafe_export_w: nan is wrong; expected a finite number",
        "site.toml:27: storage: is an unknown section; did you mean 'store'?",
    ] == found


def test_missing_sections_are_named(written: Written) -> None:
    assert [
        "site.toml:1: site: is missing; expected a section [site]",
        "site.toml:1: limits: is missing; expected a section [limits]",
        "site.toml:1: assets: is missing; expected a section [assets]",
    ] == faults(written("# nothing\n"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[site]\nid = b012\n",
            'site.toml:2:6: file: is not valid TOML: Invalid value; put the text in quotes: "b012"',
        ),
        (
            "[site]\nid = 'x'\nid = 'y'\n",
            (
                "site.toml:3:1: file: is not valid TOML: Cannot overwrite a value;"
                " site.id is on line 2 already; keep one of them"
            ),
        ),
        (
            '[site]\n\nid = """x\n',
            (
                "site.toml:3:6: file: is not valid TOML: Unterminated string;"
                " the text that begins here has no closing quotes"
            ),
        ),
        ("site = [", "site.toml:1: file: is not valid TOML: Invalid value"),
    ],
)
def test_a_text_that_is_no_toml_is_one_fault_at_its_line(written: Written, text: str, expected: str) -> None:
    assert [expected] == faults(written(text))


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("[" * 2_000, "has tables or lists in each other, more deeply than can be read"),
        ("9" * 5_000, "has a number of more than 4300 digits"),
    ],
)
def test_a_text_that_no_parser_can_bear_is_one_fault_too(written: Written, value: str, what: str) -> None:
    assert [f"site.toml:2: file: {what}"] == faults(written(f"[site]\nid = {value}\n"))


def test_a_file_that_cannot_be_read_is_one_fault(written: Written, tmp_path: Path) -> None:
    assert ["gone.toml: file: cannot be read: No such file or directory"] == faults(tmp_path / "gone.toml")
    path = written("")
    path.write_bytes(b"a = 1\nb = '\xff'\n")
    assert ["site.toml:2: file: is not UTF-8 text; expected TOML in UTF-8"] == faults(path)
    path.write_bytes("a = 1\n".encode("utf-16"))
    assert ["site.toml:1: file: is UTF-16 text; expected TOML in UTF-8"] == faults(path)


def test_a_file_saved_by_an_editor_of_windows_is_read(written: Written, site_text: str) -> None:
    path = written("")
    path.write_bytes(b"\xef\xbb\xbf" + site_text.replace("\n", "\r\n").encode())

    assert "b012" == load_site(path).site.id


def test_a_device_that_no_asset_names_is_a_warning(written: Written, site_text: str) -> None:
    spare = 'devices.spare = { bus = "lan", profile = "eastron/sdm630", unit = 77 }\n'
    loaded = check_site_file(written(spare + site_text))

    assert ["belongs to no asset, contact, supply or node, so it is not read"] == [
        fault.what for fault in loaded.warnings if fault.key == "devices.spare"
    ]


def test_sections_of_the_wrong_shape_are_faults_not_tracebacks(written: Written, site_text: str) -> None:
    text = "nodes = 5\nstore = []\n" + site_text.replace("[buses.rs485]", "[[buses.rs485]]")

    found = faults(written(text))

    assert "site.toml:1: nodes: 5 is wrong; expected tables [nodes.<name>]" in found
    assert "site.toml:2: store: a list is wrong; expected a table" in found
    assert "site.toml:12: buses.rs485: a list is wrong; expected a table [buses.rs485]" in found


def test_faults_of_a_profile_name_the_profiles_file_and_the_device(written: Written, site_text: str) -> None:
    path = written(site_text)
    profile = path.parent / "profiles/acme/relays.toml"
    profile.write_text(profile.read_text().replace("coil:1", "spool:1"), encoding="utf-8")

    found = faults(path)

    assert "site.toml:20: devices.relays.profile: 'acme/relays' has faults in its own file" in found
    assert any(fault.startswith("profiles/acme/relays.toml:12: parts.r2.relay_on") for fault in found)


def test_an_unknown_profile_is_answered_with_the_nearest(written: Written, site_text: str) -> None:
    found = faults(written(site_text.replace("acme/hybrid", "acme/hibrid")))

    assert (
        "site.toml:16: devices.hybrid.profile: 'acme/hibrid' is unknown; did you mean 'acme/hybrid'?"
        == found[0]
    )


def test_a_folder_of_profiles_must_exist(written: Written, site_text: str) -> None:
    found = faults(written(site_text.replace('["profiles"]', '[\n  "profiles",\n  "gone",\n]')))

    assert ["site.toml:6: site.profiles[1]: gone is no folder"] == found


def test_the_daemon_goes_on_without_a_faulty_device(written: Written, site_text: str) -> None:
    loaded = load_site_leniently(written(site_text.replace("acme/relays", "acme/gone")))

    assert {"devices.relays", "assets.heater"} == set(loaded.disabled)
    assert ["hybrid"] == list(loaded.site.devices)
    assert ["hybrid"] == list(loaded.profiles)
    # Still counted at its worst case.
    assert ["grid", "bat1", "heater"] == list(loaded.site.assets)
    assert "'relays' is disabled by another fault" == loaded.disabled["assets.heater"][0].what


def test_the_daemon_goes_on_without_the_grid_meters_device(written: Written, site_text: str) -> None:
    loaded = load_site_leniently(written(site_text.replace('"acme/hybrid"', '"acme/hybrid"\nunits = 3')))

    assert {"devices.hybrid", "assets.grid", "assets.bat1"} == set(loaded.disabled)
    assert "grid" == loaded.site.grid()[0]


def test_a_faulty_bus_takes_its_devices_and_their_assets_along(written: Written, site_text: str) -> None:
    loaded = load_site_leniently(written(site_text.replace("usb:A50285BI", 'x"\nbaud = 9601\nparity = "N')))

    assert {"buses.rs485", "devices.relays", "assets.heater"} == set(loaded.disabled)
    assert ["lan"] == list(loaded.site.buses)


def test_a_faulty_asset_is_left_out_alone(written: Written, site_text: str) -> None:
    loaded = load_site_leniently(written(site_text.replace("capacity_wh = 10_000", "capacity_wh = -1")))

    assert {"assets.bat1"} == set(loaded.disabled)
    assert ["grid", "heater"] == list(loaded.site.assets)


def test_bad_optional_keys_fall_back_to_their_defaults_but_never_a_limit(
    written: Written, site_text: str
) -> None:
    extra = '[store]\ncommit_s = 0\nsize_max_mb = 100\n[control]\ncycles_s = 1\n[district_link]\nurl = "x"\n'
    loaded = load_site_leniently(written(site_text + extra))

    assert {"store", "control", "district_link"} == set(loaded.disabled)
    assert (10.0, 100) == (loaded.site.store.commit_s, loaded.site.store.size_max_mb)
    assert loaded.site.district_link is None
    with pytest.raises(ConfigError, match="failsave_import_w"):
        load_site_leniently(written(site_text + "failsave_import_w = 100\n"))


@pytest.mark.parametrize("cut", ["[limits]", 'role = "grid"', 'id = "b012"'])
def test_without_site_limits_or_grid_there_is_no_start(written: Written, site_text: str, cut: str) -> None:
    with pytest.raises(ConfigError):
        load_site_leniently(written(site_text.replace(cut, "")))


def test_a_right_file_loads_leniently_to_the_same_site(written: Written, site_text: str) -> None:
    path = written(site_text)

    loaded = load_site_leniently(path)

    assert load_site(path) == loaded.site
    assert {} == loaded.disabled
    assert {"hybrid", "relays"} == set(loaded.profiles)


def test_a_password_in_the_file_is_refused_and_never_printed(written: Written, site_text: str) -> None:
    link = """
[district_link]
url = "mqtts://b012:hunter2@broker.example"
password = "hunter2"
password_file = "hunter2"
key_file = ["hunter2"]
"""
    text = "\n".join(faults(written(site_text + link)))

    assert "hunter2" not in text
    assert "expected the keys user and password_file" in text
    assert "did you mean 'password_file'?" in text
    assert "expected /an/absolute/path or credential:NAME" in text


def test_secret_files_that_others_may_read_are_warned_of(
    written: Written, site_text: str, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("x", encoding="utf-8")
    secret.chmod(stat.S_IRUSR | stat.S_IROTH)
    link = f"""
[district_link]
url = "mqtts://broker.example"
user = "b012"
password_file = "{secret}"
ca_file = "{tmp_path}/gone.pem"
issuers_file = "credential:issuers"
"""
    path = written(site_text + link)

    warnings = [str(fault).replace(f"{tmp_path}/", "") for fault in check_site_file(path).warnings]

    line = len(site_text.splitlines())
    assert [
        f"site.toml:{line + 5}: district_link.password_file: password is open to others (mode 0404); expected chmod 0640 or tighter",
        f"site.toml:{line + 6}: district_link.ca_file: gone.pem cannot be used: No such file or directory",
    ] == warnings
    secret.chmod(0o640)
    assert 1 == len(check_site_file(path).warnings)


def test_a_text_in_place_of_a_file_is_judged_as_the_file_would_be_and_named_so(
    written: Written, site_text: str
) -> None:
    path = written(site_text)
    instead = ReplacementText("ordered", site_text.replace('"b012"', '"b013"'))

    assert "b013" == check_site_file(path, instead).site.site.id
    assert "b013" == load_site_leniently(path, instead).site.site.id
    with pytest.raises(ConfigError) as caught:
        check_site_file(path, ReplacementText("ordered", "limits = 5"))
    assert {"ordered"} == {fault.file for fault in caught.value.faults}
    with pytest.raises(ConfigError, match="ordered"):
        load_site_leniently(path, ReplacementText("ordered", "= no TOML"))


def test_flaws_of_such_a_text_have_its_lines(site_text: str) -> None:
    (fault,) = make_faults(ReplacementText("ordered", site_text), [FileFault(("limits",), "is wrong")])

    assert ("ordered", "limits") == (fault.file, fault.key)
    assert fault.line is not None
    assert site_text.splitlines()[fault.line - 1].strip().startswith(("limits", "[limits]"))
