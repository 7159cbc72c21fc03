"""The companion's talk: inbox and acknowledgements stay bounded, events keep their key."""

import asyncio
import json

import pytest

from quartier.control.orders.commands import CommandDocument, Ping
from quartier.control.requests import Ack, AckReason, Envelope, Heartbeat
from quartier.district.connection import control_channel, saved_facts
from quartier.district.connection.control_channel import (
    ACKS_MAX,
    INBOX_MAX,
    JOBS_MAX,
    ControlChannel,
    encode_event,
    encode_report,
)
from quartier.district.connection.mqtt_types import PROTOCOL_ERROR, ConnectionEnded
from quartier.district.connection.reconnect import LinkServices, NoteReporter
from quartier.district.documents.document_types import AcceptedDocument, Job, RefusedDocument, encode_ack
from quartier.district.documents.verification import DocumentVerifier
from quartier.district.records import Identity
from quartier.site.samples import Sample, StreamPosition

ME = Identity("issy", "b012")
NOW_MS = 1_764_000_000_000


@pytest.fixture
def companion(world):
    class Clock:
        def now(self):
            return world.now

    async def keep(_name, _facts):
        return True

    told = []
    delivered = []
    clock = Clock()
    found = ControlChannel(
        ME,
        DocumentVerifier(ME, {}),
        world.notebook,
        LinkServices(clock, NoteReporter(clock, told.append), keep),
        lambda *mark: delivered.append(mark),
    )
    found.told, found.on_delivered = told, delivered
    return found


def test_an_ack_on_the_wire():
    ack = Ack("e1", 5, "envelope", "OK", "ACCEPTED")
    assert {
        "id": "e1",
        "seq": 5,
        "type": "envelope",
        "reception": "OK",
        "status": "ACCEPTED",
        "reason": "",
        "ts": NOW_MS,
    } == json.loads(encode_ack(ack, NOW_MS))


async def test_what_is_refused_is_answered_counted_and_said_once(companion):
    for _ in range(ACKS_MAX + 50):
        await companion.hear(f"{ME.companion}/envelope/dso", b'{"id": "e", "seq": 3}', None)
    assert (ACKS_MAX, ACKS_MAX + 50, 0) == (
        len(companion.acks),
        companion.counts["refused_documents"],
        len(companion.inbox),
    )
    assert ("e", 3, "BAD_SIG") == (companion.acks[0].id, companion.acks[0].seq, companion.acks[0].reason)
    assert ["district.document_refused"] == [note.code for note in companion.told]
    assert companion.inbox.maxlen == INBOX_MAX


async def test_control_hears_of_a_heartbeat_that_our_clock_denies_and_it_counts_as_none(
    companion, monkeypatch
):
    denied = RefusedDocument(
        "t", AckReason.NOT_YET, "its time has not come", heartbeat=Heartbeat(7, NOW_MS + 3_600_000)
    )
    monkeypatch.setattr(companion.documents, "check", lambda *_: denied)
    await companion.hear("t", b"", None)

    assert [AcceptedDocument("heartbeat", "t", denied.heartbeat)] == [*companion.inbox]
    assert (0, 1, None) == (
        companion.counts["heartbeats"],
        companion.counts["refused_documents"],
        companion.heartbeat_ns,
    )


async def test_more_documents_than_control_has_taken_wait_outside_and_none_is_lost(companion, monkeypatch):
    monkeypatch.setattr(control_channel, "REAL_PAUSE_MIN_S", 0.0)
    documents = iter(
        AcceptedDocument("command", "t", CommandDocument(id="c", seq=seq, exp_utc_ms=9, asked=Ping()))
        for seq in range(INBOX_MAX + 1)
    )
    monkeypatch.setattr(companion.documents, "check", lambda *_: next(documents))
    for _ in range(INBOX_MAX):
        await companion.hear("t", b"", None)
    one_more = asyncio.ensure_future(companion.hear("t", b"", None))
    await asyncio.sleep(0)
    assert (False, INBOX_MAX) == (one_more.done(), len(companion.inbox))

    taken = [companion.inbox.popleft()]
    await one_more
    taken += companion.inbox
    assert [*range(INBOX_MAX + 1)] == [accepted.document.seq for accepted in taken]


async def test_a_job_for_which_there_is_no_room_is_told_to_be_revoked(companion, monkeypatch):
    orders = iter(
        AcceptedDocument("job", "t", Job(id="j", seq=seq, op="keys", text="", nbf_utc_ms=0, exp_utc_ms=9))
        for seq in range(JOBS_MAX + 1)
    )
    monkeypatch.setattr(companion.documents, "check", lambda *_: next(orders))
    for _ in range(JOBS_MAX + 1):
        await companion.hear("t", b"", None)

    assert [*range(1, JOBS_MAX + 1)] == [accepted.document.seq for accepted in companion.jobs]
    assert [(0, "OK", "REVOKED")] == [
        (ack.seq, ack.reception, ack.status) for ack in companion.acks if ack.status != "NEW"
    ]


async def test_a_topic_that_was_never_subscribed_ends_the_session_and_changes_nothing(companion):
    with pytest.raises(ConnectionEnded, match="never subscribed") as ended:
        await companion.hear("quartier/v1/issy/b013/envelope/dso", b"{}", None)
    assert PROTOCOL_ERROR == ended.value.code
    assert (0, []) == (len(companion.acks), companion.told)


def test_a_refused_publish_is_an_alarm_and_a_taken_event_is_delivered(companion):
    companion.on_acknowledged(Ack("e", 1, "envelope", "OK", "NEW"), 0x87)
    companion.on_acknowledged(StreamPosition(7, 3), 0)
    companion.on_acknowledged(Ack("e", 1, "envelope", "OK", "NEW"), 0)
    assert [("district.publish_refused", True)] == [(note.code, note.alarm) for note in companion.told]
    assert [("event", StreamPosition(7, 3))] == companion.on_delivered


@pytest.mark.parametrize(
    ("value", "text", "data"),
    [
        ('{"text":"two missing","data":{"count":2}}', "two missing", {"count": 2}),
        ("plain words", "plain words", {}),
        ("[1]", "[1]", {}),
    ],
)
def test_an_event_on_the_wire(value, text, data):
    sample = Sample("event", 7, 3, "store.gap", NOW_MS, value)
    expected = {"boot": 7, "seq": 3, "ts": NOW_MS, "code": "store.gap", "text": text, "data": data}
    assert expected == json.loads(encode_event(sample))


def test_an_event_too_large_for_one_message_or_no_text_at_all_shuts_out_none_that_follow():
    value = json.dumps({"text": "t" * 2_000, "data": {"faults": ["f" * 300_000]}})
    told = json.loads(encode_event(Sample("event", 7, 3, "job.ended", NOW_MS, value)))
    assert ("t" * 1_000, {}, 3) == (told["text"], told["data"], told["seq"])

    half = json.loads(encode_event(Sample("event", 7, 4, "x", NOW_MS, json.dumps({"text": "\ud800é"}))))
    assert "\ud800é" == half["text"]


class Wire:
    """A connection that takes everything."""

    def __init__(self):
        self.said = []

    def publish(self, message):
        self.said.append(message)


def test_a_report_of_flexibility_is_said_at_once_retained_for_an_hour_and_each_quarter_of_it(
    companion, world
):
    wire = Wire()
    companion._flexibility = lambda: {"ts": world.utc_ms, "devices": []}
    for seconds in (0, 899, 1, 899, 1):
        world.pass_s(seconds)
        companion._send_report(wire)

    assert [(f"{ME.companion}/flexibility", 1, 3_600, True)] * 3 == [
        (one.topic, one.qos, one.expiry_s, one.retain) for one in wire.said
    ]
    companion.begin({})
    companion._send_report(wire)
    assert 4 == len(wire.said), "a new connection gets one at once"


def test_a_house_that_has_no_report_says_none(companion):
    wire = Wire()
    companion._send_report(wire)

    assert [] == wire.said


def test_a_report_too_large_for_one_message_leaves_out_forecasts_of_assets():
    devices = [{"device": f"ev{n}", "forecast_w": [12_345.6] * 96} for n in range(400)]
    report = json.loads(encode_report({"forecast": {"grid_w": [1.0]}, "devices": devices}))

    assert {"forecast_w": None, "device": "ev399"} == report["devices"][-1]
    assert [1.0] == report["forecast"]["grid_w"]
    small = {"forecast": None, "devices": devices[:5]}
    assert small == json.loads(encode_report(small))


# Over a real broker


@pytest.mark.peer
async def test_heartbeats_and_envelopes_reach_the_inbox_and_are_acknowledged(
    make_host, link, mosquitto, make_uplink, tmp_path
):
    broker = await mosquitto()
    async with make_host(broker.port) as host:
        uplink = make_uplink(broker.port, issuers_file=host.issuers(tmp_path / "keys.json"))
        async with link.running(uplink):
            await host.until(lambda: uplink.stats["control_on"])
            beat = json.dumps({"iss": "d", "n": link.now_ms(), "ts": link.now_ms()}).encode()
            topic = "quartier/v1/issy/heartbeat"
            host.say(topic, beat, host.sign(topic, beat), qos=0)
            await host.until(lambda: uplink.inbox)
            assert isinstance(uplink.inbox.popleft().document, Heartbeat)

            topic, body = link.envelope()
            host.say(topic, body, host.sign(topic, body))
            await host.until(lambda: host.companion("ack"))
            accepted = uplink.inbox.popleft()
            assert (True, Envelope) == (accepted.persisted, type(accepted.document))
            uplink.ack(Ack("e1", 5, "envelope", "OK", "ACCEPTED"))
            await host.until(lambda: len(host.companion("ack")) == 2)
            assert [("OK", "NEW"), ("OK", "ACCEPTED")] == [
                (ack["reception"], ack["status"]) for ack in host.companion("ack")
            ]

            host.say(topic, body, host.sign("elsewhere", body))
            await host.until(lambda: len(host.companion("ack")) == 3)
            assert ("REJECTED", "BAD_SIG", "e1") == tuple(
                host.companion("ack")[2][key] for key in ("status", "reason", "id")
            )
            assert not uplink.inbox


@pytest.mark.peer
async def test_a_number_that_cannot_be_kept_is_said_so(
    make_host, link, mosquitto, make_uplink, tmp_path, notes
):
    broker = await mosquitto()
    async with make_host(broker.port) as host:
        uplink = make_uplink(broker.port, issuers_file=host.issuers(tmp_path / "keys.json"))
        async with link.running(uplink):
            await host.until(lambda: uplink.stats["control_on"] and uplink.stats["data_on"])
            for copy in "ab":
                (tmp_path / "state" / f"documents.{copy}.new").mkdir()
            topic, body = link.envelope()
            host.say(topic, body, host.sign(topic, body))
            await host.until(lambda: host.companion("ack"))
        assert not uplink.inbox[0].persisted
        assert "TEMPORARY_ERROR" == host.companion("ack")[0]["reception"]
    assert "district.not_kept" in {note.code for note in notes}


@pytest.mark.peer
async def test_a_replayed_document_has_no_effect_after_a_restart_but_the_same_one_is_repeated(
    make_host, link, mosquitto, make_uplink, tmp_path
):
    broker = await mosquitto()
    async with make_host(broker.port) as host:
        keys = host.issuers(tmp_path / "keys.json")
        topic, new = link.envelope(seq=6)
        _, old = link.envelope(seq=5)
        async with link.running(make_uplink(broker.port, issuers_file=keys)) as uplink:
            await host.until(lambda: uplink.stats["control_on"])
            host.say(topic, new, host.sign(topic, new))
            await host.until(lambda: uplink.inbox)
        async with link.running(make_uplink(broker.port, issuers_file=keys)) as uplink:
            await host.until(lambda: uplink.stats["control_on"])
            host.say(topic, old, host.sign(topic, old))
            host.say(topic, new, host.sign(topic, new))
            await host.until(lambda: uplink.inbox)
            assert [(6, True)] == [(item.document.seq, item.repeated) for item in uplink.inbox]
            await host.until(lambda: len(host.companion("ack")) == 3)
            assert ["", "REPLAY", ""] == [ack["reason"] for ack in host.companion("ack")]


@pytest.mark.peer
async def test_a_key_list_that_changes_counts_at_once_and_a_faulty_one_changes_nothing(
    make_host, link, mosquitto, make_uplink, tmp_path, notes
):
    broker = await mosquitto()
    async with make_host(broker.port) as host:
        keys = tmp_path / "keys.json"
        keys.write_text("[]")
        async with link.running(make_uplink(broker.port, issuers_file=keys)) as uplink:
            await host.until(lambda: uplink.stats["control_on"])
            host.issuers(keys)
            await uplink.reread()
            keys.write_text("[{]")
            await uplink.reread()
            topic, body = link.envelope()
            host.say(topic, body, host.sign(topic, body))
            await host.until(lambda: uplink.inbox)
    assert ["district.issuers_faulty"] == [note.code for note in notes if note.alarm]


@pytest.mark.peer
async def test_events_go_at_least_once_until_the_watermark_covers_them(
    make_host, link, mosquitto, make_uplink, world
):
    broker = await mosquitto()
    world.notebook.put("event", "store.gap", '{"text":"two missing","data":{"count":2}}', link.now_ms())
    async with make_host(broker.port) as host, link.running(make_uplink(broker.port, rate=60.0)):
        await host.until(lambda: host.companion("event"))
        told = host.companion("event")[0]
        assert (7, 1, "store.gap", "two missing", {"count": 2}) == tuple(
            told[key] for key in ("boot", "seq", "code", "text", "data")
        )
        host.keys.add(("event", 7, 1))
        await host.until(lambda: "NBIRTH" in host.kinds())
        host.watermark()
        await host.until(lambda: not world.notebook.kept)


async def test_a_repetition_tries_again_to_keep_what_a_disk_refused(companion, monkeypatch):
    disk, asked, repeated = {"is_well": False}, [], {"is": False}

    async def keep(name, _facts):
        asked.append(name)
        return disk["is_well"]

    document = CommandDocument(id="c", seq=1, exp_utc_ms=9, asked=Ping())
    monkeypatch.setattr(companion, "_keep", keep)
    monkeypatch.setattr(
        companion.documents, "check", lambda *_: AcceptedDocument("command", "t", document, repeated["is"])
    )
    await companion.hear("t", b"", None)
    repeated["is"] = True
    await companion.hear("t", b"", None)
    disk["is_well"] = True
    for _ in range(2):
        await companion.hear("t", b"", None)

    assert 3 == len(asked), "what is kept need not be kept again"
    assert [False, False, True, True] == [accepted.persisted for accepted in companion.inbox]


def test_rule_reception_is_answered_within_2_s_also_where_the_disk_hangs():
    assert saved_facts.SAVE_TIMEOUT_S < 2.0


@pytest.mark.peer
async def test_rule_replay_says_events_again_from_the_one_that_is_named(
    make_host, link, mosquitto, make_uplink, world
):
    broker = await mosquitto()
    for number in range(25):
        world.notebook.put("event", "x.happened", f'{{"text":"{number}"}}', link.now_ms())
    async with make_host(broker.port) as host, link.running(make_uplink(broker.port)) as found:
        await host.until(lambda: len(host.companion("event")) == 25)
        found.replay(StreamPosition(7, 9))
        await host.until(lambda: len(host.companion("event")) == 41)

    assert [*range(1, 26), *range(10, 26)] == [told["seq"] for told in host.companion("event")]


@pytest.mark.peer
async def test_rule_events_are_kept_and_come_again_without_a_gap_until_the_watermark_covers_them(
    make_host, link, mosquitto, make_uplink, world
):
    broker = await mosquitto()
    for number in range(5):
        world.notebook.put("event", "x.happened", f'{{"text":"{number}"}}', link.now_ms())
    async with make_host(broker.port) as host:
        for life in (1, 2):
            async with link.running(make_uplink(broker.port)):
                await host.until(lambda life=life: len(host.companion("event")) == 5 * life)
        assert [1, 2, 3, 4, 5] * 2 == [told["seq"] for told in host.companion("event")]
        async with link.running(make_uplink(broker.port, rate=60.0)) as found:
            await host.until(lambda: "NBIRTH" in host.kinds() and len(host.companion("event")) == 15)
            host.keys |= {("event", 7, number) for number in range(1, 4)}
            host.watermark()
            await host.until(lambda: found.session.marks.get("event") == StreamPosition(7, 3))
            await link.until(lambda: len(world.notebook.kept) == 2)
        async with link.running(make_uplink(broker.port)):
            await host.until(lambda: len(host.companion("event")) == 17)

    assert [4, 5] == [told["seq"] for told in host.companion("event")][-2:]


@pytest.mark.peer
async def test_a_replay_from_beyond_what_was_said_skips_no_event(
    make_host, link, mosquitto, make_uplink, world
):
    broker = await mosquitto()
    world.notebook.put("event", "x.happened", '{"text":"1"}', link.now_ms())
    async with make_host(broker.port) as host, link.running(make_uplink(broker.port)) as found:
        await host.until(lambda: len(host.companion("event")) == 1)
        found.replay(StreamPosition(7, 99))
        world.notebook.put("event", "x.happened", '{"text":"2"}', link.now_ms())
        await host.until(lambda: [1, 2] == [told["seq"] for told in host.companion("event")])
