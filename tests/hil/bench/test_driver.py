import pytest

from quartier_hil.bench import driver
from quartier_hil.bench.cache import Cache
from quartier_hil.bench.driver import Racing
from quartier_hil.bench.setting import Setting


async def test_a_racing_clock_goes_on_and_waits_for_nothing_long():
    clock = Racing()
    before_ns = clock.now_ns()
    await clock.sleep(1.0)

    assert clock.now_ns() - before_ns >= 1_000_000_000


@pytest.mark.peer
def test_both_sides_read_the_same_blocks_from_the_same_server(tmp_path):
    setting = Setting(1, True, tmp_path, Cache(tmp_path / "cache", lambda _: None), lambda _: None)

    (figure,) = driver.figures(setting)

    assert figure.ours > 0
    assert figure.peer > 0
