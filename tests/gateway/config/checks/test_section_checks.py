from collections.abc import Callable
from pathlib import Path

import pytest

from quartier.config.loading import load_site
from quartier_drivers.errors import ConfigError

Written = Callable[[str], Path]
NODE = "[nodes.{}]\nunder = '{}'\nfuse_a = 32\n"
LINK = "[district_link]\nurl = '{}'\n"

# (what is replaced, by what, the fault)
CASES = [
    (
        "[assets.heater]",
        "[assets.lan]",
        "buses.lan: 'lan' is an asset too; expected another name",
    ),
    (
        "[buses.rs485]",
        "[buses.relays]",
        "buses.relays: 'relays' is a device too; expected another name",
    ),
    ("[assets.heater]", "[assets.gateway]", "assets.gateway: 'gateway' is reserved by Quartier"),
    ('bus = "rs485"', 'bus = "rs458"', "devices.relays.bus: there is no bus 'rs458'; did you mean 'rs485'?"),
    (
        "unit = 2",
        "unit = 0",
        "devices.relays.unit: 0 is the broadcast address of a serial line; expected 1..247",
    ),
    (
        'bus = "rs485"\nprofile = "acme/relays"\nunit = 2',
        'bus = "lan"\nprofile = "acme/relays"',
        "devices.relays.unit: 1 is the unit of 'hybrid' too; expected another one",
    ),
    (
        '[buses.rs485]\nkind = "modbus-rtu"\nport = "usb:A50285BI"',
        '[buses.rs485]\nkind = "modbus-tcp"\nhost = "192.0.2.1"',
        "buses.rs485: is the same connection as 'lan'; expected one bus for both",
    ),
    (
        'role = "grid"',
        'role = "load"\nrated_w = 1',
        'assets: no asset has role = "grid"; expected exactly one',
    ),
    (
        "[limits]",
        '[assets.g2]\nrole = "grid"\ndevice = "hybrid"\npart = "pv"\n[limits]',
        "assets.g2.role: is 'grid' like 'grid'; expected exactly one",
    ),
    (
        'tier = "C"',
        'tier = "C"\nnode = "board"',
        "assets.heater.node: there is no node 'board'; expected one of grid",
    ),
    ("[limits]", NODE.format("a", "b") + "[limits]", "nodes.a.under: there is no node 'b'"),
    (
        "[limits]",
        NODE.format("a", "b") + NODE.format("b", "a") + "[limits]",
        "nodes.b.under: makes a loop; expected a path that ends at 'grid'",
    ),
    (
        "[limits]",
        NODE.format("grid", "grid") + "[limits]",
        "nodes.grid: is the root node, which needs no entry",
    ),
    (
        "contract_import_w = 9000",
        "contract_import_w = 9000\nfailsafe_import_w = 9001",
        "limits.failsafe_import_w: 9001 is above the hard import limit; expected at most 9000",
    ),
    (
        "contract_import_w = 9000",
        "contract_import_w = 9000\nautonomous_export_w = 1",
        "limits.autonomous_export_w: 1 is above the hard export limit; expected at most 0",
    ),
    (
        "[limits]",
        LINK.format("mqtts://h") + "user = 'x'\n[limits]",
        "district_link.password_file: is missing; user needs it",
    ),
    (
        "[limits]",
        LINK.format("mqtts://h") + "key_file = '/k'\n[limits]",
        "district_link.cert_file: is missing; key_file needs it",
    ),
    (
        "[limits]",
        LINK.format("mqtt://127.0.0.1") + "ca_file = '/c'\n[limits]",
        "district_link.ca_file: cannot be used with mqtt://",
    ),
    (
        "[limits]",
        LINK.format("mqtt://broker.example") + "[limits]",
        "district_link.url: mqtt:// to broker.example is unencrypted",
    ),
    (
        "[limits]",
        LINK.format("mqtts://h") + "further_urls = ['mqtts://i', 'mqtts://h']\n[limits]",
        "district_link.further_urls: 'mqtts://h' is listed twice; expected each broker once",
    ),
    (
        "[limits]",
        LINK.format("mqtts://h") + "further_urls = ['mqtt://broker.example']\n[limits]",
        "district_link.further_urls[0]: mqtt:// to broker.example is unencrypted",
    ),
    (
        'district = "issy"',
        'district = "issy"\nlatitude = 48.8',
        "site.longitude: is missing; latitude needs it",
    ),
    ('id = "b012"', 'id = "heartbeat"', "site.id: 'heartbeat' is the name of an MQTT topic of the district"),
    (
        "capacity_wh = 10_000",
        "capacity_wh = 10_000\nsoc_min_pct = 30",
        "assets.bat1.soc_min_pct: 30 is above reserve_soc_pct = 20",
    ),
    (
        "capacity_wh = 10_000",
        "capacity_wh = 10_000\ncharge_max_w = 6000",
        "assets.bat1.charge_max_w: 6000 is above rated_w; expected at most 5000",
    ),
    (
        "[assets.grid]",
        '[devices.counter]\nbus = "rs485"\nprofile = "enedis/linky_standard"\nunit = 9\n[assets.grid]',
        "devices.counter.profile: 'enedis/linky_standard' speaks tic; expected a profile of the bus's modbus or sunspec",
    ),
    (
        "[assets.grid]",
        '[buses.contacts]\nkind = "gpio"\n[devices.sun]\nbus = "contacts"\nprofile = "sunspec/pv"\n[assets.grid]',
        "devices.sun.profile: 'sunspec/pv' speaks sunspec; expected a profile of the bus's gpio",
    ),
    (
        'tier = "C"',
        'tier = "C"\nswitch_part = "r2"',
        "assets.heater.switch_part: is set without switch_device; expected both",
    ),
]


def test_a_contract_typed_in_kw_is_named_instead_of_the_limits_above_it(
    written: Written, site_text: str
) -> None:
    text = site_text.replace(
        "import_w = 9000\nautonomous_import_w = 9000", "import_w = 9\nautonomous_import_w = 7200"
    )

    with pytest.raises(ConfigError) as caught:
        load_site(written(text))

    (fault,) = caught.value.faults
    assert "limits.contract_import_w" == fault.key
    assert "write 8100 for 9 kVA, 9000 for 9 kW; autonomous_import_w = 7200 is above it" in fault.what


@pytest.mark.parametrize("latitude", ['"48,82"', "91.0"])
def test_a_coordinate_that_is_wrong_is_not_called_missing(
    written: Written, site_text: str, latitude: str
) -> None:
    keys = f'district = "issy"\nlatitude = {latitude}\nlongitude = 2.3'

    with pytest.raises(ConfigError) as caught:
        load_site(written(site_text.replace('district = "issy"', keys)))

    assert ["site.latitude"] == [fault.key for fault in caught.value.faults]


@pytest.mark.parametrize(("old", "new", "expected"), CASES, ids=[case[2].split(";")[0] for case in CASES])
def test_what_contradicts_between_sections_is_named(
    written: Written, site_text: str, old: str, new: str, expected: str
) -> None:
    assert old in site_text
    path = written(site_text.replace(old, new, 1))

    with pytest.raises(ConfigError) as caught:
        load_site(path)

    found = [f"{fault.key}: {fault.what}" for fault in caught.value.faults]
    assert [fault for fault in found if fault.startswith(expected)], found
    assert all(fault.line for fault in caught.value.faults)


def test_a_device_of_models_stands_on_a_modbus_bus(written: Written, site_text: str) -> None:
    device = '[devices.sun]\nbus = "rs485"\nprofile = "sunspec/pv"\nunit = 7\n'
    asset = '[assets.pv1]\nrole = "pv"\ndevice = "sun"\nrated_w = 5000\ncurtail = "limit"\n'

    site = load_site(written(site_text + device + asset))

    assert "sunspec/pv" == site.devices["sun"].profile


def test_a_tree_of_nodes_is_right(written: Written, site_text: str) -> None:
    nodes = NODE.format("a", "grid") + NODE.format("b", "a")

    site = load_site(written(site_text + nodes))

    assert "a" == site.nodes["b"].under


def test_devices_of_a_server_are_told_apart_by_their_nodes_and_need_no_unit(
    written: Written, site_text: str
) -> None:
    server = '[buses.plant]\nkind = "opcua"\nurl = "opc.tcp://plant"\nanonymous = true\n'
    devices = "".join(f'[devices.d{n}]\nbus = "plant"\nprofile = "acme/plant"\n' for n in (1, 2))
    path = written(site_text + server + devices)
    (path.parent / "profiles/acme/plant.toml").write_text(
        '[profile]\nprotocol = "opcua"\nmaker = "a"\nmodel = "b"\nsource = "made"\n'
        '[points.power_w]\nnode = "i=1"\n',
        encoding="utf-8",
    )

    assert {"d1", "d2"} <= load_site(path).devices.keys()


def test_a_name_of_which_the_file_has_none_says_so(written: Written) -> None:
    text = "[assets.grid]\nrole = 'grid'\ndevice = 'gx'\n"
    with pytest.raises(ConfigError) as found:
        load_site(written(text))
    assert "there is no device 'gx'; the file has no device" in [fault.what for fault in found.value.faults]
