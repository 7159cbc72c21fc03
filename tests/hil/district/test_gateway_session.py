import json
import struct

from quartier_district.gateway_session import SETTLE_MS, GatewaySession, TopicNames
from quartier_district.sparkplug import encode_bytes, encode_number, encode_varint

NAMES = TopicNames("issy", "b012")
DATA = "spBv1.0/issy/DDATA/b012/grid"


def _data(seq, boot, first, values, *, historical=False):
    metrics = b"".join(
        encode_bytes(
            2,
            encode_bytes(1, b"power_w")
            + encode_number(3, 1000 + index)
            + (encode_number(5, 1) if historical else b"")
            + encode_varint(13 << 3 | 1)
            + struct.pack("<d", value),
        )
        for index, value in enumerate(values)
    )
    return (
        encode_number(1, 1)
        + metrics
        + encode_number(3, seq)
        + encode_bytes(5, json.dumps({"boot": boot, "first": first}).encode())
    )


def _birth(bdseq):
    metric = encode_bytes(1, b"bdSeq") + encode_number(4, 4) + encode_number(11, bdseq)
    return encode_number(1, 1) + encode_bytes(2, metric) + encode_number(3, 0)


def _born(bdseq=3):
    session = GatewaySession(NAMES)
    session.take("spBv1.0/issy/NBIRTH/b012", _birth(bdseq), 0)
    return session


def test_samples_are_logged_with_key_value_and_quality():
    line = _born().take(DATA, _data(1, 9, 1, [5.0, 6.0]), 100)

    assert ("grid", 9, 1, 2) == (line["stream"], line["boot"], line["first"], line["new"])
    assert [["power_w", 1000, 5.0, 192], ["power_w", 1001, 6.0, 192]] == line["metrics"]


def test_a_jump_in_the_sequence_of_messages_is_counted():
    session = _born()
    session.take(DATA, _data(1, 9, 1, [5.0]), 1)
    session.take(DATA, _data(3, 9, 2, [5.0]), 2)

    assert 1 == session.seq_gaps_count


def test_the_will_of_an_earlier_connection_is_ignored():
    session = _born(3)
    session.take("spBv1.0/issy/NDEATH/b012", _birth(2), 1)
    assert session.online

    session.take("spBv1.0/issy/NDEATH/b012", _birth(3), 2)
    assert not session.online


def test_the_watermark_echoes_bdseq_and_moves_to_a_new_boot_once_the_old_one_is_quiet():
    session = _born()
    session.take(DATA, _data(1, 9, 1, [5.0]), 10)
    session.take(DATA, _data(2, 10, 1, [5.0]), 20)
    early = json.loads(session.watermark(SETTLE_MS))
    late = json.loads(session.watermark(SETTLE_MS + 1))

    assert {"bdseq": 3, "streams": {"grid": {"boot": 9, "seq": 1}}} == early
    assert {"grid": {"boot": 10, "seq": 1}} == late["streams"]


def test_late_samples_of_the_old_boot_hold_the_mark_of_their_stream_back():
    session = _born()
    session.take(DATA, _data(1, 9, 1, [5.0]), 10)
    session.take(DATA, _data(2, 10, 1, [5.0]), 20)
    session.take(DATA, _data(3, 9, 2, [5.0], historical=True), SETTLE_MS)

    assert {"boot": 9, "seq": 2} == json.loads(session.watermark(SETTLE_MS + 9))["streams"]["grid"]


def test_late_samples_of_the_new_boot_say_that_the_old_one_is_complete():
    session = _born()
    session.take(DATA, _data(1, 9, 1, [5.0]), 10)
    session.take(DATA, _data(2, 10, 1, [5.0], historical=True), 20)

    assert {"boot": 10, "seq": 1} == json.loads(session.watermark(30))["streams"]["grid"]


def test_after_a_lost_message_only_time_settles_an_old_boot():
    session = _born()
    session.take(DATA, _data(1, 9, 1, [5.0]), 10)
    session.take(DATA, _data(3, 10, 1, [5.0], historical=True), 20)

    assert 9 == json.loads(session.watermark(30))["streams"]["grid"]["boot"]
    assert 10 == json.loads(session.watermark(SETTLE_MS + 30))["streams"]["grid"]["boot"]


def test_rubbish_is_a_fault_and_nothing_else():
    session = _born()
    session.take(DATA, b"\xff\xff", 1)
    session.take("quartier/v1/issy/b012/ack", b"{", 2)

    assert 2 == len(session.faults)


def test_acknowledgements_are_kept_with_their_time():
    session = _born()
    session.take("quartier/v1/issy/b012/ack", b'{"id": "x", "status": "ACCEPTED"}', 7)

    assert [{"at": 7, "id": "x", "status": "ACCEPTED"}] == session.acks


def test_a_gap_record_lets_the_watermark_pass_what_is_lost():
    session = _born()
    session.take(DATA, _data(1, 9, 1, [5.0]), 10)
    session.take(DATA, _data(2, 9, 4, [5.0]), 20)
    gap = {"code": "store.gap", "data": {"stream": "grid", "boot": 9, "first": 2, "last": 3}}
    session.take("quartier/v1/issy/b012/event", json.dumps(gap).encode(), 30)

    assert {"grid": {"boot": 9, "seq": 4}} == json.loads(session.watermark(40))["streams"]
    assert 2 == session.ledger.samples_count
