from quartier_hil.checks.verdicts import Verdict
from quartier_hil.runner.speed_monitor import SpeedMonitor, lower_speed_factor


def _seen(*counters, **more):
    """After looks, a minute of the building apart, at a daemon's counters of done and skipped cycles."""
    found = SpeedMonitor(**{"rate": 30.0, "duration_s": 3_600.0} | more)
    for place, (done, skipped) in enumerate(counters):
        found.look(60.0 * place, {"count": done, "skipped_count": skipped})
    return found


def test_a_machine_that_skips_a_quarter_of_the_cycles_should_run_at_half_the_rate():
    counters = (0, 0), (50, 10), (100, 50)

    assert _seen(*counters).is_stalled
    assert not _seen((0, 0), (50, 10), (120, 20)).is_stalled
    assert not _seen(*counters, rate=1.0).is_stalled, "real time is the lowest rate"
    assert not _seen(*counters, duration_s=200.0).is_stalled, "the second half does not start again"
    assert not SpeedMonitor(30.0, 60.0).is_stalled
    assert [15.0, 1.0] == [lower_speed_factor(30.0), lower_speed_factor(1.5)]


def test_a_pause_that_is_over_does_not_stall_a_run():
    assert not _seen((0, 0), (10, 60), (130, 60), (260, 60)).is_stalled


def test_cycles_that_a_scenario_itself_takes_away_are_not_the_machines():
    frozen = _seen((0, 0), (60, 0), (61, 59), (120, 59), excused=[(100.0, 130.0)])
    assert (0, 119) == (frozen.skipped_count, frozen.due_count)

    restarted = _seen((100, 90), (5, 0), (60, 1))
    assert (1, 56) == (restarted.skipped_count, restarted.due_count)
    assert 0 == _seen((10, 0)).due_count


def test_a_daemon_that_does_not_answer_changes_nothing():
    found = _seen((0, 0), (50, 1))
    found.look(300.0, None)

    assert (1, 51) == (found.skipped_count, found.due_count)


def test_on_a_machine_that_is_too_slow_nothing_is_called_broken_but_not_shown_and_one_line_says_why():
    broken = [Verdict(name, "p", "m", holds=False) for name in ("cap-kept", "alive", "on-time")]
    kept = Verdict("mode", "p", "m", holds=True)
    late = _seen((0, 0), (90, 10))

    found = late.adjust_verdicts([*broken, kept])
    assert ["not shown", "broken", "broken", "kept", "not shown"] == [one.result for one in found]
    assert (
        "this machine is too slow for 30 times real time: 10 of 100 control cycles were skipped"
        == found[-1].words
    )
    assert [kept] == _seen((0, 0), (96, 4)).adjust_verdicts([kept])


def test_a_simulated_building_that_lags_for_a_while_asks_for_a_lower_rate():
    found = SpeedMonitor(30.0, 3_600.0)
    for place in range(120):
        found.step(8.0 if place % 3 == 0 else 1.0, 1.0)

    assert found.is_stalled


def test_a_little_too_slow_for_long_asks_for_a_lower_rate_too():
    slow = (0, 0), (110, 10), (220, 20)

    assert not _seen(*slow, duration_s=3_600.0).is_stalled
    assert _seen(*slow, duration_s=600.0).is_stalled
    assert not _seen(*slow, (340, 20), duration_s=600.0).is_stalled, "it keeps up again"


def test_readings_that_grow_old_without_a_fault_are_the_machines():
    found = _seen((0, 0), (60, 0))
    for state in ["good"] * 30 + ["lost"] * 6 + ["good"] * 4:
        found.observe_meter(state)
    assert (True, False) == (found.is_late, found.is_stalled)
    assert found.words.endswith("and the grid meter was stale or lost in 6 of 40 looks")

    for state in ["stale"] * 12:
        found.observe_meter(state)
    assert found.is_stalled


def test_a_simulated_building_that_lags_behind_its_clock_is_late_too():
    found = SpeedMonitor(30.0, 60.0)
    for behind_s in (1.0, 8.0, 1.0, 1.0):
        found.step(behind_s, 1.0)

    assert found.is_late
    assert found.words.endswith("the simulated building was up to 8 s late")
