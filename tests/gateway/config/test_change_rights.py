"""What a remote site file may change: the table, and each way around it that was found."""

import re
import tomllib
import typing
from fnmatch import fnmatchcase

import pytest
from pydantic import BaseModel

from quartier.config import change_rights, reference
from quartier.config.change_rights import (
    DEFAULT_RIGHT,
    RIGHT_ROWS,
    ChangeRight,
    combine_tighter_limits,
    evaluate_remote_file,
    find_right,
    find_tighter_limits,
    make_tightest,
    tighten_limits,
)
from quartier.config.checks.site_draft import ASSET_SECTIONS, FIXED_SECTIONS
from quartier.config.loading import check_site_file
from quartier.config.sections.connection_sections import NodeSection
from quartier.config.sections.site_file import DeviceSection, SiteFile
from quartier.control.orders.commands import OPS
from quartier.district.documents import document_types
from quartier_drivers.registry import BUS_KINDS, load_section

SITE = """\
site = { id = "b012", district = "issy", latitude = 48.8, longitude = 2.3 }
limits = { contract_import_w = 12000, contract_export_w = 6000, import_max_w = 11000, main_fuse_a = 50, failsafe_import_w = 5000 }
buses.lan = { kind = "modbus-tcp", host = "10.0.0.2", port = 502 }
buses.board = { kind = "modbus-tcp", host = "10.0.0.3", port = 503 }
buses.plant = { kind = "opcua", url = "opc.tcp://10.0.0.5:4840", user = "q", password_file = "/x/plant" }
devices.gx = { bus = "lan", profile = "victron/gx", unit = 227 }
devices.relays = { bus = "board", profile = "waveshare/relay8", unit = 3 }
devices.inputs = { bus = "board", profile = "waveshare/io8", unit = 4 }
devices.meter = { bus = "board", profile = "eastron/sdm630", unit = 1 }
devices.other = { bus = "board", profile = "eastron/sdm630", unit = 2 }
devices.charger = { bus = "lan", profile = "keba/p30", unit = 255 }
nodes.cellar = { fuse_a = 32, unmeasured_w = 0 }
contacts.dso1 = { device = "inputs", part = "in1", import_max_w = 4200 }
assets.grid = { role = "grid", device = "gx", part = "grid" }
assets.bat1 = { role = "battery", device = "gx", part = "battery", rated_w = 5000, capacity_wh = 10000, reserve_soc_pct = 30, share = "local" }
assets.pv1 = { role = "pv", device = "gx", part = "pv", rated_w = 8000 }
assets.boiler = { role = "load", device = "meter", tier = "C", rated_w = 2000, min_off_s = 600, node = "cellar", switch_device = "relays", switch_part = "relay1", accept_no_fallback = "the board has no watchdog, a boiler bears that" }
assets.rest = { role = "load", device = "other", tier = "A", rated_w = 9000 }
assets.ev1 = { role = "ev", device = "charger", current_max_a = 16 }
district_link = { url = "mqtts://broker.example", key_file = "/x/key", cert_file = "/x/cert" }
control = { grid_target_w = 0 }
planning = { horizon_s = 86400 }
tariff = { contract = "base", base_eur_per_wh = 0.00025 }
"""


BAT2 = (
    'assets.bat2 = { role = "battery", device = "gx", part = "battery", rated_w = 50000, '
    "capacity_wh = 10000, reserve_soc_pct = 0, soc_min_pct = 0 }\n"
)


def site_of(text):
    return SiteFile.model_validate(tomllib.loads(text))


def changed(*changes):
    text = SITE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return site_of(text)


@pytest.fixture
def base():
    return site_of(SITE)


def keys_refused(base, new):
    return {".".join(map(str, flaw.path)) for flaw in evaluate_remote_file(base, base, new).refused}


def line(name):
    return next(f"{row}\n" for row in SITE.splitlines() if row.startswith(f"{name} ="))


def test_the_site_of_this_test_is_a_good_one(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(SITE)

    assert "b012" == check_site_file(path).site.site.id


# Each way around that was found


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        pytest.param(
            [
                ('part = "grid"', 'part = ""'),
                ('role = "grid", device = "gx"', 'role = "grid", device = "other"'),
            ],
            {"assets.grid.device", "assets.grid.part"},
            id="the grid asset on another device",
        ),
        pytest.param(
            [("unit = 227", "unit = 228")], {"devices.gx.unit"}, id="another unit for the grid meter"
        ),
        pytest.param([("10.0.0.2", "10.0.0.9")], {"buses.lan.host"}, id="another host for the grid meter"),
        pytest.param([("port = 502 ", "port = 1502 ")], {"buses.lan.port"}, id="another port of its bus"),
        pytest.param(
            [
                (line("assets.bat1"), ""),
                (
                    line("assets.pv1"),
                    BAT2 + line("assets.pv1"),
                ),
            ],
            {"assets.bat1", "assets.bat2"},
            id="ten times the rating and no reserve under another name",
        ),
        pytest.param(
            [("assets.boiler =", "assets.heater2 ="), ("min_off_s = 600", "min_on_s = 0, min_off_s = 0")],
            {"assets.boiler", "assets.heater2"},
            id="no minimum times under another name",
        ),
        pytest.param([(line("assets.boiler"), "")], {"assets.boiler"}, id="a steered asset removed"),
        pytest.param([('tier = "C"', 'tier = "A"')], {"assets.boiler.tier"}, id="tier C made A"),
        pytest.param([('tier = "A"', 'tier = "D"')], {"assets.rest.tier"}, id="tier A made D"),
        pytest.param(
            [('part = "grid" }', 'part = "grid", voltage_v = 100000 }')],
            {"assets.grid.voltage_v"},
            id="voltage",
        ),
        pytest.param(
            [("control = ", 'store = { path = "link.a" }\ncontrol = ')],
            {"store.path"},
            id="history on our state",
        ),
        pytest.param(
            [("control = ", "store = { deadbands = { power_w = 10000000 } }\ncontrol = ")],
            {"store.deadbands.power_w"},
            id="deadband of 10 MW",
        ),
        pytest.param(
            [('user = "q", password_file = "/x/plant"', 'insecure_policy = "None", anonymous = true')],
            {
                "buses.plant.insecure_policy",
                "buses.plant.anonymous",
                "buses.plant.user",
                "buses.plant.password_file",
            },
            id="OPC UA without security",
        ),
        pytest.param(
            [("main_fuse_a = 50", "main_fuse_a = 50, heartbeat_timeout_s = 300, hold_max_s = 172800")],
            {"limits.heartbeat_timeout_s", "limits.hold_max_s"},
            id="heartbeat time-out 300 s, hold 48 h",
        ),
    ],
)
def test_each_way_around_the_limits_is_refused_key_by_key(base, changes, keys):
    assert keys == keys_refused(base, changed(*changes))


# What protects the building, in either direction


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("contract_import_w = 12000", "contract_import_w = 12001", "limits.contract_import_w"),
        ("contract_import_w = 12000", "contract_import_w = 11500", "limits.contract_import_w"),
        ("import_max_w = 11000, ", "", "limits.import_max_w"),
        ("main_fuse_a = 50", "main_fuse_a = 63", "limits.main_fuse_a"),
        (", main_fuse_a = 50", "", "limits.main_fuse_a"),
        ("fuse_a = 32", "fuse_a = 25", "nodes.cellar.fuse_a"),
        ('node = "cellar", ', "", "assets.boiler.node"),
        ("import_max_w = 4200", "import_max_w = 5000", "contacts.dso1.import_max_w"),
        ('part = "in1"', 'part = "in2"', "contacts.dso1.part"),
        ("rated_w = 2000", "rated_w = 1800", "assets.boiler.rated_w"),
        (', share = "local"', "", "assets.bat1.share"),
        ("capacity_wh = 10000", "capacity_wh = 10000, soc_max_pct = 100", "assets.bat1.soc_max_pct"),
        ("reserve_soc_pct = 30", "reserve_soc_pct = 40", "assets.bat1.reserve_soc_pct"),
        ("min_off_s = 600", "min_off_s = 900", "assets.boiler.min_off_s"),
        ("a boiler bears that", "a boiler bears it all", "assets.boiler.accept_no_fallback"),
        ("current_max_a = 16", "current_max_a = 16, current_min_a = 16", "assets.ev1.current_min_a"),
        ('"eastron/sdm630", unit = 1', '"eastron/sdm120", unit = 1', "devices.meter.profile"),
        ('id = "b012"', 'id = "b013"', "site.id"),
        ('district = "issy"', 'district = "issy", simulated = true', "site.simulated"),
        ("mqtts://broker.example", "mqtts://elsewhere.example", "district_link.url"),
        ("key_file = ", "watermark = false, key_file = ", "district_link.watermark"),
        (
            "key_file = ",
            "backfill_messages_per_s = 0.01, key_file = ",
            "district_link.backfill_messages_per_s",
        ),
        ("grid_target_w = 0", "cycle_s = 5", "control.cycle_s"),
        ("control = ", "clock = { meter_differs_max_s = 604800 }\ncontrol = ", "clock.meter_differs_max_s"),
        (
            "devices.meter = ",
            'devices.more = { bus = "board", profile = "eastron/sdm630", unit = 9 }\ndevices.meter = ',
            "devices.more",
        ),
        (
            "buses.plant = ",
            'buses.spy = { kind = "modbus-tcp", host = "6.6.6.6" }\nbuses.plant = ',
            "buses.spy",
        ),
        (
            "control = ",
            'shares.x = { bus = "lan", clients = ["0.0.0.0/0"], writes = ["1/holding:0..9"] }\ncontrol = ',
            "shares.x",
        ),
    ],
)
def test_what_protects_the_building_needs_a_person_on_site(base, old, new, key):
    assert {key} == keys_refused(base, changed((old, new)))


@pytest.mark.parametrize("name", ["nodes.cellar", "contacts.dso1", "district_link"])
def test_what_protects_is_not_taken_away(base, name):
    changes = [(line(name), "")]
    if name.startswith("nodes"):
        changes.append(('node = "cellar", ', ""))

    assert name in keys_refused(base, changed(*changes))


def test_a_rename_is_told_as_one(base):
    (gone, come) = evaluate_remote_file(base, base, changed(("assets.boiler =", "assets.heater2 ="))).refused

    assert (
        "is removed by a person on site only",
        "is 'boiler', which is renamed by a person on site only",
    ) == (
        gone.what,
        come.what,
    )


def test_another_role_is_one_fault(base):
    new = changed(('role = "load", device = "other", tier = "A"', 'role = "pv", device = "other"'))

    assert {"assets.rest.role"} == keys_refused(base, new)


def test_where_a_secret_lies_is_not_told(base):
    (flaw,) = evaluate_remote_file(
        base, base, changed(('password_file = "/x/plant"', 'password_file = "/y"'))
    ).refused

    assert "/x/plant" not in flaw.what


# What is free, and what waits


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("grid_target_w = 0", "grid_target_w = 100"),
        ("horizon_s = 86400", "horizon_s = 43200, wear_eur_per_wh = 0.00001"),
        (line("planning"), ""),
        ("base_eur_per_wh = 0.00025", "base_eur_per_wh = 0.0003"),
        ("current_max_a = 16", 'current_max_a = 16, departure = "07:30"'),
        ("key_file = ", "backfill_messages_per_s = 9, key_file = "),
        ("control = ", "store = { deadbands = { power_w = 100, voltage_v = 2 } }\ncontrol = "),
    ],
)
def test_what_steers_may_be_ordered_at_any_time(base, old, new):
    judgement = evaluate_remote_file(base, base, changed((old, new)))

    assert ((), ()) == (judgement.refused, judgement.loosened)
    assert judgement.changed


@pytest.mark.parametrize(
    ("old", "new", "loosened"),
    [
        ("failsafe_import_w = 5000", "failsafe_import_w = 5001", ["limits.failsafe_import_w"]),
        (
            "failsafe_import_w = 5000",
            "failsafe_export_w = 3000",
            ["limits.failsafe_import_w", "limits.failsafe_export_w"],
        ),
        (", failsafe_import_w = 5000", "", ["limits.failsafe_import_w"]),
        (
            "failsafe_import_w = 5000",
            "failsafe_import_w = 5000, autonomous_import_w = 9700",
            ["limits.autonomous_import_w"],
        ),
        ("failsafe_import_w = 5000", "failsafe_import_w = 4999, failsafe_min_s = 9000", []),
        ("main_fuse_a = 50", "main_fuse_a = 50, hold_max_s = 3600, heartbeat_timeout_s = 60", []),
    ],
)
def test_parameters_of_the_fail_safe_state_loosen_by_what_they_mean(base, old, new, loosened):
    judgement = evaluate_remote_file(base, base, changed((old, new)))

    assert ((), loosened) == (judgement.refused, list(judgement.loosened))


def test_what_loosens_is_judged_against_what_is_used_and_what_is_refused_against_the_person(base):
    tight = changed(("failsafe_import_w = 5000", "failsafe_import_w = 1000, hold_max_s = 3600"))
    judgement = evaluate_remote_file(base, tight, base)

    assert ((), {"limits.failsafe_import_w", "limits.hold_max_s"}) == (
        judgement.refused,
        {*judgement.loosened},
    )


def test_what_a_person_set_further_out_may_be_ordered_again_up_to_itself():
    far = changed(("main_fuse_a = 50", "main_fuse_a = 50, heartbeat_timeout_s = 240"))
    between = changed(("main_fuse_a = 50", "main_fuse_a = 50, heartbeat_timeout_s = 200"))
    further = changed(("main_fuse_a = 50", "main_fuse_a = 50, heartbeat_timeout_s = 300"))

    assert set() == keys_refused(far, between)
    assert {"limits.heartbeat_timeout_s"} == keys_refused(far, further)


def test_the_tighter_of_both_values_is_taken_and_nothing_else():
    one = changed(
        ("failsafe_import_w = 5000", "failsafe_min_s = 9000"), ("grid_target_w = 0", "grid_target_w = 5")
    )
    other = changed(("failsafe_import_w = 5000", "failsafe_import_w = 800, hold_max_s = 3600"))
    both = make_tightest(one, other)

    assert (800, 9000, 3600, 5) == (
        both.limits.import_failsafe_w,
        both.limits.failsafe_min_s,
        both.limits.hold_max_s,
        both.control.grid_target_w,
    )
    assert one.limits.import_autonomous_w == both.limits.import_autonomous_w


def test_what_is_tighter_is_found_with_its_effective_value_and_in_the_direction_of_its_key(base):
    new = changed(("failsafe_import_w = 5000", "hold_max_s = 3600, failsafe_min_s = 9000"))

    assert {"hold_max_s": 3600, "failsafe_min_s": 9000} == find_tighter_limits(base, new)
    assert {"failsafe_import_w": 5000} == find_tighter_limits(new, base), (
        "though it stands nowhere in the new"
    )
    assert {"hold_max_s": 3600, "failsafe_min_s": 9000} == evaluate_remote_file(base, base, new).tightened


def test_limits_that_are_tightened_apart_never_loosen_and_touch_no_other_key(base):
    tight = tighten_limits(base, {"failsafe_import_w": 800.0, "failsafe_min_s": 7200.0, "hold_max_s": 1e6})
    assert base.limits.model_copy(update={"failsafe_import_w": 800.0}) == tight.limits
    assert base is tighten_limits(base, {"contract_import_w": 1.0, "import_max_w": 1.0, "of_later": 1.0})


def test_two_sets_of_tighter_values_make_the_tighter_of_each():
    one = {"failsafe_import_w": 800.0, "failsafe_min_s": 9000.0}
    other = {"failsafe_import_w": 900.0, "failsafe_min_s": 9500.0, "hold_max_s": 3600.0}
    wanted = {"failsafe_import_w": 800.0, "failsafe_min_s": 9500.0, "hold_max_s": 3600.0}
    assert wanted == combine_tighter_limits(one, other) == combine_tighter_limits(other, one)


# The table


def keys_of(model, path):
    for name, field in model.model_fields.items():
        inner = field.default if isinstance(field.default, BaseModel) else None
        if inner is None:
            yield f"{path}.{name}"
        else:
            yield from keys_of(type(inner), f"{path}.{name}")


def every_key():
    """Each key that a site file may have, by the models alone."""
    named = {"devices": [DeviceSection], "nodes": [NodeSection]}
    named["assets"], named["buses"] = (
        list(ASSET_SECTIONS.values()),
        [load_section(kind) for kind in BUS_KINDS],
    )
    for name, field in SiteFile.model_fields.items():
        if name in FIXED_SECTIONS:
            yield from keys_of(FIXED_SECTIONS[name], name)
        elif name in named:
            for model in named[name]:
                yield from keys_of(model, f"{name}.x")
        else:
            yield from keys_of(typing.get_args(field.annotation)[1], f"{name}.x")


def test_every_key_of_the_site_file_has_a_row():
    unclassed = {key for key in every_key() if find_right(tuple(key.split("."))) is DEFAULT_RIGHT}

    assert not unclassed, f"say in config/rights.py what a remote file may do to {sorted(unclassed)}"


@pytest.mark.parametrize(
    "path", ["assets.bat1.new_key", "limits.new_w", "planning.new", "new_section.x", "buses.a.b.c"]
)
def test_a_key_that_a_later_version_adds_is_protected(path):
    assert ChangeRight.ON_SITE is find_right(tuple(path.split("."))).right


def test_only_what_is_protected_is_named_by_a_wildcard_at_the_end():
    wide = [row for row in RIGHT_ROWS if any(key.endswith("*") for key in row.keys)]

    assert {ChangeRight.ON_SITE} == {row.right for row in wide}


def test_every_key_that_a_row_names_exists():
    known = set(every_key())
    named = {key for row in RIGHT_ROWS for key in row.keys if not key.endswith("*") and "." in key}

    assert not {key for key in named if not any(fnmatchcase(one, key) for one in known)}


def test_leaves_are_every_key_of_a_site(base):
    paths = {path for path, _ in change_rights.list_keys(base)}

    assert {
        ("assets", "bat1", "reserve_soc_pct"),
        ("store", "deadbands", "power_w"),
        ("limits", "main_fuse_a"),
    } <= paths


def test_every_message_that_goes_down_is_named_in_the_table():
    named = " ".join(message for message, *_ in reference.MESSAGE_RIGHTS)
    down = {
        "envelope",
        "failsafe",
        "schedule",
        "signal",
        *OPS,
        *typing.get_args(document_types.JobOp),
        "NCMD",
        "DCMD",
    }

    assert {"software"} == {word for word in down if not re.search(rf"\b{word}\b", named)}, "it is refused"
