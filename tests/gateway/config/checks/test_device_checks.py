"""A device that does not let go of an order by itself is warned of, unless the file accepts it with a reason."""

from collections.abc import Callable
from pathlib import Path

import pytest

from quartier.config.loading import check_site_file, load_site_leniently
from quartier.config.sections.asset_sections import PvSection
from quartier_drivers.errors import ConfigError

FORGETS = ", fallback = { value = 1, after_s = 60 }"


@pytest.fixture
def told(written, site_text):
    """Warnings of the site where a profile was changed, and keys were added to an asset."""

    def tells(profile="relays", old=FORGETS, new="", asset="heater", keys=""):
        path = written(site_text.replace(f"[assets.{asset}]\n", f"[assets.{asset}]\n{keys}"))
        file = path.parent / "profiles" / "acme" / f"{profile}.toml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")
        return [f"{fault.key}: {fault.what}" for fault in check_site_file(path).warnings]

    return tells


def test_a_relay_without_fallback_is_used_for_nothing_and_that_is_said(told):
    (text,) = told()

    assert text.startswith(
        "assets.heater.accept_no_fallback: is missing: acme/relays keeps its last relay_on if the gateway stops"
    )
    assert text.endswith(
        "not used for limits and sheds; expected another device, or a reason why its use is safe"
    )


def test_a_battery_without_fallback_gets_no_order_at_all(told):
    (text,) = told("hybrid", ", fallback = { value = 0, after_s = 60 }", asset="bat1")

    assert "setpoint_w if the gateway stops, so it gets no orders" in text


def test_a_timer_that_reading_keeps_alive_does_not_end_a_setpoint(told):
    (text,) = told("hybrid", "after_s = 60 }", 'after_s = 60, kept_by = "requests" }', asset="bat1")

    assert "reading acme/hybrid restarts its timer, and its order does not end" in text


def test_a_reason_accepts_it(told):
    assert [] == told(keys='accept_no_fallback = "left on it harms nobody, says the owner"\n')


@pytest.mark.parametrize("reason", ["", "yes", "because it is", "   a   b   c   "])
def test_a_reason_is_a_sentence(written, site_text, reason):
    path = written(
        site_text.replace("[assets.heater]\n", f'[assets.heater]\naccept_no_fallback = "{reason}"\n')
    )
    with pytest.raises(ConfigError) as raised:
        check_site_file(path)

    assert "assets.heater.accept_no_fallback" in str(raised.value)


def test_the_daemon_starts_all_the_same(written, site_text):
    assert {} == load_site_leniently(written(site_text)).disabled


def test_what_is_never_shed_needs_none(written, site_text):
    path = written(site_text.replace('tier = "C"', 'tier = "A"'))
    file = path.parent / "profiles" / "acme" / "relays.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(FORGETS, ""), encoding="utf-8")

    assert () == check_site_file(path).warnings


Written = Callable[[str], Path]
PV = '[assets.pv1]\nrole = "pv"\ndevice = "hybrid"\npart = "pv"\nrated_w = 6000\n'
EV = '[assets.ev1]\nrole = "ev"\ndevice = "hybrid"\npart = "pv"\n'

CASES = [
    (
        'part = "battery"',
        'part = "batery"',
        "assets.bat1.part: 'hybrid' has no part 'batery'; did you mean 'battery'?",
    ),
    (
        'part = "battery"',
        "",
        "assets.bat1.part: 'hybrid' has several parts; expected one of grid, pv, battery",
    ),
    (
        'part = "battery"',
        'part = "read_only"',
        "assets.bat1.device: acme/hybrid has no setpoint_w to write, which a battery needs",
    ),
    (
        'part = "battery"',
        'part = "pv"',
        "assets.bat1.device: acme/hybrid has no soc_pct, which a battery needs",
    ),
    (
        'part = "battery"',
        'part = "grid"',
        "assets.bat1.part: hybrid.grid is used by 'grid' already; expected another part",
    ),
    (
        'part = "r1"',
        'part = "r1"\nswitch_device = "hybrid"\nswitch_part = "pv"',
        "assets.heater.switch_device: this part of 'hybrid' has no relay_on to write",
    ),
    (
        'device = "relays"\npart = "r1"',
        'device = "hybrid"\npart = "pv"',
        "assets.heater.tier: 'C' needs a relay_on to write; expected switch_device",
    ),
    (
        "[limits]",
        f'{PV}switch_device = "relays"\nswitch_part = "r1"\n[limits]',
        "assets.pv1.switch_part: relays.r1 is used by 'heater' already",
    ),
    (
        "[limits]",
        f'{PV}curtail = "relay"\n[limits]',
        'assets.pv1.curtail: "relay" needs a relay_on to write; expected switch_device, or "none"',
    ),
    (
        "[limits]",
        f'{PV}curtail = "limit"\n[limits]',
        'assets.pv1.curtail: "limit" needs a generation_max_w to write; expected "relay" with switch_device, or "none"',
    ),
    (
        "[limits]",
        f"{EV}[limits]",
        "assets.ev1.device: acme/hybrid has no current_max_a to write, which an ev needs",
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), CASES, ids=[case[2].split(";")[0] for case in CASES])
def test_a_part_that_cannot_do_what_the_role_needs_is_named(
    written: Written, site_text: str, old: str, new: str, expected: str
) -> None:
    assert old in site_text

    with pytest.raises(ConfigError) as caught:
        check_site_file(written(site_text.replace(old, new, 1)))

    found = [f"{fault.key}: {fault.what}" for fault in caught.value.faults]
    assert [fault for fault in found if fault.startswith(expected)], found


def test_a_relay_of_another_device_may_curtail_pv_and_shed_loads(written: Written, site_text: str) -> None:
    loaded = check_site_file(
        written(f'{site_text}{PV}switch_device = "relays"\nswitch_part = "r2"\ncurtail = "relay"\n')
    )

    pv = loaded.site.assets["pv1"]
    assert isinstance(pv, PvSection)
    assert ("relays", "r2", "relay") == (pv.switch_device, pv.switch_part, pv.curtail)


GX = """\
site = { id = "b012", district = "issy", latitude = 48.8, longitude = 2.3 }
limits = { contract_import_w = 12000, contract_export_w = 6000 }
buses.lan = { kind = "modbus-tcp", host = "10.0.0.2" }
devices.gx = { bus = "lan", profile = "victron/gx", unit = 227 }
assets.grid = { role = "grid", device = "gx", part = "grid" }
assets.bat1 = { role = "battery", device = "gx", part = "battery", rated_w = 5000, capacity_wh = 10000 }
"""


def faults_of(path: Path) -> str:
    try:
        check_site_file(path)
    except ConfigError as error:
        return str(error)
    return ""


def test_the_unit_that_a_profile_names_itself_is_not_that_of_a_part_in_a_unit_of_its_own(
    written: Written,
) -> None:
    said = faults_of(written(GX.replace("227", "100")))

    assert (
        "devices.gx.unit: 100 is not the unit of gx.battery (ac_power_w): victron/gx names it for its" in said
    )
    assert "devices.gx.unit" not in faults_of(written(GX))
    without = "".join(line for line in GX.splitlines(keepends=True) if "bat1" not in line)
    assert "devices.gx.unit" not in faults_of(written(without.replace("227", "100"))), (
        "grid is all in unit 100"
    )
