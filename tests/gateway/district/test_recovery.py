"""The link recovers by itself from whatever anybody writes or does at the broker, and delivers afterwards."""

import asyncio
import json
import os
import signal
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import (
    BrokerCredentials,
    BrokerServer,
    BrokerUnreachable,
    ConnectionEnded,
    ConnectionProfile,
)
from quartier.district.records import Identity
from quartier.district.sparkplug.host_commands import REBIRTH_METRIC
from quartier.district.sparkplug.payload_codec import Datatype, Metric, encode_payload
from quartier.site.samples import StreamPosition

ME = Identity("issy", "b012")
RATE = 600.0
FUTURE = 2**62
pytestmark = pytest.mark.peer
GARBAGE = {
    "bytes": b"\xff\x00\xfe" * 100,
    "nothing": b"{}",
    "deep": b"[" * 100_000,
    "large": b'{"a": "' + b"x" * 250_000 + b'"}',
    "number": b'{"seq": ' + b"9" * 10_000 + b"}",
    "future": json.dumps({"bdseq": 5, "streams": {"grid": {"boot": FUTURE, "seq": 1}}}).encode(),
    "halves": b'{"id": "\\ud800", "seq": 1, "streams": {"\\ud800": {"boot": 1, "seq": 1}}}',
}


@pytest.fixture
def put(world):
    def number(value, stream="grid", metric="power_w"):
        world.notebook.put(stream, metric, value, time.time_ns() // 1_000_000)
        return stream, 7, world.notebook.heads()[stream].seq

    return number


async def taken_over(host, *client_ids):
    """Somebody else calls by these names, and stays."""
    others = []
    for client_id in client_ids:
        others.append(
            MqttConnection(
                host.server,
                BrokerCredentials(),
                ConnectionProfile(client_id=client_id, clean_start=True, session_expiry_s=0),
            )
        )
        await others[-1].open()
    return others


async def delivers(host, uplink, put):
    """A new sample arrives, and the next watermark of the district moves the mark over it."""
    key = put(7.0)
    uplink.wake()

    def is_stored():
        host.watermark()
        mark = uplink.session.marks.get("grid")
        return key in host.keys and mark is not None and mark.seq >= key[2]

    await host.until(lambda: "NBIRTH" in host.kinds())
    async with asyncio.timeout(60):
        while not is_stored():  # noqa: ASYNC110 - another program's state has no event here
            await asyncio.sleep(0.05)


def codes(notes):
    return {note.code for note in notes}


@pytest.fixture
def signing(make_host, mosquitto, make_uplink, tmp_path, link):
    """``async with signing(**rules)``: (host, uplink at work), watermarks signed."""

    @asynccontextmanager
    async def opened(*, before=lambda _host: None, lines=(), rate=RATE, signed=True, **rules):
        broker = await mosquitto(*lines)
        async with make_host(broker.port) as host:
            before(host)
            await asyncio.sleep(0)
            issuers = host.issuers(tmp_path / "issuers.json")
            uplink = make_uplink(
                broker.port, issuers_file=issuers, rate=rate, watermark_unsigned=not signed, **rules
            )
            uplink._house = replace(uplink._house, is_foreign_boot=lambda boot: boot > 7)
            async with link.running(uplink):
                yield host, uplink

    return opened


@pytest.mark.parametrize("signed", [True, False])
async def test_a_takeover_and_an_unsigned_watermark_of_the_future_do_not_end_the_link(
    signing, put, notes, signed
):
    async with signing(signed=signed) as (host, uplink):
        await host.until(lambda: "NBIRTH" in host.kinds() and uplink.stats["control_on"])
        first = put(1.0)
        await host.until(lambda: first in host.keys)
        forged = {"bdseq": 0, "streams": {name: {"boot": FUTURE, "seq": 9} for name in ("grid", "event")}}
        topic = f"{ME.companion}/watermark"
        host.say(topic, json.dumps(forged).encode(), retain=True)
        for _ in range(3):
            others = await taken_over(host, "issy.b012", "issy.b012.ctl")
            host.say(topic, json.dumps(forged).encode(), retain=True)
            await host.until(
                lambda: not uplink.stats["data_on"] or uplink.stats["lost_connections_count"] > 1
            )
            for other in others:
                await other.leave(0)
            await host.until(lambda: uplink.stats["data_on"] and uplink.stats["control_on"])
        await delivers(host, uplink, put)
        assert uplink.session.marks["grid"].boot == 7
    wanted = "district.watermark_refused" if signed else "district.watermark_ahead"
    assert {"district.duplicate_id", wanted} <= codes(notes)
    assert "district.superseded" not in codes(notes)


@pytest.mark.parametrize("kind", [*GARBAGE])
async def test_retained_garbage_on_every_topic_that_is_subscribed_keeps_nothing_from_working(
    signing, put, kind, link
):
    def litter(host):
        host.litter = []
        for place in (*READ, *PLACES):
            topic = place.replace("+", "dso" if "envelope" in place else "grid")
            host.litter.append(topic)
            host.say(topic, GARBAGE[kind], "x.y.z", retain=True)

    async with signing(before=litter) as (host, uplink):
        await host.until(lambda: len({m.topic for m in host.seen} & set(host.litter)) == len(host.litter))
        await delivers(host, uplink, put)
        topic, body = link.envelope(seq=link.now_ms())
        host.say(topic, body, host.sign(topic, body), retain=True)
        await host.until(lambda: any(found.kind == "envelope" for found in uplink.inbox))
        assert (0, 1) == (uplink.stats["lost_connections_count"], uplink.stats["births_count"])


PLACES = (ME.topic("NCMD"), ME.topic("DCMD", "+"))
READ = tuple(
    f"quartier/v1/issy/{level}"
    for level in (
        *(f"b012/{own}" for own in ("watermark", "envelope/+", "schedule/+", "failsafe", "job", "command")),
        "heartbeat",
        *(f"signal/{kind}" for kind in ("price", "co2", "level", "alert")),
    )
)


def test_the_litter_falls_on_every_topic_that_is_subscribed(make_uplink):
    uplink = make_uplink(1883)
    own = {
        place for place, _ in (*uplink.session.subscriptions(), *uplink._companion.documents.subscriptions())
    }
    assert own | {uplink._companion.watermark_topic} == {*READ, *PLACES}


async def test_a_retained_command_of_sparkplug_is_not_obeyed_at_each_connect(signing, put, notes):
    def forge(host):
        rebirth = encode_payload([Metric(REBIRTH_METRIC, True, Datatype.BOOLEAN, 1)], timestamp_ms=1)
        host.say(ME.topic("NCMD"), rebirth, retain=True)

    async with signing(before=forge) as (host, uplink):
        await delivers(host, uplink, put)
        host.say(
            ME.topic("NCMD"),
            encode_payload([Metric(REBIRTH_METRIC, True, Datatype.BOOLEAN, 1)], timestamp_ms=1),
        )
        await host.until(lambda: host.kinds().count("NBIRTH") == 2)
        assert (0, 2) == (uplink.stats["lost_connections_count"], uplink.stats["births_count"])
    assert "district.command_refused" in codes(notes)


async def test_a_forged_offline_of_the_primary_host_ahead_of_its_time_ends_the_data_link_for_a_minute_only(
    signing, put, notes
):
    topic, now_ms = "spBv1.0/STATE/opt", time.time_ns() // 1_000_000

    def state(host, *, online, ahead_ms=0):
        body = json.dumps({"online": online, "timestamp": now_ms + ahead_ms}).encode()
        host.say(topic, body, retain=True)

    def arrive(host):
        state(host, online=True)

    async with signing(before=arrive, rate=60.0, primary_host="opt") as (host, uplink):
        await host.until(lambda: "NBIRTH" in host.kinds())
        state(host, online=False, ahead_ms=30_000)
        await host.until(lambda: "NDEATH" in host.kinds())
        state(host, online=True)  # as a host does that hears itself declared offline
        await host.until(lambda: host.kinds().count("NBIRTH") == 2)
        await delivers(host, uplink, put)
    assert "district.state_contested" in codes(notes)


async def test_who_is_not_authorised_tries_again_by_itself_and_is_in_once_the_broker_lets_it(
    mosquitto, make_host, make_uplink, link, put, notes
):
    broker = await mosquitto("allow_anonymous false", "user root")
    uplink = make_uplink(broker.port, rate=RATE)
    async with link.running(uplink):
        await link.until(lambda: uplink.stats["lost_connections_count"] >= 4)
        broker.path.write_text(broker.path.read_text().replace("anonymous false", "anonymous true"))
        os.kill(broker.process.pid, signal.SIGHUP)
        await link.until(lambda: uplink.stats["data_on"] and uplink.stats["control_on"])
        async with make_host(broker.port) as host:
            host.bdseq = lambda: uplink.session.bdseq
            host.kinds = lambda: ["NBIRTH"]
            await delivers(host, uplink, put)
    assert "district.not_authorised" in codes(notes)


ACL = """topic read #
topic readwrite spBv1.0/#
topic write quartier/v1/issy/b012/watermark
{more}
"""


async def test_an_event_that_the_broker_refuses_is_said_again_once_it_may_be_and_none_counts_before(
    mosquitto, make_host, make_uplink, link, world, notes, tmp_path
):
    access = tmp_path / "acl"
    access.write_text(ACL.format(more=""))
    access.chmod(0o600)
    broker = await mosquitto("allow_anonymous true", "user root", f"acl_file {access}")
    for number in range(3):
        world.notebook.put("event", "x.happened", f'{{"text":"{number}"}}', link.now_ms())
    async with make_host(broker.port) as host:
        uplink = make_uplink(broker.port, rate=60.0, watermark=False)
        async with link.running(uplink):
            await host.until(lambda: "district.publish_refused" in codes(notes))
            assert (None, []) == (uplink.session.marks.get("event"), host.companion("event"))
            access.write_text(ACL.format(more="topic write quartier/v1/issy/b012/event"))
            os.kill(broker.process.pid, signal.SIGHUP)
            await host.until(lambda: [1, 2, 3] == [told["seq"] for told in host.companion("event")][-3:])
            await host.until(lambda: uplink.session.marks.get("event") == StreamPosition(7, 3))


async def test_who_connects_under_our_name_for_ever_keeps_us_off_only_while_it_does(signing, put, notes):
    async with signing() as (host, uplink):
        await host.until(lambda: "NBIRTH" in host.kinds())

        async def seize():
            while True:
                other = MqttConnection(
                    BrokerServer("127.0.0.1", host.server.port, tls=False),
                    BrokerCredentials(),
                    ConnectionProfile(client_id="issy.b012", clean_start=True, session_expiry_s=0),
                )
                try:
                    await other.open()
                    while other.end_reason is None:  # noqa: ASYNC110 - a connection's end has no event of ours
                        await asyncio.sleep(0.01)
                except (ConnectionEnded, BrokerUnreachable):
                    await asyncio.sleep(0.01)
                finally:
                    other.drop("again")

        thief = asyncio.create_task(seize())
        await host.until(lambda: uplink._data.lost_count >= 4)
        thief.cancel()
        await asyncio.wait([thief])
        await host.until(lambda: uplink.stats["data_on"])
        await delivers(host, uplink, put)
    assert "district.duplicate_id" in codes(notes)


@pytest.mark.parametrize("qos", [1, 2])
async def test_a_session_that_somebody_else_filled_with_subscriptions_is_thrown_away(
    mosquitto, make_host, make_uplink, link, put, qos, tmp_path
):
    broker = await mosquitto()
    async with make_host(broker.port) as host:
        thief = MqttConnection(
            host.server,
            BrokerCredentials(),
            ConnectionProfile(client_id="issy.b012.ctl", clean_start=True, session_expiry_s=300),
        )
        await thief.open()
        await thief.subscribe([("#", qos)])
        await thief.leave(0)
        host.say("anything/else", b"x", qos=qos)
        uplink = make_uplink(broker.port, issuers_file=host.issuers(tmp_path / "issuers.json"), rate=RATE)
        async with link.running(uplink):
            await host.until(lambda: uplink._control.lost_count >= 1)
            await host.until(lambda: uplink.stats["control_on"])
            lost_count = uplink._control.lost_count
            host.say("anything/else", b"x", qos=qos)
            await delivers(host, uplink, put)
            assert lost_count == uplink._control.lost_count
