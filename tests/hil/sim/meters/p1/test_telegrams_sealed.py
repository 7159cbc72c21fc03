from quartier_sim.meters import encryption
from quartier_sim.meters.encryption import CipherKeys
from quartier_sim.meters.p1.telegrams import SYSTEM_TITLE, build_telegram, encrypt_telegram, make_text_entry

KEYS = CipherKeys(bytes(16), bytes(range(16)))


def test_a_sealed_telegram_is_a_general_glo_ciphering_frame():
    plain = build_telegram("Lux5", [make_text_entry("1-3:0.2.8", "42")])
    found = encrypt_telegram(plain, KEYS, 7)

    size = len(plain.data) + 17
    assert (
        b"\xdb\x08" + SYSTEM_TITLE + b"\x82" + size.to_bytes(2, "big") + b"\x30\x00\x00\x00\x07"
        == found.data[:18]
    )
    assert encryption.protect(KEYS, SYSTEM_TITLE, 7, plain.data, 0x30) == found.data[18:]
    assert plain.statements == found.statements
