"""A share never meets what Quartier itself writes, another share, or a bus that cannot be shared."""

from collections.abc import Callable
from pathlib import Path

import pytest

from quartier.config.loading import check_site_file, load_site_leniently
from quartier_drivers.errors import ConfigError

Written = Callable[[str], Path]
PORTAL = '[shares.portal]\nbus = "lan"\nclients = ["192.168.1.40"]\n'
LAPTOP = '[shares.laptop]\nbus = "lan"\nclients = ["192.168.1.50"]\n'
SUNSPEC = """
[buses.roof]
kind = "modbus-tcp"
host = "192.168.1.77"
[devices.inverter]
bus = "roof"
profile = "sunspec/inverter"
unit = 1
"""


def told(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        check_site_file(path)
    return [f"{fault.key}: {fault.what}" for fault in raised.value.faults]


def test_a_share_of_a_modbus_bus_is_good(written: Written, site_text: str) -> None:
    loaded = check_site_file(written(site_text + PORTAL + 'writes = ["1/holding:1..99"]\n' + LAPTOP))

    assert {"portal", "laptop"} == set(loaded.site.shares)
    assert () == loaded.warnings


CASES = [
    ('bus = "lan"', 'bus = "lam"', "shares.portal.bus: there is no bus 'lam'; did you mean 'lan'?"),
    ("shares.portal", "shares.heater", "shares.heater: 'heater' is an asset too"),
    ('["192.168.1.40"]', "[]", "shares.portal.clients: is empty"),
    (
        'bus = "lan"',
        'bus = "lan"\nwrites = ["1/holding:0"]',
        "shares.portal.writes[0]: 1/holding:0 covers holding:0, setpoint_w, which Quartier writes, of 'hybrid'; ",
    ),
    (
        'bus = "lan"',
        'bus = "lan"\nwrites = ["1/holding:7", "9/holding:3"]',
        "shares.portal.writes[1]: unit 9 is no device; expected it in units, or another unit",
    ),
    ('bus = "lan"', 'bus = "lan"\nrequests_per_s = 0', "shares.portal.requests_per_s: 0 is outside 0.1..200"),
]


@pytest.mark.parametrize(("old", "new", "fault"), CASES)
def test_what_is_wrong_with_a_share_is_said(
    written: Written, site_text: str, old: str, new: str, fault: str
) -> None:
    found = told(written(site_text + PORTAL.replace(old, new, 1)))

    assert any(one.startswith(fault) for one in found), found


def test_a_write_that_meets_ours_names_the_lines_of_both(written: Written, site_text: str) -> None:
    text = site_text + PORTAL + 'writes = ["1/holding:0..3"]\n'
    with pytest.raises(ConfigError) as raised:
        check_site_file(written(text))
    (fault,) = raised.value.faults
    lines = text.splitlines()

    assert fault.line is not None
    assert lines[fault.line - 1].startswith("writes = ")
    other = int(fault.what.rpartition("(line ")[2].rstrip(")"))
    assert lines[other - 1].startswith("profile = ")


METER = """
[profile]
protocol = "modbus"
maker = "Acme"
model = "pump"
source = "made up"
[points.power_w]
register = "input:0"
type = "int32"
[points.setpoint_w]
register = "holding:10"
type = "int32"
scale_register = "holding:9"
[points.setpoint_w.write]
low = 0
high = 100
register = "holding:20"
type = "int32"
on_release = "own"
own = { register = "holding:30", value = 0 }
gate = { register = "coil:40" }
[points.setpoint_w.write.fallback]
value = "own"
after_s = 60
register = "holding:50"
settings = [{ register = "holding:60", value = 1 }, { register = "holding:61", unit = 7, value = 1 }]
check = [{ register = "holding:70", equals = 3, remedy = "set it to 3 there" }]
"""


@pytest.mark.parametrize(
    ("span", "word"),
    [
        ("4/holding:21", "setpoint_w, which Quartier writes,"),
        ("4/holding:9", "the scale of setpoint_w"),
        ("4/holding:30", "a switch of setpoint_w"),
        ("4/coil:40", "a switch of setpoint_w"),
        ("4/holding:50", "the timer of setpoint_w"),
        ("4/holding:60", "a setting of the fallback of setpoint_w"),
        ("7/holding:61", "a setting of the fallback of setpoint_w"),
        ("4/holding:70", "a setting of the fallback of setpoint_w"),
    ],
)
def test_all_that_decides_what_our_writes_do_is_ours(
    written: Written, site_text: str, span: str, word: str
) -> None:
    device = '[devices.pump]\nbus = "lan"\nprofile = "acme/pump"\nunit = 4\n'
    asset = '[assets.pump1]\nrole = "load"\ndevice = "pump"\nrated_w = 500\n'
    path = written(site_text + device + asset + PORTAL + f'units = [7]\nwrites = ["{span}"]\n')
    (path.parent / "profiles/acme/pump.toml").write_text(METER)

    assert any(word in one for one in told(path)), told(path)


def test_a_part_that_belongs_to_no_asset_is_not_ours(written: Written, site_text: str) -> None:
    share = PORTAL.replace("lan", "rs485") + 'writes = ["2/coil:1"]\n'
    assert "portal" in check_site_file(written(site_text + share)).site.shares

    found = told(written(site_text + share.replace("coil:1", "coil:0")))
    assert any("2/coil:0 covers coil:0, relay_on, which Quartier writes, of 'relays'" in one for one in found)


def test_where_registers_are_found_only_on_the_wire_none_may_be_written(
    written: Written, site_text: str
) -> None:
    text = site_text + SUNSPEC + PORTAL.replace("lan", "roof") + 'writes = ["1/holding:40200"]\n'

    assert any(
        "the registers of 'inverter' are known only after it was read" in one for one in told(written(text))
    )


def test_a_unit_of_nobody_may_be_another_number_of_a_device_that_has_its_port_for_itself(
    written: Written, site_text: str
) -> None:
    found = told(written(site_text + PORTAL + 'units = [255]\nwrites = ["255/holding:0"]\n'))
    (fault,) = (one for one in found if one.startswith("shares.portal.writes[0]: 255/holding:0 covers"))
    assert "setpoint_w, which Quartier writes, of 'hybrid'" in fault
    assert "if unit 255 is another device, expected a [devices] entry for it" in fault

    text = site_text + SUNSPEC + PORTAL.replace("lan", "roof")
    found = told(written(text + 'units = [5]\nwrites = ["5/holding:40200"]\n'))
    assert any("the registers of 'inverter' are known only after it was read" in one for one in found), found


def test_on_a_serial_line_each_unit_is_somebody_else(written: Written, site_text: str) -> None:
    text = site_text + PORTAL.replace("lan", "rs485") + 'units = [9]\nwrites = ["9/coil:0"]\n'

    assert "portal" in check_site_file(written(text)).site.shares


def test_two_shares_of_one_bus_share_an_address_and_those_of_two_do_not(
    written: Written, site_text: str
) -> None:
    other = SUNSPEC + LAPTOP.replace("lan", "roof")
    found = told(written(site_text + other + PORTAL))
    assert any(
        "shares.portal.listen: 127.0.0.1:1502 conflicts with 127.0.0.1:1502 of 'laptop'" in one
        for one in found
    )

    wild = other + 'listen = "0.0.0.0:1502"\n'
    assert any("conflicts with 0.0.0.0:1502" in one for one in told(written(site_text + wild + PORTAL)))


def test_an_address_belongs_to_one_share(written: Written, site_text: str) -> None:
    found = told(written(site_text + PORTAL + LAPTOP.replace(".50", ".40")))

    assert any(
        one.startswith("shares.laptop.clients[0]: 192.168.1.40 is a client of 'portal'") for one in found
    )


def test_nobody_asks_all_devices_of_a_serial_line_at_once(written: Written, site_text: str) -> None:
    found = told(written(site_text + PORTAL.replace("lan", "rs485") + "units = [9, 0]\n"))
    assert any(
        one.startswith("shares.portal.units[1]: 0 is the broadcast address of a serial line") for one in found
    )

    assert check_site_file(written(site_text + PORTAL + "units = [0, 255]\n")).site.shares


def test_a_bus_that_is_no_modbus_is_not_shared(written: Written, site_text: str) -> None:
    bus = '[buses.tic]\nkind = "tic"\nport = "usb:TIC1"\n'
    found = told(written(site_text + bus + PORTAL.replace("lan", "tic")))

    assert any(one.startswith("shares.portal.bus: 'tic' is a tic bus") for one in found), found


def test_who_lets_in_everybody_is_warned(written: Written, site_text: str) -> None:
    text = site_text + PORTAL.replace("192.168.1.40", "0.0.0.0/0")
    (warning,) = check_site_file(written(text)).warnings
    assert "lets in 4294967296 addresses; Modbus has no password" in warning.what

    text = site_text + PORTAL.replace("192.168.1.40", "192.168.0.0/16") + 'writes = ["1/holding:77"]\n'
    (warning,) = check_site_file(written(text)).warnings
    assert "lets in 65536 addresses that may write" in warning.what


def test_a_faulty_share_is_left_out_and_the_house_runs(written: Written, site_text: str) -> None:
    loaded = load_site_leniently(written(site_text + LAPTOP + PORTAL + 'writes = ["1/holding:0"]\n'))

    assert ({"shares.portal"}, {"laptop"}) == (set(loaded.disabled), set(loaded.site.shares))
    assert "lan" in loaded.site.buses


def test_a_share_of_a_bus_that_is_disabled_is_too(written: Written, site_text: str) -> None:
    loaded = load_site_leniently(
        written(site_text + SUNSPEC.replace("192.168.1.77", "a b") + PORTAL.replace("lan", "roof"))
    )

    assert "shares.portal" in loaded.disabled
    assert {} == loaded.site.shares
