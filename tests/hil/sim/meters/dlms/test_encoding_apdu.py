from quartier_sim.meters.dlms import encoding
from quartier_sim.meters.encryption import CipherKeys

KEYS = CipherKeys(bytes(range(16)), bytes(range(0xD0, 0xE0)))
TITLE = bytes.fromhex("4d4d4d0000bc614e")


def test_a_notification_tells_its_time_or_none():
    assert "0f40000000000201" == encoding.build_notification(b"\x02\x01").hex()
    assert "0f400000000c" + "00" * 12 == encoding.build_notification(b"", moment=bytes(12)).hex()
    assert (
        "0f40000000090c" + "00" * 12 == encoding.build_notification(b"", moment=bytes(12), tagged=True).hex()
    )


def test_ciphered_ones_name_title_length_control_and_counter():
    plain = bytes.fromhex("c0010000080000010000ff0200")
    found = encoding.build_ciphered_apdu(plain, KEYS, 0x01234567, title=TITLE)

    assert (
        "db08" + TITLE.hex() + "1e" + "3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b"
        == found.hex()
    )
    assert 0xDC == encoding.build_ciphered_apdu(plain, KEYS, 1, title=TITLE, kind="ded")[0]
