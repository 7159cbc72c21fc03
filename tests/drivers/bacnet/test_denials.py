"""What a device's no means for what is asked next."""

import pytest

from quartier_drivers.bacnet.denials import (
    COMMUNICATION,
    DEVICE,
    OBJECT,
    PROPERTY,
    SERVICES,
    Denied,
    Garbled,
    said,
)
from quartier_drivers.errors import NoReply, Refused
from quartier_native.bacnet import ABORT, CUT, ERROR, REJECT


@pytest.mark.parametrize(
    ("denied", "words"),
    [
        (Denied(ERROR, 31, OBJECT), "unknown-object (object)"),
        (Denied(ERROR, 123, COMMUNICATION), "error 123 (communication)"),
        (Denied(ERROR, 0, 99), "other (class 99)"),
        (Denied(REJECT, 9), "reject: unrecognized-service"),
        (Denied(REJECT, 99), "reject: 99"),
        (Denied(ABORT, 4), "abort: segmentation-not-supported"),
    ],
)
def test_a_no_is_said_in_the_standards_words(denied, words):
    assert words == str(denied) == said(denied.pdu, denied.reason, denied.error_class)
    assert isinstance(denied, Refused)


@pytest.mark.parametrize(
    ("denied", "meaning"),
    [
        (Denied(ABORT, 1), "is_too_large"),
        (Denied(ABORT, 4), "is_too_large"),
        (Denied(ABORT, 11), "is_too_large"),
        (Denied(REJECT, 1), "is_too_large"),
        (Denied(REJECT, 7), "is_too_large"),
        (Denied(REJECT, 9), "is_no_service"),
        (Denied(ERROR, 29, SERVICES), "is_no_service"),
        (Denied(ERROR, 45, SERVICES), "is_no_service"),
        (Denied(ERROR, 31, OBJECT), "is_gone"),
        (Denied(ERROR, 32, PROPERTY), "is_gone"),
        (Denied(ERROR, 42, PROPERTY), "is_gone"),
        (Denied(ERROR, 3, DEVICE), "is_passing"),
        (Denied(ABORT, 3), "is_passing"),
        (Denied(ABORT, 10), "is_passing"),
        (Denied(ERROR, 27, PROPERTY), None),
        (Denied(ERROR, 31, SERVICES), None),
        (Denied(REJECT, 0), None),
        (Denied(ABORT, 0), None),
        (Denied(ERROR, 4, OBJECT), None),
    ],
)
def test_each_no_has_one_meaning_at_most(denied, meaning):
    told = {
        name for name in ("is_too_large", "is_no_service", "is_gone", "is_passing") if getattr(denied, name)
    }

    assert ({meaning} if meaning else set()) == told


def test_an_answer_that_cannot_be_read_is_none():
    assert isinstance(Garbled(CUT), NoReply)
    assert "the answer cannot be read: it ends within a value" == str(Garbled(CUT))
    assert "segments" in str(Garbled(-1, "segments"))
