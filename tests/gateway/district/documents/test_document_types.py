"""The forms of documents: defaults, and what control gets."""

import pytest
from pydantic import ValidationError

from quartier.control.requests import Heartbeat, Interval
from quartier.district.documents.document_types import (
    DOCUMENT_TYPES,
    EnvelopeForm,
    HeartbeatForm,
    IntervalForm,
    Job,
    JobForm,
)
from quartier.district.documents.form_model import PROGRAM_PATTERN

ENVELOPE = {
    "id": "e",
    "seq": 1,
    "iss": "dso",
    "aud": "issy.b012",
    "iat": 1,
    "nbf": 1,
    "exp": 9,
    "priority": 0,
    "program": "dso",
    "start": 1,
    "intervals": [{"duration_s": 60}],
    "default": {"import_max_w": 1, "export_max_w": 0},
}


def test_an_envelope_without_choices_fails_safe_at_once_without_ramp():
    request = EnvelopeForm.model_validate(ENVELOPE).convert()
    assert ("failsafe", 0.0, None) == (request.on_loss, request.randomize_start_s, request.ramp_w_per_s)


def test_an_interval_keeps_apart_what_it_does_not_say():
    form = IntervalForm.model_validate({"duration_s": 60, "generation_max_w": 0})
    assert Interval(60, None, None, 0, None) == form.convert()


def test_a_heartbeat():
    assert Heartbeat(5, 6) == HeartbeatForm.model_validate({"iss": "d", "n": 5, "ts": 6}).convert()


@pytest.mark.parametrize(
    ("aud", "ours"),
    [("issy.b012", True), (["x", "issy.b012"], True), ("issy.b0123", False), (["b012"], False)],
)
def test_the_audience(aud, ours):
    assert ours == EnvelopeForm.model_validate(ENVELOPE | {"aud": aud}).is_for("issy.b012")


@pytest.mark.parametrize("name", ["", "a/b", "a b", "é", "x" * 33, "a\n"])
def test_a_programs_name_is_one_plain_level_of_a_topic(name):
    assert not PROGRAM_PATTERN.fullmatch(name)
    with pytest.raises(ValidationError):
        EnvelopeForm.model_validate(ENVELOPE | {"program": name})


def test_each_kind_has_room_for_its_largest_document():
    interval = {
        "duration_s": 86400.0,
        **dict.fromkeys(
            ("import_max_w", "export_max_w", "generation_max_w", "consumption_max_w"), 123456.789
        ),
    }
    form = EnvelopeForm.model_validate(ENVELOPE | {"intervals": [interval] * 288})
    assert len(form.model_dump_json()) < DOCUMENT_TYPES["envelope"].size_max_bytes


HEAD = {"id": "j", "seq": 5, "iss": "jobs", "aud": "issy.b012", "iat": 1, "nbf": 2, "exp": 3}


@pytest.mark.parametrize(
    ("work", "op", "text"),
    [
        ({"op": "config", "site": "a = 1"}, "config", "a = 1"),
        ({"op": "keys", "list": "a.b.c"}, "keys", "a.b.c"),
        ({"op": "software", "software": {"version": "2"}}, "software", ""),
    ],
)
def test_a_job_says_what_is_to_be_done_and_when(work, op, text):
    made = JobForm.model_validate({**HEAD, **work}).convert()
    assert Job(id="j", seq=5, op=op, text=text, nbf_utc_ms=2, exp_utc_ms=3) == made


def test_a_job_without_its_part_or_with_another_one_is_named_so():
    with pytest.raises(ValidationError, match="config comes with site and nothing else"):
        JobForm.model_validate({**HEAD, "op": "config", "list": "a.b.c"})
