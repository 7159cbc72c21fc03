"""Commands at the gate: one topic, a minute to come in, and the same again also after that."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.gateway.district.documents import test_verification
from tests.gateway.district.documents.test_verification import KEYS, ME, NOW_MS, now, sign

from quartier.control.orders.commands import Ping, Shed
from quartier.district.documents.command_form import COMMAND_FIELDS
from quartier.district.documents.document_types import (
    DOCUMENT_TYPES,
    AcceptedDocument,
    RefusedDocument,
    make_reception_ack,
)
from quartier.district.documents.verification import DocumentVerifier

TOPIC = f"{ME.companion}/command"


@pytest.fixture
def documents():
    typed = {kid: {"types": ["command", "envelope"]} for kid in KEYS}
    return DocumentVerifier(ME, test_verification.listing(**typed))


def command(**changes):
    body = {"id": "c1", "seq": NOW_MS, "iss": "district", "aud": "issy.b012", "iat": NOW_MS, "nbf": NOW_MS}
    body |= {"exp": NOW_MS + 3_600_000, "op": "shed", "level": 1, "duration_s": 600}
    return json.dumps({key: value for key, value in (body | changes).items() if value is not ...}).encode()


def check(documents, payload, at=None, topic=TOPIC):
    return documents.check(topic, payload, sign(payload, topic=topic), at or now())


def test_a_good_command_becomes_what_control_takes(documents):
    found = check(documents, command())

    assert ("command", Shed(1, 600), False) == (found.kind, found.document.asked, found.repeated)
    assert ("c1", "OK", "NEW") == (
        make_reception_ack(found).id,
        make_reception_ack(found).reception,
        make_reception_ack(found).status,
    )


def test_it_comes_on_one_topic_for_the_whole_building(documents):
    assert (TOPIC, 1) in documents.subscriptions()
    assert check(documents, command(), topic=f"{TOPIC}/bat1") is None


@pytest.mark.parametrize(("late_s", "taken"), [(119, True), (121, False)])
def test_rule_a_command_is_done_within_a_minute_or_never_whatever_it_says_itself(documents, late_s, taken):
    found = check(documents, command(), now(late_s))

    assert taken is hasattr(found, "document")
    assert taken or found.ack.reason == "EXPIRED"


def test_rule_the_same_bytes_are_a_repetition_also_after_their_time_and_over_a_restart(documents):
    check(documents, command())
    again = DocumentVerifier(ME, documents.issuers, json.loads(json.dumps(documents.ledger())))

    assert check(documents, command(), now(700)).repeated
    assert check(again, command(), now(700)).repeated


def test_rule_the_same_seq_with_other_bytes_is_an_alarm_and_an_older_one_a_replay(documents):
    check(documents, command())
    other = check(documents, command(level=3))
    older = check(documents, command(seq=NOW_MS - 1, op="ping", level=..., duration_s=...))

    assert ("REPLAY", True) == (other.ack.reason, other.alarm)
    assert ("REPLAY", False) == (older.ack.reason, older.alarm)


@pytest.mark.parametrize(
    ("changes", "reception", "reason"),
    [
        ({"duration_s": ...}, "INVALID_MESSAGE", "BOUNDS"),
        ({"duration_s": 3_601}, "INVALID_MESSAGE", "BOUNDS"),
        ({"op": "fly"}, "INVALID_MESSAGE", "BOUNDS"),
        ({"aud": "issy.b013"}, "INVALID_CONTENT", "UNKNOWN_DEVICE"),
        ({"nbf": NOW_MS + 61_000, "iat": NOW_MS + 61_000}, "INVALID_CONTENT", "NOT_YET"),
        ({"exp": NOW_MS}, "INVALID_CONTENT", "BOUNDS"),
    ],
)
def test_what_is_refused_is_answered_with_its_reason_and_no_latch_stays(
    documents, changes, reception, reason
):
    found = check(documents, command(**changes))
    assert (reception, "REJECTED", reason, "c1") == (
        found.ack.reception,
        found.ack.status,
        found.ack.reason,
        found.ack.id,
    )
    good = check(documents, command(op="ping", level=..., duration_s=...))

    assert Ping() == good.document.asked


def test_a_key_for_other_documents_signs_no_command():
    found = check(DocumentVerifier(ME, test_verification.listing()), command())

    assert "BAD_SIG" == found.ack.reason


def test_a_command_fits_into_its_size():
    longest = command(id="x" * 64, op="reset_alarm", code="y" * 128, level=..., duration_s=...)

    assert len(longest) < DOCUMENT_TYPES["command"].size_max_bytes


@examples(30)
@given(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers()),
    st.sampled_from(["op", "level", "asset", "w", "mode", "from", "code", "duration_s", "iat", "exp", "seq"]),
    st.sampled_from([*COMMAND_FIELDS]),
)
def test_a_signed_command_with_any_value_anywhere_is_judged_not_raised(value, field, op):
    typed = {kid: {"types": ["command"]} for kid in KEYS}
    good = {"level": 1, "asset": "bat1", "w": 0, "mode": "auto", "from": {"boot": 1, "seq": 1}, "code": "x"}
    good["duration_s"] = 60
    body = {name: good[name] for name in COMMAND_FIELDS[op]} | {"op": op}
    rest = dict.fromkeys({"level", "duration_s"} - body.keys(), ...)
    payload = command(**{**rest, **body, field: value})

    assert isinstance(
        check(DocumentVerifier(ME, test_verification.listing(**typed)), payload),
        AcceptedDocument | RefusedDocument,
    )
