import pytest

from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.protocol_speed import bacnet_polls
from quartier_bench.protocol_speed.bacnet_answers import POINTS, TurnResult
from quartier_bench.protocol_speed.bacnet_polls import HOLD_MAX_MS
from quartier_bench.speed.measurement import Setting
from quartier_drivers.device_profile import loading


def setting(tmp_path):
    return Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", lambda _: None), lambda _: None)


def test_every_input_is_a_point_of_a_profile_that_loads(tmp_path):
    bacnet_polls.write_profile(tmp_path)

    assert POINTS == len(loading.load_profile(bacnet_polls.PROFILE, [tmp_path]).parts[""])


async def test_sides_that_read_something_else_make_no_figure(tmp_path):
    async def ours(times):
        return TurnResult(1.0, POINTS * times, 5.0)

    async def others(times):
        return TurnResult(2.0, POINTS * times, 6.0)

    assert ([1e6 / POINTS], [1e6 / POINTS]) == await bacnet_polls.measure_sides(ours, ours, setting(tmp_path))
    with pytest.raises(RuntimeError, match=r"read 5\.0 and 6\.0, not the same"):
        await bacnet_polls.measure_sides(ours, others, setting(tmp_path))


def test_strange_datagrams_are_as_long_as_they_may_be():
    found = dict(bacnet_polls.generate_unrequested())

    assert 9 == len(found)
    assert all(
        800 < len(data) <= 1507 and len(data) == int.from_bytes(data[2:4], "big") for data in found.values()
    )


async def test_the_loop_is_held_by_each_of_them_and_the_longest_counts(tmp_path):
    figure = await bacnet_polls._measure_hold(setting(tmp_path))

    assert ("bacnet.hold", HOLD_MAX_MS, "ms") == (figure.name, figure.floor, figure.unit)
    assert figure.ours > 0
