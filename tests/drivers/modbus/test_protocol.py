"""How a bus of Modbus is described, and how its records are written."""

import pytest

from quartier_drivers.registry import load_protocol, load_section

MODBUS = load_protocol("modbus")
QUESTION = bytes.fromhex("0104003400023005")


@pytest.mark.parametrize(
    ("keys", "text", "framing"),
    [
        (
            {"kind": "modbus-rtu", "port": "/dev/ttyUSB0", "baud": 19200, "parity": "E"},
            "Modbus RTU, 19200 baud 8E1",
            "",
        ),
        ({"kind": "modbus-tcp", "host": "meter.lan"}, "Modbus TCP, meter.lan:502", ""),
        (
            {"kind": "modbus-tcp", "host": "meter.lan", "framing": "rtu"},
            "Modbus TCP with serial frames, meter.lan:502",
            "rtu",
        ),
    ],
)
def test_a_bus_is_told_with_what_a_plan_depends_on(keys, text, framing):
    section = load_section(keys["kind"])(**keys)

    assert text == MODBUS.describe_bus(section)
    assert framing == MODBUS.find_framing(section)


@pytest.mark.parametrize(
    ("kind", "framing", "form"),
    [
        ("modbus-tcp", "", "connection"),
        ("modbus-tcp", "rtu", "frames"),
        ("modbus-rtu", "", "frames"),
    ],
)
def test_serial_frames_are_recorded_as_such_also_through_tcp(kind, framing, form):
    assert form == MODBUS.find_capture(kind, framing).form


def test_a_frame_is_whole_with_its_checksum_or_when_it_is_too_long():
    is_whole = MODBUS.find_capture("modbus-rtu", "").is_whole

    assert [True, False, False, True] == [
        is_whole(data) for data in (QUESTION, QUESTION[:-1], b"\0\0", bytes(257))
    ]


def test_a_checksum_that_held_holds_again_and_no_other():
    right, wrong = bytearray(QUESTION[:3] + b"\x35" + QUESTION[4:]), bytearray(QUESTION)
    MODBUS.repair_checksums(QUESTION, right)
    MODBUS.repair_checksums(QUESTION[:-1] + b"\1", wrong)

    assert bytes.fromhex("01040035000261c5") == bytes(right)
    assert QUESTION == bytes(wrong)
