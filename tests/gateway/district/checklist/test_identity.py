"""Checklist: names and topics, CONNECT and Will, subscriptions, leaving, the primary host, several servers."""

import re
from itertools import pairwise

import pytest
from tests.gateway.district.checklist.spoken import ASSETS

from quartier.district.records import Identity

pytestmark = [pytest.mark.daemon, pytest.mark.peer]

NODES, DEVICES = ("NBIRTH", "NDATA", "NDEATH"), ("DBIRTH", "DDATA", "DDEATH")
ALLOWED = re.compile(r"[^+/#\x00]+")


# 1. Identifiers and topics


def test_intro_group_id_string(wire):
    assert {"issy"} == {said.levels[1] for said in wire.all}


def test_intro_group_id_chars(wire):
    assert all(ALLOWED.fullmatch(said.levels[1]) for said in wire.all)


def test_intro_edge_node_id_string(wire):
    assert {"b012"} == {said.levels[3] for said in wire.all}


def test_intro_edge_node_id_chars(wire):
    assert all(ALLOWED.fullmatch(said.levels[3]) for said in wire.all)


def test_intro_device_id_string(wire):
    assert set(ASSETS) == {said.levels[4] for said in wire.of(*DEVICES)}


def test_intro_device_id_chars(wire):
    assert all(ALLOWED.fullmatch(said.device) for said in wire.of(*DEVICES))


def test_intro_edge_node_id_uniqueness(wire):
    assert {"issy.b012"} == {session.connect["clientId"] for session in wire.sessions}


def test_topic_structure(wire):
    form = re.compile(r"spBv1\.0/issy/(N(BIRTH|DATA|DEATH)/b012|D(BIRTH|DATA|DEATH)/b012/[^/]+)")
    assert [] == [said.topic for said in wire.all if not form.fullmatch(said.topic)]


def test_topic_structure_namespace_a(wire):
    ours = [session for session in wire.others if session.connect["clientId"] == "issy.b012.ctl"]
    topics = [packet["topic"] for session in ours for packet in session.way("up", "publish")]
    assert {"spBv1.0"} == {said.levels[0] for said in wire.all}
    assert [] == [topic for topic in topics if topic.startswith("sp")]


def test_topic_structure_namespace_valid_group_id(wire):
    assert not {"+", "/", "#"} & set("".join(said.levels[1] for said in wire.all))


def test_topic_structure_namespace_valid_edge_node_id(wire):
    assert not {"+", "/", "#"} & set("".join(said.levels[3] for said in wire.all))


def test_topic_structure_namespace_valid_device_id(wire):
    assert not {"+", "/", "#"} & set("".join(said.device for said in wire.of(*DEVICES)))


def test_topic_structure_namespace_unique_edge_node_descriptor(wire):
    speakers = {
        session.connect["clientId"]
        for session in (*wire.sessions, *wire.others)
        for packet in session.way("up", "publish")
        if packet["topic"].startswith("spBv1.0/issy/") and "CMD" not in packet["topic"]
    }
    assert {"issy.b012"} == speakers


def test_topic_structure_namespace_unique_device_id(wire):
    for told in wire.rounds:
        alive = set()
        for said in told:
            if said.kind == "DBIRTH":
                assert said.device not in alive
                alive.add(said.device)
            elif said.kind == "DDEATH":
                alive.remove(said.device)


def test_topic_structure_namespace_duplicate_device_id_across_edge_node():
    topics = {Identity("issy", edge).topic("DBIRTH", "grid") for edge in ("b012", "b013")}
    assert {"spBv1.0/issy/DBIRTH/b012/grid", "spBv1.0/issy/DBIRTH/b013/grid"} == topics


def test_topic_structure_namespace_device_id_associated_message_types(wire):
    assert {5} == {len(said.levels) for said in wire.of(*DEVICES)}


def test_topic_structure_namespace_device_id_non_associated_message_types(wire):
    assert {4} == {len(said.levels) for said in wire.of(*NODES)}


def test_case_sensitivity_sparkplug_ids(wire):
    ids = {level for said in wire.all for level in (said.levels[1], *said.levels[3:])}
    assert len(ids) == len({found.casefold() for found in ids})


def test_case_sensitivity_metric_names(wire):
    for birth in wire.of("NBIRTH", "DBIRTH"):
        names = [metric["name"] for metric in birth.metrics]
        assert len(names) == len({name.casefold() for name in names})


# 2. CONNECT, session flags, Will


def test_principles_persistence_clean_session_50(wire):
    for session in wire.sessions:
        assert (5, True) == (session.connect["protocolVersion"], session.connect["clean"])
        assert 0 == session.connect["properties"].get("sessionExpiryInterval", 0)


def test_message_flow_edge_node_birth_publish_connect(wire):
    for session in (found for found in wire.sessions if found.is_born):
        (granted,) = session.way("down", "connack")
        assert 0 == granted["reasonCode"]
        assert session.connect["number"] < granted["number"] < session.number_of("NBIRTH")


def test_message_flow_edge_node_birth_publish_will_message(wire):
    for session in wire.others:
        if session.connect["clientId"].startswith("issy."):
            assert [] == [p for p in session.way("up", "publish") if p["topic"].startswith("spBv1.0/")]
    assert all(session.will for session in wire.sessions)


def test_message_flow_edge_node_birth_publish_will_message_topic(wire):
    assert {"spBv1.0/issy/NDEATH/b012"} == {session.will.topic for session in wire.sessions}


def test_message_flow_edge_node_birth_publish_will_message_payload(wire):
    assert all(session.will.payload["same"] for session in wire.sessions)


def test_message_flow_edge_node_birth_publish_will_message_payload_bdSeq(wire):  # noqa: N802 - the id's own letters
    wills = [session.will.metric("bdSeq") for session in wire.sessions]
    assert {"Int64"} == {will["type"] for will in wills}
    assert list(range(len(wills))) == [will["value"] for will in wills]


def test_message_flow_edge_node_birth_publish_will_message_qos(wire):
    assert {1} == {session.will.qos for session in wire.sessions}


def test_message_flow_edge_node_birth_publish_will_message_will_retained(wire):
    assert {False} == {session.will.retain for session in wire.sessions}


def test_payloads_ndeath_will_message(wire):
    assert {"NDEATH"} == {session.will.kind for session in wire.sessions}


def test_payloads_ndeath_will_message_qos(wire):
    assert {1} == {session.will.qos for session in wire.sessions}


def test_payloads_ndeath_will_message_retain(wire):
    assert {False} == {session.will.retain for session in wire.sessions}


def test_payloads_ndeath_bdseq(wire):
    for session in wire.sessions:
        assert {session.will.bdseq} >= {birth.bdseq for birth in session.of("NBIRTH", "NDEATH")}


def test_payloads_ndeath_seq(wire):
    assert {None} == {said.seq for said in wire.all if said.kind == "NDEATH"}


def test_topics_ndeath_topic(wire):
    given = [said for said in wire.given if said.kind == "NDEATH"]
    assert given
    assert {"spBv1.0/issy/NDEATH/b012"} == {said.topic for said in (*given, *wire.of("NDEATH"))}


def test_topics_ndeath_payload(wire):
    for said in (said for said in wire.all if said.kind == "NDEATH"):
        assert ["bdSeq"] == [metric["name"] for metric in said.metrics]


def test_topics_ndeath_seq(wire):
    assert [] == [said for said in wire.all if said.kind == "NDEATH" and "seq" in said.payload]


def test_topics_nbirth_bdseq_increment(wire):
    """Over a planned leave, a kill, and attempts that no server heard."""
    assert list(range(len(wire.sessions))) == [session.will.bdseq for session in wire.sessions]


# 3. Subscriptions


def test_message_flow_edge_node_ncmd_subscribe(wire):
    for session in wire.sessions:
        assert 1 == session.subscribe["spBv1.0/issy/NCMD/b012"]
        if session.is_born:
            assert session.number("down", "suback") < session.number_of("NBIRTH")


def test_message_flow_device_dcmd_subscribe(wire):
    for session in wire.sessions:
        assert 1 == session.subscribe["spBv1.0/issy/DCMD/b012/+"]
        if session.is_born:
            assert session.number("down", "suback") < session.number_of("DBIRTH")


# 9. Leaving on purpose


@pytest.fixture
def left(wire):
    """Sessions that were born and ended on purpose."""
    found = [session for session in wire.sessions if session.is_born and session.leaves]
    assert len(found) >= 2
    return found


def test_operational_behavior_edge_node_intentional_disconnect_ndeath(left):
    for session in left:
        assert "NDEATH" == session.published[-1].kind
        assert session.number_of("NDEATH") < session.number("up", "disconnect")


def test_operational_behavior_edge_node_intentional_disconnect_packet(left):
    for session in left:
        after = [
            p["cmd"]
            for p in session.packets
            if p["way"] == "up" and p["number"] > session.number_of("NDEATH")
        ]
        assert ["disconnect", "end"] == [cmd for cmd in after if cmd != "puback"]


def test_payloads_ndeath_will_message_publisher(left):
    assert all(1 == len(session.of("NDEATH")) for session in left)


def test_payloads_ndeath_will_message_publisher_disconnect_mqtt50(left):
    assert {4} == {session.way("up", "disconnect")[0]["reasonCode"] for session in left}


# 11. Primary host


def test_message_flow_edge_node_birth_publish_phid_wait(wire):
    for session in (found for found in wire.sessions if found.is_born):
        heard = [state for number, state in session.states if number < session.number_of("NBIRTH")]
        assert heard[-1]["online"] is True


def test_message_flow_edge_node_birth_publish_phid_wait_id(life):
    first = life.sessions[0]
    assert ["spBv1.0/STATE/opt"] == [topic for topic in first.subscribe if topic.startswith("spBv1.0/STATE")]
    assert first.published[0].place >= life.marks["online"], "another host was online all the time"


def test_message_flow_edge_node_birth_publish_phid_wait_online(life):
    first = life.sessions[0]
    before = [state["online"] for number, state in first.states if number < first.number_of("NBIRTH")]
    assert [False, True, 1, False, True] == before
    assert first.published[0].place >= life.marks["online"]


def test_message_flow_edge_node_birth_publish_phid_wait_timestamp(life):
    """The first one counts, one that is older than it does not, one of the same time does."""
    first = life.sessions[0]
    (_, offline), (_, stale), *_ = first.states
    born = [state for number, state in first.states if number < first.number_of("NBIRTH")][-1]
    assert offline["timestamp"] > stale["timestamp"]
    assert offline["timestamp"] == born["timestamp"]
    assert first.published[0].place >= life.marks["online"]


def ended_by_host(wire):
    """The session that a valid offline STATE ended, and the one after it."""
    place = next(n for n, session in enumerate(wire.sessions) if session.is_born)
    return wire.sessions[place : place + 2]


def test_message_flow_edge_node_birth_publish_phid_offline(wire):
    session, after = ended_by_host(wire)
    number, state = session.states[-1]
    assert state["online"] is False
    assert number < session.number_of("NDEATH") < session.number("up", "disconnect") < after.connect["number"]
    assert session.will.bdseq + 1 == after.will.bdseq


def test_operational_behavior_edge_node_termination_host_offline(wire):
    session, _ = ended_by_host(wire)
    assert ["end"] == [packet["cmd"] for packet in session.packets if packet["way"] == "up"][-1:]


def test_operational_behavior_edge_node_termination_host_offline_reconnect(walk, life):
    session, after = ended_by_host(walk)
    assert (1, 0) == (session.server, after.server)
    session, after = ended_by_host(life)
    assert (0, 0) == (session.server, after.server), "where there is one, it is the next"


def test_operational_behavior_edge_node_termination_host_offline_timestamp(life):
    session = life.sessions[0]
    heard = [state["timestamp"] for _, state in session.states]
    kinds = [said.kind for said in life.between("stale", "offline")]
    assert heard[-2] < heard[-1]
    assert "NDATA" in kinds
    assert "NDEATH" not in kinds


def test_operational_behavior_edge_node_birth_sequence_wait(walk):
    for session in walk.sessions:
        online = [number for number, state in session.states if state["online"] is True]
        assert [] == [p for p in session.way("up", "publish") if not online or p["number"] < online[0]]


# 12. Several servers


def test_operational_behavior_primary_application_state_with_multiple_servers_state_subs(walk):
    assert all("spBv1.0/STATE/opt" in session.subscribe for session in walk.sessions)


def test_operational_behavior_primary_application_state_with_multiple_servers_single_server(walk):
    for one, other in pairwise(walk.sessions):
        (end,) = [packet["number"] for packet in one.way("up", "end")]
        assert end < other.connect["number"]


def test_operational_behavior_primary_application_state_with_multiple_servers_walk(walk):
    assert [0, 1, 0] == [session.server for session in walk.sessions[:3]]
    assert not walk.sessions[0].is_born, "the host was offline there"
