"""What is found in profiles of BACnet devices, and what a record of their network carries."""

from tests.drivers.device_profile.test_lint import HEAD, found

from quartier_drivers.registry import load_protocol

BACNET = load_protocol("bacnet")


def test_an_object_whose_unit_nobody_declares_is_found():
    text = HEAD.replace('"modbus"', '"bacnet"') + '[points.power_w]\nobject = "analog-input:1"\n'

    assert [True] == ["declares no units" in fault for fault in found(text)]


def test_a_forwarded_message_carries_the_address_of_its_device():
    assert "10.0.0.5:47808" == BACNET.find_carried_address(bytes.fromhex("8104000e0a000005bac00120"))
    assert "" == BACNET.find_carried_address(bytes.fromhex("810b000c0120ffff00ff1008"))


def test_a_record_is_datagrams_at_the_port_of_the_protocol():
    capture = BACNET.find_capture("bacnet-ip", "")

    assert ("datagrams", 47808) == (capture.form, capture.port)
