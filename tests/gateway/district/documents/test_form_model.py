"""What all documents share: for whom, and that nothing unknown stands in them."""

import pytest
from pydantic import ValidationError

from quartier.district.documents.form_model import DocumentForm
from quartier.district.documents.plan_forms import PriceSignalForm

ENVELOPED = {"id": "e", "seq": 1, "iss": "dso", "aud": "issy.b012", "iat": 1, "nbf": 1, "exp": 9}
BODY = ENVELOPED | {"start": 1, "intervals": [{"duration_s": 900, "import_eur_per_kwh": 0.2}]}


@pytest.mark.parametrize(
    ("aud", "ours"),
    [("issy.b012", True), ("issy", True), (["x", "issy"], True), ("issy.b0123", False), (["b012"], False)],
)
def test_a_document_is_for_whom_its_audience_names(aud, ours):
    assert ours == PriceSignalForm.model_validate(BODY | {"aud": aud}).is_for("issy.b012", "issy")


@pytest.mark.parametrize(
    "change", [{"seq": -1}, {"seq": 2**64}, {"seq": 1.5}, {"seq": "1"}, {"id": ""}, {"more": 1}, {"aud": []}]
)
def test_what_is_not_of_the_form_is_refused(change):
    with pytest.raises(ValidationError):
        PriceSignalForm.model_validate(BODY | change)


def test_a_document_that_says_no_place_has_none():
    assert PriceSignalForm.model_validate(BODY).place is None


def test_a_form_that_says_no_request_cannot_be_made():
    with pytest.raises(TypeError, match="convert"):
        DocumentForm.model_validate(ENVELOPED)
