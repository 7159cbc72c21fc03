"""Who asks in vain is told so at once for a while, longer each time, and only he."""

from quartier_drivers.modbus.share.hush import FIRST_S, KEPT_MAX, MOST_S, Hush


def test_each_silence_doubles_the_pause_up_to_a_minute() -> None:
    hush = Hush()
    pauses_s, now_s = [], 0.0
    for _ in range(7):
        hush.silent("portal", 1, now_s)
        before_s = now_s
        while hush.holds("portal", 1, now_s):
            now_s += 1.0
        pauses_s.append(now_s - before_s)

    assert [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] == pauses_s
    assert (2.0, 60.0) == (FIRST_S, MOST_S)


def test_it_holds_for_the_one_who_asked_and_the_unit_he_asked() -> None:
    hush = Hush()
    hush.silent("portal", 1, 0.0)

    assert [True, False, False] == [
        hush.holds(*who, 1.0) for who in (("portal", 1), ("portal", 2), ("laptop", 1))
    ]


def test_an_answer_ends_it_and_begins_anew() -> None:
    hush = Hush()
    hush.silent("portal", 1, 0.0)
    hush.silent("portal", 1, 10.0)
    hush.heard("portal", 1)
    assert not hush.holds("portal", 1, 10.0)

    hush.silent("portal", 1, 20.0)
    assert not hush.holds("portal", 1, 20.0 + FIRST_S)


def test_it_does_not_grow() -> None:
    hush = Hush()
    for unit in range(KEPT_MAX + 10):
        hush.silent("portal", unit, 0.0)

    assert KEPT_MAX == sum(hush.holds("portal", unit, 1.0) for unit in range(KEPT_MAX + 10))
