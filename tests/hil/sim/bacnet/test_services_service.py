import pytest

from quartier_sim.bacnet import encoding
from quartier_sim.bacnet.objects import BacnetObject, P, make_setpoint
from quartier_sim.bacnet.services import Capabilities, RequestHandler

ME = ("127.0.0.1", 47900)


def made(habits=None):
    things = (
        BacnetObject("analog-input", 5, "Air", value=72.3, units="degrees-celsius", cov_increment=0.5),
        make_setpoint(2, "Limit", "percent", 100.0, 10.0, 100.0),
    )
    return RequestHandler({one.key: one for one in things}, 77, habits or Capabilities())


def context(number, value):
    return encoding.encode_tagged(number, encoding.encode_whole(value), context=True)


def at(kind, instance):
    return encoding.encode_tagged(0, encoding.pack_identifier(kind, instance), context=True)


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
        made(),
        encoding.READ_PROPERTY_MULTIPLE,
        at(0, 5) + encoding.encode_wrapped(1, wanted) + at(2, 99) + encoding.encode_wrapped(1, wanted),
    )

    assert bytes.fromhex("30010E 0C00000005 1E 2955 4E444290999A4F 2954 5E910291205F 1F") == got[:27]
    assert 2 == got.count(bytes.fromhex("5E9101911F5F"))


def test_all_stands_for_every_property():
    got = said(
        made(), encoding.READ_PROPERTY_MULTIPLE, at(0, 5) + encoding.encode_wrapped(1, context(0, P["all"]))
    )

    assert encoding.encode_text("Air") in got
    assert encoding.encode_enumerated(62) in got


def test_the_wild_card_is_the_device_itself():
    service = made()
    service.things[8, 77] = BacnetObject("analog-input", 1, "Itself")  # any object: its name is what counts
    got = said(
        service, encoding.READ_PROPERTY, at(8, encoding.WILDCARD_INSTANCE) + context(1, P["object-name"])
    )

    assert encoding.encode_text("Itself") in got


def test_a_write_takes_its_priority_and_is_acknowledged():
    service = made()
    asked = (
        at(2, 2)
        + context(1, P["present-value"])
        + encoding.encode_wrapped(3, encoding.encode_real(40.0))
        + context(4, 10)
    )

    assert bytes([0x20, 1, encoding.WRITE_PROPERTY]) == said(service, encoding.WRITE_PROPERTY, asked)
    assert 40.0 == service.things[2, 2].value
    assert 1 == service.writes_count
    whole = (
        at(2, 2)
        + context(1, P["present-value"])
        + context(2, 3)
        + encoding.encode_wrapped(3, encoding.encode_real(40.0))
    )
    assert encoding.WRITE_ACCESS_DENIED == said(service, encoding.WRITE_PROPERTY, whole)[-1]
    wrong = (
        at(2, 2)
        + context(1, P["present-value"])
        + encoding.encode_wrapped(3, encoding.encode_real(40.0))
        + context(4, 17)
    )
    assert encoding.VALUE_OUT_OF_RANGE == said(service, encoding.WRITE_PROPERTY, wrong)[-1]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (at(0, 6) + context(1, 85), (encoding.OBJECT_CLASS, encoding.UNKNOWN_OBJECT)),
        (at(0, 5) + context(1, 87), (encoding.PROPERTY_CLASS, encoding.UNKNOWN_PROPERTY)),
        (
            at(0, 5) + context(1, 85) + context(2, 1),
            (encoding.PROPERTY_CLASS, encoding.PROPERTY_IS_NOT_AN_ARRAY),
        ),
    ],
)
def test_what_it_does_not_have_is_an_error(data, error):
    got = said(made(), encoding.READ_PROPERTY, data)

    assert bytes([0x50, 1, encoding.READ_PROPERTY]) == got[:3]
    assert error == tuple(tag.unsigned for tag in encoding.parse_tags(got[3:]))


@pytest.mark.parametrize(
    ("choice", "data", "reason"),
    [
        (26, b"", encoding.REJECT_UNRECOGNIZED_SERVICE),
        (encoding.READ_PROPERTY, at(0, 5), encoding.REJECT_MISSING_PARAMETER),
        (encoding.READ_PROPERTY, context(1, 85), encoding.REJECT_INVALID_TAG),
        (encoding.READ_PROPERTY, b"", encoding.REJECT_INVALID_TAG),
        (encoding.READ_PROPERTY, b"\x0c\x00", encoding.REJECT_INVALID_TAG),
        (encoding.READ_PROPERTY_MULTIPLE, b"", encoding.REJECT_MISSING_PARAMETER),
        (encoding.READ_PROPERTY_MULTIPLE, at(0, 5) + encoding.encode_opening(1), encoding.REJECT_INVALID_TAG),
        (
            encoding.READ_PROPERTY_MULTIPLE,
            at(0, 5) + encoding.encode_wrapped(1, context(1, 5)),
            encoding.REJECT_INVALID_TAG,
        ),
    ],
)
def test_a_request_without_sense_is_rejected(choice, data, reason):
    assert bytes([0x60, 1, reason]) == said(made(), choice, data)


def test_a_small_device_aborts_what_does_not_fit():
    whole = at(0, 5) + encoding.encode_wrapped(1, context(0, P["all"]))
    small = made(Capabilities(apdu_max=50))

    assert bytes([0x71, 1, encoding.ABORT_SEGMENTATION_NOT_SUPPORTED]) == said(
        small, encoding.READ_PROPERTY_MULTIPLE, whole
    )
    assert bytes([0x71, 1, encoding.ABORT_SEGMENTATION_NOT_SUPPORTED]) == said(
        made(), encoding.READ_PROPERTY_MULTIPLE, whole, 0
    )
    long = encoding.join_values(at(0, 5) + encoding.encode_wrapped(1, context(0, 85)) for _ in range(6))
    assert bytes([0x71, 1, encoding.ABORT_BUFFER_OVERFLOW]) == said(
        small, encoding.READ_PROPERTY_MULTIPLE, long
    )


def test_one_that_refuses_several_properties_says_so():
    asked = at(0, 5) + encoding.encode_wrapped(1, context(0, 85))
    simple = made(Capabilities(reads_multiple=False, sends_cov=False))

    assert bytes([0x60, 1, encoding.REJECT_UNRECOGNIZED_SERVICE]) == said(
        simple, encoding.READ_PROPERTY_MULTIPLE, asked
    )
    assert bytes([0x60, 1, encoding.REJECT_UNRECOGNIZED_SERVICE]) == said(simple, encoding.SUBSCRIBE_COV, b"")


def test_a_segmented_request_is_aborted_and_what_is_no_request_is_nothing():
    assert bytes([0x71, 9, encoding.ABORT_SEGMENTATION_NOT_SUPPORTED]) == made().answer(
        b"\x0c\5\x09\0\1\x0c", ME, 0.0
    )
    assert made().answer(b"\x10\x08\0\0", ME, 0.0) is None
    assert made().answer(b"\0", ME, 0.0) is None


def test_a_subscription_is_taken_renewed_and_ended():
    service = made(Capabilities(subscriptions_max=1))
    asked = context(0, 7) + at(0, 5).replace(b"\x0c", b"\x1c", 1)

    assert bytes([0x20, 1, encoding.SUBSCRIBE_COV]) == said(
        service, encoding.SUBSCRIBE_COV, asked + context(2, 1) + context(3, 60)
    )
    ((one, _),) = service.subscriptions.due(service.things, 0.0)
    assert (True, 60.0, (ME, 7)) == (one.is_confirmed, one.ends_s, one.client)
    full = said(service, encoding.SUBSCRIBE_COV, asked.replace(b"\7", b"\x08", 1) + context(2, 0))
    assert encoding.COV_SUBSCRIPTION_FAILED == full[-1]
    said(service, encoding.SUBSCRIBE_COV, asked)
    assert 0 == len(service.subscriptions)
