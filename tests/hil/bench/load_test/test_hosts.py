import json
import time
from types import SimpleNamespace

import pytest

from quartier.district.sparkplug.payload_codec import Datatype, Metric, encode_payload
from quartier_bench.load_test.hosts import DistrictHost
from quartier_district.signed_documents import SigningKey


@pytest.fixture
def host(tmp_path):
    SigningKey.fresh("k").save(tmp_path)
    config = {
        "name": "host0",
        "group": "issy",
        "edges": ["e1", "e2"],
        "leads": True,
        "shares": True,
        "primary": False,
    }
    made = DistrictHost({**config, "key": str(tmp_path / "k.pem"), "rate": 1.0, "origin": time.time()})
    made.client = Client()
    return made


class Client:
    """What a host says to its broker, noted."""

    def __init__(self):
        self.said, self.filters = [], []

    def publish(self, topic, payload, **how):
        self.said.append((topic, json.loads(payload), how))

    def subscribe(self, filters):
        self.filters += filters

    def is_connected(self):
        return True


def hear(host, topic, payload):
    host._on_message(None, None, SimpleNamespace(topic=topic, payload=payload))


def sparkplug(seq, now_ms, first=None):
    metrics = [Metric("power_w", 1.0, Datatype.DOUBLE, now_ms)]
    payload = encode_payload(metrics, timestamp_ms=now_ms, seq=seq)
    if first is not None:
        body = json.dumps({"boot": 7, "first": first}).encode()
        payload += b"\x2a" + bytes([len(body)]) + body
    return payload


def test_a_host_hears_all_of_its_edges_and_shares_what_has_keys_of_its_own(host):
    host._on_connect(host.client)

    assert [
        "spBv1.0/issy/+/e1/#",
        "spBv1.0/issy/+/e2/#",
        "$share/hosts/quartier/v1/issy/+/ack",
        "$share/hosts/quartier/v1/issy/+/event",
    ] == [name for name, _ in host.client.filters]


def test_without_shared_subscriptions_it_takes_the_answers_of_its_own_edges(host):
    host.config["shares"] = False
    host._on_connect(host.client)

    assert "quartier/v1/issy/e1/ack" in [name for name, _ in host.client.filters]
    assert not any(name.startswith("$share") for name, _ in host.client.filters)


def test_samples_are_held_by_their_keys_and_a_hole_stays_one(host):
    now_ms = host.clock.utc_ms()
    hear(host, "spBv1.0/issy/NBIRTH/e1", sparkplug(0, now_ms))
    hear(host, "spBv1.0/issy/DDATA/e1/grid", sparkplug(1, now_ms - 500, first=1))
    hear(host, "spBv1.0/issy/DDATA/e1/grid", sparkplug(3, now_ms, first=3))
    figures = host.answer("look")

    assert {"e1": {"grid": 1}, "e2": {}} == host.answer("marks")
    assert (1, 2, 1, 1, 3) == tuple(
        figures[name] for name in ("births", "samples", "holes", "seq_gaps", "heard")
    )
    assert 0.5 <= figures["age_max_s"] < 60
    assert {"e1"} == host.due


def test_every_edge_gets_one_envelope_retained(host):
    assert {"sent": 2} == host.answer("envelopes")
    assert [("quartier/v1/issy/e1/envelope/district", 96), ("quartier/v1/issy/e2/envelope/district", 96)] == [
        (topic, len(body["intervals"])) for topic, body, _ in host.client.said
    ]
    assert all(how["retain"] and how["qos"] == 1 for _, _, how in host.client.said)


def test_an_edge_has_accepted_when_it_says_so(host):
    hear(host, "quartier/v1/issy/e1/ack", b'{"status": "NEW"}')
    assert 0 == host.answer("look")["accepted"]
    hear(host, "quartier/v1/issy/e1/ack", b'{"status": "ACCEPTED"}')
    hear(host, "quartier/v1/issy/e1/ack", b'{"status": "ACCEPTED"}')

    assert (3, 1) == tuple(host.answer("look")[name] for name in ("acks", "accepted"))
