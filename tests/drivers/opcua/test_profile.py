"""Profiles that name nodes: what loads, and what every fault says."""

import pytest
from tests.drivers.opcua.conftest import PROFILE

from quartier_drivers.device_profile import loading
from quartier_drivers.errors import ConfigError
from quartier_drivers.opcua.profile import OpcuaProfile


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
    assert any("skale: is no known key; did you mean 'scale'?" in fault for fault in found)


def test_registers_and_parts_beside_points_do_not_fit():
    both = faults(PROFILE + '[parts.pump.speed_pct]\nnode = "i=1"\n')
    numbered = faults(PROFILE.replace('protocol = "opcua"', 'protocol = "opcua"\nnumbers_from = 1'))

    assert "stands beside parts" in both[0]
    assert "has no registers" in numbered[0]
