import pytest

from quartier_hil.bench import process
from quartier_hil.stage.broker import mosquitto
from quartier_hil.swarm import brokers


@pytest.mark.peer
@pytest.mark.skipif(mosquitto() is None, reason="mosquitto is not installed")
def test_mosquitto_comes_back_on_the_same_port(tmp_path):
    broker = brokers.Mosquitto(tmp_path)
    broker.start()
    first = broker.pid
    broker.kill()
    assert broker.pid is None
    broker.start()
    try:
        assert first != broker.pid
        assert process.accepts(broker.port, 1.0)
    finally:
        broker.kill()


def test_who_is_not_installed_is_named_with_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(brokers, "mosquitto", lambda: None)
    monkeypatch.setattr(brokers, "RABBITMQ", tmp_path)

    with pytest.raises(brokers.Absent, match="apt-get install mosquitto"):
        brokers.Mosquitto(tmp_path)
    with pytest.raises(brokers.Absent, match="apt-get install rabbitmq-server"):
        brokers.Rabbits(tmp_path)


def test_the_two_nodes_of_a_cluster_name_each_other_and_keep_sparkplugs_topics(tmp_path):
    nodes = [brokers.RabbitNode(tmp_path, letter, 7) for letter in "ab"]

    for node in nodes:
        text = (tmp_path / node.name[1] / "rabbitmq.conf").read_text()
        assert "qa7@localhost" in text
        assert "qb7@localhost" in text
        assert "mqtt.sparkplug = true" in text
        assert f"127.0.0.1:{node.port}" in text
