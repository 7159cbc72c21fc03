"""Services' own parts, byte for byte as the standard's annex F shows them (ASHRAE 135-2020)."""

import pytest

from quartier_drivers.bacnet.codec import datagrams
from quartier_drivers.bacnet.codec.application_data import RELINQUISH, encode_element
from quartier_native.bacnet import REAL, Ref


def test_one_property_is_asked_for():
    # F.3.5
    assert bytes.fromhex("0c00000005 1955") == datagrams.make_read_property(Ref(0, 5, 85))
    assert bytes.fromhex("0c02000004 194c 2901") == datagrams.make_read_property(Ref(8, 4, 76, 1))
    assert bytes.fromhex("0c00000005 1a0200") == datagrams.make_read_property(Ref(0, 5, 512))


def test_properties_of_one_object_share_its_head():
    # F.3.7, second example: three analog inputs; first example: two properties of one.
    assert bytes.fromhex("0c00000010 1e 0955 0967 1f") == datagrams.make_read_multiple(
        [Ref(0, 16, 85), Ref(0, 16, 103)]
    )
    assert bytes.fromhex(
        "0c00000021 1e 0955 1f 0c00000032 1e 0955 1f 0c00000023 1e 0955 1f"
    ) == datagrams.make_read_multiple([Ref(0, 33, 85), Ref(0, 50, 85), Ref(0, 35, 85)])
    assert bytes.fromhex("0c02000004 1e 094c 1900 1f") == datagrams.make_read_multiple([Ref(8, 4, 76, 0)])


def test_a_value_is_written_at_a_priority():
    # F.3.9: analog-value 1, 180.0; there without a priority.
    value = encode_element(REAL, 180.0)

    assert bytes.fromhex("0c00800001 1955 3e 44 43340000 3f") == datagrams.make_write_property(
        Ref(2, 1, 85), value
    )
    assert bytes.fromhex("0c00800001 1955 3e 44 43340000 3f 490a") == datagrams.make_write_property(
        Ref(2, 1, 85), value, 10
    )
    assert bytes.fromhex("0c00800001 1955 3e 00 3f 4908") == datagrams.make_write_property(
        Ref(2, 1, 85), RELINQUISH, 8
    )


@pytest.mark.parametrize("priority", [0, 17, -1])
def test_there_are_sixteen_priorities(priority):
    with pytest.raises(ValueError, match="expected 1 to 16"):
        datagrams.make_write_property(Ref(2, 1, 85), RELINQUISH, priority)


def test_a_subscription_is_made_renewed_and_ended():
    # F.1.10 (13.14): process 18, analog-input 10, confirmed, without end.
    assert bytes.fromhex("0912 1c0000000a 2901 3900") == datagrams.make_subscribe(
        18, 0, 10, confirmed=True, lifetime_s=0
    )
    assert bytes.fromhex("0912 1c0000000a 2900 3a012c") == datagrams.make_subscribe(
        18, 0, 10, confirmed=False, lifetime_s=300
    )
    assert bytes.fromhex("0912 1c0000000a") == datagrams.make_unsubscribe(18, 0, 10)


def test_a_number_takes_as_few_octets_as_hold_it():
    assert b"\x09\x00" == datagrams.encode_field(0, 0)
    assert b"\x0c\xff\xff\xff\xff" == datagrams.encode_field(0, 0xFFFFFFFF)
    with pytest.raises(ValueError, match="more than four octets"):
        datagrams.encode_field(0, 1 << 32)
