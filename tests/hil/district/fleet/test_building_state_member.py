import json

import pytest

from quartier_district.fleet.building_state import LATE_S, SILENT_S, Availability, encode_json
from quartier_district.fleet.sent_documents import SentDocument


@pytest.fixture
def member(roster, members):
    return members(roster(1))[0]


def test_a_building_is_live_late_or_silent_by_the_age_of_its_last_word(member, wire, now_ms):
    assert (Availability.SILENT, "never heard") == (member.standing(now_ms), member.why(now_ms))
    wire.birth(member, now_ms, grid__power_w=1_500.0)

    ages_s = (LATE_S, LATE_S + 1, SILENT_S, SILENT_S + 1)
    found = [member.standing(now_ms + int(age_s * 1e3)) for age_s in ages_s]
    assert [Availability.LIVE, Availability.LATE, Availability.LATE, Availability.SILENT] == found
    assert "no word for 181 s: counted at its share" == member.why(now_ms + 181_000)
    assert 1_500.0 == member.power_w


def test_a_death_makes_it_silent_at_once_and_its_numbers_go(member, wire, now_ms):
    wire.birth(member, now_ms, grid__power_w=1_500.0)
    wire.death(member, now_ms + 1_000)

    assert (Availability.SILENT, "its gateway has left") == (
        member.standing(now_ms + 1_000),
        member.why(now_ms + 1_000),
    )
    assert member.power_w is None


def test_its_link_state_and_its_envelopes_answer_are_its_reason(member, wire, now_ms):
    wire.birth(member, now_ms, grid__power_w=1.0, gateway__mode_index=1)
    assert "no envelope was sent yet" == member.why(now_ms)
    member.find_sent_documents("envelope/district").send(
        SentDocument(seq=5, payload=b"", exp_ms=now_ms + 9_000, sent_ms=now_ms)
    )
    assert "its envelope is not answered, sent 1 times" == member.why(now_ms)
    wire.ack(member, 5, now_ms)
    assert ("CONTROLLED", "it follows its envelope") == (member.mode, member.why(now_ms))
    wire.data(member, now_ms, gateway__mode_index=3)
    assert ("FAILSAFE", "it keeps its share: no heartbeat came") == (member.mode, member.why(now_ms))
    wire.ack(member, 5, now_ms, status="REJECTED", reason="BOUNDS")
    assert "it refused its envelope: BOUNDS" == member.why(now_ms)


def test_its_power_is_kept_as_means_of_quarter_hours(member, wire, now_ms):
    wire.birth(member, now_ms, grid__power_w=1_000.0)
    for minute in range(1, 16):
        wire.data(member, now_ms + minute * 60_000, grid__power_w=1_000.0 if minute < 15 else 0.0)

    assert {now_ms: 1_000.0} == dict(member.quarters.means_w)


def test_reports_and_events_are_kept_and_what_is_no_number_counts_as_unknown(member, wire, now_ms):
    wire.birth(member, now_ms, grid__power_w=1.0)
    wire.report(member, now_ms, [{"device": "bat1"}])
    for number in range(25):
        member.take(f"{member.names.companion}/event", encode_json({"code": "x", "seq": number}), now_ms)

    assert "bat1" == member.report["devices"][0]["device"]
    assert (20, 24) == (len(member.events), member.events[-1]["seq"])
    member.take(f"{member.names.companion}/flexibility", json.dumps([1]).encode(), now_ms)
    assert "bat1" == member.report["devices"][0]["device"]


@pytest.mark.parametrize("tail", ["ack", "event", "flexibility"])
@pytest.mark.parametrize(
    "payload", [b"[1]", b"1", b"null", b"{", b'"x"', b"\xff", b'{"code": "store.gap", "data": {"last": 1}}']
)
def test_a_message_that_is_none_is_a_fault_of_its_building_alone(member, now_ms, tail, payload):
    line = member.take(f"{member.names.companion}/{tail}", payload, now_ms)

    assert line["kind"] in {"fault", tail}
    assert member.report is None
    assert member.why(now_ms) == "never heard"
