"""How one connection is kept up: jitter, MQTT's reasons, notes that fill no log."""

import asyncio
from types import SimpleNamespace

import pytest

from quartier.district.connection import mqtt_types
from quartier.district.connection.mqtt_types import BrokerServer, BrokerUnreachable, ConnectionEnded
from quartier.district.connection.reconnect import (
    BACK_OFF_MAX_S,
    SLOW_BACK_OFF_MAX_S,
    NoteReporter,
    Reconnector,
)
from quartier.district.records import Note
from quartier.site.records import Now

SERVERS = (BrokerServer("a", 1, tls=False), BrokerServer("b", 1, tls=False))


class Clock:
    """Time that passes as fast as it is slept."""

    def __init__(self):
        self.ns = 0
        self.slept = []

    def now(self):
        return Now(self.ns, self.ns // 1_000_000, True)

    async def sleep(self, seconds):
        self.ns += int(seconds * 1e9)
        await asyncio.sleep(0)


class Lives:
    """Ends each attempt as told, then stops the test's task."""

    def __init__(self, clock, *ends):
        self.clock = clock
        self.ends = list(ends)
        self.servers = []
        self.began_s = []

    async def once(self, server):
        self.servers.append(server.host)
        self.began_s.append(self.clock.ns / 1e9)
        if not self.ends:
            raise asyncio.CancelledError
        raise self.ends.pop(0)


@pytest.fixture
def notes():
    return []


@pytest.fixture(autouse=True)
def no_breath(monkeypatch):
    monkeypatch.setattr("quartier.district.connection.reconnect.REAL_PAUSE_MIN_S", 0.0)


def line_of(notes, clock):
    return Reconnector("data", "issy.b012", SERVERS, clock, NoteReporter(clock, notes.append))


async def run(line, lives):
    with pytest.raises(asyncio.CancelledError):
        await line.keep(lives.once)
    return [later - earlier for earlier, later in zip(lives.began_s, lives.began_s[1:], strict=False)]


async def test_retries_are_jittered_over_a_window_that_grows_to_60_s(notes):
    clock = Clock()
    lives = Lives(clock, *(ConnectionEnded("lost") for _ in range(200)))
    pauses = await run(line_of(notes, clock), lives)

    assert 1 <= pauses[0] <= 3
    assert 1 <= min(pauses)
    assert max(pauses) <= BACK_OFF_MAX_S + 1
    assert len({round(pause) for pause in pauses[10:]}) > 20


async def test_an_unreachable_server_gives_way_to_the_next(notes):
    clock = Clock()
    lives = Lives(clock, BrokerUnreachable("no name"), BrokerUnreachable("no name"))
    await run(line_of(notes, clock), lives)
    assert ["a", "b", "a"] == lives.servers


@pytest.mark.parametrize(
    ("code", "then"), [(mqtt_types.USE_ANOTHER_SERVER, "b"), (mqtt_types.SERVER_MOVED, "b"), (0x8B, "a")]
)
async def test_0x9c_and_0x9d_walk_to_the_next_server(notes, code, then):
    clock = Clock()
    lives = Lives(clock, ConnectionEnded("told", code))
    await run(line_of(notes, clock), lives)
    assert ["a", then] == lives.servers


@pytest.mark.parametrize("code", [mqtt_types.NOT_AUTHORISED, mqtt_types.BAD_CREDENTIALS])
async def test_not_authorised_is_an_alarm_and_asked_again_with_a_back_off_up_to_15_min(notes, code):
    clock = Clock()
    lives = Lives(clock, *(ConnectionEnded("no", code) for _ in range(60)))
    pauses = await run(line_of(notes, clock), lives)

    assert 1 <= min(pauses)
    assert pauses[0] <= 3
    assert BACK_OFF_MAX_S < max(pauses) <= SLOW_BACK_OFF_MAX_S + 1
    assert {"district.not_authorised"} == {note.code for note in notes if note.alarm}
    assert ["a", "b", "a"] == lives.servers[:3], "another server may know us"


async def test_after_a_refusal_a_lost_connection_is_dialled_as_soon_as_any_other(notes):
    clock = Clock()
    ends = [ConnectionEnded("no", mqtt_types.NOT_AUTHORISED) for _ in range(20)] + [
        ConnectionEnded("lost") for _ in range(20)
    ]
    pauses = await run(line_of(notes, clock), Lives(clock, *ends))
    assert max(pauses[20:]) <= BACK_OFF_MAX_S + 1


async def test_not_authorised_is_asked_again_at_once_when_our_files_change(notes):
    clock = Clock()
    line = line_of(notes, clock)
    lives = Lives(clock, ConnectionEnded("no", mqtt_types.NOT_AUTHORISED))
    real_sleep = clock.sleep

    async def sleep(seconds):
        line.reconnect()
        await real_sleep(seconds)

    clock.sleep = sleep
    pauses = await run(line, lives)
    assert pauses[0] <= 2


async def test_takeovers_are_an_alarm_and_back_off_and_never_end_the_link(notes):
    clock = Clock()
    lives = Lives(clock, *(ConnectionEnded("taken", mqtt_types.TAKEN_OVER) for _ in range(100)))
    pauses = await run(line_of(notes, clock), lives)

    alarm = next(note for note in notes if note.alarm)
    assert ("district.duplicate_id", True) == (alarm.code, "issy.b012" in alarm.text)
    assert 101 == len(lives.servers)
    assert 1 <= min(pauses)
    assert max(pauses) <= BACK_OFF_MAX_S + 1
    assert len({round(pause) for pause in pauses}) > 20, "two of one name must not call in step"


async def test_a_takeover_of_a_connection_that_stood_long_backs_off_as_well(notes):
    clock = Clock()
    lives = Lives(clock, *(ConnectionEnded("taken", mqtt_types.TAKEN_OVER) for _ in range(40)))
    once = lives.once

    async def long_once(server):
        clock.ns += 3_600_000_000_000
        await once(server)

    lives.once = long_once
    pauses = await run(line_of(notes, clock), lives)
    assert max(pauses) - 3_600 > 2 * 2.0, "not as after the first loss of any other connection"


async def test_who_joins_another_server_leaves_this_one_and_who_is_there_already_stays(notes):
    left = []
    line = line_of(notes, Clock())
    line.connection = SimpleNamespace(interrupt=left.append)
    line.join(0)
    assert ([], 0) == (left, line.place)
    line.join(1)
    assert (["the district is on another server"], 1) == (left, line.place)
    line.connection = None
    line.join(0)
    assert (1, 0) == (len(left), line.place)


class Wire:
    """A connection on which every subscription is granted."""

    async def subscribe(self, _filters):
        return []


async def dialled(line, clock, happens, ending=None):
    """Something happens while the first attempt is dialled; the servers of both, and the pause between."""
    lives = Lives(clock)

    async def once(server):
        lives.servers.append(server.host)
        lives.began_s.append(clock.ns / 1e9)
        if len(lives.servers) == 2:
            raise asyncio.CancelledError
        happens()
        if ending is not None:
            raise ending
        await line.complete_connection(Wire(), ())

    lives.once = once
    (pause_s,) = await run(line, lives)
    return lives.servers, pause_s


@pytest.mark.parametrize(
    "ending", [None, BrokerUnreachable("no name"), ConnectionEnded("told", mqtt_types.SERVER_MOVED)]
)
async def test_who_joins_another_server_while_this_one_is_dialled_goes_there(notes, ending):
    line = line_of(notes, clock := Clock())
    servers, _ = await dialled(line, clock, lambda: line.join(1), ending)

    assert (["a", "b"], False) == (servers, "district.link_up" in [note.code for note in notes])


@pytest.mark.parametrize("ending", [None, ConnectionEnded("no", mqtt_types.NOT_AUTHORISED)])
async def test_files_that_change_while_a_server_is_dialled_are_used_at_once(notes, ending):
    line = line_of(notes, clock := Clock())
    _, pause_s = await dialled(line, clock, line.reconnect, ending)

    assert (0.0, False) == (pause_s, "district.link_up" in [note.code for note in notes])


async def test_the_same_fault_is_said_once(notes):
    clock = Clock()
    line = line_of(notes, clock)
    await run(line, Lives(clock, *(ConnectionEnded("lost") for _ in range(20))))
    assert ["district.link_lost"] == [note.code for note in notes]
    assert (20, "lost") == (line.lost_count, line.fault)


def test_a_reporter_passes_one_note_of_a_kind_a_minute_and_counts_the_rest():
    clock, told = Clock(), []
    tell = NoteReporter(clock, told.append)
    for _ in range(50):
        tell(Note("a", "text"))
    tell(Note("b", "text"))
    clock.ns += 60_000_000_000
    tell(Note("a", "text"))
    assert [("a", None), ("b", None), ("a", 49)] == [(note.code, note.data.get("more")) for note in told]


def test_each_credential_that_ends_is_told_for_itself():
    clock, told = Clock(), []
    tell = NoteReporter(clock, told.append)
    for credential in ("key a", "key b", "key a"):
        tell(Note("district.expiry_near", "it ends", {"credential": credential}))
    assert ["key a", "key b"] == [note.data["credential"] for note in told]


async def test_who_gives_way_while_it_pauses_stays_away_for_minutes_and_then_tries_again(notes):
    clock = Clock()
    line = line_of(notes, clock)
    lives = Lives(clock, ConnectionEnded("taken", mqtt_types.TAKEN_OVER), ConnectionEnded("lost"))
    real_sleep = clock.sleep

    async def sleep(seconds):
        if clock.ns == 0:
            line.give_way()
        await real_sleep(seconds)

    clock.sleep = sleep
    first_s, second_s = await run(line, lives)

    assert SLOW_BACK_OFF_MAX_S / 2 <= first_s <= SLOW_BACK_OFF_MAX_S + 1
    assert second_s <= BACK_OFF_MAX_S + 1
    assert not line.was_taken_over


async def test_who_gives_way_while_a_server_is_dialled_leaves_it(notes):
    line = line_of(notes, clock := Clock())
    _, pause_s = await dialled(line, clock, line.give_way)

    assert SLOW_BACK_OFF_MAX_S / 2 <= pause_s <= SLOW_BACK_OFF_MAX_S + 1
    assert "district.link_up" not in [note.code for note in notes]


async def test_files_that_change_end_a_stay_away_at_once(notes):
    line = line_of(notes, clock := Clock())
    _, pause_s = await dialled(line, clock, lambda: (line.give_way(), line.reconnect()))
    assert 0.0 == pause_s


class Strict:
    """A connection whose broker grants one filter more from the third time on."""

    ended = None

    def __init__(self, over):
        self.asked = []
        self.over = over

    async def subscribe(self, filters):
        topics = [topic for topic, _ in filters]
        self.asked.append("".join(topics))
        if len(self.asked) == 5:
            self.over.set()
        return topics[len(self.asked) // 3 :]


async def test_subscriptions_that_the_broker_refused_are_asked_for_again_until_it_grants_them(notes):
    clock, over = Clock(), asyncio.Event()
    line, wire = line_of(notes, clock), Strict(over)

    async def ends():
        await over.wait()
        raise ConnectionEnded("seen")

    await line.complete_connection(wire, (("a", 1), ("b", 1), ("c", 0)))
    with pytest.raises(ConnectionEnded):
        await line.run_until_first_end(ends())

    assert ["abc", "abc", "abc", "bc", "c"] == wire.asked
    assert {"a", "b", "c"} >= {note.text for note in notes if note.alarm} > set()
    assert 4 <= clock.ns / 1e9 <= 60 + 120 + 240 + 480


async def test_only_a_takeover_counts_as_one(notes):
    clock = Clock()
    line = line_of(notes, clock)
    await run(line, Lives(clock, ConnectionEnded("lost"), ConnectionEnded("no", mqtt_types.NOT_AUTHORISED)))
    assert not line.was_taken_over
    await run(line, Lives(clock, ConnectionEnded("taken", mqtt_types.TAKEN_OVER)))
    assert line.was_taken_over


async def test_a_stop_that_comes_as_the_connection_ends_is_a_stop(notes):
    """A daemon that was told to end as its broker died dialled on for ever."""
    line, begun, over = line_of(notes, Clock()), asyncio.Event(), asyncio.Event()
    tried = []

    async def ends():
        begun.set()
        await over.wait()
        raise ConnectionEnded("the broker died")

    async def once(server):
        tried.append(server.host)
        if len(tried) > 1:
            raise SystemError("dialled again")
        await line.run_until_first_end(ends())

    keeping = asyncio.create_task(line.keep(once))
    await begun.wait()
    over.set()
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping

    assert ["a"] == tried


async def test_an_end_before_all_have_begun_ends_those_that_have_not(notes):
    begun = []

    async def ends():
        raise ConnectionEnded("at once")

    async def begins():
        begun.append(True)

    with pytest.raises(ConnectionEnded, match="at once"):
        await line_of(notes, Clock()).run_until_first_end(ends(), begins())
    assert [] == begun


def test_what_every_watermark_may_bring_is_told_once_an_hour_and_counted():
    clock, told = Clock(), []
    tell = NoteReporter(clock, told.append)
    for _ in range(400):
        tell(Note("district.watermark_refused", "text", alarm=True))
        clock.ns += 20_000_000_000
    assert [None, 179, 179] == [note.data.get("more") for note in told]
