import json
import time
from types import SimpleNamespace

import pytest
from tests.hil.bench.load_test.test_hosts import Client, sparkplug

from quartier.district.sparkplug.payload_codec import Datatype, Metric, encode_payload
from quartier_bench.load_test.store_hosts import StoringHost, parse_data_message
from quartier_district.signed_documents import SigningKey


@pytest.fixture
def make_host(tmp_path):
    SigningKey.fresh("k").save(tmp_path)
    made = []

    def make(**more):
        config = {
            "name": "host0",
            "group": "issy",
            "edges": ["e1", "e2"],
            "leads": True,
            "shares": False,
            "primary": False,
            "fifo": False,
            "store_per_s": 1e6,
            "store_file": str(tmp_path / "store"),
            "key": str(tmp_path / "k.pem"),
            "rate": 1.0,
            "origin": time.time(),
        }
        host = StoringHost(config | more)
        host.client = Client()
        made.append(host)
        return host

    yield make
    for host in made:
        host.close()


def hear(host, topic, payload):
    host._on_message(None, None, SimpleNamespace(topic=topic, payload=payload))


def data(seq, first, *, late=False, count=1, now_ms=0):
    metrics = [Metric("power_w", 1.0, Datatype.DOUBLE, now_ms, historical=late)] * count
    body = json.dumps({"boot": 7, "first": first}).encode()
    return encode_payload(metrics, timestamp_ms=now_ms, seq=seq) + b"\x2a" + bytes([len(body)]) + body


def store_all(host):
    while host._live or host._late:
        host._take((host._live or host._late).popleft())


def test_a_message_is_read_by_its_numbers_without_its_values():
    seq, found = parse_data_message("e1", "grid", data(5, 11, late=True, count=3, now_ms=8), 1.0)
    assert (5, 7, 11, 3) == (seq, found.boot, found.first, found.count)
    assert (True, 8) == (found.late, found.taken_ms)
    assert (4, None) == parse_data_message("e1", "grid", sparkplug(4, 8), 1.0)


def test_live_data_is_stored_before_history_and_nothing_is_confirmed_before(make_host):
    host = make_host()
    hear(host, "spBv1.0/issy/DDATA/e1/grid", data(0, 1, late=True))
    hear(host, "spBv1.0/issy/DDATA/e1/bat1", data(1, 1))
    assert (1, 1) == (len(host._late), len(host._live))
    assert {"e1": {}, "e2": {}} == host.answer("marks")
    store_all(host)

    figures = host.answer("look")
    assert {"grid": 1, "bat1": 1} == host.answer("marks")["e1"]
    assert {"grid/7": [(1, 1)], "bat1/7": [(1, 1)]} == host.answer("held")["e1"]
    assert (2, 1, 0, 0) == tuple(figures[name] for name in ("samples", "late_samples", "repeats", "seq_gaps"))
    assert 1 == figures["over_count"], "it was taken in 1970"


def test_a_simple_host_stores_in_the_order_of_arrival_and_says_nothing(make_host):
    host = make_host(fifo=True)
    hear(host, "spBv1.0/issy/DDATA/e1/grid", data(0, 1, late=True))
    hear(host, "spBv1.0/issy/DDATA/e1/bat1", data(1, 1))
    assert ["grid", "bat1"] == [one.stream for one in host._live]
    assert "late_s" not in json.loads(host._watermark(host.edges["e1"]))


def test_what_was_stored_outlives_the_host_and_is_confirmed_before_its_state(make_host, tmp_path):
    host = make_host()
    birth = encode_payload([Metric("bdSeq", 3, Datatype.INT64, 1)], timestamp_ms=1, seq=0)
    hear(host, "spBv1.0/issy/NBIRTH/e1", birth)
    hear(host, "spBv1.0/issy/DDATA/e1/grid", data(1, 1, late=True, count=4))
    store_all(host)
    with (tmp_path / "store").open("a") as file:
        file.write("e1 grid 7 5 1")  # it died as it wrote

    again = make_host()
    again._on_connect(again.client)
    topic, told, how = again.client.said[0]
    assert ("quartier/v1/issy/e1/watermark", True) == (topic, how["retain"])
    assert (3, {"grid": {"boot": 7, "seq": 4}}) == (told["bdseq"], told["streams"])
    assert told["late_s"] == pytest.approx(0.0)
    hear(again, "spBv1.0/issy/DDATA/e1/grid", data(2, 3, late=True, count=4))
    store_all(again)
    assert (2, 2) == (again.answer("look")["samples"], again.answer("look")["repeats"])


def test_gaps_of_numbers_and_rubbish_are_counted(make_host):
    host = make_host()
    hear(host, "spBv1.0/issy/DDATA/e1/grid", data(0, 1))
    hear(host, "spBv1.0/issy/DDATA/e1/grid", data(2, 3))
    hear(host, "spBv1.0/issy/DDATA/e1/grid", b"\xff")
    store_all(host)
    figures = host.answer("look")
    assert (1, 1, 1) == (figures["seq_gaps"], figures["faults"], figures["holes"])


def test_a_death_counts_for_its_own_session(make_host):
    host = make_host()
    birth = encode_payload([Metric("bdSeq", 3, Datatype.INT64, 1)], timestamp_ms=1, seq=0)
    hear(host, "spBv1.0/issy/NBIRTH/e1", birth)
    hear(
        host,
        "spBv1.0/issy/NDEATH/e1",
        encode_payload([Metric("bdSeq", 2, Datatype.INT64, 1)], timestamp_ms=1),
    )
    assert 1 == host.answer("look")["online"]
    hear(
        host,
        "spBv1.0/issy/NDEATH/e1",
        encode_payload([Metric("bdSeq", 3, Datatype.INT64, 1)], timestamp_ms=1),
    )
    assert (0, 1) == (host.answer("look")["online"], host.answer("look")["births"])
