from collections.abc import Callable
from pathlib import Path

import pytest

from quartier.config.loading import check_site_file
from quartier.config.sections.asset_sections import PvSection
from quartier_drivers.errors import ConfigError

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
        "assets.bat1.part: hybrid.grid belongs to 'grid' already; expected a part of its own",
    ),
    (
        'part = "r1"',
        'part = "r1"\nswitch_device = "hybrid"\nswitch_part = "pv"',
        "assets.heater.switch_device: 'hybrid' has no relay_on to write there",
    ),
    (
        'device = "relays"\npart = "r1"',
        'device = "hybrid"\npart = "pv"',
        "assets.heater.tier: 'C' needs a relay_on to write; expected switch_device",
    ),
    (
        "[limits]",
        f'{PV}switch_device = "relays"\nswitch_part = "r1"\n[limits]',
        "assets.pv1.switch_part: relays.r1 belongs to 'heater' already",
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
