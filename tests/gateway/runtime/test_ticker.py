import contextlib
import gc
import socket

import pytest

from quartier.runtime.ticker import SETTLED_CYCLES, Lateness, SystemdNotifier, Ticker


class Over(Exception):
    """The test has seen enough."""


class Time:
    """A clock whose sleeps last as long as told, plus a lateness from a list."""

    def __init__(self, late_s=()):
        self.ns = 0
        self.late_s = list(late_s)

    def now_ns(self):
        return self.ns

    async def sleep(self, seconds):
        late_s = self.late_s.pop(0) if self.late_s else 0.0
        self.ns += int((seconds + late_s) * 1e9)


async def ticks(time, count):
    at = []

    def cycle():
        at.append(time.ns / 1e9)
        if len(at) == count:
            raise Over

    ticker = Ticker(1.0, time, cycle)
    with contextlib.suppress(Over):
        await ticker.run()
    return ticker, at


async def test_ticks_lie_on_a_grid_and_lateness_does_not_add_up():
    _, at = await ticks(Time([0.0, 0.0, 0.3, 0.0, 0.0]), 5)

    assert [0.0, 1.0, 2.3, 3.0, 4.0] == pytest.approx(at)


async def test_the_first_tick_may_be_put_between_other_work():
    time, at = Time(), []

    def cycle():
        at.append(time.ns / 1e9)
        if len(at) == 3:
            raise Over

    with contextlib.suppress(Over):
        await Ticker(1.0, time, cycle, first_ns=50_000_000).run()

    assert [0.05, 1.05, 2.05] == pytest.approx(at)


@pytest.mark.parametrize(
    ("first_s", "expected"),
    [(0.05, [0.05, 1.2, 2.2]), (0.75, [0.75, 2.2, 3.2]), (0.65, [0.65, 1.2, 2.2])],
)
async def test_after_the_first_tick_all_lie_at_their_phase_half_a_period_later_at_least(first_s, expected):
    time, at = Time(), []

    def cycle():
        at.append(time.ns / 1e9)
        if len(at) == 3:
            raise Over

    with contextlib.suppress(Over):
        await Ticker(1.0, time, cycle, int(first_s * 1e9), 200_000_000).run()

    assert expected == pytest.approx(at)


async def test_what_a_start_made_is_never_looked_through_again():
    gc.freeze()
    before = gc.get_freeze_count()
    kept = [[number] for number in range(100_000)]  # of what others froze before, some may go meanwhile
    await ticks(Time(), SETTLED_CYCLES + 2)

    assert gc.get_freeze_count() >= before + len(kept) // 2


async def test_missed_ticks_are_skipped_and_counted_never_made_up():
    ticker, at = await ticks(Time([0.0, 0.0, 2.5, 0.0]), 4)

    assert [0.0, 1.0, 4.5, 5.0] == pytest.approx(at)
    assert ticker.skipped_count == 2


async def test_an_error_in_the_cycle_leaves():
    def cycle():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Ticker(1.0, Time(), cycle).run()


def test_quantiles_come_from_classes_and_never_exceed_the_maximum():
    lateness = Lateness()
    for _ in range(999):
        lateness.add(0.0004)
    lateness.add(0.3)

    assert lateness.quantile_s(0.5) == 0.001
    assert lateness.quantile_s(0.9999) == 0.3


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_what_is_said(tmp_path, abstract):
    address = f"@quartier-test-{tmp_path.name}-{id(tmp_path)}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + address[1:] if abstract else address)
        watchdog = SystemdNotifier(address)
        watchdog.send("READY=1", "STATUS=well")
        watchdog.close()

        assert systemd.recv(100) == b"READY=1\nSTATUS=well"


def test_without_systemd_nothing_is_said_and_nothing_fails():
    SystemdNotifier("").send("WATCHDOG=1")


def test_a_socket_that_is_gone_costs_nothing(tmp_path):
    watchdog = SystemdNotifier(str(tmp_path / "nobody"))
    watchdog.send("WATCHDOG=1")
    watchdog.close()
