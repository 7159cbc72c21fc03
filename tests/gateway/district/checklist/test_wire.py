"""What the recordings show beyond the checklist: storms, losses, numbers, times, names."""

import json
import shutil
import subprocess
from itertools import pairwise

import pytest
from tests.gateway.district.checklist.lives import STORM
from tests.gateway.district.checklist.spoken import BIRTHS, DATA, in_window
from tests.gateway.district.sparkplug.test_payload_codec import pcap

pytestmark = [pytest.mark.daemon, pytest.mark.peer]

TAKEN_OVER, USE_ANOTHER_SERVER, SERVER_MOVED = 0x8E, 0x9C, 0x9D
PIECE_BYTES = 16_384


def test_the_judge_reads_every_byte_and_would_write_the_same(wire):
    assert [] == [packet for packet in wire.packets if packet["cmd"] == "error"]
    assert all(said.payload["same"] for said in wire.all)


def test_tshark_names_every_message(recordings, wire, tmp_path):
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed (apt-get install tshark)")
    found = next(one for one in recordings.values() if one["marks"] == wire.marks)
    for session in (session for session in wire.sessions if session.is_born):
        up = b"".join(
            bytes.fromhex(data) for conn, way, data in found["chunks"] if (conn, way) == (session.conn, "up")
        )
        capture = tmp_path / f"{session.conn}.pcap"
        capture.write_bytes(pcap([up[n : n + PIECE_BYTES] for n in range(0, len(up), PIECE_BYTES)]))
        reading = (
            "tshark",
            "-r",
            str(capture),
            "-d",
            "tcp.port==1883,mqtt",
            "-Y",
            "sparkplugb",
            "-T",
            "fields",
        )
        run = subprocess.run(
            [*reading, "-e", "sparkplugb.messagetype"],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        named = [name for line in run.stdout.split() for name in line.split(",")]
        assert [said.kind for said in session.published] == named


def test_a_storm_of_rebirth_requests_is_answered_by_births_at_least_5_s_apart(life):
    asked = [p for p in life.sessions[0].way("down", "publish") if p["chunk"] >= life.marks["storm"]]
    assert STORM < len(asked)
    assert 2 <= len([said for said in life.between("storm", "loss") if said.kind == "NBIRTH"]) <= 3
    for session in life.sessions:
        times = [birth.payload["timestamp"] for birth in session.of("NBIRTH")]
        assert all(later - earlier >= 4_999 for earlier, later in pairwise(times))


def test_300_answers_in_a_row_wrap_the_sequence_and_nothing_is_left_out(life):
    told = [said for said in life.between("wrap", "storm") if said.kind == "NDATA"]
    rates = [said for said in told if [m.get("name") for m in said.metrics] == ["Node Control/Scan Rate"]]
    assert [1, 0] * 150 == [said.metrics[0]["value"] for said in rates]


def test_a_command_by_alias_alone_is_obeyed_and_answered_by_alias(walk):
    (command,) = [
        packet["said"]
        for session in walk.sessions
        for packet in session.way("down", "publish")
        if "said" in packet and "name" not in packet["said"].metrics[0]
    ]
    alias = walk.of("NBIRTH")[0].metric("Node Control/Scan Rate")["alias"]
    told = [m for said in walk.of("NDATA") for m in said.metrics if m["alias"] == alias]
    assert (alias, 1) == (command.metrics[0]["alias"], command.metrics[0]["value"])
    assert [1, 0] == [metric["value"] for metric in told]


def test_a_killed_daemon_is_told_dead_by_the_will_of_its_session(life):
    born = [session for session in life.sessions if session.connect["chunk"] < life.marks["kill"]]
    (death,) = [said for said in life.given if said.kind == "NDEATH" and said.place >= life.marks["kill"]][:1]
    assert born[-1].will.payload == death.payload
    assert born[-1].bdseqs == {death.bdseq}


def test_a_planned_leave_is_told_by_us_and_by_the_will_with_one_number(life):
    since, until = life.marks["leave"], life.marks["kill"]
    deaths = [said for said in life.given if said.kind == "NDEATH" and since <= said.place < until]
    (leaving,) = [s for s in life.sessions if s.leaves and s.way("up", "disconnect")[0]["chunk"] >= since]
    assert [leaving.will.bdseq] * 2 == [death.bdseq for death in deaths]


def test_attempts_that_no_server_heard_take_no_number_not_even_over_a_kill(life):
    kill, shut = life.marks["kill"], life.marks["shut"]
    before = [session for session in life.sessions if session.connect["chunk"] < kill]
    after = [session for session in life.sessions if session.connect["chunk"] > shut]
    assert life.sessions == before + after
    assert before[-1].will.bdseq + 1 == after[0].will.bdseq


def test_a_second_client_of_our_name_ends_the_session_with_0x8e_and_an_alarm(life):
    last = life.sessions[-1]
    assert [TAKEN_OVER] == [packet["reasonCode"] for packet in last.way("down", "disconnect")]
    assert "district.duplicate_id" in life.log
    deaths = [said for said in life.given if said.kind == "NDEATH" and said.place >= life.marks["takeover"]]
    assert [last.will.bdseq] == [death.bdseq for death in deaths]


def test_0x9c_and_0x9d_lead_to_the_next_server(walk):
    told = [place for place, session in enumerate(walk.sessions) if session.way("down", "disconnect")]
    said = [
        (packet["reasonCode"], walk.sessions[place].server, walk.sessions[place + 1].server)
        for place in told
        for packet in walk.sessions[place].way("down", "disconnect")
    ]
    assert [(USE_ANOTHER_SERVER, 0, 1), (SERVER_MOVED, 1, 0), (SERVER_MOVED, 0, 1)] == said


def test_next_server_is_obeyed_where_there_is_one(walk):
    asked = walk.marks["next server"]
    before = [session for session in walk.sessions if session.connect["chunk"] < asked]
    after = [session for session in walk.sessions if session.connect["chunk"] >= asked]
    assert (1, 0) == (before[-1].server, after[0].server)
    assert "NDEATH" == before[-1].published[-1].kind


def test_the_control_connection_goes_where_the_births_were_heard(walk):
    control = [session for session in walk.others if session.connect["clientId"] == "issy.b012.ctl"]
    assert walk.sessions[-1].server == control[-1].server


def test_births_that_an_untrusted_clock_dated_are_said_again_when_it_is_right(walk):
    first, second, *_ = walk.sessions[1].of("NBIRTH")
    assert not in_window(first)
    assert in_window(second)
    assert walk.marks["trusted"] <= second.place < walk.marks["rebirth"]


def test_late_and_live_never_share_a_message_and_late_ones_come_in_the_order_of_their_numbers(life):
    late = [said for said in life.of(*DATA) if said.historical]
    assert late
    assert all(metric.get("isHistorical") for said in late for metric in said.metrics)
    for told in life.rounds:
        last = {}
        for said in (said for said in told if said.historical):
            key = json.loads(said.payload["body"])
            first = key["boot"], key["first"]
            assert last.get(said.device, (0, 0)) < first
            last[said.device] = key["boot"], key["first"] + len(said.metrics) - 1


def test_what_happened_while_the_host_was_away_comes_late_and_with_the_time_it_was_taken(life):
    since, until = life.marks["offline"], life.marks["online again"]
    offline_ms = next(s.house_ms for s in life.published if s.place >= life.marks["online again"])
    late = [said for said in life.between("online again", "leave") if said.historical]
    assert until > since
    assert late
    assert all(metric["timestamp"] <= offline_ms for said in late for metric in said.metrics)


def test_the_type_of_a_metric_follows_from_its_word(wire):
    words = {"count": "Int64", "index": "Int64", "state": "Int64", "on": "Boolean", "text": "String"}
    for birth in wire.of(*BIRTHS):
        for metric in (
            found for found in birth.metrics if found["name"][0].islower() and found["name"] != "bdSeq"
        ):
            word = metric["name"].rsplit("_", 1)[-1]
            assert words.get(word, "Double") == metric["type"], metric["name"]


def quality(metric):
    told = metric.get("properties", {"keys": (), "values": ()})
    return dict(zip(told["keys"], told["values"], strict=True)).get("Quality", {"value": 192})["value"]


def test_what_has_no_value_and_what_a_lost_device_said_last_is_marked_by_its_quality(life):
    lost = [
        said for said in life.between("loss", "return") if (said.kind, said.device) == ("DDATA", "boiler")
    ]
    assert {"power_w", "relay_on"} <= {
        m["name"] for said in lost for m in said.metrics if quality(m) in {0, 500}
    }
    empty = [metric for said in life.published for metric in said.metrics if metric.get("isNull")]
    assert {0, 500} >= {quality(metric) for metric in empty}


def test_what_moves_power_is_refused_over_sparkplug(life):
    assert "district.command_refused" in life.log
    assert "bat1.setpoint_w" in life.log
