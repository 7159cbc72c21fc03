import pytest

from quartier_hil.devices.bacnet import tags, words
from quartier_hil.devices.bacnet.service import Habits, Service
from quartier_hil.devices.bacnet.thing import P, Thing, setpoint

ME = ("127.0.0.1", 47900)


def made(habits=None):
    things = (
        Thing("analog-input", 5, "Air", value=72.3, units="degrees-celsius", cov_increment=0.5),
        setpoint(2, "Limit", "percent", 100.0, 10.0, 100.0),
    )
    return Service({one.key: one for one in things}, 77, habits or Habits())


def context(number, value):
    return tags.tagged(number, tags.whole(value), context=True)


def at(kind, instance):
    return tags.tagged(0, tags.packed(kind, instance), context=True)


def said(service, choice, data, largest=5):
    head = bytes([0, largest, 1, choice])
    return service.answer(head + data, ME, 0.0)


def test_a_property_is_read_as_in_annex_f():
    # F.3.5, Example of the ReadProperty Service.
    asked = bytes.fromhex("0000010C 0C00000005 1955")

    assert bytes.fromhex("30010C 0C00000005 1955 3E444290999A3F") == made().answer(asked, ME, 0.0)


def test_several_properties_come_in_the_order_of_the_request_each_with_its_own_error():
    wanted = context(0, P["present-value"]) + context(0, P["polarity"])
    got = said(
        made(), words.READ_MULTIPLE, at(0, 5) + tags.wrapped(1, wanted) + at(2, 99) + tags.wrapped(1, wanted)
    )

    assert bytes.fromhex("30010E 0C00000005 1E 2955 4E444290999A4F 2954 5E910291205F 1F") == got[:27]
    assert 2 == got.count(bytes.fromhex("5E9101911F5F"))


def test_all_stands_for_every_property():
    got = said(made(), words.READ_MULTIPLE, at(0, 5) + tags.wrapped(1, context(0, P["all"])))

    assert tags.text("Air") in got
    assert tags.enumerated(62) in got


def test_the_wild_card_is_the_device_itself():
    service = made()
    service.things[8, 77] = Thing("analog-input", 1, "Itself")  # any object: its name is what counts
    got = said(service, words.READ, at(8, words.WILDCARD_INSTANCE) + context(1, P["object-name"]))

    assert tags.text("Itself") in got


def test_a_write_takes_its_priority_and_is_acknowledged():
    service = made()
    asked = at(2, 2) + context(1, P["present-value"]) + tags.wrapped(3, tags.real(40.0)) + context(4, 10)

    assert bytes([0x20, 1, words.WRITE]) == said(service, words.WRITE, asked)
    assert 40.0 == service.things[2, 2].value
    assert 1 == service.writes_count
    whole = at(2, 2) + context(1, P["present-value"]) + context(2, 3) + tags.wrapped(3, tags.real(40.0))
    assert words.WRITE_ACCESS_DENIED == said(service, words.WRITE, whole)[-1]
    wrong = at(2, 2) + context(1, P["present-value"]) + tags.wrapped(3, tags.real(40.0)) + context(4, 17)
    assert words.VALUE_OUT_OF_RANGE == said(service, words.WRITE, wrong)[-1]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (at(0, 6) + context(1, 85), (words.OBJECT_CLASS, words.UNKNOWN_OBJECT)),
        (at(0, 5) + context(1, 87), (words.PROPERTY_CLASS, words.UNKNOWN_PROPERTY)),
        (at(0, 5) + context(1, 85) + context(2, 1), (words.PROPERTY_CLASS, words.PROPERTY_IS_NOT_AN_ARRAY)),
    ],
)
def test_what_it_does_not_have_is_an_error(data, error):
    got = said(made(), words.READ, data)

    assert bytes([0x50, 1, words.READ]) == got[:3]
    assert error == tuple(tag.unsigned for tag in tags.read(got[3:]))


@pytest.mark.parametrize(
    ("choice", "data", "reason"),
    [
        (26, b"", words.REJECT_UNRECOGNIZED_SERVICE),
        (words.READ, at(0, 5), words.REJECT_MISSING_PARAMETER),
        (words.READ, context(1, 85), words.REJECT_INVALID_TAG),
        (words.READ, b"", words.REJECT_INVALID_TAG),
        (words.READ, b"\x0c\x00", words.REJECT_INVALID_TAG),
        (words.READ_MULTIPLE, b"", words.REJECT_MISSING_PARAMETER),
        (words.READ_MULTIPLE, at(0, 5) + tags.opening(1), words.REJECT_INVALID_TAG),
        (words.READ_MULTIPLE, at(0, 5) + tags.wrapped(1, context(1, 5)), words.REJECT_INVALID_TAG),
    ],
)
def test_a_request_without_sense_is_rejected(choice, data, reason):
    assert bytes([0x60, 1, reason]) == said(made(), choice, data)


def test_a_small_device_aborts_what_does_not_fit():
    whole = at(0, 5) + tags.wrapped(1, context(0, P["all"]))
    small = made(Habits(apdu_max=50))

    assert bytes([0x71, 1, words.ABORT_SEGMENTATION_NOT_SUPPORTED]) == said(small, words.READ_MULTIPLE, whole)
    assert bytes([0x71, 1, words.ABORT_SEGMENTATION_NOT_SUPPORTED]) == said(
        made(), words.READ_MULTIPLE, whole, 0
    )
    long = tags.joined(at(0, 5) + tags.wrapped(1, context(0, 85)) for _ in range(6))
    assert bytes([0x71, 1, words.ABORT_BUFFER_OVERFLOW]) == said(small, words.READ_MULTIPLE, long)


def test_one_that_refuses_several_properties_says_so():
    asked = at(0, 5) + tags.wrapped(1, context(0, 85))
    simple = made(Habits(reads_multiple=False, tells_changes=False))

    assert bytes([0x60, 1, words.REJECT_UNRECOGNIZED_SERVICE]) == said(simple, words.READ_MULTIPLE, asked)
    assert bytes([0x60, 1, words.REJECT_UNRECOGNIZED_SERVICE]) == said(simple, words.SUBSCRIBE_COV, b"")


def test_a_segmented_request_is_aborted_and_what_is_no_request_is_nothing():
    assert bytes([0x71, 9, words.ABORT_SEGMENTATION_NOT_SUPPORTED]) == made().answer(
        b"\x0c\5\x09\0\1\x0c", ME, 0.0
    )
    assert made().answer(b"\x10\x08\0\0", ME, 0.0) is None
    assert made().answer(b"\0", ME, 0.0) is None


def test_a_subscription_is_taken_renewed_and_ended():
    service = made(Habits(subscriptions_max=1))
    asked = context(0, 7) + at(0, 5).replace(b"\x0c", b"\x1c", 1)

    assert bytes([0x20, 1, words.SUBSCRIBE_COV]) == said(
        service, words.SUBSCRIBE_COV, asked + context(2, 1) + context(3, 60)
    )
    ((one, _),) = service.subscriptions.due(service.things, 0.0)
    assert (True, 60.0, (ME, 7)) == (one.is_confirmed, one.ends_s, one.client)
    full = said(service, words.SUBSCRIBE_COV, asked.replace(b"\7", b"\x08", 1) + context(2, 0))
    assert words.COV_SUBSCRIPTION_FAILED == full[-1]
    said(service, words.SUBSCRIBE_COV, asked)
    assert 0 == len(service.subscriptions)
