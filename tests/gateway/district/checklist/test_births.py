"""Checklist: NBIRTH and DBIRTH, as they went over the wire."""

import pytest
from tests.gateway.district.checklist.spoken import (
    ASSETS,
    counts_up,
    holds_one_of_both,
    in_window,
    unborn,
)

pytestmark = [pytest.mark.daemon, pytest.mark.peer]

REBIRTH = "Node Control/Rebirth"


# 4. NBIRTH


def test_principles_birth_certificates_order(wire):
    assert {"NBIRTH"} == {session.published[0].kind for session in wire.sessions if session.published}


def test_message_flow_edge_node_birth_publish_nbirth_topic(wire):
    assert {"spBv1.0/issy/NBIRTH/b012"} == {birth.topic for birth in wire.of("NBIRTH")}


def test_message_flow_edge_node_birth_publish_nbirth_payload(wire):
    assert all(birth.payload["same"] for birth in wire.of("NBIRTH"))


def test_message_flow_edge_node_birth_publish_nbirth_payload_bdSeq(wire):  # noqa: N802 - the id's own letters
    for session in wire.sessions:
        for birth in session.of("NBIRTH"):
            assert ("Int64", session.will.bdseq) == (birth.metric("bdSeq")["type"], birth.bdseq)


def test_message_flow_edge_node_birth_publish_nbirth_qos(wire):
    assert {0} == {birth.qos for birth in wire.of("NBIRTH")}


def test_message_flow_edge_node_birth_publish_nbirth_retained(wire):
    assert {False} == {birth.retain for birth in wire.of("NBIRTH")}


def test_message_flow_edge_node_birth_publish_nbirth_payload_seq(wire):
    assert all(0 <= birth.seq <= 255 for birth in wire.of("NBIRTH"))


def test_topics_nbirth_topic(wire):
    assert {("spBv1.0", "issy", "NBIRTH", "b012")} == {tuple(birth.levels) for birth in wire.of("NBIRTH")}


def test_topics_nbirth_mqtt(wire):
    assert {(0, False)} == {(birth.qos, birth.retain) for birth in wire.of("NBIRTH")}


def test_topics_nbirth_seq_num(wire):
    assert {0} == {birth.payload["seq"] for birth in wire.of("NBIRTH")}


def test_topics_nbirth_timestamp(wire):
    assert all(birth.payload["timestamp"] > 0 for birth in wire.of("NBIRTH"))


def test_topics_nbirth_metric_reqs(wire):
    assert set() == unborn(wire.rounds, "NBIRTH", "NDATA")


def test_topics_nbirth_metrics(wire):
    for birth in wire.of("NBIRTH"):
        assert all(metric["name"] and "datatype" in metric for metric in birth.metrics)
        assert all(holds_one_of_both(metric) for metric in birth.metrics)


def test_topics_nbirth_bdseq_included(wire):
    assert all("bdSeq" in {metric["name"] for metric in birth.metrics} for birth in wire.of("NBIRTH"))


def test_topics_nbirth_bdseq_matching(wire):
    for session in wire.sessions:
        assert {session.will.bdseq} >= {birth.bdseq for birth in session.of("NBIRTH")}


def test_topics_nbirth_rebirth_metric(wire):
    told = [birth.metric(REBIRTH) for birth in wire.of("NBIRTH")]
    assert {("Boolean", "booleanValue", False)} == {(m["type"], m["field"], m["value"]) for m in told}


def test_payloads_nbirth_timestamp(wire):
    assert all(in_window(said) for said in wire.dated if said.kind == "NBIRTH")


def test_payloads_nbirth_edge_node_descriptor(wire):
    speakers = {session.connect["clientId"] for session in wire.sessions if session.of("NBIRTH")}
    assert {"issy.b012"} == speakers


def test_payloads_nbirth_seq(wire):
    assert all(0 <= birth.payload["seq"] <= 255 for birth in wire.of("NBIRTH"))


def test_payloads_nbirth_bdseq(wire):
    assert {"longValue"} == {birth.metric("bdSeq")["field"] for birth in wire.of("NBIRTH")}


def test_payloads_nbirth_bdseq_repeat(wire):
    many = [session for session in wire.sessions if len(session.of("NBIRTH")) > 1]
    assert many, "no rebirth was recorded"
    for session in many:
        assert {session.will.bdseq} == {birth.bdseq for birth in session.of("NBIRTH")}


def test_payloads_nbirth_rebirth_req(wire):
    assert {False} == {birth.metric(REBIRTH)["value"] for birth in wire.of("NBIRTH")}


def test_payloads_nbirth_qos(wire):
    assert {0} == {birth.qos for birth in wire.of("NBIRTH")}


def test_payloads_nbirth_retain(wire):
    assert {False} == {birth.retain for birth in wire.of("NBIRTH")}


def test_payloads_sequence_num_req_nbirth(wire):
    assert all("seq" in birth.payload and 0 <= birth.seq <= 255 for birth in wire.of("NBIRTH"))


def test_operational_behavior_data_publish_nbirth(wire):
    assert set() == unborn(wire.rounds, "NBIRTH", "NDATA")


def test_operational_behavior_data_publish_nbirth_values(wire):
    for birth in wire.of("NBIRTH"):
        assert [] == [metric for metric in birth.metrics if not holds_one_of_both(metric)]


def test_operational_behavior_data_commands_rebirth_name(wire):
    assert all(REBIRTH in {metric["name"] for metric in birth.metrics} for birth in wire.of("NBIRTH"))


def test_operational_behavior_data_commands_rebirth_datatype(wire):
    assert {(11, "Boolean")} == {
        (birth.metric(REBIRTH)["datatype"], birth.metric(REBIRTH)["type"]) for birth in wire.of("NBIRTH")
    }


def test_operational_behavior_data_commands_rebirth_value(wire):
    assert {False} == {birth.metric(REBIRTH)["value"] for birth in wire.of("NBIRTH")}


# 5. DBIRTH


def test_message_flow_device_birth_publish_nbirth_wait(wire):
    for session in wire.sessions:
        if (first := session.number_of("DBIRTH")) is not None:
            assert session.number_of("NBIRTH") < first


def test_message_flow_device_birth_publish_dbirth_topic(wire):
    assert {f"spBv1.0/issy/DBIRTH/b012/{asset}" for asset in ASSETS} == {b.topic for b in wire.of("DBIRTH")}


def test_message_flow_device_birth_publish_dbirth_match_edge_node_topic(wire):
    for told in wire.rounds:
        node = told[0].levels
        assert all((node[1], node[3]) == (d.levels[1], d.levels[3]) for d in told if d.kind == "DBIRTH")


def test_message_flow_device_birth_publish_dbirth_payload(wire):
    assert all(birth.payload["same"] for birth in wire.of("DBIRTH"))


def test_message_flow_device_birth_publish_dbirth_qos(wire):
    assert {0} == {birth.qos for birth in wire.of("DBIRTH")}


def test_message_flow_device_birth_publish_dbirth_retained(wire):
    assert {False} == {birth.retain for birth in wire.of("DBIRTH")}


def test_message_flow_device_birth_publish_dbirth_payload_seq(wire):
    assert counts_up(wire.rounds, "DBIRTH")


def test_topics_dbirth_topic(wire):
    heads = {tuple(birth.levels[:4]) for birth in wire.of("DBIRTH")}
    assert {("spBv1.0", "issy", "DBIRTH", "b012")} == heads
    assert set(ASSETS) == {birth.device for birth in wire.of("DBIRTH")}


def test_topics_dbirth_mqtt(wire):
    assert {(0, False)} == {(birth.qos, birth.retain) for birth in wire.of("DBIRTH")}


def test_topics_dbirth_seq(wire):
    assert counts_up(wire.rounds, "DBIRTH")


def test_topics_dbirth_timestamp(wire):
    assert all(birth.payload["timestamp"] > 0 for birth in wire.of("DBIRTH"))


def test_topics_dbirth_metric_reqs(wire):
    assert set() == unborn(wire.rounds, "DBIRTH", "DDATA")


def test_topics_dbirth_metrics(wire):
    for birth in wire.of("DBIRTH"):
        assert birth.metrics
        assert all(metric["name"] and "datatype" in metric for metric in birth.metrics)
        assert all(holds_one_of_both(metric) for metric in birth.metrics)


def test_payloads_dbirth_timestamp(wire):
    assert all(in_window(said) for said in wire.dated if said.kind == "DBIRTH")


def test_payloads_dbirth_seq(wire):
    assert all("seq" in birth.payload for birth in wire.of("DBIRTH"))


def test_payloads_dbirth_seq_inc(wire):
    assert counts_up(wire.rounds, "DBIRTH")


def test_payloads_dbirth_order(wire):
    for told in wire.rounds:
        assert ["NBIRTH", "DBIRTH", "DBIRTH", "DBIRTH"] == [said.kind for said in told[:4]]
        assert set(ASSETS) == {said.device for said in told[1:4]}


def test_payloads_dbirth_qos(wire):
    assert {0} == {birth.qos for birth in wire.of("DBIRTH")}


def test_payloads_dbirth_retain(wire):
    assert {False} == {birth.retain for birth in wire.of("DBIRTH")}


def test_operational_behavior_data_publish_dbirth(wire):
    assert set() == unborn(wire.rounds, "DBIRTH", "DDATA")


def test_operational_behavior_data_publish_dbirth_values(wire):
    for birth in wire.of("DBIRTH"):
        assert [] == [metric for metric in birth.metrics if not holds_one_of_both(metric)]
