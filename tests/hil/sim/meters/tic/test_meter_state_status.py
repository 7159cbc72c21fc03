from quartier_sim.meters.tic.meter_state import LinkyStatus, format_relays


def test_words_of_real_meters_come_out():
    assert "003A0001" == LinkyStatus(contact_open=True).text
    assert "00DA0001" == LinkyStatus(contact_open=True, plc=2, plc_synchronous=True).text


def test_each_field_has_its_place():
    bare = LinkyStatus(standard=False, euridis=0, plc=0)

    assert 0 == bare.word
    for field, value, word in (
        ("breaker", 7, 0xE),
        ("cover_open", True, 1 << 4),
        ("over_voltage", True, 1 << 6),
        ("over_power", True, 1 << 7),
        ("producer", True, 1 << 8),
        ("exporting", True, 1 << 9),
        ("supply", 10, 9 << 10),
        ("distribution", 4, 3 << 14),
        ("clock_degraded", True, 1 << 16),
        ("today", 3, 3 << 24),
        ("tomorrow", 2, 2 << 26),
        ("peak_notice", 1, 1 << 28),
        ("peak", 3, 3 << 30),
    ):
        assert word == LinkyStatus(**{"standard": False, "euridis": 0, "plc": 0, field: value}).word, field


def test_relays_are_a_decimal_number_of_three_digits():
    assert "001" == format_relays([0])
    assert "130" == format_relays({1, 7})
    assert "000" == format_relays([])
