"""The uplink against a real broker: births, delivery, documents, loss of the broker, leaving."""

import asyncio
import functools
import time
from dataclasses import replace

import pytest
from tests.gateway.district.conftest import bdseq_of

from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import (
    BrokerCredentials,
    BrokerServer,
    BrokerUnreachable,
    ConnectionEnded,
    ConnectionProfile,
    IncomingMessage,
)
from quartier.district.records import Identity, SessionRules
from quartier.district.sparkplug.payload_codec import decode_payload
from quartier.district.uplink import SiteView, Uplink, UplinkSettings
from quartier.runtime import state_file
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier.site.samples import StreamPosition

ME = Identity("issy", "b012")
pytestmark = pytest.mark.peer


def put(world, value, stream="grid", metric="power_w"):
    world.notebook.put(stream, metric, value, time.time_ns() // 1_000_000)


async def test_births_then_live_then_a_planned_leave(make_host, link, mosquitto, make_uplink, world):
    broker = await mosquitto()
    async with make_host(broker.port) as host:
        async with link.running(make_uplink(broker.port, watermark=False)) as uplink:
            await host.until(lambda: host.kinds().count("DBIRTH") == 3)
            put(world, 42.0)
            await host.until(lambda: ("grid", 7, 1) in host.keys)
            assert (True, True, "born") == tuple(
                uplink.stats[key] for key in ("data_on", "control_on", "phase")
            )
        await host.until(lambda: host.kinds().count("NDEATH") == 2)  # ours, and the Will by reason 0x04
        assert ["NBIRTH", "DBIRTH", "DBIRTH", "DBIRTH", "DDATA", "NDEATH", "NDEATH"] == host.kinds()
        deaths = [decode_payload(m.payload).metrics[0].value for m in host.seen if "NDEATH" in m.topic]
        assert [0, 0] == deaths


async def test_a_sample_leaves_when_it_is_recorded_and_waits_for_no_look_around(
    make_host, link, mosquitto, make_uplink, world, monkeypatch
):
    monkeypatch.setattr("quartier.district.sparkplug.node_session._CHECK_PERIOD_S", 3_600.0)
    broker = await mosquitto()
    async with make_host(broker.port) as host, link.running(make_uplink(broker.port)) as uplink:
        await host.until(lambda: host.kinds().count("DBIRTH") == 3)
        for number in range(1, 4):
            put(world, float(number))
            uplink.wake()
            await host.until(lambda number=number: ("grid", 7, number) in host.keys)


async def test_who_looked_around_and_had_nothing_to_say_keeps_no_sample_waiting(
    make_host, link, mosquitto, make_uplink, world, monkeypatch
):
    broker = await mosquitto()
    async with make_host(broker.port) as host, link.running(make_uplink(broker.port)) as uplink:
        await host.until(lambda: host.kinds().count("DBIRTH") == 3)
        monkeypatch.setattr("quartier.district.uplink._PAUSE_RANGE_S", (3_600.0, 3_600.0))
        uplink._wake.set()
        while uplink._wake.is_set():  # noqa: ASYNC110 - the speaker's turn is no event of ours
            await asyncio.sleep(0)
        put(world, 5.0)
        uplink.wake()
        await host.until(lambda: ("grid", 7, 1) in host.keys)


async def test_where_a_host_asked_for_a_pace_no_sample_wakes_the_link(make_uplink):
    uplink = make_uplink(1883, scan_ms=5_000)
    uplink.session.process_opening(0, uplink._make_context())
    uplink.wake()
    assert not uplink._wake.is_set()
    uplink.session.scan_ms = 0
    uplink.wake()
    assert uplink._wake.is_set()


class Flood:
    """A connection on which so many messages lie ready."""

    def __init__(self, topic, count):
        self.waiting = [IncomingMessage(topic, b"{}")] * count

    async def receive(self):
        if not self.waiting:
            raise ConnectionEnded("no more")
        return self.waiting.pop()


@pytest.mark.parametrize("listen", ["_listen_data", "_listen_control"])
async def test_a_flood_of_messages_lets_others_have_their_turn_between_two(make_uplink, listen):
    uplink, turns, flood = make_uplink(1883), [], Flood("quartier/v1/issy/b012/watermark", 50)

    async def cycle():
        while flood.waiting:
            turns.append(len(flood.waiting))
            await asyncio.sleep(0)

    end, _ = await asyncio.gather(getattr(uplink, listen)(flood), cycle(), return_exceptions=True)
    assert (True, True) == (isinstance(end, ConnectionEnded), len(turns) >= 49)


async def test_bdseq_rises_over_restarts_by_one_for_each_connect(make_host, link, mosquitto, make_uplink):
    broker = await mosquitto()
    async with make_host(broker.port) as host:
        for life in range(3):
            async with link.running(make_uplink(broker.port)):
                await host.until(lambda life=life: host.kinds().count("NBIRTH") == life + 1)
        births = [bdseq_of(decode_payload(m.payload)) for m in host.seen if "NBIRTH" in m.topic]
        assert [0, 1, 2] == births


async def test_broker_killed_and_back_delivers_everything_and_uses_no_bdseq_while_it_was_away(
    make_host, link, mosquitto, make_uplink, world, notes
):
    broker = await mosquitto()
    async with link.running(make_uplink(broker.port, rate=60.0)) as uplink:
        async with make_host(broker.port) as host:
            await host.until(lambda: "NBIRTH" in host.kinds())
            put(world, 1.0)
            await host.until(lambda: ("grid", 7, 1) in host.keys)
            first = host.bdseq()
        broker.kill()
        for value in range(100):
            put(world, float(value))
        await link.until(lambda: not uplink.stats["data_on"] and uplink.stats["lost_connections_count"] >= 4)
        await broker.start()
        async with make_host(broker.port) as host:
            await host.until(lambda: len(host.keys) >= 100)
            assert {("grid", 7, number) for number in range(1, 102)} >= host.keys
            assert uplink.session.bdseq - first in {1, 2}
    assert "district.link_lost" in {note.code for note in notes}


async def test_watermark_trims_the_store_and_survives_a_restart(
    make_host, link, mosquitto, make_uplink, world
):
    broker = await mosquitto()
    async with make_host(broker.port) as host:
        async with link.running(make_uplink(broker.port, rate=60.0)):
            await host.until(lambda: "NBIRTH" in host.kinds())
            put(world, 1.0)
            put(world, 2.0)
            await host.until(lambda: len(host.keys) == 2)
            host.watermark()
            await host.until(lambda: not world.notebook.kept)
        again = make_uplink(broker.port)
        assert {"grid": StreamPosition(7, 2)} == again.session.marks


async def test_a_silent_district_is_an_alarm_and_one_without_our_births_a_rebirth_in_the_houses_time(
    make_host, link, mosquitto, make_uplink, notes
):
    broker = await mosquitto()
    async with make_host(broker.port) as host, link.running(make_uplink(broker.port, rate=60.0)):
        await host.until(lambda: [note.code for note in notes if note.alarm] == ["district.no_watermark"])
        assert 1 == host.kinds().count("NBIRTH")
        host.say(f"{ME.companion}/watermark", b'{"bdseq": 99, "streams": {}}')
        await host.until(lambda: host.kinds().count("NBIRTH") == 2)
    assert ["district.no_watermark", "district.no_echo"] == [note.code for note in notes if note.alarm]


async def test_a_host_that_goes_offline_ends_the_session_and_one_that_comes_begins_it(
    make_host, link, mosquitto, make_uplink
):
    broker = await mosquitto()
    async with (
        make_host(broker.port) as host,
        # no echo is waited for: a machine that stood still would be born once more
        link.running(make_uplink(broker.port, rate=60.0, primary_host="opt", watermark=False)),
    ):
        topic = "spBv1.0/STATE/opt"
        client = host.connection._client
        client.publish(topic, b'{"online": true, "timestamp": 10}', 1, retain=True)
        await host.until(lambda: "NBIRTH" in host.kinds())
        client.publish(topic, b'{"online": false, "timestamp": 10}', 1, retain=True)
        await host.until(lambda: "NDEATH" in host.kinds())
        client.publish(topic, b'{"online": true, "timestamp": 20}', 1, retain=True)
        await host.until(lambda: host.kinds().count("NBIRTH") == 2)
        assert 1 == host.bdseq()


async def test_a_second_client_with_our_name_is_an_alarm_and_once_it_is_gone_we_are_born_anew(
    make_host, link, mosquitto, make_uplink, notes
):
    broker = await mosquitto()
    async with (
        make_host(broker.port) as host,
        link.running(make_uplink(broker.port, rate=60.0, watermark=False)),
    ):
        await host.until(lambda: "NBIRTH" in host.kinds())
        profile = ConnectionProfile(client_id="issy.b012", clean_start=True, session_expiry_s=0)
        other = MqttConnection(host.server, BrokerCredentials(), profile)
        await other.open()
        await host.until(lambda: "district.duplicate_id" in {note.code for note in notes})
        await host.until(lambda: "NDEATH" in host.kinds())  # the old Will
        await other.leave(0)
        await host.until(lambda: host.kinds().count("NBIRTH") == 2)
        assert host.bdseq() == 1


async def test_a_broker_that_does_not_let_us_in_is_an_alarm_and_left_alone(
    link, mosquitto, make_uplink, notes
):
    broker = await mosquitto("allow_anonymous false", "user root")
    async with link.running(make_uplink(broker.port, rate=60.0)) as uplink:
        await link.until(lambda: 2 == uplink.stats["lost_connections_count"])
        alarms = {(note.code, note.data["connection"]) for note in notes if note.alarm}
        assert {("district.not_authorised", name) for name in ("data", "control")} == alarms
        assert uplink._data.is_refused


async def test_a_server_that_speaks_no_tls_hears_no_connect_and_takes_no_bdseq(
    link, world, catalog, tmp_path, notes
):
    async def hang_up(_reader, writer):
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        servers = (BrokerServer("127.0.0.1", server.sockets[0].getsockname()[1], tls=True),)
        clock = SiteClock(ClockSetting(60.0, 0.0, time.time()))
        house = SiteView(outbox=world.notebook, clock=clock, latest=dict, report=notes.append)
        uplink = Uplink(UplinkSettings(servers=servers, folder=tmp_path), ME, catalog, SessionRules(), house)
        async with link.running(uplink):
            await link.until(lambda: uplink.stats["lost_connections_count"] >= 4)
            assert 255 == uplink._bdseq
    assert state_file.load_facts(tmp_path / "district") is None


async def test_who_was_taken_over_by_a_newer_machine_by_a_signed_word_leaves_and_comes_back_later(
    make_host, link, mosquitto, make_uplink, notes, tmp_path
):
    broker = await mosquitto()
    async with make_host(broker.port) as host:
        uplink = make_uplink(broker.port, rate=600.0, issuers_file=host.issuers(tmp_path / "keys.json"))
        uplink._house = replace(uplink._house, is_foreign_boot=lambda boot: boot == 9)
        async with link.running(uplink):
            await host.until(lambda: "NBIRTH" in host.kinds() and uplink.stats["control_on"])
            profile = ConnectionProfile(client_id="issy.b012", clean_start=True, session_expiry_s=0)
            other = MqttConnection(host.server, BrokerCredentials(), profile)
            await other.open()
            await host.until(lambda: "district.duplicate_id" in {note.code for note in notes})
            host.keys = {("grid", 9, 1)}
            host.watermark()
            await host.until(lambda: "district.superseded" in {note.code for note in notes})
            await host.until(lambda: not uplink.stats["data_on"] and not uplink.stats["control_on"])
            await other.leave(0)
            await host.until(lambda: uplink.stats["data_on"] and uplink.stats["control_on"])


async def test_a_newer_boot_in_the_watermark_alone_makes_nobody_give_way(
    make_host, link, mosquitto, make_uplink, notes, world
):
    broker = await mosquitto()
    uplink = make_uplink(broker.port, rate=60.0)
    uplink._house = replace(uplink._house, is_foreign_boot=lambda boot: boot == 9)
    async with make_host(broker.port) as host, link.running(uplink):
        await host.until(lambda: "NBIRTH" in host.kinds())
        host.keys = {("grid", 9, 1)}
        host.watermark()
        put(world, 1.0)
        await host.until(lambda: ("grid", 7, 1) in host.keys)
    assert "district.superseded" not in {note.code for note in notes}


def test_kept_state_of_another_form_is_left_out(make_uplink, tmp_path):
    (tmp_path / "state").mkdir()
    marks = {"grid": [7, 2], "bat1": "x", "ev1": [1]}
    state_file.save_facts(tmp_path / "state" / "district", {"bdseq": "x", "marks": marks})
    assert {"grid": StreamPosition(7, 2)} == make_uplink(1883).session.marks


async def test_iotcore_carries_births_live_data_documents_and_acks(
    make_host, link, iotcore, make_uplink, world, tmp_path
):
    host = make_host(iotcore)
    async with asyncio.timeout(60):
        while True:
            try:
                await host.__aenter__()
                break
            except (BrokerUnreachable, ConnectionEnded):
                await asyncio.sleep(0.05)
    uplink = make_uplink(iotcore, issuers_file=host.issuers(tmp_path / "keys.json"))
    async with link.running(uplink):
        await host.until(lambda: host.kinds().count("DBIRTH") == 3 and uplink.stats["control_on"])
        put(world, 42.0)
        topic, body = link.envelope()
        host.say(topic, body, host.sign(topic, body))
        await host.until(lambda: ("grid", 7, 1) in host.keys and host.companion("ack"))
        assert 5 == uplink.inbox[0].document.seq
    await host.__aexit__()


async def test_new_certificates_are_taken_in_by_a_new_connection_and_faulty_ones_are_not(
    link, mosquitto, authority, world, catalog, tmp_path, notes
):
    cert, key = authority.issue("localhost")
    broker = await mosquitto(
        "allow_anonymous true",
        f"cafile {authority.ca_file}",
        f"certfile {cert}",
        f"keyfile {key}",
        "user root",
    )
    credentials = authority.client("issy.b012")
    settings = UplinkSettings(
        servers=(BrokerServer("localhost", broker.port, tls=True),), folder=tmp_path, credentials=credentials
    )
    house = SiteView(
        outbox=world.notebook, clock=SiteClock(), latest=lambda: world.latest, report=notes.append
    )
    async with link.running(Uplink(settings, ME, catalog, SessionRules(), house)) as uplink:
        await link.until(lambda: uplink.stats["births_count"] == 1 and uplink.stats["control_on"])
        authority.client("issy.b012")
        await uplink.reread()
        await link.until(lambda: uplink.stats["births_count"] == 2 and uplink.stats["control_on"])
        credentials.cert_file.write_text("rubbish")
        await uplink.reread()
        assert uplink.stats["data_on"]
    assert ["district.credentials_faulty"] == [note.code for note in notes if note.alarm]


async def test_what_went_into_a_half_open_link_is_delivered_after_it(
    make_host, link, mosquitto, make_relay, make_uplink, world
):
    broker = await mosquitto()
    async with make_relay(broker.port) as relay, make_host(broker.port) as host:
        uplink = make_uplink(relay.port, keepalive_s=1)
        async with link.running(uplink):
            await host.until(lambda: "NBIRTH" in host.kinds() and uplink.stats["control_on"])
            host.watermark()
            relay.swallow = True
            for value in range(10):
                put(world, float(value))
            await host.until(lambda: uplink.stats["lost_connections_count"] >= 2)
            assert not host.keys
            relay.swallow = False
            await host.until(lambda: host.kinds().count("NBIRTH") >= 2)
            host.watermark()
            await host.until(lambda: {("grid", 7, number) for number in range(1, 11)} <= host.keys)


async def test_events_that_the_broker_took_for_nobody_go_again_once_the_district_is_back(
    make_host, link, mosquitto, make_uplink, world
):
    broker = await mosquitto()
    async with link.running(make_uplink(broker.port, rate=600.0)) as uplink:
        async with make_host(broker.port) as host:
            await host.until(lambda: "NBIRTH" in host.kinds())
        put(world, '{"text": "lost", "data": {}}', "event", "device.silent")
        await link.until(lambda: uplink.stats["events_count"] >= 1)
        async with make_host(broker.port) as host:
            host.bdseq = lambda: uplink.session.bdseq

            def said():
                host.watermark()
                return host.companion("event")

            await host.until(said)
            assert ["device.silent"] == [event["code"] for event in host.companion("event")][:1]


async def test_when_a_key_was_used_last_is_known_after_a_restart(
    make_host, link, mosquitto, make_uplink, world, tmp_path
):
    broker = await mosquitto()
    async with make_host(broker.port) as host:
        issuers_file = host.issuers(tmp_path / "issuers.json")
        async with link.running(make_uplink(broker.port, issuers_file=issuers_file, rate=60.0)) as uplink:
            await host.until(lambda: "NBIRTH" in host.kinds())
            topic, payload = link.envelope(seq=link.now_ms())
            host.say(topic, payload, host.sign(topic, payload))
            put(world, 1.0)
            await host.until(lambda: host.keys and uplink.inbox)
            host.watermark()
            await host.until(lambda: uplink.session.marks)
            used_ms = uplink.keys["keys"][0]["used_utc_ms"]
            facts = tmp_path / "state/district"
            await link.until(lambda: (state_file.load_facts(facts) or {}).get("used") == {"opt1": used_ms})
        async with link.running(make_uplink(broker.port, issuers_file=issuers_file)) as again:
            await link.until(lambda: again.keys["keys"])
            assert used_ms == again.keys["keys"][0]["used_utc_ms"]


async def _holds_sessions_that_are_down(reader, writer, begun_anew):
    """A node of a cluster that never answers who asks for a session of the node that is gone."""
    fixed = await reader.readexactly(2)
    rest = await reader.readexactly(
        fixed[1] if fixed[1] < 128 else (await reader.readexactly(1))[0] * 128 + fixed[1] - 128
    )
    begun_anew.append(bool(rest[7] & 2))  # clean start
    if begun_anew[-1]:
        writer.write(bytes([0x20, 3, 0, 0, 0]))
    await reader.read()
    writer.close()


async def test_who_gets_no_answer_with_its_session_begins_anew(link, make_uplink, monkeypatch):
    monkeypatch.setattr("quartier.district.connection.mqtt._ANSWER_S", 0.5)
    monkeypatch.setattr("quartier.district.uplink.Uplink._data_once", _never)
    begun_anew = []
    serve = functools.partial(_holds_sessions_that_are_down, begun_anew=begun_anew)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    uplink = make_uplink(server.sockets[0].getsockname()[1], rate=60.0)
    async with server, link.running(uplink):
        await link.until(lambda: True in begun_anew and not uplink._begins_anew)
        assert not begun_anew[0]


async def test_who_is_hung_up_on_keeps_its_session_for_orders_wait_in_it(link, make_uplink, monkeypatch):
    monkeypatch.setattr("quartier.district.uplink.Uplink._data_once", _never)
    dialled = []

    async def hang_up(reader, writer):  # as a broker does that is just going
        dialled.append(await reader.read(1))
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    uplink = make_uplink(server.sockets[0].getsockname()[1], rate=60.0)
    async with server, link.running(uplink):
        await link.until(lambda: len(dialled) >= 3)
        assert not uplink._begins_anew


async def _never(_uplink, _server):
    await asyncio.Event().wait()
