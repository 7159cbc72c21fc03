import time

from quartier_sim.site_clock import RigClock


def test_the_house_starts_at_its_offset_and_runs_at_its_rate():
    clock = RigClock(origin_s=time.time() - 10, offset_s=1000, rate=60)

    assert 600 <= clock.elapsed_s() < 660
    assert abs((clock.origin_s + 1000 + 600) * 1000 - clock.utc_ms()) < 60_000
    assert 0.5 == clock.real_s(30)
    assert 0 == clock.real_s(-5)


def test_the_daemon_is_told_all_three():
    assert "rate=60,offset=-2.500s,origin=7.250000" == RigClock(7.25, -2.5, 60).setting
