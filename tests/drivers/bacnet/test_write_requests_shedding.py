import pytest

from quartier_drivers.bacnet import write_requests
from quartier_drivers.bacnet.schema import ObjectName, ShedCommand

LC1 = ObjectName(28, 1)
HEAD = "0c07000001"
NOW = bytes.fromhex("a47e0b1c06 b4030f0000")


def test_a_shed_is_a_level_a_duration_and_a_start():
    assert [
        bytes.fromhex(HEAD + "19da 3e 0928 3f"),
        bytes.fromhex(HEAD + "19db 3e 210f 3f"),
        bytes.fromhex(HEAD + "198e 3e") + NOW + b"\x3f",
    ] == write_requests.make_shed_begin(LC1, ShedCommand(percent=40), NOW)


def test_it_ends_by_no_duration_and_no_start():
    assert [
        bytes.fromhex(HEAD + "19db 3e 2100 3f"),
        bytes.fromhex(HEAD + "198e 3e a4ffffffff b4ffffffff 3f"),
    ] == write_requests.make_shed_end(LC1)


@pytest.mark.parametrize(
    ("shed", "octets"),
    [({"percent": 0}, "0900"), ({"level": 2}, "1902"), ({"amount": 3.5}, "2c40600000")],
)
def test_a_level_is_percent_one_of_its_own_or_kilowatts(shed, octets):
    assert bytes.fromhex(octets) == write_requests.encode_shed_level(ShedCommand.model_validate(shed))


def test_a_duration_is_in_whole_minutes_and_never_shorter():
    assert 2 == ShedCommand(percent=0, duration_s=61.0).minutes
