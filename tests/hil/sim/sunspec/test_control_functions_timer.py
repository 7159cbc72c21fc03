from quartier_sim.sunspec.control_functions import ReversionTimer

FEEDS = frozenset({"ena", "tms"})


def running(seconds=60, at_s=100):
    timer = ReversionTimer(FEEDS)
    timer.handle_write(["ena"], enabled=True, seconds=seconds, now_s=at_s)
    return timer


def test_it_counts_from_the_enable_and_runs_out_once():
    timer = running()

    assert (60, 1) == (timer.left_s(100), timer.left_s(159.5))
    assert not timer.has_expired(159.9)
    assert timer.has_expired(160)
    assert not timer.has_expired(161)


def test_zero_means_never():
    timer = running(seconds=0)

    assert not timer.runs
    assert not timer.has_expired(1e12)
    assert 0 == timer.left_s(1e9)


def test_what_feeds_it_starts_it_again_and_nothing_else_does():
    timer = running()
    timer.handle_write(["value"], enabled=True, seconds=60, now_s=150)
    assert 10 == timer.left_s(150)

    timer.handle_write(["tms"], enabled=True, seconds=60, now_s=150)
    assert 60 == timer.left_s(150)


def test_it_stops_with_its_function():
    timer = running()
    timer.handle_write(["ena"], enabled=False, seconds=60, now_s=110)

    assert not timer.has_expired(1e9)


def test_feeding_does_not_start_what_stands():
    timer = ReversionTimer(FEEDS)
    timer.feed(seconds=60, now_s=0)
    assert not timer.runs

    timer = running()
    timer.feed(seconds=60, now_s=140)
    assert 60 == timer.left_s(140)
