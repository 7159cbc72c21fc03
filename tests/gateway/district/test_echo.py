"""The echo of bdSeq: waited for once, longer each time, and no more once it came."""

from quartier.district.echo import Echo
from quartier.house.now import Now


def at(second):
    return Now(second * 1_000_000_000, 0, True)


def missed_at(echo, seconds):
    return [second for second in seconds if echo.missed(7, at(second)) is not None]


def test_it_is_missed_once_and_waited_for_twice_as_long_after_the_next_births():
    echo = Echo(60.0, 200.0)
    for start, expected in ((0, 60), (60, 180), (180, 380), (380, 580)):
        echo.expect(at(start))
        assert [expected] == missed_at(echo, range(start, start + 1000))


def test_births_in_between_do_not_put_it_off():
    echo = Echo(60.0, 200.0)
    echo.expect(at(0))
    echo.expect(at(30))
    assert [60] == missed_at(echo, range(100))


def test_an_echo_ends_the_wait_and_makes_the_next_one_short():
    echo = Echo(60.0, 200.0)
    echo.expect(at(0))
    echo.missed(7, at(60))
    echo.expect(at(60))
    echo.begin()
    assert [] == missed_at(echo, range(60, 1000))
    echo.expect(at(1000))
    assert [1060] == missed_at(echo, range(1000, 2000))


def test_the_alarm_says_which_session_and_how_long():
    echo = Echo(60.0, 200.0)
    echo.expect(at(0))
    note = echo.missed(7, at(60))
    assert (True, {"bdseq": 7, "waited_s": 60.0}) == (note.alarm, note.data)
