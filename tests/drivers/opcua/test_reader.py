"""A server and a device of it, read without a site file."""

import pytest
from tests.drivers.opcua.conftest import URI

from quartier_drivers.errors import ConfigError, LinkLost
from quartier_drivers.opcua import reader


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


async def test_a_device_is_read_once_with_who_it_is(section, sheet, trusting, plant):
    plant.set("Power", 1500.0)

    rows = {row.point: row for row in await reader.read_once(section(subscribe=False), sheet)}

    assert "Plant" == rows["identity.model"].value
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
