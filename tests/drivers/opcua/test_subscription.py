"""A subscription's life in synthetic time: believed while it speaks, and not a moment longer."""

from types import SimpleNamespace

import pytest

from quartier_drivers.errors import LinkLost, Refused
from quartier_drivers.opcua.connection.read_response import NodeValue
from quartier_drivers.opcua.connection.session_types import (
    ItemResult,
    Subscription,
    SubscriptionNotification,
)
from quartier_drivers.opcua.read_batch import ReadBatch
from quartier_drivers.opcua.schema import OpcuaPoint
from quartier_drivers.opcua.served_points import ServedPoint
from quartier_drivers.opcua.subscription import DeviceSubscription, ReplanNeeded

S = 1_000_000_000


class Server:
    """What a line to a server does, by hand: subscriptions are numbers."""

    def __init__(self):
        self.epoch = 1
        self.watch_max = 2
        self.made = []
        self.ended = []
        self.items = []
        self.counted = []
        self.results = {}
        self.revised_ms = None
        self.refuses = False

    def place(self, node):
        return 2, node.identifier

    def count(self, name):
        self.counted.append(name)

    async def subscribe(self, publishing_ms, keep_alive_count, hear):
        if self.refuses:
            raise Refused("BadTooManySubscriptions")
        self.made.append(hear)
        return Subscription(len(self.made), self.revised_ms or publishing_ms, keep_alive_count, 60)

    async def watch(self, number, items):
        assert len(self.made) == number
        self.items += items
        return [self.results.get(item.place[1], ItemResult(0, item.sampling_ms)) for item in items]

    async def unsubscribe(self, number):
        self.ended.append(number)


@pytest.fixture
def scene(clock):
    server, told = Server(), []
    watch = DeviceSubscription(server, clock, 1.0, 60.0, lambda batch, sent: told.append((batch, sent)))
    served = [
        ServedPoint(
            f"pump.{name}_w",
            f"{name}_w",
            "float",
            OpcuaPoint.model_validate({"node": f"nsu=urn:a;s={name}", **keys}),
        )
        for name, keys in (("a", {}), ("b", {"deadband": 5.0}), ("c", {"age_by": "source", "queue": 4}))
    ]
    batch = ReadBatch(served, 1.0, clock.now_ns(), 1.0, subscribed=True, shows_raw=False)
    watch.begin([batch])
    return SimpleNamespace(server=server, watch=watch, batch=batch, told=told, clock=clock)


async def live(scene):
    """Until it stands: a subscription, and its items by twos."""
    for _ in range(3):
        await scene.watch.step()


def say(scene, *changes, ended=0, of=-1):
    scene.server.made[of](
        SubscriptionNotification(
            100, [(handle, NodeValue(raw, 11, 0, 0, 0)) for handle, raw in changes], ended
        )
    )


async def test_it_is_made_in_steps_and_believed_once_it_is_whole(scene):
    await scene.watch.step()
    assert not scene.watch.vouches_for(scene.batch)
    await scene.watch.step()
    assert not scene.watch.vouches_for(scene.batch)
    await scene.watch.step()

    assert scene.watch.vouches_for(scene.batch)
    assert [(0.0, 1, False), (5.0, 1, False), (0.0, 4, True)] == [
        (item.deadband, item.queue, item.by_source) for item in scene.server.items
    ]


async def test_a_message_without_changes_keeps_what_is_known_fresh(scene):
    await live(scene)
    scene.clock.move(1.0)
    say(scene)

    assert scene.clock.now_ns() == scene.batch.fresh_ns
    assert [(scene.batch, 100)] == scene.told


async def test_messages_that_come_a_little_early_are_told_all_the_same(scene):
    await live(scene)
    for _ in range(4):
        scene.clock.move(0.98)
        say(scene)
        scene.batch.readings(scene.clock.now_ns(), 100)  # as the driver does with what it is told

    assert 4 == len(scene.told)


async def test_a_change_is_told_at_once_and_a_queue_in_its_order(scene):
    await live(scene)
    say(scene, (0, 1.0), (2, 5.0), (2, 6.0))

    assert 2 == len(scene.told)
    assert 6.0 == scene.batch.readings(0, 0)[2].value


async def test_silence_ends_it_and_a_new_one_is_made(scene):
    await live(scene)
    scene.clock.move(2.4)
    assert scene.watch.vouches_for(scene.batch)
    scene.clock.move(0.2)

    assert not scene.watch.vouches_for(scene.batch)
    assert scene.watch.due_ns <= scene.clock.now_ns()
    await scene.watch.step()
    for _ in range(4):
        await scene.watch.step()

    assert [1] == scene.server.ended
    assert scene.watch.vouches_for(scene.batch)
    assert ["resubscriptions_count"] == scene.server.counted[-1:]


async def test_what_a_dead_one_still_says_counts_for_nothing(scene):
    await live(scene)
    scene.watch.note_ended("test")
    for _ in range(4):
        await scene.watch.step()
    scene.told.clear()

    say(scene, (0, 99.0), of=0)

    assert [] == scene.told


async def test_one_that_the_server_ends_is_made_anew(scene):
    await live(scene)
    say(scene, ended=0x800A0000)

    assert not scene.watch.vouches_for(scene.batch)
    assert scene.watch.due_ns <= scene.clock.now_ns()


async def test_the_server_s_own_interval_counts(scene):
    scene.server.revised_ms = 1400.0
    await live(scene)
    assert scene.watch.vouches_for(scene.batch)
    assert int(2.5 * 1.4 * S) == scene.watch.grace_ns


async def test_one_that_speaks_too_seldom_keeps_nothing_fresh(scene):
    scene.server.revised_ms = 5000.0
    await live(scene)

    assert not scene.watch.vouches_for(scene.batch), "it is asked for at its own period"


@pytest.mark.parametrize(
    ("result", "refused", "unfiltered"),
    [
        (ItemResult(0x80340000, 0.0), {"pump.b_w"}, set()),
        (ItemResult(0, 60_000.0), {"pump.b_w"}, set()),
        (ItemResult(0x80440000, 0.0), set(), {"pump.b_w"}),
    ],
)
async def test_an_item_that_is_not_watched_as_wanted_is_planned_anew(scene, result, refused, unfiltered):
    scene.server.results["b"] = result
    await scene.watch.step()

    with pytest.raises(ReplanNeeded):
        await scene.watch.step()

    assert (refused, unfiltered) == (scene.watch.refused, scene.watch.unfiltered)


async def test_a_filter_that_is_refused_twice_ends_the_watching_of_the_point(scene):
    scene.server.results["b"] = ItemResult(0x80440000, 0.0)
    for _ in range(2):
        scene.watch.begin([scene.batch])
        with pytest.raises(ReplanNeeded):
            await live(scene)

    assert {"pump.b_w"} == scene.watch.refused


async def test_points_whose_changes_are_not_told_are_watched_anew_without_their_deadband(scene):
    await live(scene)
    del scene.server.items[:]
    scene.watch.drop_deadbands({"pump.b_w"})
    for _ in range(4):
        await scene.watch.step()

    assert [0.0, 0.0, 0.0] == [item.deadband for item in scene.server.items]
    assert scene.watch.vouches_for(scene.batch)


async def test_a_server_that_makes_none_is_asked_again_seldom(scene):
    scene.server.refuses = True
    pauses_s = []
    for _ in range(8):
        await scene.watch.step()
        pauses_s.append((scene.watch.due_ns - scene.clock.now_ns()) / S)
        scene.clock.move(pauses_s[-1])

    assert [0.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] == pauses_s


async def test_where_new_ones_die_too_the_connection_is_made_anew_and_not_again_soon(scene):
    scene.watch.note_ended("it fell silent")
    scene.watch.note_ended("it fell silent")
    with pytest.raises(LinkLost, match="connecting anew"):
        scene.watch.note_ended("it fell silent")
    for _ in range(6):
        scene.watch.note_ended("it fell silent")
    scene.clock.move(601)

    with pytest.raises(LinkLost):
        scene.watch.note_ended("it fell silent")


async def test_a_new_connection_has_no_old_subscriptions(scene):
    await live(scene)
    scene.server.epoch = 2
    scene.watch.begin([scene.batch])
    await live(scene)

    assert [] == scene.server.ended
    assert 2 == len(scene.server.made)


def test_where_it_is_not_wanted_nothing_is_due(scene):
    scene.watch.is_wanted = False

    assert scene.watch.due_ns is None
