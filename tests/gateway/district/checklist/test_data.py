"""Checklist: data, deaths of devices, commands, and what holds for every payload."""

from itertools import pairwise

import pytest
from tests.gateway.district.checklist.spoken import (
    BIRTHS,
    DATA,
    WINDOW_MS,
    counts_up,
    in_window,
    is_in_time_order,
    names_of,
    repeats,
)

pytestmark = [pytest.mark.daemon, pytest.mark.peer]

REBIRTH = "Node Control/Rebirth"
TYPES = set(range(1, 35))  # chapter 6, DataType: 1..19 basic, 20 and 21 properties, 22..34 arrays
BASIC = set(range(1, 15))
DATASET, TEMPLATE = 16, 19


# 6. NDATA


def test_topics_ndata_topic(wire):
    assert {"spBv1.0/issy/NDATA/b012"} == {said.topic for said in wire.of("NDATA")}


def test_topics_ndata_mqtt(wire):
    assert {(0, False)} == {(said.qos, said.retain) for said in wire.of("NDATA")}


def test_topics_ndata_seq_num(wire):
    assert counts_up(wire.rounds, "NDATA")


def test_topics_ndata_timestamp(wire):
    assert all(said.payload["timestamp"] > 0 for said in wire.of("NDATA"))


def test_topics_ndata_payload(wire):
    assert all(said.metrics for said in wire.of("NDATA"))
    assert [] == repeats(wire.rounds, ("NDATA",))


def test_payloads_ndata_timestamp(wire):
    assert all(in_window(said) for said in wire.dated if said.kind == "NDATA")


def test_payloads_ndata_seq(wire):
    assert all("seq" in said.payload for said in wire.of("NDATA"))


def test_payloads_ndata_seq_inc(wire):
    assert counts_up(wire.rounds, "NDATA")


def test_payloads_ndata_order(wire):
    assert all("NDATA" not in {said.kind for said in told[:4]} for told in wire.rounds)


def test_payloads_ndata_qos(wire):
    assert {0} == {said.qos for said in wire.of("NDATA")}


def test_payloads_ndata_retain(wire):
    assert {False} == {said.retain for said in wire.of("NDATA")}


def test_operational_behavior_data_publish_nbirth_change(wire):
    assert [] == repeats(wire.rounds, ("NDATA",))


def test_operational_behavior_data_publish_nbirth_order(wire):
    assert all(is_in_time_order(said) for said in wire.of("NBIRTH", "NDATA"))


# 7. DDATA


def test_topics_ddata_topic(wire):
    for told in wire.rounds:
        devices = {said.device for said in told if said.kind == "DBIRTH"}
        topics = {f"spBv1.0/issy/DDATA/b012/{device}" for device in devices}
        assert topics >= {said.topic for said in told if said.kind == "DDATA"}


def test_topics_ddata_mqtt(wire):
    assert {(0, False)} == {(said.qos, said.retain) for said in wire.of("DDATA")}


def test_topics_ddata_seq_num(wire):
    assert counts_up(wire.rounds, "DDATA")


def test_topics_ddata_timestamp(wire):
    assert all(said.payload["timestamp"] > 0 for said in wire.of("DDATA"))


def test_topics_ddata_payload(wire):
    assert all(said.metrics for said in wire.of("DDATA"))
    assert [] == repeats(wire.rounds, ("DDATA",))


def test_payloads_ddata_timestamp(wire):
    assert all(in_window(said) for said in wire.dated if said.kind == "DDATA")


def test_payloads_ddata_seq(wire):
    assert all("seq" in said.payload for said in wire.of("DDATA"))


def test_payloads_ddata_seq_inc(wire):
    assert counts_up(wire.rounds, "DDATA")


def test_payloads_ddata_order(wire):
    assert all("DDATA" not in {said.kind for said in told[:4]} for told in wire.rounds)


def test_payloads_ddata_qos(wire):
    assert {0} == {said.qos for said in wire.of("DDATA")}


def test_payloads_ddata_retain(wire):
    assert {False} == {said.retain for said in wire.of("DDATA")}


def test_operational_behavior_data_publish_dbirth_change(wire):
    assert [] == repeats(wire.rounds, ("DDATA",))


def test_operational_behavior_data_publish_dbirth_order(wire):
    assert all(is_in_time_order(said) for said in wire.of("DBIRTH", "DDATA"))


def test_principles_rbe_recommended(wire):
    assert [] == repeats(wire.rounds, DATA)


# 8. DDEATH and device loss


def test_operational_behavior_device_ddeath(life):
    lost = [said for said in life.between("loss", "return") if said.kind == "DDEATH"]
    assert ["boiler"] == [said.device for said in lost]


def test_topics_ddeath_topic(life):
    assert {"spBv1.0/issy/DDEATH/b012/boiler"} == {said.topic for said in life.of("DDEATH")}


def test_topics_ddeath_mqtt(life):
    assert {(0, False)} == {(said.qos, said.retain) for said in life.of("DDEATH")}


def test_topics_ddeath_seq_num(life):
    assert counts_up(life.rounds, "DDEATH")


def test_payloads_ddeath_timestamp(life):
    assert all(in_window(said) for said in life.of("DDEATH"))


def test_payloads_ddeath_seq(life):
    assert all(0 <= said.payload["seq"] <= 255 for said in life.of("DDEATH"))


def test_payloads_ddeath_seq_inc(life):
    assert counts_up(life.rounds, "DDEATH")


def test_payloads_ddeath_seq_number(life):
    for told in life.rounds:
        for before, said in pairwise(told):
            if said.kind == "DDEATH":
                assert (before.seq + 1) % 256 == said.seq


# 10. Commands and rebirth


def requests(wire):
    """Rebirth requests that reached a node: what was said after each, and by which session."""
    for session in wire.sessions:
        for packet in session.way("down", "publish"):
            names = {m.get("name") for m in packet["said"].metrics} if "said" in packet else set()
            if REBIRTH in names:
                after = [p["said"] for p in session.way("up", "publish") if p["number"] > packet["number"]]
                yield session, packet["said"], after


def test_operational_behavior_data_commands_rebirth_action_1(wire):
    """What was on its way still comes (0.4 s of real time); births that are put off come 5 s after the last ones."""
    asked = list(requests(wire))
    assert asked
    for _, request, after in asked:
        before_birth = after[: [said.kind for said in after].index("NBIRTH")]
        late = [said for said in before_birth if said.payload["timestamp"] > request.house_ms + 4_000]
        assert [] == [said.topic for said in late]


def test_operational_behavior_data_commands_rebirth_action_2(wire):
    for _, _, after in requests(wire):
        kinds = [said.kind for said in after]
        start = kinds.index("NBIRTH")
        assert ["NBIRTH", "DBIRTH", "DBIRTH", "DBIRTH"] == kinds[start : start + 4]


def test_operational_behavior_data_commands_rebirth_action_3(wire):
    for session, _, after in requests(wire):
        birth = next(said for said in after if said.kind == "NBIRTH")
        assert session.will.bdseq == birth.bdseq


def test_operational_behavior_data_commands_rebirth_name_aliases(walk):
    assert [] == [birth for birth in walk.of("NBIRTH") if "alias" in birth.metric(REBIRTH)]


# 13. Payload rules for all messages


def test_payloads_timestamp_in_UTC(wire):  # noqa: N802 - the id's own letters
    assert all(in_window(said) for said in wire.dated)


def test_payloads_sequence_num_always_included(wire):
    for said in wire.all:
        assert ("seq" in said.payload) == (said.kind != "NDEATH")


def test_payloads_sequence_num_incrementing(life):
    assert max(map(len, life.rounds)) > 256, "no wrap was recorded"
    for told in life.rounds:
        assert [place % 256 for place in range(len(told))] == [said.seq for said in told]


def test_payloads_name_requirement(life):
    assert all(metric.get("name") for said in life.all for metric in said.metrics)
    assert all("alias" not in metric for said in life.all for metric in said.metrics)


def test_payloads_name_birth_data_requirement(wire):
    assert all("timestamp" in metric for said in wire.of(*BIRTHS, *DATA) for metric in said.metrics)


def test_payloads_metric_timestamp_in_UTC(wire):  # noqa: N802 - the id's own letters
    live = [said for said in wire.dated if said.kind in DATA and not said.historical]
    assert live
    for said in live:
        assert all(abs(m["timestamp"] - said.house_ms) <= WINDOW_MS for m in said.metrics), said.topic


def test_payloads_metric_datatype_value_type(wire):
    for birth in wire.of(*BIRTHS):
        assert all(0 <= metric["datatype"] < 2**32 for metric in birth.metrics)
        assert birth.payload["same"], "a wider number would have been written otherwise"


def test_payloads_metric_datatype_value(wire):
    assert {metric["datatype"] for birth in wire.of(*BIRTHS) for metric in birth.metrics} <= TYPES


def test_payloads_metric_datatype_req(wire):
    assert all("datatype" in metric for birth in wire.of(*BIRTHS) for metric in birth.metrics)


def test_payloads_metric_datatype_not_req(wire):
    assert [] == [said.topic for said in wire.of(*DATA) for metric in said.metrics if "datatype" in metric]


# 14. Aliases


def test_payloads_alias_uniqueness(walk):
    for told in walk.rounds:
        births = [said for said in told if said.kind in BIRTHS]
        aliases = [metric["alias"] for birth in births for metric in birth.metrics if "alias" in metric]
        assert aliases
        assert len(aliases) == len(set(aliases))


def test_payloads_alias_birth_requirement(walk):
    """All but bdSeq, which no data carries, and the rebirth metric, which must have none."""
    for birth in walk.of(*BIRTHS):
        assert all(metric["name"] for metric in birth.metrics)
        without = {metric["name"] for metric in birth.metrics if "alias" not in metric}
        assert without == ({"bdSeq", REBIRTH} if birth.kind == "NBIRTH" else set())


def test_payloads_alias_data_cmd_requirement(walk):
    for told in walk.rounds:
        known = {said.device: names_of(said) for said in told if said.kind in BIRTHS}
        for said in (said for said in told if said.kind in DATA):
            assert all("name" not in metric for metric in said.metrics)
            assert {metric["alias"] for metric in said.metrics} <= known[said.device]


# 15. Properties


@pytest.fixture
def properties(wire):
    """Those of every metric that has some."""
    found = [
        metric["properties"] for said in wire.published for metric in said.metrics if "properties" in metric
    ]
    assert found
    return found


@pytest.fixture
def qualities(life):
    """Every Quality that was told: a device was lost."""
    told = [
        metric["properties"] for said in life.published for metric in said.metrics if "properties" in metric
    ]
    pairs = [pair for one in told for pair in zip(one["keys"], one["values"], strict=True)]
    found = [value for key, value in pairs if key == "Quality"]
    assert found
    return found


def test_payloads_propertyset_keys_array_size(properties):
    assert all(len(one["keys"]) == len(one["values"]) for one in properties)


def test_payloads_propertyset_values_array_size(properties):
    assert all(len(one["values"]) == len(set(one["keys"])) for one in properties)


def test_payloads_metric_propertyvalue_type_type(properties):
    assert all(0 <= value["type"] < 2**32 for one in properties for value in one["values"])


def test_payloads_metric_propertyvalue_type_value(properties):
    assert {value["type"] for one in properties for value in one["values"]} <= BASIC


def test_payloads_metric_propertyvalue_type_req(wire):
    for birth in wire.of(*BIRTHS):
        for metric in birth.metrics:
            assert all("type" in value for value in metric.get("properties", {"values": ()})["values"])


def test_payloads_propertyset_quality_value_type(qualities):
    assert {3} == {quality["type"] for quality in qualities}


def test_payloads_propertyset_quality_value_value(qualities):
    assert {"intValue"} == {quality["field"] for quality in qualities}
    assert {quality["value"] for quality in qualities} <= {0, 192, 500}


# The optional groups that are left out


def test_no_template_and_no_dataset_is_ever_said(wire):
    """As soon as one is, every id of its group has to hold."""
    for metric in (metric for said in wire.all for metric in said.metrics):
        assert metric.get("field") not in {"datasetValue", "templateValue", "extensionValue"}
        assert metric.get("datatype") not in {DATASET, TEMPLATE}
