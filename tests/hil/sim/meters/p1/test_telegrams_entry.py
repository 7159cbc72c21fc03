import datetime as dt

from quartier_sim.meters.p1 import telegrams

MOMENT = dt.datetime(2017, 1, 2, 18, 20, 2, tzinfo=dt.UTC)


def test_numbers_are_filled_with_zeros():
    assert "1-0:1.8.1(000004.426*kWh)" == telegrams.make_number_entry("1-0:1.8.1", 4.426, (9, 3), "kWh").line
    assert "0-0:17.0.0(016*A)" == telegrams.make_number_entry("0-0:17.0.0", 16, (3, 0), "A").line
    assert "1-0:32.7.0(234.7*V)" == telegrams.make_number_entry("1-0:32.7.0", 234.7, (4, 1), "V").line


def test_text_is_sent_as_hexadecimal():
    assert (
        "0-0:96.1.1(4B384547303034303436333935353037)"
        == telegrams.make_octets_entry("0-0:96.1.1", "K8EG004046395507").line
    )


def test_times_know_their_season():
    summer = dt.datetime(2020, 5, 12, 11, 54, 9, tzinfo=dt.UTC)

    assert "170102192002W" == telegrams.format_stamp(MOMENT)
    assert "200512135409S" == telegrams.format_stamp(summer)
    assert "2020-05-12T13:54:09+02:00" == telegrams.format_iso(summer)
    assert "2020-05-12T13:54:09" == telegrams.format_iso(summer, seasonal=False)
    assert "0-0:1.0.0(170102192002W)" == telegrams.make_clock_entry(MOMENT).line


def test_a_childs_value_has_its_own_time():
    found = telegrams.make_dated_entry("0-1:24.2.1", MOMENT, 0.107, (8, 3), "m3")

    assert "0-1:24.2.1(170102192002W)(00000.107*m3)" == found.line
    assert (0.107, "m3", "2017-01-02T19:20:02+01:00") == (
        found.says[0].value,
        found.says[0].unit,
        found.says[0].time,
    )
