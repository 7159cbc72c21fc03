"""Profiles that name nodes: what loads, and what every fault says."""

import pytest
from tests.drivers.opcua.conftest import PROFILE

from quartier_drivers.device_profile import loading
from quartier_drivers.errors import ConfigError
from quartier_drivers.opcua.profile import OpcuaProfile, check_opcua_point
from quartier_drivers.opcua.schema import OpcuaPoint


def faults(text):
    with pytest.raises(ConfigError) as caught:
        loading.parse_profile(text, "rig/plant", "plant.toml")
    return [str(fault) for fault in caught.value.faults]


def test_a_profile_of_nodes_loads():
    found = loading.parse_profile(PROFILE, "rig/plant", "plant.toml")

    assert isinstance(found, OpcuaProfile)
    assert "nsu=http://rig.example/plant;s=Valve" == str(found.parts[""]["valve_pct"].node)
    assert found.parts[""]["valve_pct"].writable
    assert not found.parts[""]["power_w"].writable


def test_the_device_s_own_identity_stands_in_nodes():
    found = loading.parse_profile(
        PROFILE + '[identity]\nserial = "nsu=urn:di;i=6001"\n', "rig/plant", "plant.toml"
    )

    assert isinstance(found, OpcuaProfile)
    assert ["serial"] == list(found.identity)


def test_a_namespace_by_index_is_a_fault_with_its_line():
    (fault,) = faults(PROFILE.replace('"nsu=http://rig.example/plant;s=Power"', '"ns=2;s=Power"'))

    assert fault.startswith("plant.toml:9: points.power_w.node: 'ns=2;s=Power' names its namespace by index")


def test_every_fault_is_told_at_once():
    found = faults(
        PROFILE.replace("scale = 0.1", "skale = 0.1")
        .replace('scan = "fast"', 'scan = "quick"')
        .replace("on_release = 30", "on_release = 130")
    )

    assert 2 == len(found)
    assert any("skale: is an unknown key; did you mean 'scale'?" in fault for fault in found)


def test_registers_and_parts_beside_points_do_not_fit():
    both = faults(PROFILE + '[parts.pump.speed_pct]\nnode = "i=1"\n')
    numbered = faults(PROFILE.replace('protocol = "opcua"', 'protocol = "opcua"\nnumbers_from = 1'))

    assert "cannot be combined with parts" in both[0]
    assert "has no registers" in numbered[0]


SCAN = {"fast": 1.0, "normal": 5.0}
WRITE = {"low": 0, "high": 100, "on_release": "hold"}


def flaws(quantity, **keys):
    point = OpcuaPoint.model_validate({"node": "i=1", **keys})
    return [f"{key}: {what}" for key, what in check_opcua_point(quantity, point, SCAN)]


def writing(quantity="valve_pct", **keys):
    return flaws(quantity, write=WRITE | keys)


def test_a_plain_point_has_none():
    assert [] == flaws("power_w")
    assert [] == writing()


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (flaws("power"), "ends in no unit"),
        (flaws("power_w", scan="quick"), "scan: 'quick' is no scan class"),
        (flaws("name_text", scale=2.0), "scale: does not fit a text"),
        (flaws("alarm_on", bit=1, values={"0": "no"}), "values: cannot be combined with bit"),
        (flaws("alarm_on", deadband=0.5), "deadband: does not fit alarm_on"),
        (flaws("name_text", write=WRITE), "write: does not fit a text"),
        (flaws("pump_on", bit=3, write=WRITE | {"high": 1}), "write.node: is missing"),
        (writing(low=200), "write.low: 200 is above high = 100"),
        (writing(on_release=101), "write.on_release: 101.0 is outside 0..100"),
        (writing(on_release="own"), "write.own: is missing"),
        (writing(writes_per_day=10), "write.writes_per_day: fits persistent points only"),
        (
            writing("generation_max_w", fallback={"value": "own", "after_s": 60}),
            "write.fallback.value: 'own' lifts the cap",
        ),
        (writing("relay_on", high=1, fallback={"value": 0.5, "after_s": 60}), "is neither on nor off"),
        (
            writing(fallback={"value": 0, "after_s": 60, "refresh_s": 40}),
            "write.fallback.refresh_s: 40.0 is too slow",
        ),
        (writing(persistent=True, fallback={"value": 0, "after_s": 60}), "more writes a day"),
    ],
)
def test_each_contradiction_says_what_is_expected(found, says):
    assert 1 == len(found)
    assert says in found[0]
