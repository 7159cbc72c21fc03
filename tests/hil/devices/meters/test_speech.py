from quartier_hil.devices.meters.speech import Piece, Statement, Telegram, whole

POWER = Statement("1-0:1.7.0", 1.5, "kW")
SERIAL = Statement("0-0:96.1.1", "4B38")


def test_a_telegram_is_its_pieces_in_order():
    telegram = Telegram((Piece(b"\x02"), Piece(b"abc", (POWER,)), Piece(b"\x03")))

    assert b"\x02abc\x03" == telegram.data
    assert (POWER,) == telegram.statements


def test_only_numbers_are_numbers():
    telegram = whole(b"x", [POWER, SERIAL], "K8")

    assert (POWER,) == telegram.numbers
    assert (POWER, SERIAL) == telegram.statements
    assert "K8" == telegram.meter
