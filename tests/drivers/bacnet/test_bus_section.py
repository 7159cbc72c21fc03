import pytest
from pydantic import ValidationError

from quartier_drivers.bacnet.bus_section import BacnetIpBus


def bus(**keys):
    return BacnetIpBus.model_validate({"kind": "bacnet-ip", "interface": "192.168.1.5/24", **keys})


@pytest.mark.parametrize("interface", ["eth0", "enp3s0.20", "192.168.1.5/24", "127.0.0.1"])
def test_an_interface_is_a_name_or_an_address(interface):
    assert interface == bus(interface=interface).interface


@pytest.mark.parametrize("interface", ["", "192.168.1", "192.168.1.5/40", "eth0 eth1"])
def test_what_is_no_interface_is_refused(interface):
    with pytest.raises(ValidationError, match="is no interface; expected its name"):
        bus(interface=interface)


def test_a_bbmd_is_a_station_of_an_ip_network():
    assert "10.0.0.1:47809" == bus(bbmd="10.0.0.1:47809").bbmd
    with pytest.raises(ValidationError, match="is no BBMD"):
        bus(bbmd="2001:5")


def test_an_instance_may_be_larger_than_an_octet():
    assert 4194302 == bus().unit_max


def test_a_device_with_an_address_that_is_none_does_not_fit():
    assert bus().misfit(1, "") is None
    assert bus().misfit(1, "2001:5") is None
    key, what = bus().misfit(1, "here")
    assert ("address", True) == (key, "is no address" in what)
