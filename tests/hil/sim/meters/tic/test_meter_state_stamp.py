import datetime as dt

from quartier_sim.meters.tic.meter_state import PARIS, make_stamp


def test_winter_and_summer_have_their_letters():
    winter = make_stamp(dt.datetime(2026, 1, 12, 12, 45, tzinfo=dt.UTC))
    summer = make_stamp(dt.datetime(2026, 7, 1, 10, 0, 5, tzinfo=dt.UTC))

    assert ("H260112134500", "2026-01-12T13:45:00+01:00") == (winter.text, winter.iso)
    assert ("E260701120005", "2026-07-01T12:00:05+02:00") == (summer.text, summer.iso)


def test_a_degraded_clock_has_a_small_letter():
    assert "h" == make_stamp(dt.datetime(2026, 1, 12, tzinfo=dt.UTC), degraded=True).season


def test_the_hour_that_comes_twice_is_told_apart():
    first, second = (dt.datetime(2026, 10, 25, hour, 30, tzinfo=dt.UTC) for hour in (0, 1))

    assert ("E261025023000", "H261025023000") == (make_stamp(first).text, make_stamp(second).text)
    assert ("E261025023000", "H261025023000") == tuple(
        make_stamp(dt.datetime(2026, 10, 25, 2, 30, tzinfo=PARIS, fold=fold)).text for fold in (0, 1)
    )
