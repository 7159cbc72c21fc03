from quartier_hil.devices.meters import cipher
from quartier_hil.devices.meters.cipher import Keys
from quartier_hil.devices.meters.p1.entry import text
from quartier_hil.devices.meters.p1.sealed import TITLE, seal
from quartier_hil.devices.meters.p1.telegram import telegram

KEYS = Keys(bytes(16), bytes(range(16)))


def test_a_sealed_telegram_is_a_general_glo_ciphering_frame():
    plain = telegram("Lux5", [text("1-3:0.2.8", "42")])
    found = seal(plain, KEYS, 7)

    size = len(plain.data) + 17
    assert (
        b"\xdb\x08" + TITLE + b"\x82" + size.to_bytes(2, "big") + b"\x30\x00\x00\x00\x07" == found.data[:18]
    )
    assert cipher.sealed(KEYS, TITLE, 7, plain.data, 0x30) == found.data[18:]
    assert plain.statements == found.statements
