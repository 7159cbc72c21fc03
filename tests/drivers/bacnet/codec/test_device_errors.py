"""What a device's no means for what is asked next."""

import pytest

from quartier_drivers.bacnet.codec.device_errors import (
    COMMUNICATION_CLASS,
    DEVICE_CLASS,
    OBJECT_CLASS,
    PROPERTY_CLASS,
    SERVICES_CLASS,
    DeviceRefused,
    GarbledAnswer,
    render_denial,
)
from quartier_drivers.errors import NoReply, Refused
from quartier_native.bacnet import ABORT, CUT, ERROR, REJECT


@pytest.mark.parametrize(
    ("denied", "words"),
    [
        (DeviceRefused(ERROR, 31, OBJECT_CLASS), "unknown-object (object)"),
        (DeviceRefused(ERROR, 123, COMMUNICATION_CLASS), "error 123 (communication)"),
        (DeviceRefused(ERROR, 0, 99), "other (class 99)"),
        (DeviceRefused(REJECT, 9), "reject: unrecognized-service"),
        (DeviceRefused(REJECT, 99), "reject: 99"),
        (DeviceRefused(ABORT, 4), "abort: segmentation-not-supported"),
    ],
)
def test_a_no_is_said_in_the_standards_words(denied, words):
    assert words == str(denied) == render_denial(denied.pdu, denied.reason, denied.error_class)
    assert isinstance(denied, Refused)


@pytest.mark.parametrize(
    ("denied", "meaning"),
    [
        (DeviceRefused(ABORT, 1), "is_too_large"),
        (DeviceRefused(ABORT, 4), "is_too_large"),
        (DeviceRefused(ABORT, 11), "is_too_large"),
        (DeviceRefused(REJECT, 1), "is_too_large"),
        (DeviceRefused(REJECT, 7), "is_too_large"),
        (DeviceRefused(REJECT, 9), "is_no_service"),
        (DeviceRefused(ERROR, 29, SERVICES_CLASS), "is_no_service"),
        (DeviceRefused(ERROR, 45, SERVICES_CLASS), "is_no_service"),
        (DeviceRefused(ERROR, 31, OBJECT_CLASS), "is_gone"),
        (DeviceRefused(ERROR, 32, PROPERTY_CLASS), "is_gone"),
        (DeviceRefused(ERROR, 42, PROPERTY_CLASS), "is_gone"),
        (DeviceRefused(ERROR, 3, DEVICE_CLASS), "is_passing"),
        (DeviceRefused(ABORT, 3), "is_passing"),
        (DeviceRefused(ABORT, 10), "is_passing"),
        (DeviceRefused(ERROR, 27, PROPERTY_CLASS), None),
        (DeviceRefused(ERROR, 31, SERVICES_CLASS), None),
        (DeviceRefused(REJECT, 0), None),
        (DeviceRefused(ABORT, 0), None),
        (DeviceRefused(ERROR, 4, OBJECT_CLASS), None),
    ],
)
def test_each_no_has_one_meaning_at_most(denied, meaning):
    told = {
        name for name in ("is_too_large", "is_no_service", "is_gone", "is_passing") if getattr(denied, name)
    }

    assert ({meaning} if meaning else set()) == told


def test_an_answer_that_cannot_be_read_is_none():
    assert isinstance(GarbledAnswer(CUT), NoReply)
    assert "the answer cannot be read: it ends within a value" == str(GarbledAnswer(CUT))
    assert "segments" in str(GarbledAnswer(-1, "segments"))
