import asyncio
import errno
import time
from pathlib import Path

import pytest

from quartier.runtime.clock import (
    CLOCK_VARIABLE,
    ClockSetting,
    RigClock,
    SiteClock,
    find_boot_id,
    is_kernel_synced,
    is_told_synced,
    parse_clock_setting,
    read_rig_clock,
)
from quartier_drivers.errors import ConfigError
from quartier_drivers.transport.precise_timer import PreciseTimer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ClockSetting()),
        ("rate=60", ClockSetting(rate=60.0)),
        ("rate=60,offset=-2d", ClockSetting(rate=60.0, offset_s=-172800.0)),
        ("offset=90m, rate=0.5", ClockSetting(rate=0.5, offset_s=5400.0)),
        ("origin=1764075000.5,rate=10", ClockSetting(rate=10.0, origin_unix_s=1764075000.5)),
        ("rate=10,word=/run/a=b", ClockSetting(rate=10.0, word=Path("/run/a=b"))),
        ("boot=second", ClockSetting(boot="second")),
    ],
)
def test_setting_is_read(text, expected):
    assert expected == parse_clock_setting(text)


def test_every_fault_of_a_setting_is_named_at_once():
    with pytest.raises(ConfigError) as caught:
        parse_clock_setting("rate=0,ofset=3,offset=soon")

    assert ["ofset", "offset", "rate"] == [fault.key for fault in caught.value.faults]


def test_a_restarted_daemon_goes_on_in_step_with_its_origin():
    setting = ClockSetting(rate=3600.0, offset_s=-86400.0, origin_unix_s=1.0)
    first, second = SiteClock(setting), SiteClock(setting)

    # Both derive the same time from the origin, whenever they were started (rounding aside).
    assert abs(first.utc_ms() - second.utc_ms()) < 3_600_000
    assert first.now_ns() > 0


def test_house_time_passes_at_its_rate_and_wall_clock_and_ages_agree():
    clock = SiteClock(ClockSetting(rate=1000.0))
    gaps_ms = []
    for _ in range(5):  # a machine that pauses between a look at one clock and at the other spoils a try
        before = clock.now()
        while clock.now_ns() - before.ns < 10_000_000_000:
            pass
        after = clock.now()
        gaps_ms.append(abs((after.utc_ms - before.utc_ms) - (after.ns - before.ns) / 1e6))

    assert min(gaps_ms) < 1000


def test_a_simulated_clock_counts_as_synchronised():
    assert SiteClock(ClockSetting(rate=2.0)).is_synced()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("yes", RigClock()),
        ("no", RigClock(synced=False)),
        ("no 7200\n", RigClock(synced=False, jump_s=7200.0)),
        ("yes -3.5", RigClock(jump_s=-3.5)),
        ("yes 0 1781281800.5", RigClock(stands_utc_ms=1_781_281_800_500)),
        ("yes 0 0", RigClock(stands_utc_ms=0)),
        ("", RigClock()),
        ("no far", RigClock()),
        ("no 1 2 3", RigClock()),
        (None, RigClock()),
    ],
)
def test_a_rig_says_whether_its_clock_is_synchronised_and_how_far_it_jumped(tmp_path, said, expected):
    word = tmp_path / "word"
    if said is not None:
        word.write_text(said)

    assert expected == read_rig_clock(word)


def test_a_rigs_word_makes_the_wall_clock_jump_and_leaves_the_ages_alone(tmp_path):
    (tmp_path / "word").write_text("no 7200")
    plain = SiteClock(ClockSetting(rate=2.0, origin_unix_s=1.0))
    jumped = SiteClock(ClockSetting(rate=2.0, origin_unix_s=1.0, word=tmp_path / "word"))

    assert (True, False) == (plain.is_synced(), jumped.is_synced())
    assert abs(jumped.utc_ms() - plain.utc_ms() - 7_200_000) < 60_000
    assert abs(jumped.now_ns() - plain.now_ns()) < 60e9


def test_a_wall_clock_that_a_rig_lets_stand_still_stands_and_ages_go_on(tmp_path):
    (tmp_path / "word").write_text("yes 0 1781281800")
    clock = SiteClock(ClockSetting(rate=1000.0, word=tmp_path / "word"))
    before = clock.now()
    while clock.now_ns() - before.ns < 50_000_000_000:
        pass

    assert 1_781_281_800_000 == before.utc_ms == clock.utc_ms()


def test_a_rig_may_name_the_boot_of_the_machine_and_else_the_kernel_does(monkeypatch):
    monkeypatch.delenv(CLOCK_VARIABLE, raising=False)
    kernels = find_boot_id()
    monkeypatch.setenv(CLOCK_VARIABLE, "rate=10,boot=second")

    assert ("second", True) == (find_boot_id(), kernels != "second")


def test_a_wall_clock_before_the_last_stored_sample_is_not_trusted(monkeypatch):
    monkeypatch.setattr("quartier.runtime.clock.is_kernel_synced", lambda: True)
    clock = SiteClock()
    clock.raise_floor(clock.utc_ms() + 3_600_000)

    assert not clock.is_synced()


def test_a_trusted_clock_judges_certificates_by_the_machines_own(monkeypatch):
    monkeypatch.setattr("quartier.runtime.clock.is_kernel_synced", lambda: True)
    clock = SiteClock()
    clock.raise_floor(clock.utc_ms() - 3_600_000)

    assert () == clock.moments()


def test_without_time_certificates_are_judged_at_the_floor_and_by_a_clock_that_is_past_it(monkeypatch):
    monkeypatch.setattr("quartier.runtime.clock.is_kernel_synced", lambda: False)
    clock = SiteClock()
    assert () == clock.moments(), "nothing is known of the time"

    floor_ms = clock.utc_ms() - 3_600_000
    clock.raise_floor(floor_ms)
    floor, wall = clock.moments()
    assert floor_ms <= floor < floor_ms + 60_000 < wall
    clock.raise_floor(clock.utc_ms() + 86_400_000)
    (floor,) = clock.moments()
    assert floor > clock.utc_ms()


def test_the_floor_goes_on_from_where_the_clock_was_trusted_last(tmp_path, monkeypatch):
    monkeypatch.setattr("quartier.runtime.clock._RIG_FILE_PERIOD_S", 0.0)
    word = tmp_path / "word"
    word.write_text("yes 0")
    clock = SiteClock(ClockSetting(rate=1000.0, word=word))
    good_ms = clock.now().utc_ms
    word.write_text("no -315576000")

    (floor,) = clock.moments()
    assert good_ms <= floor
    assert clock.utc_ms() < good_ms


def test_the_kernel_is_asked_without_changing_anything():
    assert is_kernel_synced() in {True, False}


async def test_sleep_is_in_house_time():
    clock = SiteClock(ClockSetting(rate=10_000.0))
    before_ns = clock.now_ns()
    await clock.sleep(20)

    assert clock.now_ns() - before_ns >= 19e9


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("yes 1000.00\n", True),
        ("yes 940.00\n", True),
        ("yes 939.99\n", False),
        ("yes 1000.01\n", False),
        ("no 1000.00\n", False),
        ("", False),
        ("yes soon", False),
    ],
)
def test_a_word_about_the_clock_counts_for_a_minute(tmp_path: Path, word: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    path = tmp_path / "synced"
    path.write_text(word, encoding="ascii")

    assert expected is is_told_synced(path, 1000.0)
    assert is_told_synced(tmp_path / "gone", 1000.0) is False


async def test_a_doze_lasts_its_floor_of_real_time_on_a_fast_clock_too(monkeypatch):
    slept_s = []

    async def sleep(seconds):
        slept_s.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    await SiteClock(ClockSetting(rate=10_000.0)).sleep_coarsely(1.0, floor_s=0.02)
    assert [0.02] == slept_s

    await SiteClock().sleep_coarsely(10.0)
    assert 5.0 <= slept_s[1] <= 15.0


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.004, 0.03])
async def test_a_moment_is_waited_for_in_one_wait_or_in_few(seconds):
    clock = SiteClock(ClockSetting(rate=10.0))
    due_ns = clock.now_ns() + int(seconds * 1e9)
    await clock.wait_until(due_ns)
    early_count = 0
    while clock.now_ns() < due_ns:  # held up between two looks at the clock
        early_count += 1
        await clock.wait_until(due_ns)
    assert early_count <= 3


async def test_a_thread_that_holds_us_up_does_not_move_the_moment(monkeypatch):
    moments_s = []

    class Busy(PreciseTimer):
        def __init__(self):
            time.sleep(0.02)  # the writer's turn
            super().__init__()

        def set(self, moment_s, rings, *, exact=False):
            moments_s.append(moment_s)
            super().set(moment_s, rings, exact=exact)

    monkeypatch.setattr("quartier.runtime.clock.PreciseTimer", Busy)
    clock = SiteClock()
    due_ns = clock.now_ns() + 30_000_000
    await clock.wait_until(due_ns)
    assert moments_s[0] * 1e9 <= due_ns + 1000


async def test_without_a_timer_of_the_kernel_a_moment_is_slept_for(monkeypatch):
    def refuse():
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("quartier.runtime.clock.PreciseTimer", refuse)
    clock = SiteClock()
    due_ns = clock.now_ns() + 4_000_000
    await clock.wait_until(due_ns)
    assert clock.now_ns() >= due_ns - int(time.get_clock_info("monotonic").resolution * 1e9)


def open_count():
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_wait_that_is_broken_off_leaves_nothing_open():
    before = open_count()
    asleep = asyncio.create_task(SiteClock().wait_until(SiteClock().now_ns() + 60_000_000_000))
    await asyncio.sleep(0)
    asleep.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asleep
    assert before == open_count()
