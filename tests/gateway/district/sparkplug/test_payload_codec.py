"""Payloads against parties that are not ours: npm's sparkplug-payload both ways, tshark for the names."""

import json
import math
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.district.records import Identity, Publication, SessionRules
from quartier.district.sparkplug.node_session import NodeSession
from quartier.district.sparkplug.payload_codec import (
    Datatype,
    MalformedPayload,
    Metric,
    SampleKey,
    SparkplugMessage,
    decode_payload,
    encode_payload,
    fit_value,
)
from quartier_drivers.readings import Quality

PEERS = Path(__file__).parents[3] / "peers"
STAMP = 1_764_000_000_123


def test_what_is_written_is_read_back():
    metrics = (
        Metric(
            "a_w", -1.5, Datatype.DOUBLE, STAMP, alias=7, properties={"engUnit": "W", "engLow": -5.0, "n": -3}
        ),
        Metric("b_count", -(2**63), Datatype.INT64, STAMP, historical=True, quality=Quality.STALE),
        Metric("c_on", False, Datatype.BOOLEAN, STAMP),
        Metric("d_text", "é", Datatype.STRING, STAMP, quality=Quality.BAD),
        Metric("e_w", None, Datatype.DOUBLE, STAMP),
    )
    payload = encode_payload(metrics, timestamp_ms=STAMP, seq=0, key=SampleKey(2**63, 1))
    assert SparkplugMessage(STAMP, 0, metrics, SampleKey(2**63, 1)) == decode_payload(payload)


def test_a_death_has_no_seq_and_data_has_no_datatype():
    message = decode_payload(encode_payload([Metric("a_w", 1.0, None, STAMP)], timestamp_ms=STAMP))
    assert (None, None, None) == (message.seq, message.metrics[0].type, message.key)


def test_aliases_replace_the_name_in_data_only():
    born = decode_payload(
        encode_payload([Metric("a_w", 1.0, Datatype.DOUBLE, STAMP, alias=3)], timestamp_ms=1)
    ).metrics[0]
    data = decode_payload(encode_payload([Metric("a_w", 1.0, None, STAMP, alias=3)], timestamp_ms=1)).metrics[
        0
    ]
    assert [("a_w", 3), ("", 3)] == [(born.name, born.alias), (data.name, data.alias)]


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"[]", b'{"boot": 1}', b'{"boot": -1, "first": 0}', b'{"boot": true, "first": 1}', b"\xff"],
)
def test_a_foreign_body_is_no_key(body):
    field = bytes([0x2A, len(body)]) + body
    assert decode_payload(field).key is None


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff",
        b"\x12\x05\x0a\x10aa",
        b"\x12\x02\x20\x63",  # datatype 99
        b"\x12\x05\x0a\x03\xff\xfe\xfd",  # a name that is no text
        b"\x12\x05\x4a\x03\x0a\x01a",  # a property key without a value
        b"x" * (256 * 1024 + 1),
        encode_payload([Metric("a", 1, Datatype.INT64, 1)] * 2_001, timestamp_ms=1),
    ],
)
def test_what_is_no_payload_is_malformed(data):
    with pytest.raises(MalformedPayload):
        decode_payload(data)


@examples(60)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_malformed(data):
    try:
        decode_payload(data)
    except MalformedPayload:
        return


@examples(60)
@given(
    st.floats(),
    st.integers(-(2**63), 2**63 - 1),
    st.text(max_size=20),
    st.sampled_from(Quality),
    st.integers(0, 2**64 - 1),
)
def test_values_survive_to_the_last_bit(number, whole, text, quality, first):
    metrics = [
        Metric("f", number, Datatype.DOUBLE, STAMP, quality=quality),
        Metric("i", whole, Datatype.INT64, STAMP),
        Metric("t", text, Datatype.STRING, STAMP),
    ]
    read = decode_payload(encode_payload(metrics, timestamp_ms=STAMP, seq=255, key=SampleKey(1, first)))
    assert struct.pack("<d", number) == struct.pack("<d", read.metrics[0].value)
    assert (whole, text, quality, first) == (
        read.metrics[1].value,
        read.metrics[2].value,
        read.metrics[0].quality,
        read.key.first,
    )


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (1, Datatype.DOUBLE, 1.0),
        (True, Datatype.INT64, 1),
        (2.7, Datatype.INT64, 2),
        (0.0, Datatype.BOOLEAN, False),
        (3, Datatype.STRING, "3"),
        ("x", Datatype.DOUBLE, None),
        (math.nan, Datatype.DOUBLE, None),
        (math.inf, Datatype.INT64, None),
        (None, Datatype.DOUBLE, None),
    ],
)
def test_a_value_is_made_to_fit_its_birth_or_is_null(value, kind, expected):
    assert (type(expected), expected) == (type(fit_value(value, kind)), fit_value(value, kind))


# npm's sparkplug-payload


@pytest.mark.peer
def test_npm_reads_every_kind_of_message_of_a_session(npm_sparkplug, transcript):
    answers = npm_sparkplug(*({"decode": m.payload.hex(), "topic": m.topic} for m in transcript))
    assert len(transcript) == len(answers)
    for message, answer in zip(transcript, answers, strict=True):
        ours = decode_payload(message.payload)
        assert ours.timestamp_ms == answer["timestamp"]
        assert ("NDEATH" in message.topic) == (ours.seq is None)
        if ours.seq is not None:
            assert ours.seq == answer["seq"]
        assert [(m.name, m.value, m.timestamp_ms) for m in ours.metrics] == [
            (m["name"], m["value"], m["timestamp"]) for m in answer["metrics"]
        ]
        assert [m.historical for m in ours.metrics] == [
            m.get("isHistorical", False) for m in answer["metrics"]
        ]
        for mine, theirs in zip(ours.metrics, answer["metrics"], strict=True):
            told = {name: entry["value"] for name, entry in theirs.get("properties", {}).items()}
            assert mine.quality == told.pop("Quality", 192)
            assert dict(mine.properties) == told
        if ours.key is not None:
            assert {"boot": ours.key.boot, "first": ours.key.first} == json.loads(answer["body"])


@pytest.mark.peer
def test_npm_names_the_types_of_our_births(npm_sparkplug, transcript):
    (birth,) = npm_sparkplug({"decode": transcript[0].payload.hex()})
    types = {metric["name"]: metric["type"] for metric in birth["metrics"]}
    assert {
        "bdSeq": "Int64",
        "Node Control/Rebirth": "Boolean",
        "Node Control/Scan Rate": "Int64",
        "rs485.requests_count": "Int64",
        "gateway.version_text": "String",
    } == types
    answers = npm_sparkplug(*({"decode": message.payload.hex()} for message in transcript))
    quality = [
        metric["properties"]["Quality"]
        for answer in answers
        for metric in answer["metrics"]
        if "Quality" in metric.get("properties", {})
    ]
    assert {"Int32"} == {entry["type"] for entry in quality}


@pytest.mark.peer
@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("Boolean", True, (Datatype.BOOLEAN, True)),
        ("Int8", -5, (Datatype.INT8, -5)),
        ("Int16", -300, (Datatype.INT16, -300)),
        ("Int32", -70000, (Datatype.INT32, -70000)),
        ("Int64", 5000, (Datatype.INT64, 5000)),
        ("UInt32", 4000000000, (Datatype.UINT32, 4000000000)),
        ("Float", 0.5, (Datatype.FLOAT, 0.5)),
        ("Double", -1234.5, (Datatype.DOUBLE, -1234.5)),
        ("String", "é", (Datatype.STRING, "é")),
    ],
)
def test_we_read_what_npm_writes(npm_sparkplug, kind, value, expected):
    metric = {"name": "bat1.setpoint_w", "type": kind, "value": value, "timestamp": STAMP, "alias": 9}
    (answer,) = npm_sparkplug({"encode": {"timestamp": STAMP, "metrics": [metric]}})
    message = decode_payload(bytes.fromhex(answer["hex"]))
    (read,) = message.metrics
    assert (STAMP, *expected, "bat1.setpoint_w", 9) == (
        message.timestamp_ms,
        read.type,
        read.value,
        read.name,
        read.alias,
    )


@pytest.mark.peer
def test_our_bytes_are_npms_bytes(npm_sparkplug):
    """Golden: the same message, written by both, is the same to the last byte."""
    metric = {
        "name": "power_w",
        "timestamp": STAMP,
        "type": "Double",
        "value": -1234.5,
        "properties": {
            "engUnit": {"type": "String", "value": "W"},
            "Quality": {"type": "Int32", "value": 500},
        },
    }
    question = {"encode": {"timestamp": STAMP, "metrics": [metric], "seq": 3}}
    ours = encode_payload(
        [
            Metric(
                "power_w", -1234.5, Datatype.DOUBLE, STAMP, quality=Quality.STALE, properties={"engUnit": "W"}
            )
        ],
        timestamp_ms=STAMP,
        seq=3,
    )
    assert bytes.fromhex(npm_sparkplug(question)[0]["hex"]) == ours


# tshark


@pytest.mark.peer
def test_tshark_names_every_message(transcript, tmp_path):
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed (apt-get install tshark)")
    capture = tmp_path / "session.pcap"
    capture.write_bytes(pcap([mqtt_publish(m.topic, m.payload) for m in transcript]))
    run = subprocess.run(
        [
            "tshark",
            "-r",
            str(capture),
            "-d",
            "tcp.port==1883,mqtt",
            "-Y",
            "sparkplugb",
            "-T",
            "fields",
            "-e",
            "sparkplugb.messagetype",
            "-e",
            "_ws.malformed",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    named = [line.strip() for line in run.stdout.splitlines() if line.strip()]
    assert [message.topic.split("/")[2] for message in transcript] == named


@pytest.fixture(scope="session")
def npm_sparkplug():
    """``npm_sparkplug(lines)``: npm's sparkplug-payload answers one JSON line per JSON line."""
    script = PEERS / "sparkplug_payload.js"
    if shutil.which("node") is None or not (PEERS / "node_modules" / "sparkplug-payload").is_dir():
        pytest.skip("npm's sparkplug-payload is not installed (tests/peers/install.sh)")

    def ask(*questions):
        asked = "".join(json.dumps(question) + "\n" for question in questions)
        run = subprocess.run(
            ["node", str(script)], input=asked, capture_output=True, text=True, timeout=60, check=True
        )
        return [json.loads(line) for line in run.stdout.splitlines()]

    return ask


@pytest.fixture
def transcript(world, catalog):
    """One message of every kind that a node says, in the order of a life."""
    session = NodeSession(Identity("issy", "b012"), catalog, SessionRules(watermark=False))
    world.put("bat1", "soc_pct", 44.25)
    said = session.process_opening(9, world.context)
    world.put("grid", "power_w", -1234.5)
    world.put("grid", "power_w", 0.1, Quality.STALE)
    world.put("ev1", "plugged_on", False)
    world.put("node", "rs485.requests_count", 2**40)
    world.put("node", "gateway.version_text", "0.1.1 é")
    world.silent.add("ev1")
    said += session.pump(world.pass_s(1).context, 10**6)
    world.silent.clear()
    said += session.pump(world.pass_s(1).context, 10**6)
    rate = encode_payload([Metric("Node Control/Scan Rate", 2_000, Datatype.INT64, 1)], timestamp_ms=1)
    said += session.process_message("spBv1.0/issy/NCMD/b012", rate, world.context)
    said += session.on_leaving(world.now)
    messages = [effect for effect in said if isinstance(effect, Publication)]
    kinds = {message.topic.split("/")[2] for message in messages}
    assert {"NBIRTH", "DBIRTH", "NDATA", "DDATA", "DDEATH", "NDEATH"} == kinds
    return messages


def mqtt_publish(topic, payload):
    """An MQTT 3.1.1 PUBLISH of QoS 0."""
    body = len(topic).to_bytes(2, "big") + topic.encode() + payload
    length, rest = b"", len(body)
    while True:
        rest, low = divmod(rest, 128)
        length += bytes([low | (128 if rest else 0)])
        if not rest:
            return b"\x30" + length + body


def pcap(payloads):
    """A capture of raw IPv4 (link type 101): each payload one TCP segment, in order."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101)
    sequence = 1
    for number, payload in enumerate(payloads):
        tcp = struct.pack("!HHIIBBHHH", 40000, 1883, sequence, 1, 5 << 4, 0x18, 65535, 0, 0) + payload
        ip = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), number, 0, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\1"
        )
        frame = ip + tcp
        out += struct.pack("<IIII", number, 0, len(frame), len(frame)) + frame
        sequence += len(payload)
    return out
