"""A server and a device of it, read without a site file."""

import pytest
from tests.drivers.opcua.conftest import URI

from quartier_drivers.errors import ConfigError, LinkLost, NoReply
from quartier_drivers.opcua import reader
from quartier_drivers.opcua.connection import credentials
from quartier_drivers.opcua.connection.server_access import REFUSED, TRUSTED, TrustList
from quartier_drivers.opcua.node_types import parse_node
from quartier_drivers.opcua.reader import browse_tree


def test_a_command_line_stands_for_a_section(plant):
    bus = reader.make_section(plant.url, {"anonymous": True, "mode": "sign"})

    assert ("sign", True, False) == (bus.mode, bus.anonymous, bus.subscribe)


@pytest.mark.parametrize(
    ("url", "keys", "says"),
    [
        ("http://plant", {"anonymous": True}, "url: 'http://plant' is no endpoint"),
        ("opc.tcp://plant", {}, "login: names no way to log in"),
        ("opc.tcp://plant", {"user": "me"}, "login: expected user and password_file together"),
    ],
)
def test_what_is_wrong_is_said_by_its_key(url, keys, says):
    with pytest.raises(ConfigError, match=says):
        reader.make_section(url, keys)


async def test_a_device_is_read_once_with_what_it_states_of_itself(section, sheet, trusting, plant):
    plant.set("Power", 1500.0)

    rows = {row.point: row for row in (await reader.read_once(section(subscribe=False), sheet)).rows}

    assert "identity.model" not in rows, "the profile names it, the server does not"
    assert (1500.0, "W", "GOOD") == (rows["power_w"].value, rows["power_w"].unit, rows["power_w"].quality)
    assert trusting.entries()


async def test_a_tree_begins_at_a_node_by_its_name(section, trusting):
    found = await reader.read_tree(section(), f"nsu={URI};s=Plant", 1)

    assert f"nsu={URI};s=Plant" == found.node
    assert trusting.entries()


@pytest.mark.parametrize(
    ("start", "says"), [("ns=2;s=Plant", "by index"), ("nsu=urn:x;s=y", "has no such namespace")]
)
async def test_a_node_that_cannot_be_named_says_what_is_expected(section, trusting, start, says):
    with pytest.raises(ConfigError, match=says):
        await reader.read_tree(section(), start)
    assert trusting.entries()


async def test_a_server_that_is_not_trusted_is_not_read(section):
    with pytest.raises(LinkLost, match="quartier trust"):
        await reader.read_tree(section())


async def test_variables_have_type_value_and_what_may_be_written(line, plant):
    plant.set("Power", 1500.0)

    found = dict((await browse_tree(line)).flat())

    power, locked = found["Objects/Plant/Power"], found["Objects/Plant/Locked"]
    assert (f"nsu={URI};s=Power", "1500", "Double", True) == (
        power.node,
        power.value,
        power.type_name,
        power.writable,
    )
    assert not locked.writable
    assert "Objects/Plant/Valve/EURange" in found
    assert "Structure" == found["Objects/Plant/Valve/EURange"].type_name


async def test_the_server_s_own_object_is_shown_only_when_it_is_wanted(line):
    some = {one.name for one in (await browse_tree(line, depth=1)).below}
    every = {one.name for one in (await browse_tree(line, depth=1, everything=True)).below}

    assert {"Server"} == every - some


async def test_it_begins_where_one_wants_and_ends_so_far_down(line):
    start = line.place(parse_node(f"nsu={URI};s=Plant"))

    found = await browse_tree(line, start, depth=1)

    assert f"nsu={URI};s=Plant" == found.node
    assert all(not one.below for one in found.below)
    assert {"Power", "Valve"} <= {one.name for one in found.below}


async def test_a_server_without_end_is_not_listed_for_ever(line, monkeypatch):
    monkeypatch.setattr(reader, "_NODES_MAX", 5)

    with pytest.raises(NoReply, match="begin further down"):
        await browse_tree(line)


async def test_what_a_server_shows_is_kept_as_refused(plant, tmp_path):
    found = await reader.record_certificates(plant.url, tmp_path)

    print_ = credentials.find_fingerprint((plant.folder / "cert.der").read_bytes())
    assert [print_] == found
    assert [(REFUSED, (plant.url,))] == [(one.state, one.urls) for one in TrustList(tmp_path).entries()]


async def test_one_that_is_trusted_already_stays_so(plant, trusting, tmp_path):
    await reader.record_certificates(plant.url, tmp_path / "pki")

    assert [TRUSTED] == [one.state for one in trusting.entries()]


@pytest.mark.parametrize(
    ("host", "says"), [("127.0.0.1", "Connection refused"), ("plant.invalid", "plant.invalid")]
)
async def test_one_that_cannot_be_reached_says_why(tmp_path, free_port, host, says):
    with pytest.raises(LinkLost, match=says):
        await reader.record_certificates(f"opc.tcp://{host}:{free_port}", tmp_path)
