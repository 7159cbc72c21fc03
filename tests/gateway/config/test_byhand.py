"""What no order may change, however well it is signed."""

import pytest

from quartier.config.byhand import refusals
from quartier.config.load import check

SITE = """\
site = { id = "b012", district = "issy" }
limits = { contract_import_w = 12000, contract_export_w = 6000, import_max_w = 11000, main_fuse_a = 50 }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1", port = 1502 }
buses.board = { kind = "modbus-tcp", host = "127.0.0.1", port = 1503 }
buses.plant = { kind = "opcua", url = "opc.tcp://10.0.0.5:4840", user = "q", password_file = "/x/plant" }
devices.gx = { bus = "lan", profile = "victron/gx", unit = 227 }
devices.relays = { bus = "board", profile = "waveshare/relay8", unit = 3 }
devices.inputs = { bus = "board", profile = "waveshare/io8", unit = 4 }
devices.meter = { bus = "board", profile = "eastron/sdm630", unit = 1 }
nodes.cellar = { fuse_a = 32, unmeasured_w = 0 }
contacts.dso1 = { device = "inputs", part = "in1", import_max_w = 4200 }
assets.grid = { role = "grid", device = "gx", part = "grid" }
assets.bat1 = { role = "battery", device = "gx", part = "battery", rated_w = 5000, capacity_wh = 10000, share = "local" }
assets.boiler = { role = "load", device = "meter", tier = "C", rated_w = 2000, node = "cellar", switch_device = "relays", switch_part = "relay1", accept_no_fallback = "the board has no watchdog, a boiler bears that" }
district_link = { url = "mqtts://broker.example", key_file = "/x/key", cert_file = "/x/cert" }
control = { grid_target_w = 0 }
"""


@pytest.fixture
def site(tmp_path):
    def read(*changes):
        text = SITE
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "site.toml"
        path.write_text(text)
        return check(path).site

    return read


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("contract_import_w = 12000", "contract_import_w = 12001", "limits.contract_import_w"),
        ("contract_export_w = 6000", "contract_export_w = 6001", "limits.contract_export_w"),
        ("import_max_w = 11000", "import_max_w = 11500", "limits.import_max_w"),
        ("import_max_w = 11000, ", "", "limits.import_max_w"),
        ("main_fuse_a = 50", "main_fuse_a = 63", "limits.main_fuse_a"),
        (", main_fuse_a = 50", "", "limits.main_fuse_a"),
        ("fuse_a = 32", "fuse_a = 40", "nodes.cellar.fuse_a"),
        ('node = "cellar", ', "", "assets.boiler.node"),
        ("import_max_w = 4200", "import_max_w = 5000", "contacts.dso1.import_max_w"),
        ('part = "in1"', 'part = "in2"', "contacts.dso1.part"),
        ("rated_w = 5000", "rated_w = 6000", "assets.bat1.rated_w"),
        (', share = "local"', "", "assets.bat1.share"),
        ("capacity_wh = 10000", "capacity_wh = 10000, soc_max_pct = 100", "assets.bat1.soc_max_pct"),
        ("capacity_wh = 10000", "capacity_wh = 10000, reserve_soc_pct = 12", "assets.bat1.reserve_soc_pct"),
        ('tier = "C"', 'tier = "C", min_off_s = 5', "assets.boiler.min_off_s"),
        ("import_max_w = 4200", "import_max_w = 4200, debounce_s = 9", "contacts.dso1.debounce_s"),
        ("import_max_w = 4200", "import_max_w = 4200, release_s = 9", "contacts.dso1.release_s"),
        ("assets.bat1 = { role", "assets.bat2 = { role", None),
        ("a boiler bears that", "a boiler bears it all", "assets.boiler.accept_no_fallback"),
        ('id = "b012"', 'id = "b013"', "site.id"),
        ("mqtts://broker.example", "mqtts://elsewhere.example", "district_link.url"),
        ("opc.tcp://10.0.0.5:4840", "opc.tcp://10.0.0.6:4840", "buses.plant.password_file"),
    ],
)
def test_what_protects_the_building_is_changed_by_hand_only(site, old, new, key):
    found = [".".join(map(str, flaw.path)) for flaw in refusals(site(), site((old, new)))]
    assert ([] if key is None else [key]) == found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("grid_target_w = 0", "grid_target_w = 100"),
        ("contract_import_w = 12000", "contract_import_w = 9000"),
        ("rated_w = 2000", "rated_w = 1800"),
        ('tier = "C"', 'tier = "D"'),
        ("fuse_a = 32", "fuse_a = 25"),
        ("key_file = ", "backfill_messages_per_s = 9, key_file = "),
        (
            "devices.meter = ",
            'devices.more = { bus = "board", profile = "eastron/sdm630", unit = 9 }\ndevices.meter = ',
        ),
    ],
)
def test_what_tightens_or_steers_may_be_ordered(site, old, new):
    assert [] == list(refusals(site(), site((old, new))))


@pytest.mark.parametrize(
    ("line", "table"),
    [("nodes.cellar", "nodes"), ("contacts.dso1", "contacts"), ("district_link", "district_link")],
)
def test_what_protects_is_not_taken_away(site, line, table):
    text = next(row for row in SITE.splitlines() if row.startswith(f"{line} ="))
    changes = [(f"{text}\n", "")]
    if table == "nodes":
        changes.append(('node = "cellar", ', ""))
    found = {flaw.path[0] for flaw in refusals(site(), site(*changes))}
    assert table in found


def test_a_battery_under_another_name_stays_in_the_building(site):
    new = site(("assets.bat1 = { role", "assets.bat2 = { role"), (', share = "local"', ""))
    assert [("assets", "bat2", "share")] == [flaw.path for flaw in refusals(site(), new)]


def test_a_new_bus_that_names_a_secrets_file_is_set_up_by_hand(site):
    more = 'buses.spy = { kind = "opcua", url = "opc.tcp://6.6.6.6:4840", user = "q", password_file = "/x/key" }\n'
    new = site(("buses.plant =", f"{more}buses.plant ="))
    assert [("buses", "spy", "password_file")] == [flaw.path for flaw in refusals(site(), new)]


def test_an_assets_role_stays(site):
    new = site(('role = "load", device = "meter", tier = "C"', 'role = "pv", device = "meter"'))
    assert [("assets", "boiler", "role")] == [flaw.path for flaw in refusals(site(), new)]
