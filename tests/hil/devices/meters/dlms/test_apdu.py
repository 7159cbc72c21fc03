from quartier_hil.devices.meters.cipher import Keys
from quartier_hil.devices.meters.dlms import apdu

KEYS = Keys(bytes(range(16)), bytes(range(0xD0, 0xE0)))
TITLE = bytes.fromhex("4d4d4d0000bc614e")


def test_a_notification_tells_its_time_or_none():
    assert "0f40000000000201" == apdu.notification(b"\x02\x01").hex()
    assert "0f400000000c" + "00" * 12 == apdu.notification(b"", moment=bytes(12)).hex()
    assert "0f40000000090c" + "00" * 12 == apdu.notification(b"", moment=bytes(12), tagged=True).hex()


def test_ciphered_ones_name_title_length_control_and_counter():
    plain = bytes.fromhex("c0010000080000010000ff0200")
    found = apdu.ciphered(plain, KEYS, 0x01234567, title=TITLE)

    assert (
        "db08" + TITLE.hex() + "1e" + "3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b"
        == found.hex()
    )
    assert 0xDC == apdu.ciphered(plain, KEYS, 1, title=TITLE, kind="ded")[0]
