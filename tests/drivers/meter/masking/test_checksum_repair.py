"""A sum that held holds again; one that did not is left as it was."""

from quartier_drivers.registry import load_protocol

LONG = bytes.fromhex("6803036808010b1416")
QUESTION = bytes.fromhex("0104003400023005")


def right(kind, before, after):
    made = bytearray(after)
    load_protocol(kind).repair_checksums(before, made)
    return bytes(made)


def test_a_group_of_a_linky():
    assert b"\nADCO 000000000001 X\r" == right("tic", b"\nADCO 012345678910 E\r", b"\nADCO 000000000001 E\r")


def test_a_long_frame_of_an_m_bus():
    assert bytes.fromhex("680303680801091216") == right("mbus", LONG, bytes.fromhex("680303680801091416"))


def test_a_frame_of_modbus_rtu():
    changed = right("modbus", QUESTION, bytes.fromhex("0104003500023005"))

    assert bytes.fromhex("01040035000261c5") == changed


def test_a_sum_that_was_wrong_stays_so():
    assert b"\x68\x03\x03\x68\x08\x01\x09\x15\x16" == right(
        "mbus", bytes.fromhex("6803036808010b1516"), bytes.fromhex("680303680801091516")
    )
    assert QUESTION[:-1] + b"\0" == right("modbus", QUESTION[:-1] + b"\1", QUESTION[:-1] + b"\0")
