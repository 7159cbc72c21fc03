import pytest

from quartier_hil.devices.meters.sml import octet


def test_heads_hold_type_and_length():
    assert "0b0a0149534b0004325ec5" == octet.octets(bytes.fromhex("0a0149534b0004325ec5")).hex()
    assert "01" == octet.octets(None).hex()
    assert "621b" == octet.unsigned(27, 1).hex()
    assert "52ff" == octet.signed(-1, 1).hex()
    assert "56fffffffe00" == octet.signed(-512, 5).hex()
    assert ("42ff", "4200") == (octet.boolean(True).hex(), octet.boolean(False).hex())
    assert "720102" == octet.sequence([b"\x01", b"\x02"]).hex()


@pytest.mark.parametrize(
    ("size", "head"), [(14, "0f"), (15, "8101"), (48, "8302"), (253, "8f0f"), (254, "818001")]
)
def test_long_ones_count_all_bytes_of_their_head(size, head):
    found = octet.octets(bytes(size))

    assert head == found[: len(found) - size].hex()


def test_long_lists_count_elements_alone():
    assert "f101" == octet.sequence([b""] * 17).hex()


def test_what_does_not_fit_is_refused():
    with pytest.raises(OverflowError):
        octet.unsigned(256, 1)
