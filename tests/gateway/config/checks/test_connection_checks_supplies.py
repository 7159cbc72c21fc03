"""The grid operator's meters in the site file: what is wrong is said."""

from collections.abc import Callable
from pathlib import Path

import pytest

from quartier.config.loading import check_site_file, load_site_leniently
from quartier_drivers.errors import ConfigError

Written = Callable[[str], Path]
LINKY = '[supplies.linky]\ndevice = "tic1"\n'
METER = '[buses.tic]\nkind = "tic"\nport = "usb:TIC1"\n[devices.tic1]\nbus = "tic"\nprofile = "enedis/linky_standard"\n'


def told(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        check_site_file(path)
    return [f"{fault.key}: {fault.what}" for fault in raised.value.faults]


def test_a_supply_has_its_device_and_its_time(written: Written, site_text: str) -> None:
    loaded = check_site_file(written(site_text + METER + LINKY))
    supply = loaded.site.supplies["linky"]

    assert ("tic1", "", 60.0) == (supply.device, supply.part, supply.release_s)
    assert () == loaded.warnings


CASES = [
    ('"tic1"', '"tic2"', "supplies.linky.device: there is no device 'tic2'; did you mean 'tic1'?"),
    ('"tic1"', '"tic1"\npart = "gas"', "supplies.linky.part: 'tic1' has no part 'gas'"),
    (
        'device = "tic1"',
        'device = "hybrid"\npart = "pv"',
        "supplies.linky.part: acme/hybrid has neither subscribed_power_va nor subscribed_current_a in this part",
    ),
    (
        'device = "tic1"',
        'device = "hybrid"\npart = "grid"',
        "supplies.linky.part: that part is used by 'grid' already; expected another part",
    ),
    ("linky", "heater", "supplies.heater: 'heater' is an asset too; expected another name"),
    ('"tic1"', '"tic1"\nrelease_s = -1', "supplies.linky.release_s: -1 is outside 0..3600"),
]


@pytest.mark.parametrize(("old", "new", "fault"), CASES)
def test_what_is_wrong_with_a_supply_is_said(
    written: Written, site_text: str, old: str, new: str, fault: str
) -> None:
    text = site_text + METER + LINKY.replace(old, new, 1)

    assert any(one.startswith(fault) for one in told(written(text))), told(written(text))


MISFITS = [
    ('address = "12345"', "address: '12345' is no secondary address; expected 8 or 16 hex digits, F for any"),
    ("unit = 251", "unit: 251 is no primary address; expected 0..250, 254 where it is alone"),
]


@pytest.mark.parametrize(("line", "fault"), MISFITS)
def test_an_address_that_no_meter_of_its_bus_can_have_is_a_fault(
    written: Written, site_text: str, line: str, fault: str
) -> None:
    bus = '[buses.wired]\nkind = "mbus"\nport = "usb:M1"\n'
    meter = f'[devices.heat1]\nbus = "wired"\nprofile = "generic/mbus_electricity"\n{line}\n'

    assert f"devices.heat1.{fault}" in told(written(site_text + bus + meter))


def test_a_linky_has_two_speeds(written: Written, site_text: str) -> None:
    text = site_text + METER.replace('"usb:TIC1"', '"usb:TIC1"\nbaud = 4800') + LINKY

    assert "buses.tic.baud: 4800 is wrong; expected 1200 or 9600" in told(written(text))


def test_a_supply_whose_device_is_faulty_is_named_and_the_house_runs(
    written: Written, site_text: str
) -> None:
    loaded = load_site_leniently(written(site_text + METER.replace("linky_standard", "gone") + LINKY))

    assert {"devices.tic1", "supplies.linky"} == set(loaded.disabled)


@pytest.mark.parametrize("mode", ["standard", "historique"])
def test_a_linky_may_be_the_connection_meter_although_it_says_no_watts(
    written: Written, site_text: str, mode: str
) -> None:
    text = site_text.replace('device = "hybrid"\npart = "grid"', 'device = "tic1"')

    assert "tic1" == check_site_file(written(text + METER.replace("standard", mode))).site.grid()[1].device
