from quartier_sim.meters.telegrams import Statement, Telegram, TelegramPart, make_telegram

POWER = Statement("1-0:1.7.0", 1.5, "kW")
SERIAL = Statement("0-0:96.1.1", "4B38")


def test_a_telegram_is_its_pieces_in_order():
    telegram = Telegram((TelegramPart(b"\x02"), TelegramPart(b"abc", (POWER,)), TelegramPart(b"\x03")))

    assert b"\x02abc\x03" == telegram.data
    assert (POWER,) == telegram.statements


def test_only_numbers_are_numbers():
    telegram = make_telegram(b"x", [POWER, SERIAL], "K8")

    assert (POWER,) == telegram.numbers
    assert (POWER, SERIAL) == telegram.statements
    assert "K8" == telegram.meter
