"""The connection against real brokers: TLS, passwords, takeover, half-open links, the Will."""

import asyncio
import socket
import ssl
import subprocess
import threading
from contextlib import asynccontextmanager, suppress

import pytest

from quartier.district.connection import mqtt, mqtt_types
from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import (
    BrokerCredentials,
    BrokerServer,
    BrokerUnreachable,
    ConnectionEnded,
    ConnectionProfile,
    OutgoingMessage,
)
from quartier.district.wire_formats import encode_varint

pytestmark = pytest.mark.peer


def profile(client_id="issy.b012", **changes):
    return ConnectionProfile(
        **{"client_id": client_id, "clean_start": True, "session_expiry_s": 0, **changes}
    )


def plain(broker):
    return BrokerServer("127.0.0.1", broker.port, tls=False)


async def connected(server, credentials=None, **changes):
    done = []
    connection = MqttConnection(
        server, credentials or BrokerCredentials(), profile(**changes), lambda *result: done.append(result)
    )
    await connection.open()
    connection.finished = done
    return connection


async def until(condition, seconds=60):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another program's state has no event here
            await asyncio.sleep(0.01)


async def test_a_message_goes_out_and_comes_back_with_its_user_properties(mosquitto):
    connection = await connected(plain(await mosquitto()))
    assert [] == await connection.subscribe([("a/+", 1)])

    connection.publish(OutgoingMessage("a/b", b"x", 1, expiry_s=60, tag="tag"))
    message = await connection.receive()

    assert ("a/b", b"x", {}) == (message.topic, message.payload, message.user)
    await until(lambda: connection.finished)
    assert [("tag", 0)] == connection.finished
    assert (0, mqtt_types.SEND_WINDOW_BYTES) == (connection.in_flight_count, connection.free_bytes)
    await connection.leave(mqtt_types.NORMAL_DISCONNECT)


async def test_room_counts_what_is_not_yet_written(mosquitto):
    connection = await connected(plain(await mosquitto()))
    connection.publish(OutgoingMessage("a", b"x" * 1000, 0, tag=1))
    assert mqtt_types.SEND_WINDOW_BYTES - 1001 == connection.free_bytes
    assert [1] == connection.list_unfinished()
    await until(lambda: connection.finished)
    assert mqtt_types.SEND_WINDOW_BYTES == connection.free_bytes
    await connection.leave(mqtt_types.NORMAL_DISCONNECT)


async def test_history_has_room_only_while_nothing_waits_to_be_written(mosquitto):
    connection = await connected(plain(await mosquitto()))
    assert connection.backfill_bytes > 0
    connection.publish(OutgoingMessage("a", b"x" * 1000, 0, tag=1))
    assert 0 == connection.backfill_bytes
    await until(lambda: connection.finished and connection.backfill_bytes > 0)
    await connection.leave(mqtt_types.NORMAL_DISCONNECT)
    assert 0 == connection.backfill_bytes


async def test_nobody_listening_is_unreachable_and_no_connect_went_out(free_port):
    with pytest.raises(BrokerUnreachable, match="ConnectionRefusedError"):
        await connected(BrokerServer("127.0.0.1", free_port, tls=False))


async def test_a_missing_password_file_is_unreachable_and_names_it(mosquitto, tmp_path):
    broker = await mosquitto()
    with pytest.raises(BrokerUnreachable, match="secret"):
        await connected(plain(broker), BrokerCredentials(user="b012", password_file=tmp_path / "secret"))


async def test_user_and_password_from_a_file(mosquitto, tmp_path):
    passwords = tmp_path / "passwords"
    passwords.write_text("b012:good\n")
    passwords.chmod(0o600)
    subprocess.run(  # noqa: ASYNC221 - before anything runs on the loop
        ["mosquitto_passwd", "-U", str(passwords)], check=True
    )
    broker = await mosquitto("allow_anonymous false", f"password_file {passwords}", "user root")
    secret = tmp_path / "secret"
    secret.write_text("good\n")
    connection = await connected(plain(broker), BrokerCredentials(user="b012", password_file=secret))
    await connection.leave(mqtt_types.NORMAL_DISCONNECT)

    secret.write_text("wrong\n")
    with pytest.raises(ConnectionEnded) as refused:
        await connected(plain(broker), BrokerCredentials(user="b012", password_file=secret))
    assert mqtt_types.NOT_AUTHORISED == refused.value.code


@pytest.mark.parametrize(
    ("code", "wills"), [(mqtt_types.DISCONNECT_WITH_WILL, 1), (mqtt_types.NORMAL_DISCONNECT, 0)]
)
async def test_disconnect_0x04_fires_the_will_and_a_normal_one_does_not(mosquitto, code, wills):
    broker = await mosquitto()
    watcher = await connected(plain(broker), client_id="watcher")
    await watcher.subscribe([("will", 1), ("end", 1)])
    connection = await connected(plain(broker), will=lambda: OutgoingMessage("will", b"gone", 1))
    await connection.leave(code)
    watcher.publish(OutgoingMessage("end", b"", 1))
    topics = []
    while "end" not in topics:
        topics.append((await watcher.receive()).topic)
    assert wills == topics.count("will")
    await watcher.leave(mqtt_types.NORMAL_DISCONNECT)


async def test_what_was_published_before_leaving_arrives(mosquitto):
    broker = await mosquitto()
    watcher = await connected(plain(broker), client_id="watcher")
    await watcher.subscribe([("a", 1)])
    connection = await connected(plain(broker))
    connection.publish(OutgoingMessage("a", b"x" * 60_000, 1))
    await connection.leave(mqtt_types.DISCONNECT_WITH_WILL)
    assert 60_000 == len((await watcher.receive()).payload)
    await watcher.leave(mqtt_types.NORMAL_DISCONNECT)


async def test_a_takeover_ends_the_old_connection_with_0x8e(mosquitto):
    broker = await mosquitto()
    first = await connected(plain(broker))
    second = await connected(plain(broker))
    with pytest.raises(ConnectionEnded) as ended:
        await first.receive()
    assert mqtt_types.TAKEN_OVER == ended.value.code
    await second.leave(mqtt_types.NORMAL_DISCONNECT)


async def test_a_killed_broker_ends_the_connection(mosquitto):
    broker = await mosquitto()
    connection = await connected(plain(broker))
    broker.kill()
    with pytest.raises(ConnectionEnded) as ended:
        await connection.receive()
    assert mqtt_types.LOCAL_REASON == ended.value.code
    connection.publish(OutgoingMessage("a", b"x"))  # no harm
    with pytest.raises(ConnectionEnded):
        await connection.subscribe([("a", 0)])


async def test_a_half_open_link_ends_by_the_keep_alive(mosquitto, make_relay):
    broker = await mosquitto()
    async with make_relay(broker.port) as relay:
        connection = await connected(BrokerServer("127.0.0.1", relay.port, tls=False), keepalive_s=1)
        relay.swallow = True
        connection.publish(OutgoingMessage("a", b"into the void"))
        with pytest.raises(ConnectionEnded):
            await asyncio.wait_for(connection.receive(), 60)


async def test_a_link_slower_than_the_house_still_says_that_it_is_alive():
    """Whatever waits to be said, a PINGREQ goes between two messages: without it the link would end."""
    seen = asyncio.get_running_loop().create_future()

    async def listen(reader):
        kind = None
        while kind != 0xC0:
            kind, size = (await reader.readexactly(1))[0], await left(reader)
            await reader.readexactly(size)
        seen.set_result(kind)

    def more(_tag, _code):
        connection.publish(OutgoingMessage("a", b"x" * 5_000, tag=1))

    async with answering(listen) as server:
        connection = MqttConnection(server, BrokerCredentials(), profile(keepalive_s=1), more)
        await connection.open()
        for _ in range(40):
            more(1, 0)
        async with asyncio.timeout(60):
            assert 0xC0 == await seen
        connection.drop("done")


async def test_the_last_word_waits_until_what_was_said_is_acknowledged():
    """Who closes a socket with a PUBACK unread resets it, and the server may never see the DISCONNECT."""
    told = []

    async def serve(reader, writer):
        kinds = {0x10: bytes.fromhex("20 03 00 00 00"), 0x30: bytes.fromhex("40 02 00 01")}
        while head := await reader.read(1):
            told.append(head[0] & 0xF0)
            (size,) = await reader.readexactly(1)
            await reader.readexactly(size)
            if told[-1] == 0x30:
                await asyncio.sleep(0)
                told.append("acknowledged")
            writer.write(kinds.get(head[0] & 0xF0, b""))
        told.append("closed")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        connection = await connected(BrokerServer("127.0.0.1", server.sockets[0].getsockname()[1], tls=False))
        connection.publish(OutgoingMessage("a", b"x", 1))
        await connection.leave(mqtt_types.NORMAL_DISCONNECT)
        assert 0 == connection.in_flight_count
        await until(lambda: told[-1] == "closed")
    assert [0x10, 0x30, "acknowledged", 0xE0, "closed"] == told


async def test_a_socket_that_breaks_while_we_leave_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(mqtt, "_LEAVE_S", 3_600.0)

    async with answering() as server:
        connection = await connected(server)
        connection.publish(OutgoingMessage("a", b"x"))
        connection._socket.shutdown(socket.SHUT_RDWR)
        async with asyncio.timeout(60):
            await connection.leave(mqtt_types.NORMAL_DISCONNECT)
    assert connection.end_reason is not None


@pytest.mark.parametrize(
    ("changes", "flags", "expiry_s"),
    [
        ({}, 0x02, 0),
        ({"clean_start": False, "session_expiry_s": 300}, 0x00, 300),
        ({"will": lambda: OutgoingMessage("w", b"x", 1)}, 0x0E, 0),  # a Will of QoS 1, not retained
    ],
)
async def test_connect_says_what_we_take_and_how_long_it_keeps(changes, flags, expiry_s):
    """MQTT 5.0 section 3.1: flags, keep-alive, then properties 0x11, 0x21 and 0x27."""
    packet = asyncio.get_running_loop().create_future()

    async def serve(reader, writer):
        await reader.readexactly(1)
        packet.set_result(await reader.readexactly(await left(reader)))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        with pytest.raises(ConnectionEnded):
            await connected(
                BrokerServer("127.0.0.1", server.sockets[0].getsockname()[1], tls=False), **changes
            )
    head = b"\0\4MQTT\5" + bytes([flags]) + (30).to_bytes(2, "big")
    said = (
        bytes([0x11]) + expiry_s.to_bytes(4, "big"),
        bytes([0x21]) + (20).to_bytes(2, "big"),
        bytes([0x27]) + (262_144).to_bytes(4, "big"),
    )
    connect = await packet
    assert connect.startswith(head)
    assert all(part in connect for part in said)


async def test_a_receiver_that_stalls_uses_up_the_room_and_no_more_memory(make_relay):
    async with make_relay(0, stall=True) as relay:
        connection = await connected(BrokerServer("127.0.0.1", relay.port, tls=False))
        sent = 0
        while connection.free_bytes > 0 and sent < 2_000:
            connection.publish(OutgoingMessage("a", b"x" * 20_000))
            sent += 1
            await asyncio.sleep(0)
        assert sent < 2_000
        connection.drop("done")


async def test_more_messages_than_we_want_at_once_wait_outside_and_none_is_lost(mosquitto):
    broker = await mosquitto()
    reader = await connected(plain(broker), client_id="reader")
    await reader.subscribe([("a", 0)])
    writer = await connected(plain(broker), client_id="writer")
    for number in range(1_000):
        writer.publish(OutgoingMessage("a", str(number).encode()))
    await until(lambda: writer.in_flight_count == 0 and len(reader._inbound) >= 128)
    assert len(reader._inbound) <= 130
    assert [str(n).encode() for n in range(1_000)] == [(await reader.receive()).payload for _ in range(1_000)]
    await reader.leave(mqtt_types.NORMAL_DISCONNECT)
    await writer.leave(mqtt_types.NORMAL_DISCONNECT)


async def test_a_server_that_never_answers_the_connect_is_given_up(monkeypatch, make_relay):
    monkeypatch.setattr(mqtt, "_ANSWER_S", 0.2)
    async with make_relay(0, mute=True) as relay:
        with pytest.raises(ConnectionEnded, match="CONNACK"):
            await connected(BrokerServer("127.0.0.1", relay.port, tls=False))


async def test_a_cancelled_connect_leaves_no_socket_and_waits_for_nobody():
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
        port = server.getsockname()[1]
        attempt = asyncio.create_task(connected(BrokerServer("127.0.0.1", port, tls=True)))
        await until(lambda: any(t.name.startswith("connect") for t in threading.enumerate()))
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        peer, _ = server.accept()
        peer.close()
    await until(lambda: not any(t.name.startswith("connect") for t in threading.enumerate()))


# TLS


async def test_client_certificates_over_tls_and_many_messages_in_one_record(mosquitto, authority):
    broker = await tls_broker(mosquitto, authority)
    server = BrokerServer("localhost", broker.port, tls=True)
    reader = await connected(server, authority.client("issy.b012"))
    await reader.subscribe([("a", 1)])
    writer = await connected(server, authority.client("writer"), client_id="writer")
    for number in range(300):
        writer.publish(OutgoingMessage("a", str(number).encode(), 0))
    async with asyncio.timeout(60):
        got = [(await reader.receive()).payload for _ in range(300)]
    assert [str(n).encode() for n in range(300)] == got
    await reader.leave(mqtt_types.NORMAL_DISCONNECT)
    await writer.leave(mqtt_types.NORMAL_DISCONNECT)


async def test_all_that_one_tls_record_holds_is_read_at_one_wake_up(authority):
    """Thirty QoS 0 messages in one record wake the loop once; the rest must not wait for more data."""
    async with Recorder(authority) as recorder:
        connection = await connected(
            BrokerServer("localhost", recorder.port, tls=True), authority.client("issy.b012")
        )
        await recorder.send(b"".join(publish_packet("a", bytes([n])) for n in range(30)))
        async with asyncio.timeout(60):
            got = [(await connection.receive()).payload for _ in range(30)]
        assert [bytes([n]) for n in range(30)] == got
        connection.drop("done")


async def test_a_server_of_another_authority_is_not_trusted(mosquitto, authority, make_authority, tmp_path):
    broker = await tls_broker(mosquitto, authority)
    (tmp_path / "other").mkdir()
    stranger = make_authority(tmp_path / "other")
    with pytest.raises(BrokerUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        await connected(BrokerServer("localhost", broker.port, tls=True), stranger.client("issy.b012"))


async def test_the_servers_name_is_checked(mosquitto, authority):
    broker = await tls_broker(mosquitto, authority, name="elsewhere.example")
    with pytest.raises(BrokerUnreachable, match=r"CERTIFICATE_VERIFY_FAILED|mismatch"):
        await connected(BrokerServer("localhost", broker.port, tls=True), authority.client("issy.b012"))


async def test_without_a_client_certificate_the_broker_lets_nobody_in(mosquitto, authority):
    broker = await tls_broker(mosquitto, authority)
    with pytest.raises((ConnectionEnded, BrokerUnreachable)):
        await connected(
            BrokerServer("localhost", broker.port, tls=True), BrokerCredentials(ca_file=authority.ca_file)
        )


async def test_plain_bytes_to_a_tls_port_end_it(mosquitto, authority):
    broker = await tls_broker(mosquitto, authority)
    with pytest.raises((ConnectionEnded, BrokerUnreachable)):
        await connected(plain(broker))


async def tls_broker(mosquitto, authority, name="localhost"):
    cert, key = authority.issue(name)
    return await mosquitto(
        "allow_anonymous true",
        f"cafile {authority.ca_file}",
        f"certfile {cert}",
        f"keyfile {key}",
        "require_certificate true",
        "use_identity_as_username true",
        "user root",
    )


# iotcore: a second broker, for smoke only


async def test_iotcore_serves_us_too(iotcore):
    connection = None
    async with asyncio.timeout(60):
        while connection is None:
            try:
                connection = await connected(BrokerServer("127.0.0.1", iotcore, tls=False))
            except (BrokerUnreachable, ConnectionEnded):
                await asyncio.sleep(0.05)
    await connection.subscribe([("a", 1)])
    connection.publish(OutgoingMessage("a", b"x", 1, expiry_s=60))
    assert b"x" == (await connection.receive()).payload
    await connection.leave(mqtt_types.DISCONNECT_WITH_WILL)


# Helpers


class Recorder:
    """A TLS server that answers CONNECT and then sends what it is told, in one record."""

    def __init__(self, authority):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*authority.issue("localhost"))
        self.writer = asyncio.get_running_loop().create_future()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self.context)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        (await self.writer).close()

    async def serve(self, reader, writer):
        await reader.readexactly(2)
        writer.write(bytes([0x20, 3, 0, 0, 0]))  # CONNACK, no properties
        self.writer.set_result(writer)

    async def send(self, data):
        (await self.writer).write(data)


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        ("30 07 00 04 61 2f ff fe 00", "invalid start byte"),  # a topic that is no UTF-8
        ("30 ff ff ff 7f 00 01 61", "a packet of more than 262144 bytes"),
        ("30 81 80 10 00 01 61", "a packet of more than 262144 bytes"),
        ("34 06 00 01 61 00 07 00", "message 7 is of QoS 2"),
    ],
)
async def test_what_is_no_mqtt_or_larger_than_we_take_ends_the_connection(packet, why):
    async with answering(says=bytes.fromhex(packet)) as server:
        connection = await connected(server)
        with pytest.raises(ConnectionEnded, match=why):
            async with asyncio.timeout(60):
                await connection.receive()


async def test_large_messages_wait_outside_sooner_than_small_ones_and_none_is_lost():
    async with answering(says=large_packet("a", b"x" * 200_000) * 30) as server:
        connection = await connected(server)
        await until(lambda: connection._inbound.is_full)
        assert len(connection._inbound) <= 11
        assert [200_000] * 30 == [len((await connection.receive()).payload) for _ in range(30)]
        connection.drop("done")


@asynccontextmanager
async def answering(listen=None, says=b""):
    """A server that answers CONNECT, ``says`` more, lets ``listen`` read what follows and waits for the end."""
    over = asyncio.get_running_loop().create_future()

    async def serve(reader, writer):
        await reader.readexactly(1)
        await reader.readexactly(await left(reader))
        writer.write(bytes([0x20, 3, 0, 0, 0]) + says)
        if listen is not None:
            await listen(reader)
        with suppress(ConnectionResetError):  # who closes with bytes unread resets
            await reader.read()
        writer.close()
        over.set_result(None)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield BrokerServer("127.0.0.1", server.sockets[0].getsockname()[1], tls=False)
        await over


async def left(reader):
    """The remaining length of a packet (MQTT 5.0, 1.5.5)."""
    size = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return size


def publish_packet(topic, payload):
    body = len(topic).to_bytes(2, "big") + topic.encode() + b"\0" + payload
    return bytes([0x30, len(body)]) + body


def large_packet(topic, payload):
    body = len(topic).to_bytes(2, "big") + topic.encode() + b"\0" + payload
    return b"\x30" + encode_varint(len(body)) + body
