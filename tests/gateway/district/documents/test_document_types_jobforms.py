"""The form of jobs."""

import pytest
from pydantic import ValidationError

from quartier.district.documents.document_types import Job, JobForm

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
    made = JobForm.model_validate({**HEAD, **work}).wish()
    assert Job(id="j", seq=5, op=op, text=text, nbf_utc_ms=2, exp_utc_ms=3) == made


def test_a_job_without_its_part_or_with_another_one_is_named_so():
    with pytest.raises(ValidationError, match="config comes with site and nothing else"):
        JobForm.model_validate({**HEAD, "op": "config", "list": "a.b.c"})
