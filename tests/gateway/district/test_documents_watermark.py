"""Who may sign a watermark."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.gateway.district.documents.test_verification import (
    KEYS,
    ME,
    NOW_MS,
    TOPIC,
    envelope,
    listing,
    now,
    sign,
)

from quartier.district.documents.document_types import RefusedDocument
from quartier.district.documents.verification import DocumentVerifier


@pytest.fixture
def documents():
    return DocumentVerifier(ME, listing())


MARK, MARKED = "quartier/v1/issy/b012/watermark", b'{"bdseq": 1, "streams": {}}'


def refused(documents, signature, at=None, payload=MARKED):
    found = documents.find_watermark_refusal(MARK, payload, signature, at or now())
    return None if found is None else found.why


def test_a_watermark_needs_the_signature_of_a_key_for_watermarks_and_of_no_older_one(documents):
    assert refused(documents, sign(MARKED, MARK)) is None
    assert {"old": NOW_MS} == documents.used
    assert refused(documents, sign(MARKED, MARK), payload=MARKED + b" ").startswith(
        "the signature does not hold"
    )
    assert "no signature" == refused(documents, None)
    assert "signed for another topic" == refused(documents, sign(MARKED, MARK.replace("b012", "b013")))
    assert "key 'job' may not sign watermark" == refused(documents, sign(MARKED, MARK, "job"))
    assert "signed by an unknown key" == refused(documents, sign(MARKED, MARK, "x", KEYS["old"]))
    assert refused(documents, sign(MARKED, MARK, "new")) is None
    assert "a newer key than 'old' was used here" == refused(documents, sign(MARKED, MARK))
    assert "no signature" == refused(DocumentVerifier(ME, {}), "") == refused(DocumentVerifier(ME, {}), None)


def test_a_key_for_watermarks_counts_in_its_validity_only_where_the_clock_is_trusted():
    documents = DocumentVerifier(ME, listing(old={"exp": NOW_MS - 1}))
    assert "key 'old' is outside its validity" == refused(documents, sign(MARKED, MARK))
    assert refused(documents, sign(MARKED, MARK), now(synced=False)) is None


@examples(100)
@given(
    st.one_of(
        st.text(max_size=60),
        st.binary(max_size=200).map(lambda b: base64.urlsafe_b64encode(b).decode() + ".."),
    )
)
def test_no_signature_whatever_it_holds_does_more_than_be_refused(text):
    documents = DocumentVerifier(ME, listing())
    assert refused(documents, text) is not None
    assert isinstance(documents.check(TOPIC, envelope(), text, now()), RefusedDocument)
