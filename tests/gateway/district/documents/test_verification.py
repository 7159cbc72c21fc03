"""Signed documents: each reason of refusal, replay, roll-over, clock; and that the next good one acts."""

import base64
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from jwt.api_jws import PyJWS
from tests.effort import examples

from quartier.control.requests import Ack, Envelope, Heartbeat, Interval
from quartier.district.documents import key_list
from quartier.district.documents.document_types import AcceptedDocument, RefusedDocument, make_reception_ack
from quartier.district.documents.verification import DocumentVerifier
from quartier.district.records import Identity
from quartier.site.records import Now

ME = Identity("issy", "b012")
NOW_MS = 1_764_000_000_000
TOPIC = "quartier/v1/issy/b012/envelope/dso"
BEAT = "quartier/v1/issy/heartbeat"
KEYS = {
    kid: Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)
    for n, kid in enumerate(["old", "new", "job"], 1)
}
TYPES = {
    "old": ["envelope", "heartbeat", "watermark"],
    "new": ["envelope", "heartbeat", "watermark"],
    "job": ["job"],
}


def listing(**changes):
    entries = []
    for kid, key in KEYS.items():
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        public = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        entries.append({"kid": kid, "public_key": public, "types": TYPES[kid], **changes.get(kid, {})})
    return key_list.parse_plain_list(json.dumps(entries))


def now(after_s=0.0, *, synced=True):
    return Now(int(after_s * 1e9), NOW_MS + int(after_s * 1000), synced)


def sign(payload, topic=TOPIC, kid="old", key=None, **header):
    headers = {"kid": kid, "topic": topic, "b64": False, "crit": ["b64"], "typ": None, **header}
    return PyJWS().encode(payload, key or KEYS[kid], "EdDSA", headers, is_payload_detached=True)


def envelope(**changes):
    body = {
        "id": "e1",
        "seq": NOW_MS,
        "iss": "dso",
        "aud": "issy.b012",
        "iat": NOW_MS,
        "nbf": NOW_MS,
        "exp": NOW_MS + 3_600_000,
        "priority": 0,
        "program": "dso",
        "start": NOW_MS,
        "intervals": [{"duration_s": 900, "import_max_w": 5000, "export_max_w": 0}],
        "default": {"import_max_w": 9000, "export_max_w": 1000.5},
    }
    body.update(changes)
    return json.dumps({key: value for key, value in body.items() if value is not ...}).encode()


def beat(n=NOW_MS, ts=NOW_MS):
    return json.dumps({"iss": "district", "n": n, "ts": ts}).encode()


@pytest.fixture
def documents():
    return DocumentVerifier(ME, listing())


def check(documents, payload, at=None, topic=TOPIC, **signing):
    return documents.check(topic, payload, sign(payload, **{"topic": topic, **signing}), at or now())


def test_a_good_envelope_becomes_what_control_takes(documents):
    accepted = check(documents, envelope(on_loss="hold", ramp_w_per_s=10, randomize_start_s=30))
    assert ("envelope", TOPIC, False, True) == (
        accepted.kind,
        accepted.topic,
        accepted.repeated,
        accepted.persisted,
    )
    assert accepted.document == Envelope(
        id="e1",
        seq=NOW_MS,
        program="dso",
        priority=0,
        nbf_utc_ms=NOW_MS,
        exp_utc_ms=NOW_MS + 3_600_000,
        start_utc_ms=NOW_MS,
        intervals=(Interval(900, 5000, 0, None, None),),
        default_import_max_w=9000,
        default_export_max_w=1000.5,
        on_loss="hold",
        randomize_start_s=30,
        ramp_w_per_s=10,
    )


@pytest.mark.parametrize(
    ("name", "reception", "reason", "signing"),
    [
        ("moved from another topic", "INVALID_CONTENT", "BAD_SIG", {"topic": TOPIC.replace("dso", "nebef")}),
        ("of another building", "INVALID_CONTENT", "BAD_SIG", {"topic": TOPIC.replace("b012", "b013")}),
        ("unknown key", "INVALID_CONTENT", "BAD_SIG", {"kid": "who", "key": KEYS["old"]}),
        ("another's key", "INVALID_CONTENT", "BAD_SIG", {"kid": "old", "key": KEYS["new"]}),
        ("a key for other documents", "INVALID_CONTENT", "BAD_SIG", {"kid": "job"}),
    ],
)
def test_without_its_own_signature_nothing_has_effect(documents, name, reception, reason, signing):
    payload = envelope()
    refused = documents.check(TOPIC, payload, sign(payload, **signing), now())
    assert isinstance(refused, RefusedDocument), name
    assert Ack("e1", NOW_MS, "envelope", reception, "REJECTED", reason) == refused.ack
    assert {} == documents.ledger()
    assert isinstance(check(documents, envelope()), AcceptedDocument)  # no latch


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "x",
        "a.b.c",
        "..",
        "é" * 10,
        "A" * 5_000,
        PyJWS().encode(
            envelope(), "k" * 32, "HS256", {"kid": "old", "topic": TOPIC}, is_payload_detached=True
        ),
        PyJWS().encode(envelope(), KEYS["old"], "EdDSA", {"kid": "old", "topic": TOPIC}),
    ],
)
def test_what_is_no_detached_signature_is_refused(documents, signature):
    refused = documents.check(TOPIC, envelope(), signature, now())
    assert ("BAD_SIG", False) == (refused.reason, isinstance(refused, AcceptedDocument))


def test_none_as_algorithm_is_no_signature(documents):
    header = base64.urlsafe_b64encode(
        json.dumps({"alg": "none", "kid": "old", "topic": TOPIC, "b64": False, "crit": ["b64"]}).encode()
    ).rstrip(b"=")
    assert "BAD_SIG" == documents.check(TOPIC, envelope(), header.decode() + "..", now()).reason


def test_a_changed_byte_breaks_the_signature(documents):
    payload = envelope()
    signature = sign(payload)
    assert "BAD_SIG" == documents.check(TOPIC, payload.replace(b"5000", b"9000"), signature, now()).reason


def test_moved_is_suspect_and_so_is_the_same_number_with_other_bytes(documents):
    payload = envelope()
    assert documents.check(TOPIC, payload, sign(payload, topic=TOPIC + "x"), now()).alarm
    check(documents, payload)
    refused = check(documents, envelope(priority=1))
    assert ("REPLAY", True) == (refused.reason, refused.alarm)


@pytest.mark.parametrize(
    ("name", "changes", "reception", "reason"),
    [
        ("for another building", {"aud": "issy.b013"}, "INVALID_CONTENT", "UNKNOWN_DEVICE"),
        ("for others", {"aud": ["issy.b013", "issy.b014"]}, "INVALID_CONTENT", "UNKNOWN_DEVICE"),
        ("for the edge's bare name", {"aud": "b012"}, "INVALID_CONTENT", "UNKNOWN_DEVICE"),
        ("another program", {"program": "nebef"}, "INVALID_CONTENT", "BOUNDS"),
        ("expired", {"exp": NOW_MS, "nbf": NOW_MS - 10_000}, "INVALID_CONTENT", "EXPIRED"),
        ("not yet", {"nbf": NOW_MS + 60_001}, "INVALID_CONTENT", "NOT_YET"),
        ("ends before it begins", {"exp": NOW_MS - 1}, "INVALID_CONTENT", "BOUNDS"),
        ("a number a day ahead", {"seq": NOW_MS + 86_400_001}, "INVALID_CONTENT", "BOUNDS"),
        ("an unknown field", {"also": 1}, "INVALID_MESSAGE", "BOUNDS"),
        ("no id", {"id": ...}, "INVALID_MESSAGE", "BOUNDS"),
        ("no default", {"default": ...}, "INVALID_MESSAGE", "BOUNDS"),
        ("a default without export", {"default": {"import_max_w": 1}}, "INVALID_MESSAGE", "BOUNDS"),
        ("no interval", {"intervals": []}, "INVALID_MESSAGE", "BOUNDS"),
        ("289 intervals", {"intervals": [{"duration_s": 1}] * 289}, "INVALID_MESSAGE", "BOUNDS"),
        (
            "a negative cap",
            {"intervals": [{"duration_s": 1, "import_max_w": -1}]},
            "INVALID_MESSAGE",
            "BOUNDS",
        ),
        (
            "a cap as text",
            {"intervals": [{"duration_s": 1, "import_max_w": "1"}]},
            "INVALID_MESSAGE",
            "BOUNDS",
        ),
        (
            "a cap as truth",
            {"intervals": [{"duration_s": 1, "import_max_w": True}]},
            "INVALID_MESSAGE",
            "BOUNDS",
        ),
        ("no duration", {"intervals": [{"import_max_w": 1}]}, "INVALID_MESSAGE", "BOUNDS"),
        ("zero duration", {"intervals": [{"duration_s": 0}]}, "INVALID_MESSAGE", "BOUNDS"),
        ("NaN", {"ramp_w_per_s": float("nan")}, "INVALID_DATA", "BOUNDS"),
        ("infinity", {"randomize_start_s": float("inf")}, "INVALID_DATA", "BOUNDS"),
        ("zero ramp", {"ramp_w_per_s": 0}, "INVALID_MESSAGE", "BOUNDS"),
        ("a negative number", {"seq": -1}, "INVALID_MESSAGE", "BOUNDS"),
        ("a number beyond 64 bits", {"seq": 2**64}, "INVALID_MESSAGE", "BOUNDS"),
        ("a fraction as number", {"seq": 1.5}, "INVALID_MESSAGE", "BOUNDS"),
        ("an unknown on_loss", {"on_loss": "free"}, "INVALID_MESSAGE", "BOUNDS"),
        ("too large", {"id": "x" * 100_000}, "INVALID_DATA", "BOUNDS"),
    ],
)
def test_out_of_bounds_is_refused_with_its_reason_and_leaves_no_trace(
    documents, name, changes, reception, reason
):
    refused = check(documents, envelope(**changes))
    assert isinstance(refused, RefusedDocument), name
    assert (reception, "REJECTED", reason) == (
        refused.ack.reception,
        refused.ack.status,
        refused.ack.reason,
    ), name
    assert {} == documents.ledger()


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 50_000, b'{"id":1e999}', b'{"id":"a","id":"b"}']
)
def test_what_is_no_json_object_is_refused(documents, payload):
    assert ("INVALID_DATA", "BOUNDS") == tuple(
        getattr(check(documents, payload).ack, key) for key in ("reception", "reason")
    )


def test_288_intervals_and_a_list_of_audiences_are_fine(documents):
    payload = envelope(intervals=[{"duration_s": 300}] * 288, aud=["issy.b001", "issy.b012"])
    assert isinstance(check(documents, payload), AcceptedDocument)


def test_the_number_rises_strictly_per_key_and_topic(documents):
    assert isinstance(check(documents, envelope(seq=10)), AcceptedDocument)
    assert "REPLAY" == check(documents, envelope(seq=9)).reason
    assert isinstance(check(documents, envelope(seq=11)), AcceptedDocument)
    other = TOPIC.replace("dso", "nebef")
    assert isinstance(check(documents, envelope(seq=5, program="nebef"), topic=other), AcceptedDocument)


def test_same_number_and_same_bytes_is_repeated_not_new(documents):
    payload = envelope()
    assert [False, True, True] == [check(documents, payload).repeated for _ in range(3)]


def test_a_refused_document_uses_no_number(documents):
    check(documents, envelope(seq=10, aud="other"))
    assert isinstance(check(documents, envelope(seq=9)), AcceptedDocument)


def test_the_ledger_survives_a_restart_through_json(documents):
    payload = envelope(seq=10)
    check(documents, payload)
    again = DocumentVerifier(ME, listing(), json.loads(json.dumps(documents.ledger())))
    assert "REPLAY" == check(again, envelope(seq=9)).reason
    assert check(again, payload).repeated


@pytest.mark.parametrize("kept", [{"t": "x"}, {"t": [["k"]]}, {"t": [["k", "1", "d"]]}, {"t": [[1, 2, 3]]}])
def test_a_ledger_of_another_form_is_left_out(kept):
    assert {} == DocumentVerifier(ME, listing(), kept).ledger()


def test_after_a_newer_key_was_used_the_older_one_is_refused_on_that_topic_only(documents):
    check(documents, envelope(seq=10), kid="old")
    assert isinstance(check(documents, envelope(seq=3), kid="new"), AcceptedDocument)  # its own count
    refused = check(documents, envelope(seq=11), kid="old")
    assert ("BAD_SIG", True) == (refused.reason, refused.alarm)
    other = TOPIC.replace("dso", "nebef")
    assert isinstance(check(documents, envelope(program="nebef"), topic=other, kid="old"), AcceptedDocument)
    again = DocumentVerifier(ME, listing(), json.loads(json.dumps(documents.ledger())))
    assert "BAD_SIG" == check(again, envelope(seq=12), kid="old").reason


@pytest.mark.parametrize(
    ("validity", "reason"),
    [
        ({"nbf": NOW_MS + 1}, "BAD_SIG"),
        ({"exp": NOW_MS}, "BAD_SIG"),
        ({"nbf": NOW_MS, "exp": NOW_MS + 1}, None),
    ],
)
def test_a_key_counts_only_inside_its_validity(validity, reason):
    verdict = check(DocumentVerifier(ME, listing(old=validity)), envelope())
    assert reason == getattr(verdict, "reason", None)


def test_with_an_untrusted_clock_time_is_not_judged_here_but_by_control(documents):
    old = envelope(nbf=NOW_MS - 20, exp=NOW_MS - 10)
    assert isinstance(check(documents, old, now(synced=False)), AcceptedDocument)
    assert "REPLAY" == check(documents, envelope(seq=1), now(synced=False)).reason
    assert isinstance(
        check(DocumentVerifier(ME, listing(old={"exp": 1})), old, now(synced=False)), AcceptedDocument
    )


def test_a_program_too_many_is_refused_for_now(documents):
    for number in range(512):
        name = f"p{number}"
        verdict = check(documents, envelope(program=name), topic=TOPIC.replace("dso", name))
        assert isinstance(verdict, AcceptedDocument)
    refused = check(documents, envelope())
    assert ("TEMPORARY_ERROR", "BOUNDS") == (refused.ack.reception, refused.reason)


def test_a_program_too_many_takes_the_place_of_one_whose_documents_have_expired(documents):
    for number in range(512):
        name = f"p{number}"
        ends = {"exp": NOW_MS + 7_200_000} if number else {}
        check(documents, envelope(program=name, **ends), topic=TOPIC.replace("dso", name))
    shorter = envelope(program="p1", seq=NOW_MS + 1, exp=NOW_MS + 60_000)
    check(documents, shorter, topic=TOPIC.replace("dso", "p1"))
    documents = DocumentVerifier(ME, listing(), json.loads(json.dumps(documents.ledger())))
    later = {"nbf": NOW_MS, "exp": NOW_MS + 10_000_000}
    assert "BOUNDS" == check(documents, envelope(**later), now(3_599)).reason
    assert "BOUNDS" == check(documents, envelope(**later), now(3_601, synced=False)).reason

    assert isinstance(check(documents, envelope(**later), now(3_601)), AcceptedDocument)
    again = check(documents, envelope(program="p0"), now(3_601), topic=TOPIC.replace("dso", "p0"))
    assert ("EXPIRED", 512) == (again.reason, len(documents.ledger()))


@pytest.mark.parametrize(
    "topic", ["quartier/v1/issy/b012/watermark", "quartier/v1/issy/b013/envelope/dso", "envelope/dso", "x"]
)
def test_other_topics_hold_no_document(documents, topic):
    assert documents.check(topic, envelope(), sign(envelope(), topic=topic), now()) is None


# Heartbeats


def test_a_heartbeat_counts_when_its_signature_holds_n_rises_and_its_clock_agrees(documents):
    assert Heartbeat(NOW_MS, NOW_MS) == check(documents, beat(), topic=BEAT).document
    assert "REPLAY" == check(documents, beat(), topic=BEAT).reason
    assert "REPLAY" == check(documents, beat(NOW_MS - 1), topic=BEAT).reason
    assert isinstance(check(documents, beat(NOW_MS + 1), topic=BEAT), AcceptedDocument)


@pytest.mark.parametrize(
    ("off_ms", "reason"), [(-60_001, "EXPIRED"), (-60_000, None), (60_000, None), (60_001, "NOT_YET")]
)
def test_a_heartbeat_is_within_60_s_of_a_synced_clock(documents, off_ms, reason):
    verdict = check(documents, beat(ts=NOW_MS + off_ms), topic=BEAT)
    assert reason == getattr(verdict, "reason", None)


def test_unsynced_n_alone_decides(documents):
    assert isinstance(check(documents, beat(ts=0), now(synced=False), topic=BEAT), AcceptedDocument)
    assert "REPLAY" == check(documents, beat(ts=0), now(synced=False), topic=BEAT).reason


def test_an_n_far_ahead_does_not_shut_out_the_next(documents):
    assert "BOUNDS" == check(documents, beat(n=2**63), topic=BEAT).reason
    assert isinstance(check(documents, beat(), topic=BEAT), AcceptedDocument)


@pytest.mark.parametrize("number", [2**64 - 1, NOW_MS * 1000])
def test_a_number_no_clock_can_have_shuts_nobody_out_though_ours_is_not_trusted(documents, number):
    """Microseconds, say, where milliseconds are due."""
    assert "BOUNDS" == check(documents, beat(n=number), now(synced=False), topic=BEAT).reason
    assert "BOUNDS" == check(documents, envelope(seq=number), now(synced=False)).reason
    assert isinstance(check(documents, beat(), topic=BEAT), AcceptedDocument)
    assert isinstance(check(documents, envelope()), AcceptedDocument)


def test_numbers_of_a_wrong_clock_that_came_before_ours_was_trusted_shut_out_none_of_the_right_one(documents):
    year_ms = 366 * 86_400_000
    ahead = {"seq": NOW_MS + 9 * year_ms, "exp": NOW_MS + 10 * year_ms}
    assert isinstance(check(documents, envelope(**ahead), now(synced=False)), AcceptedDocument)
    assert isinstance(
        check(documents, beat(n=NOW_MS + year_ms), now(synced=False), topic=BEAT), AcceptedDocument
    )
    assert "REPLAY" == check(documents, beat(), now(synced=False), topic=BEAT).reason
    assert isinstance(check(documents, beat(), topic=BEAT), AcceptedDocument)
    documents = DocumentVerifier(ME, documents.issuers, json.loads(json.dumps(documents.ledger())))

    assert "REPLAY" == check(documents, envelope(), now(synced=False)).reason
    assert isinstance(check(documents, envelope()), AcceptedDocument)
    assert "REPLAY" == check(documents, envelope(seq=NOW_MS - 1)).reason


def test_an_unsigned_or_malformed_heartbeat_is_nothing_and_is_not_acknowledged(documents):
    unsigned = documents.check(BEAT, beat(), None, now())
    assert (None, "BAD_SIG") == (unsigned.ack, unsigned.reason)
    assert "BOUNDS" == check(documents, b'{"n": 1}', topic=BEAT).reason
    assert "BOUNDS" == check(documents, b'{"iss": "x", "n": true, "ts": 1}', topic=BEAT).reason
    assert "BOUNDS" == check(documents, b" " * 2_000, topic=BEAT).reason


def test_a_heartbeat_of_an_older_key_is_refused_after_a_newer_one(documents):
    check(documents, beat(), topic=BEAT, kid="new")
    assert "BAD_SIG" == check(documents, beat(NOW_MS + 1), topic=BEAT, kid="old").reason


# Answers


def test_the_first_answer_says_that_it_is_here_and_whether_its_number_is_kept(documents):
    accepted = check(documents, envelope())
    assert Ack("e1", NOW_MS, "envelope", "OK", "NEW") == make_reception_ack(accepted)
    unkept = make_reception_ack(replace(accepted, persisted=False))
    assert "TEMPORARY_ERROR" == unkept.reception
    assert make_reception_ack(check(documents, beat(), topic=BEAT)) is None


@examples(60)
@given(payload=st.binary(max_size=300), signature=st.none() | st.text(max_size=100))
def test_nothing_that_comes_raises_or_latches(payload, signature):
    documents = DocumentVerifier(ME, listing())
    assert isinstance(documents.check(TOPIC, payload, signature, now()), RefusedDocument)
    assert isinstance(documents.check(BEAT, payload, signature, now()), RefusedDocument)
    assert isinstance(check(documents, envelope()), AcceptedDocument)


@examples(60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(
        ["id", "seq", "aud", "nbf", "exp", "intervals", "default", "priority", "start", "ramp_w_per_s"]
    ),
)
def test_a_signed_document_with_any_value_anywhere_is_judged_not_raised(value, field):
    verdict = check(DocumentVerifier(ME, listing()), envelope(**{field: value}))
    assert isinstance(verdict, AcceptedDocument | RefusedDocument)


def ranked(**programs):
    """Keys by role: an optimiser's, then the grid operator's, then the jobs'."""
    types = {"old": ["heartbeat", "envelope"], "new": ["envelope"], "job": ["job"]}
    return listing(**{kid: {"types": types[kid], **programs.get(kid, {})} for kid in KEYS})


def test_the_grid_operators_key_signs_its_own_program_and_the_optimisers_key_does_not():
    documents = DocumentVerifier(ME, ranked(new={"programs": ["dso"]}))
    assert "BAD_SIG" == check(documents, envelope(), kid="old").reason
    assert isinstance(check(documents, envelope(), kid="new"), AcceptedDocument)
    district = {"payload": envelope(program="district"), "topic": TOPIC.replace("dso", "district")}
    assert "BAD_SIG" == check(documents, **district, kid="new").reason
    assert isinstance(check(documents, **district, kid="old"), AcceptedDocument), (
        "its newer key shut nobody out there"
    )


def test_two_keys_live_for_a_roll_over_until_the_newer_one_is_used():
    documents = DocumentVerifier(ME, listing())
    assert isinstance(check(documents, envelope(), kid="old"), AcceptedDocument)
    assert isinstance(check(documents, envelope(seq=NOW_MS + 1), kid="old"), AcceptedDocument)
    assert isinstance(check(documents, envelope(seq=NOW_MS + 2), kid="new"), AcceptedDocument)
    refused = check(documents, envelope(seq=NOW_MS + 3), kid="old")
    assert ("BAD_SIG", True) == (refused.reason, refused.alarm)


def test_when_a_key_was_used_last_is_known():
    documents = DocumentVerifier(ME, listing())
    check(documents, envelope(), at=now(5), kid="old")
    check(documents, beat(), topic=BEAT, at=now(7), kid="new")
    check(documents, envelope(seq=1), at=now(9), kid="new", topic=TOPIC + "x")
    assert {"old": NOW_MS + 5000, "new": NOW_MS + 7000} == documents.used


JOB = "quartier/v1/issy/b012/job"


def job(**changes):
    body = {
        "id": "j1",
        "seq": NOW_MS,
        "iss": "jobs",
        "aud": "issy.b012",
        "iat": NOW_MS,
        "nbf": NOW_MS,
        "exp": NOW_MS + 3_600_000,
        "op": "config",
        "site": "site = 1",
    }
    return json.dumps(body | changes).encode()


def test_a_job_is_signed_by_a_jobs_key_alone():
    documents = DocumentVerifier(ME, listing())
    assert "BAD_SIG" == check(documents, job(), topic=JOB, kid="old").reason
    accepted = check(documents, job(), topic=JOB, kid="job")
    assert ("config", "site = 1") == (accepted.document.op, accepted.document.text)


def test_a_job_may_come_before_its_window_and_not_after_it():
    documents = DocumentVerifier(ME, listing())
    assert isinstance(
        check(documents, job(nbf=NOW_MS + 9_000_000, exp=NOW_MS + 9_900_000), topic=JOB, kid="job"),
        AcceptedDocument,
    )
    late = job(seq=NOW_MS + 1, nbf=NOW_MS - 9_000, exp=NOW_MS - 1)
    assert "EXPIRED" == check(documents, late, topic=JOB, kid="job").reason


def test_a_clock_that_is_not_trusted_takes_no_job_and_the_same_one_may_come_again():
    documents = DocumentVerifier(ME, listing())
    refused = check(documents, job(), topic=JOB, kid="job", at=now(synced=False))
    assert ("CLOCK", "TEMPORARY_ERROR") == (refused.reason, refused.ack.reception)
    assert isinstance(check(documents, job(), topic=JOB, kid="job"), AcceptedDocument)


@pytest.mark.parametrize(
    "work",
    [
        {"op": None},
        {"op": "reboot"},
        {"site": None},
        {"site": ""},
        {"op": "keys"},
        {"list": "a.b.c"},
        {"op": "software"},
    ],
)
def test_work_that_is_none_is_refused(work):
    refused = check(DocumentVerifier(ME, listing()), job(**work), topic=JOB, kid="job")
    assert ("BOUNDS", "INVALID_MESSAGE") == (refused.reason, refused.ack.reception)


def test_a_topic_below_that_of_jobs_is_none_of_ours():
    assert DocumentVerifier(ME, listing()).check(JOB + "/x", job(), None, now()) is None
    assert (JOB, 1) in DocumentVerifier(ME, listing()).subscriptions()


# A clock that was set

YEARS_MS = 3_650 * 86_400_000


@pytest.mark.parametrize("off_ms", [-YEARS_MS, -3_600_000, 7_200_000, YEARS_MS])
def test_a_limit_that_is_in_time_by_the_counted_time_is_taken_though_the_clock_was_set(off_ms):
    counted = DocumentVerifier(ME, listing(), times=lambda _now: [NOW_MS])
    wall = Now(0, NOW_MS + off_ms, synced=True)

    assert isinstance(check(DocumentVerifier(ME, listing()), envelope(), wall), RefusedDocument)
    assert isinstance(check(counted, envelope(), wall), AcceptedDocument)


def test_a_clock_set_back_by_years_lets_no_old_number_in_again():
    documents = DocumentVerifier(ME, listing(), times=lambda _now: [NOW_MS])
    check(documents, envelope())
    check(documents, beat(), topic=BEAT)
    wall = Now(0, NOW_MS - YEARS_MS, synced=True)
    old = {"nbf": wall.utc_ms, "iat": wall.utc_ms, "exp": wall.utc_ms + 3_600_000}

    assert "REPLAY" == check(documents, envelope(seq=NOW_MS - 1, **old), wall).reason
    assert "REPLAY" == check(documents, beat(NOW_MS - 1, wall.utc_ms), wall, topic=BEAT).reason


def test_a_heartbeat_that_our_clock_denies_is_handed_on_as_such_and_uses_up_no_number(documents):
    denied = check(documents, beat(), now(-3_600), topic=BEAT)

    assert ("NOT_YET", Heartbeat(NOW_MS, NOW_MS)) == (denied.reason, denied.heartbeat)
    assert isinstance(check(documents, beat(), topic=BEAT), AcceptedDocument)
