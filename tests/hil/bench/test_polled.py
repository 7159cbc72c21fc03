import pytest

from quartier_drivers.device_profile import loading
from quartier_hil.bench import polled
from quartier_hil.bench.bacnet import POINTS, Turn
from quartier_hil.bench.cache import Cache
from quartier_hil.bench.polled import HOLD_MS
from quartier_hil.bench.setting import Setting


def setting(tmp_path):
    return Setting(1, True, tmp_path, Cache(tmp_path / "cache", lambda _: None), lambda _: None)


def test_every_input_is_a_point_of_a_profile_that_loads(tmp_path):
    polled.write(tmp_path)

    assert POINTS == len(loading.load_profile(polled.PROFILE, [tmp_path]).parts[""])


async def test_sides_that_read_something_else_make_no_figure(tmp_path):
    async def ours(times):
        return Turn(1.0, POINTS * times, 5.0)

    async def others(times):
        return Turn(2.0, POINTS * times, 6.0)

    assert ([1e6 / POINTS], [1e6 / POINTS]) == await polled.sides(ours, ours, setting(tmp_path))
    with pytest.raises(RuntimeError, match=r"read 5\.0 and 6\.0, not the same"):
        await polled.sides(ours, others, setting(tmp_path))


def test_strange_datagrams_are_as_long_as_they_may_be():
    found = dict(polled.strange())

    assert 9 == len(found)
    assert all(
        800 < len(data) <= 1507 and len(data) == int.from_bytes(data[2:4], "big") for data in found.values()
    )


async def test_the_loop_is_held_by_each_of_them_and_the_longest_counts(tmp_path):
    figure = await polled._held(setting(tmp_path))

    assert ("bacnet.hold", HOLD_MS, "ms") == (figure.name, figure.floor, figure.unit)
    assert figure.ours > 0
