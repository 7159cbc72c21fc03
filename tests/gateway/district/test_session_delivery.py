"""The session's loss contract: live first, the backlog above the watermark, marks that only rise."""

import json
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.gateway.district.conftest import ME, bdseq_of, born, codes, command, state

from quartier.district.records import Disconnect, Publication, SessionRules
from quartier.district.sparkplug.host_commands import REBIRTH_METRIC, SCAN_RATE_METRIC
from quartier.district.sparkplug.node_messages import BIRTH_METRICS_MAX
from quartier.district.sparkplug.node_session import NodeSession
from quartier.district.sparkplug.payload_codec import Datatype, decode_payload
from quartier.site.samples import StreamPosition


def test_backlog_waits_for_a_watermark_then_all_goes_historical_that_this_session_did_not_send(
    world, catalog, district
):
    for value in range(5):
        world.put("grid", "power_w", float(value))
    session = born(world, catalog)

    district.take(session.pump(world.pass_s(1).context, 10**6))
    assert [] == district.kinds()
    mark = json.dumps({"bdseq": 3, "streams": {"grid": {"boot": 7, "seq": 2}}}).encode()
    session.watermark(mark, world.context)
    assert {} == session.marks
    district.take(session.pump(world.pass_s(1).context, 10**6))

    ((_, message),) = district.messages
    assert (1, [0.0, 1.0, 2.0, 3.0, 4.0]) == (message.key.first, [m.value for m in message.metrics])
    assert all(metric.historical for metric in message.metrics)
    assert not session.is_catching_up
    session.watermark(mark, world.context)
    assert {"grid": StreamPosition(7, 2)} == session.marks


def test_live_goes_first_and_never_in_one_message_with_the_backlog(world, catalog, district):
    for value in range(5):
        world.put("grid", "power_w", float(value))
    session = born(world, catalog, watermark=False)
    world.put("grid", "power_w", 99.0)

    district.take(session.pump(world.pass_s(1).context, 10**6))

    live, late = (message for _, message in district.messages)
    assert ([99.0], [False]) == ([m.value for m in live.metrics], [m.historical for m in live.metrics])
    assert [0.0, 1.0, 2.0, 3.0, 4.0] == [m.value for m in late.metrics]


def test_backlog_keeps_its_pace_and_the_size_of_a_message(world, catalog, district):
    for value in range(4_000):
        world.put("grid", "power_w", float(value))
    session = born(world, catalog, watermark=False, backfill_messages_per_s=2.0)

    sizes = []
    for _ in range(3):
        published = district.take(session.pump(world.pass_s(1).context, 10**7))
        sizes.append(len(published))

    assert [2, 2, 2] == sizes
    assert {500} == {len(message.metrics) for _, message in district.messages}


def test_without_room_samples_stay_in_the_store_and_old_ones_give_way(world, catalog, district):
    session = born(world, catalog, watermark=False)
    world.put("grid", "power_w", 1.0)
    district.take(session.pump(world.pass_s(1).context, 0))
    assert [] == district.kinds()

    district.take(session.pump(world.pass_s(15).context, 0))  # late: no longer live
    world.put("grid", "power_w", 2.0)
    district.take(session.pump(world.pass_s(1).context, 10**6))

    assert [(2.0, False), (1.0, True)] == [
        (m.value, m.historical) for _, message in district.messages for m in message.metrics
    ]


def test_what_is_late_leaves_room_for_what_is_live(world, catalog, district):
    for value in range(3):
        world.put("grid", "power_w", float(value))
    session = born(world, catalog)
    session.watermark(b'{"bdseq": 3, "streams": {}}', world.context)
    world.put("grid", "power_w", 7.0)
    for late_bytes in (10_000, 0, 10_000):
        district.take(session.pump(world.pass_s(1).context, 10**6, late_bytes))

    assert [([7.0], False), ([0.0, 1.0, 2.0], True)] == [
        ([m.value for m in message.metrics], message.metrics[0].historical)
        for _, message in district.messages
    ]


def test_after_a_reconnect_everything_above_the_watermark_goes_again(world, catalog, district):
    session = born(world, catalog)
    session.watermark(b'{"bdseq": 3, "streams": {}}', world.context)
    for value in range(3):
        world.put("grid", "power_w", float(value))
    district.take(session.pump(world.pass_s(1).context, 10**6))
    session.watermark(b'{"bdseq": 3, "streams": {"grid": {"boot": 7, "seq": 1}}}', world.context)
    session.process_closing()

    district.take(session.process_opening(4, world.pass_s(1).context))
    session.watermark(b'{"bdseq": 4, "streams": {"grid": {"boot": 7, "seq": 1}}}', world.context)
    district.take(session.pump(world.pass_s(1).context, 10**6))

    assert [1, 2, 2] == [district.keys["grid", 7, seq] for seq in (1, 2, 3)]


def test_what_is_sent_but_never_stored_goes_again(world, catalog, district):
    session = born(world, catalog)
    session.watermark(b'{"bdseq": 3, "streams": {}}', world.context)
    world.put("grid", "power_w", 1.0)
    district.take(session.pump(world.pass_s(1).context, 10**6))
    district.keys.clear()  # lost on the way
    for _ in range(7):
        session.watermark(district.watermark(3), world.pass_s(30).context)
        district.take(session.pump(world.pass_s(1).context, 10**6))

    assert {("grid", 7, 1): 1} == dict(district.keys)
    assert 1 == session.resent_count


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"streams": []}',
        b'{"bdseq": 1, "streams": {"grid": {"boot": -1, "seq": 2}}}',
        b"\xff",
    ],
)
def test_a_malformed_watermark_moves_no_mark(world, catalog, payload):
    session = born(world, catalog)
    world.put("grid", "power_w", 1.0)
    assert ["district.watermark_malformed"] == codes(session.watermark(payload, world.context))
    assert {} == session.marks


def test_a_watermark_beyond_what_was_numbered_moves_no_mark(world, catalog):
    session = born(world, catalog)
    world.put("grid", "power_w", 1.0)
    session.watermark(
        b'{"bdseq": 3, "streams": {"grid": {"boot": 7, "seq": 2}, "x": {"boot": 1, "seq": 1}}}', world.context
    )
    assert {} == session.marks


def test_marks_never_go_back(world, catalog):
    session = born(world, catalog)
    for _ in range(3):
        world.put("grid", "power_w", 1.0)
    session.pump(world.pass_s(1).context, 10**6)
    session.watermark(b'{"bdseq": 3, "streams": {"grid": {"boot": 7, "seq": 3}}}', world.context)
    session.watermark(b'{"bdseq": 3, "streams": {"grid": {"boot": 7, "seq": 1}}}', world.context)
    assert {"grid": StreamPosition(7, 3)} == session.marks


def test_a_mark_of_a_newer_boot_waits_until_the_older_boots_are_sent(world, catalog, district):
    world.put("grid", "power_w", 1.0)
    session = born(world, catalog)
    world.notebook.restart()
    world.put("grid", "power_w", 2.0)
    newer = b'{"bdseq": 3, "streams": {"grid": {"boot": 8, "seq": 1}}}'

    session.watermark(newer, world.context)
    assert {} == session.marks
    district.take(session.pump(world.pass_s(1).context, 10**6))
    assert {("grid", 7, 1): 1, ("grid", 8, 1): 1} == dict(district.keys)
    session.watermark(newer, world.context)
    assert {"grid": StreamPosition(8, 1)} == session.marks


def test_a_mark_of_another_machines_boot_covers_nothing_of_ours(world, catalog, district):
    world.put("grid", "power_w", 1.0)
    world.notebook.restart(by=2)  # boot 8 was a machine that took our name meanwhile
    world.put("grid", "power_w", 2.0)
    session = born(world, catalog)
    others = b'{"bdseq": 3, "streams": {"grid": {"boot": 8, "seq": 50}}}'
    session.watermark(others, world.context)
    session.pump(world.pass_s(1).context, 10**6)  # lost on the way

    for _ in range(9):
        session.watermark(others, world.pass_s(30).context)
        district.take(session.pump(world.pass_s(1).context, 10**6))

    assert {} == session.marks
    assert {("grid", 7, 1), ("grid", 9, 1)} == district.keys.keys()


def test_without_watermark_published_counts_as_delivered_but_never_past_what_waits(world, catalog):
    world.put("grid", "power_w", 1.0)
    session = born(world, catalog, watermark=False, backfill_messages_per_s=1.0)
    world.put("grid", "power_w", 2.0)
    live, late = session.pump(world.pass_s(0.5).context, 10**6), session.pump(world.pass_s(1).context, 10**6)

    assert (StreamPosition(7, 2), StreamPosition(7, 1)) == (live[0].upto, late[0].upto)
    late_session = NodeSession(ME, catalog, SessionRules(watermark=False))
    late_session.process_opening(1, world.context)
    late_session.on_delivered("grid", StreamPosition(7, 2))
    assert {} == late_session.marks  # the older ones still wait
    session.on_delivered("grid", StreamPosition(7, 2))
    assert {"grid": StreamPosition(7, 2)} == session.marks
    session.process_closing()
    session.on_delivered("bat1", StreamPosition(7, 9))
    assert {"grid": StreamPosition(7, 2)} == session.marks  # not on a live session


def test_history_goes_in_a_window_ahead_of_the_watermark_and_live_data_beside_it(world, catalog, district):
    """200 messages wait; the district confirms nothing for ten minutes."""
    for value in range(2_000):
        world.put("grid", "power_w", float(value))
    session = born(world, catalog, backfill_messages_per_s=100.0)
    session.watermark(b'{"bdseq": 3, "streams": {}}', world.context)
    for second in range(600):
        if second % 10 == 0:
            world.put("bat1", "soc_pct", float(second))
        district.take(session.pump(world.pass_s(1).context, 10**6, 500))
    late = [m for _, m in district.messages if m.metrics and m.metrics[0].historical]
    live = [m for _, m in district.messages if m.metrics and not m.metrics[0].historical]

    assert 2 <= len(late) <= 20
    assert 60 == len(live)


def test_a_watermark_opens_the_window_and_all_history_arrives_once(world, catalog, district):
    for value in range(2_000):
        world.put("grid", "power_w", float(value))
    session = born(world, catalog)
    for _ in range(40):
        session.watermark(district.watermark(3), world.pass_s(20).context)
        for _ in range(10):
            district.take(session.pump(world.pass_s(1).context, 10**6, 2_000))

    assert not session.is_catching_up
    assert {1} == set(district.keys.values())
    assert 2_000 == len(district.keys)


def test_what_a_dead_host_missed_of_all_streams_goes_again_and_little_else(world, catalog, district):
    """The session stands meanwhile, and what follows is stored behind the holes."""
    for value in range(300):
        world.put("grid", "power_w", float(value))
        world.put("bat1", "soc_pct", float(value))
        world.put("ev1", "charge_state", value)
    session = born(world, catalog)
    for second in range(300):
        if second % 10 == 0:
            world.put("grid", "power_w", float(second))
        effects = session.pump(world.pass_s(1).context, 10**6, 1_000)
        if not 30 <= second < 45:
            district.take(effects)
            if second % 5 == 0:
                session.watermark(told(district), world.context)

    assert {(s.stream, s.boot, s.seq) for s in world.notebook.kept} == set(district.keys)
    assert sum(count - 1 for count in district.keys.values()) <= 0.1 * len(district.keys)


def told(district):
    """A watermark that covers no sample beyond a hole, and how late live data is."""
    streams = {}
    for stream in {stream for stream, _, _ in district.keys}:
        seq = 0
        while (stream, 7, seq + 1) in district.keys:
            seq += 1
        if seq:
            streams[stream] = {"boot": 7, "seq": seq}
    return json.dumps({"bdseq": 3, "streams": streams, "late_s": 0.0}).encode()


def test_a_rebirth_that_the_host_asks_for_repeats_no_sample(world, catalog, district):
    session = born(world, catalog)
    session.watermark(b'{"bdseq": 3, "streams": {}}', world.context)
    for value in range(5):
        world.put("grid", "power_w", float(value))
        district.take(session.pump(world.pass_s(2).context, 10**6))
        district.take(
            session.process_message(ME.topic("NCMD"), command(REBIRTH_METRIC, True), world.pass_s(10).context)
        )
        district.take(session.pump(world.pass_s(1).context, 10**6))

    assert session.births_count > 3
    assert {1} == set(district.keys.values())


def test_what_the_last_connection_brought_counts_until_the_births_of_the_next(world, catalog, district):
    session = NodeSession(ME, catalog, SessionRules(primary_host="opt"))
    session.process_opening(3, world.context)
    session.process_message("spBv1.0/STATE/opt", state(True, 1), world.context)
    world.put("grid", "power_w", 1.0)
    district.take(session.pump(world.pass_s(1).context, 10**6))
    session.process_closing()
    session.process_opening(4, world.pass_s(1).context)
    session.watermark(
        district.watermark(3), world.context
    )  # the host that comes back says it before its STATE
    session.process_message("spBv1.0/STATE/opt", state(True, 2), world.context)
    for _ in range(20):
        district.take(session.pump(world.pass_s(1).context, 10**6))

    assert {"grid": StreamPosition(7, 1)} == session.marks
    assert {("grid", 7, 1): 1} == dict(district.keys)


def left_with_history(world, catalog, district):
    """A session that is gone while the district has not confirmed what it sent late."""
    for value in range(5):
        world.put("grid", "power_w", float(value))
    session = born(world, catalog)
    session.watermark(b'{"bdseq": 3, "streams": {}}', world.context)
    district.take(session.pump(world.pass_s(1).context, 10**6))
    session.process_closing()
    assert {1} == set(district.keys.values())
    return session


def test_births_wait_for_a_watermark_that_confirms_the_last_connections_history(world, catalog, district):
    session = left_with_history(world, catalog, district)
    assert [] == session.process_opening(4, world.pass_s(1).context)
    assert [] == session.pump(world.pass_s(1).context, 10**6)
    session.watermark(district.watermark(3), world.context)
    for _ in range(20):
        district.take(session.pump(world.pass_s(1).context, 10**6))

    assert (2, StreamPosition(7, 5)) == (session.births_count, session.marks["grid"])
    assert {1} == set(district.keys.values()), "nothing goes twice"


def test_births_wait_no_longer_than_twice_the_wait_for_a_watermark_however_often_the_link_breaks(
    world, catalog, district
):
    session = left_with_history(world, catalog, district)
    for _ in range(3):
        session.process_opening(4, world.pass_s(1).context)
        assert [] == session.pump(world.pass_s(5).context, 10**6)
        session.process_closing()
    session.process_opening(4, world.context)
    assert session.pump(world.pass_s(5).context, 10**6)
    assert 2 == session.births_count
    for _ in range(20):
        district.take(session.pump(world.pass_s(1).context, 10**6))
    assert {2} == {district.keys["grid", 7, seq] for seq in range(1, 6)}, "what nobody confirmed goes again"


def test_births_wait_for_no_third_watermark_where_two_confirm_nothing_more(world, catalog, district):
    session = left_with_history(world, catalog, district)
    session.process_opening(4, world.pass_s(1).context)
    for births in (1, 2):
        session.watermark(b'{"bdseq": 3, "streams": {}}', world.context)
        session.pump(world.pass_s(1).context, 10**6)
        assert births == session.births_count


STEP = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(["grid", "bat1", "ev1", "node", "heat1"]), st.integers(1, 40)),
    st.tuples(st.just("pump"), st.sampled_from([0, 200, 10**6]), st.integers(0, 30)),
    st.tuples(st.just("lose"), st.booleans(), st.just(0)),
    st.tuples(st.just("mark"), st.just(0), st.integers(0, 3)),
    st.tuples(st.just("rebirth"), st.just(0), st.just(0)),
    st.tuples(st.just("silent"), st.sampled_from(["grid", "ev1"]), st.booleans()),
    st.tuples(st.just("restart"), st.just(0), st.just(0)),
    st.tuples(st.just("rate"), st.just(0), st.sampled_from([0, 500, 2_000])),
    st.tuples(st.just("clock"), st.just(0), st.booleans()),
    st.tuples(st.just("host"), st.sampled_from([0, 1]), st.just(0)),
)
METRICS = {
    "grid": "power_w",
    "bat1": "soc_pct",
    "ev1": "charge_state",
    "node": "rs485.requests_count",
    "heat1": "power_w",
}


@examples(100)
@given(
    steps=st.lists(STEP, max_size=40),
    watermark=st.booleans(),
    host=st.booleans(),
    portion=st.sampled_from([1, BIRTH_METRICS_MAX]),
)
def test_births_first_numbers_without_holes_and_every_sample_once_all_is_well(
    parts, steps, watermark, host, portion
):
    """Whatever happens in whatever order, each connection obeys Sparkplug, and a quiet end delivers all."""
    with patch("quartier.district.sparkplug.node_messages.BIRTH_METRICS_MAX", portion):
        run = Run(parts, watermark=watermark, host=host)
        for step in steps:
            run.step(*step)
        run.settle()
    run.check()


class Run:
    """One life of a session with a district that may lose what it is sent."""

    def __init__(self, parts, *, watermark, host):
        world, district, catalog = parts
        self.world, self.district = world(), district()
        self.rules = SessionRules(watermark=watermark, primary_host="opt" if host else None)
        self.session = NodeSession(ME, catalog(), self.rules)
        self.bdseq = 255
        self.sent = []
        self.put_count = 0
        self.connect()

    def connect(self):
        self.bdseq = (self.bdseq + 1) % 256
        self.sent.append((self.bdseq, []))
        self.say(self.session.process_opening(self.bdseq, self.world.context))
        if self.rules.primary_host:
            self.say(self.session.process_message("spBv1.0/STATE/opt", state(True, 1), self.world.context))
        self.mark()

    def say(self, effects, *, lost=False):
        published = [effect for effect in effects if isinstance(effect, Publication)]
        self.sent[-1][1].extend((effect.topic, decode_payload(effect.payload)) for effect in published)
        if not lost:
            self.district.take(published)
            for effect in published:
                if effect.upto is not None:
                    self.session.on_delivered(effect.stream, effect.upto)

    def mark(self):
        if self.rules.watermark:
            streams = {}
            for stream, boot in {(stream, boot) for stream, boot, _ in self.district.keys}:
                seq = 0
                while (stream, boot, seq + 1) in self.district.keys:
                    seq += 1
                if seq and boot == min(b for s, b, _ in self.district.keys if s == stream):
                    streams[stream] = {"boot": boot, "seq": seq}
            payload = json.dumps({"bdseq": self.bdseq, "streams": streams}).encode()
            self.say(self.session.watermark(payload, self.world.context))

    def step(self, what, which, amount):
        if what == "put":
            for number in range(amount):
                self.world.pass_s(0.1).put(which, METRICS[which], number)
            self.put_count += amount
        elif what == "pump":
            self.say(self.session.pump(self.world.pass_s(amount).context, which))
        elif what == "lose":
            if which and self.rules.watermark:  # sent into a half-open link
                self.say(self.session.pump(self.world.pass_s(1).context, 10**6), lost=True)
            self.session.process_closing()
            self.connect()
        elif what == "mark":
            self.mark()
        elif what in {"rebirth", "rate"}:
            asked = (
                command(REBIRTH_METRIC, True)
                if what == "rebirth"
                else command(SCAN_RATE_METRIC, amount, Datatype.INT64)
            )
            self.say(self.session.process_message(ME.topic("NCMD"), asked, self.world.context))
        elif what == "host":
            gone = self.session.process_message("spBv1.0/STATE/opt", state(False, which), self.world.context)
            self.say(gone)
            if any(isinstance(effect, Disconnect) for effect in gone):
                self.session.process_closing()
                self.connect()
        else:
            self.change(what, which, amount)

    def change(self, what, which, amount):
        """Something of the world."""
        if what == "clock":
            self.world.synced = amount
        elif what == "silent":
            (self.world.silent.add if amount else self.world.silent.discard)(which)
        elif what == "restart":
            self.world.notebook.restart()

    def settle(self):
        self.world.silent.clear()
        self.session.process_closing()
        self.connect()
        for _ in range(30):
            self.say(self.session.pump(self.world.pass_s(11).context, 10**7))
            self.mark()

    def check(self):
        for bdseq, messages in self.sent:
            expected, rate_ms = 0, None
            alive, born = set(), set()
            for place, (topic, message) in enumerate(messages):
                kind, device = topic.split("/")[2], topic.split("/")[4] if topic.count("/") == 4 else None
                if kind == "NBIRTH":
                    assert (0, bdseq) == (message.seq, bdseq_of(message))
                    expected, alive, born = 0, set(), set()
                assert place or kind == "NBIRTH"
                if kind == "NDEATH":
                    assert (None, place) == (message.seq, len(messages) - 1)
                    continue
                assert expected == message.seq
                expected = (expected + 1) % 256
                rate_ms = next((m.value for m in message.metrics if m.name == SCAN_RATE_METRIC), rate_ms)
                if kind == "DBIRTH":
                    alive.add(device)
                    born.add(device)
                elif kind != "NBIRTH":
                    assert born >= {"grid", "bat1", "ev1"}, "nothing comes between births"
                if kind == "DBIRTH":
                    continue
                if kind == "DDEATH":
                    alive.remove(device)
                elif kind == "DDATA":
                    assert device in alive
                assert 1 == len({metric.historical for metric in message.metrics}) or not message.metrics
        assert self.session.scan_ms == rate_ms
        known = {(s.stream, s.boot, s.seq) for s in self.world.notebook.kept}
        assert known == set(self.district.keys)
