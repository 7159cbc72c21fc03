import asyncio
import datetime as dt
import socket
import ssl

import pytest

from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import (
    BrokerCredentials,
    BrokerServer,
    ConnectionProfile,
    OutgoingMessage,
)
from quartier.district.records import Identity, SessionContext, SessionRules
from quartier.district.sparkplug.metric_catalog import MetricCatalog
from quartier.district.sparkplug.node_session import NodeSession, SessionPhase
from quartier.site.records import Now
from quartier_bench import measured_process
from quartier_bench.load_test import brokers
from quartier_bench.load_test.gateways import MemoryOutbox
from quartier_district.broker_access import CertificateAuthority
from quartier_hil.processes.broker_process import find_mosquitto


@pytest.mark.peer
@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
def test_mosquitto_comes_back_on_the_same_port(tmp_path):
    broker = brokers.Mosquitto(tmp_path)
    broker.start()
    first = broker.pid
    broker.kill()
    assert broker.pid is None
    broker.start()
    try:
        assert first != broker.pid
        assert measured_process.wait_for_listener(broker.port, 1.0)
    finally:
        broker.kill()


def test_who_is_not_installed_is_named_with_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(brokers, "find_mosquitto", lambda: None)
    monkeypatch.setattr(brokers, "RABBITMQ_SCRIPTS", tmp_path)

    with pytest.raises(brokers.MissingBrokerError, match="apt-get install mosquitto"):
        brokers.Mosquitto(tmp_path)
    with pytest.raises(brokers.MissingBrokerError, match="apt-get install rabbitmq-server"):
        brokers.RabbitMqCluster(tmp_path)


@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
def test_a_mosquitto_may_have_queues_as_long_as_its_own_default(tmp_path):
    brokers.Mosquitto(tmp_path)
    assert "max_queued_messages" in (tmp_path / "mosquitto.conf").read_text()
    brokers.Mosquitto(tmp_path, default=True)
    assert "max_" not in (tmp_path / "mosquitto.conf").read_text()


def test_a_node_with_an_authority_speaks_tls_alone(tmp_path):
    authority = CertificateAuthority(tmp_path / "ours", dt.datetime.now(dt.UTC))
    node = brokers.RabbitMqNode(tmp_path, "a", 7, authority)
    text = (tmp_path / "a" / "rabbitmq.conf").read_text()

    assert f"mqtt.listeners.ssl.1 = 127.0.0.1:{node.port}" in text
    assert "mqtt.listeners.tcp = none" in text
    assert "ssl_options.fail_if_no_peer_cert = true" in text


def test_the_two_nodes_of_a_cluster_name_each_other_and_keep_sparkplugs_topics(tmp_path):
    nodes = [brokers.RabbitMqNode(tmp_path, letter, 7) for letter in "ab"]

    for node in nodes:
        text = (tmp_path / node.name[1] / "rabbitmq.conf").read_text()
        assert "qa7@localhost" in text
        assert "qb7@localhost" in text
        assert "mqtt.sparkplug = true" in text
        assert f"127.0.0.1:{node.port}" in text


@pytest.mark.peer
@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
def test_a_mosquitto_with_an_authority_hears_nobody_without_a_certificate_of_it(tmp_path):
    authority = CertificateAuthority(tmp_path / "ours", dt.datetime.now(dt.UTC))
    pair = authority.gateway("issy", "e000000", brokers.CERTIFICATE_VALIDITY)
    broker = brokers.Mosquitto(tmp_path, authority)
    broker.start()
    try:
        known, unknown = (ssl.create_default_context(cafile=str(authority.ca_file)) for _ in range(2))
        known.load_cert_chain(pair.cert_file, pair.key_file)

        assert b" \x09\x00" == _connack(known, broker.port)[:3]
        with pytest.raises(ssl.SSLError):
            _connack(unknown, broker.port)
    finally:
        broker.kill()


def _connack(context, port):
    """The first bytes of the answer to an empty CONNECT of MQTT 5."""
    with (
        socket.create_connection(("127.0.0.1", port), 60.0) as plain,
        context.wrap_socket(plain, server_hostname=brokers.BROKER_HOST) as wrapped,
    ):
        wrapped.sendall(bytes([0x10, 0x0F, 0, 4, *b"MQTT", 5, 2, 0, 30, 0, 0, 2, *b"e1"]))
        return wrapped.recv(64)


@pytest.mark.peer
@pytest.mark.skipif(
    not (brokers.RABBITMQ_SCRIPTS / "rabbitmq-server").exists(), reason="RabbitMQ is not installed"
)
async def test_a_gateway_hears_the_state_that_rabbitmq_retained(tmp_path):
    """It gives the topic back with a slash for the dot of the namespace."""
    pair = brokers.RabbitMqCluster(tmp_path)
    try:
        await asyncio.to_thread(pair.start)
        server = BrokerServer("127.0.0.1", pair.nodes[0].port, tls=False)
        profile = ConnectionProfile(client_id="host", clean_start=True, session_expiry_s=0)
        said, heard = (
            MqttConnection(server, BrokerCredentials(), profile),
            MqttConnection(server, BrokerCredentials(), profile),
        )
        await said.open()
        said.publish(
            OutgoingMessage("spBv1.0/STATE/opt", b'{"online": true, "timestamp": 5}', 1, retain=True)
        )
        async with asyncio.timeout(60):
            while said.in_flight_count:  # noqa: ASYNC110 - another program's state has no event here
                await asyncio.sleep(0.02)
        await said.leave(0)
        session = NodeSession(Identity("issy", "b012"), MetricCatalog(), SessionRules(primary_host="opt"))
        notebook = MemoryOutbox(7, [("grid", "power_w")])
        context = SessionContext(Now(0, 1_764_000_000_000, synced=True), dict, notebook)
        await heard.open()
        assert [] == await heard.subscribe(session.subscriptions())
        session.process_opening(0, context)
        async with asyncio.timeout(60):
            message = await heard.receive()
        assert session.process_message(message.topic, message.payload, context, retained=message.retained)
        assert SessionPhase.BORN is session.phase
        await heard.leave(0)
    finally:
        await asyncio.to_thread(pair.kill)
