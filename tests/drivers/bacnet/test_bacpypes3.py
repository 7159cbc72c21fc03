"""Another stack, bacpypes3, judges: it reads our requests, we read its answers, and no hostile message parts us."""

import math

import pytest
from bacpypes3 import apdu as messages
from bacpypes3 import primitivedata as primitive
from bacpypes3.apdu import APDU, APCISequence
from bacpypes3.basetypes import (
    ErrorType,
    PropertyReference,
    PropertyValue,
    ReadAccessResult,
    ReadAccessResultElement,
    ReadAccessResultElementChoice,
    ReadAccessSpecification,
)
from bacpypes3.constructeddata import Any
from bacpypes3.ipv4.bvll import LPDU
from bacpypes3.npdu import NPDU
from bacpypes3.pdu import PDU, RemoteStation
from bacpypes3.primitivedata import ClosingTag, ObjectIdentifier, OpeningTag, PropertyIdentifier, TagList
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier_drivers.bacnet.codec import datagrams, device_errors
from quartier_drivers.bacnet.codec.answers import PreparedNotification, PreparedRead, Ref, hear
from quartier_drivers.bacnet.codec.application_data import Date, ObjectId, Time, encode_element
from quartier_drivers.bacnet.codec.device_errors import DeviceRefused, GarbledAnswer
from quartier_native.bacnet import DENIED, EMPTY, ERROR, LIST, MISSING, ODD, WHOLE, PropertyReader

CLASSES = (
    primitive.Null,
    primitive.Boolean,
    primitive.Unsigned,
    primitive.Integer,
    primitive.Real,
    primitive.Double,
    primitive.OctetString,
    primitive.CharacterString,
    primitive.BitString,
    primitive.Enumerated,
    primitive.Date,
    primitive.Time,
    primitive.ObjectIdentifier,
)
REFS = st.builds(
    Ref,
    st.sampled_from([0, 2, 5, 8, 28, 200, 1023]),
    st.sampled_from([0, 1, 300, 4194303]),
    st.sampled_from([85, 111, 77, 87, 76, 512, 4194303]),
    st.sampled_from([-1, -1, 0, 3, 70000]),
)
PRIMITIVES = st.one_of(
    st.just(primitive.Null(())),
    st.booleans().map(primitive.Boolean),
    st.integers(0, 2**32 - 1).map(primitive.Unsigned),
    st.integers(-(2**31), 2**31 - 1).map(primitive.Integer),
    st.floats(width=32).map(primitive.Real),
    st.floats().map(primitive.Double),
    st.binary(max_size=300).map(primitive.OctetString),
    st.text(max_size=80).map(primitive.CharacterString),
    st.lists(st.integers(0, 1), max_size=60).map(primitive.BitString),
    st.integers(0, 2**32 - 1).map(primitive.Enumerated),
    st.tuples(st.integers(0, 254), st.integers(1, 12), st.integers(1, 31), st.integers(1, 7)).map(
        primitive.Date
    ),
    st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 99)).map(
        primitive.Time
    ),
    st.builds(
        lambda kind, instance: ObjectIdentifier((kind, instance)),
        st.integers(0, 1023),
        st.integers(0, 4194302),
    ),
)
TAGS = st.recursive(
    PRIMITIVES.map(lambda one: list(one.encode())),
    lambda inside: st.builds(
        lambda number, parts: [
            OpeningTag(number),
            *(tag for part in parts for tag in part),
            ClosingTag(number),
        ],
        st.integers(0, 254),
        st.lists(inside, max_size=3),
    ),
    max_leaves=5,
)
CONTENTS = st.lists(TAGS, max_size=3).map(lambda parts: [tag for part in parts for tag in part])
ERRORS = st.tuples(st.integers(0, 7), st.integers(0, 180))


def choice(told):
    if isinstance(told, tuple):
        return ReadAccessResultElementChoice(
            propertyAccessError=ErrorType(errorClass=told[0], errorCode=told[1])
        )
    return ReadAccessResultElementChoice(propertyValue=Any(TagList(told)))


def answer(rows):
    """A datagram of a ReadPropertyMultiple-ACK as bacpypes3 makes it."""
    results = [
        ReadAccessResult(
            objectIdentifier=ObjectIdentifier((ref.object_type, ref.instance)),
            listOfResults=[
                ReadAccessResultElement(
                    propertyIdentifier=PropertyIdentifier(ref.property_id),
                    propertyArrayIndex=None if ref.index < 0 else ref.index,
                    readResult=choice(told),
                )
            ],
        )
        for ref, told in rows
    ]
    return messages.ReadPropertyMultipleACK(listOfReadAccessResults=results)


def octets(message, invoke_id=7):
    message.apduInvokeID = invoke_id
    message.apduSeg = message.apduMor = message.apduSA = message.apduMaxSegs = 0
    message.apduMaxResp = 5
    return bytes(message.encode().encode().pduData)


def datagram(body, control=0):
    return b"\x81\x0a" + (6 + len(body)).to_bytes(2, "big") + bytes([1, control]) + body


def decoded(body):
    return APCISequence.decode(APDU.decode(PDU(body)))


def theirs(tag):
    """An application tag's value as bacpypes3 reads it, and as we give it."""
    found = CLASSES[tag.tag_number].decode(TagList([tag]))
    if tag.tag_number == 0:
        return None
    if tag.tag_number == 8:
        return tuple(bool(bit) for bit in found)
    if tag.tag_number == 12:
        return int(found[0]), found[1]
    if tag.tag_number == 10:
        year, *rest = (None if part == 255 else part for part in found)
        return None if year is None else 1900 + year, *rest
    if tag.tag_number == 11:
        return tuple(None if part == 255 else part for part in found)
    return (str, bytes)[tag.tag_number == 6](found) if tag.tag_number in {6, 7} else found


def same(ours, expected):
    if isinstance(expected, float) and math.isnan(expected):
        return math.isnan(ours)
    return ours == expected


def agree(told, place, contents):
    """Our reading of one property against the tags that bacpypes3 found in it."""
    kind = told.kinds[place]
    if not contents:
        return kind == EMPTY
    if len(contents) > 1 or contents[0].tag_class != primitive.TagClass.application:
        return kind == LIST and bool(told.elements(place))
    (element,) = told.elements(place)
    return kind == contents[0].tag_number == element.kind and same(element.value, theirs(contents[0]))


# It takes its time, a tenth of a second for some.
FEW = examples(30)
ROWS = st.dictionaries(REFS, CONTENTS | ERRORS, min_size=1, max_size=6)


@FEW
@given(ROWS)
def test_its_answers_are_read_as_it_meant_them(rows):
    data = datagram(octets(answer(rows.items())))
    read = PreparedRead(rows, multiple=True)
    told = read.take(data, hear(data))

    for place, expected in enumerate(rows.values()):
        if isinstance(expected, tuple):
            denial = told.denial(place)
            assert expected == (denial.error_class, denial.reason)
        else:
            assert agree(told, place, expected)


@FEW
@given(REFS, CONTENTS)
def test_its_answer_to_one_question_is_read(ref, contents):
    message = messages.ReadPropertyACK(
        objectIdentifier=ObjectIdentifier((ref.object_type, ref.instance)),
        propertyIdentifier=PropertyIdentifier(ref.property_id),
        propertyArrayIndex=None if ref.index < 0 else ref.index,
        propertyValue=Any(TagList(contents)),
    )
    data = datagram(octets(message))

    assert agree(PreparedRead([ref]).take(data, hear(data)), 0, contents)


@given(st.lists(REFS, unique=True, min_size=1, max_size=8))
def test_it_asks_for_several_in_the_same_bytes(refs):
    specs = [
        ReadAccessSpecification(
            objectIdentifier=ObjectIdentifier(which),
            listOfPropertyReferences=[
                PropertyReference(
                    propertyIdentifier=PropertyIdentifier(ref.property_id),
                    propertyArrayIndex=None if ref.index < 0 else ref.index,
                )
                for ref in refs
                if (ref.object_type, ref.instance) == which
            ],
        )
        for which in dict.fromkeys((ref.object_type, ref.instance) for ref in refs)
    ]
    ordered = [
        ref
        for spec in specs
        for ref in refs
        if (int(spec.objectIdentifier[0]), spec.objectIdentifier[1]) == ref[:2]
    ]

    asked = octets(messages.ReadPropertyMultipleRequest(listOfReadAccessSpecs=specs))
    assert datagram(asked, 4) == PreparedRead(ordered, multiple=True).request.datagram(7)


@given(REFS, PRIMITIVES, st.none() | st.integers(1, 16))
def test_it_writes_and_subscribes_in_the_same_bytes(ref, value, priority):
    named = {
        "objectIdentifier": ObjectIdentifier((ref.object_type, ref.instance)),
        "propertyIdentifier": PropertyIdentifier(ref.property_id),
    }
    index = None if ref.index < 0 else ref.index
    write = messages.WritePropertyRequest(
        **named, propertyArrayIndex=index, propertyValue=Any(value.encode()), priority=priority
    )
    body = datagrams.make_write_property(ref, bytes(value.encode().encode().pduData), priority)

    assert datagram(octets(write), 4) == datagrams.make_request(datagrams.WRITE_PROPERTY, body).datagram(7)
    read = messages.ReadPropertyRequest(**named, propertyArrayIndex=index)
    assert datagram(octets(read), 4) == PreparedRead([ref]).request.datagram(7)
    life_s = ref.property_id
    subscribe = messages.SubscribeCOVRequest(
        subscriberProcessIdentifier=ref.property_id,
        monitoredObjectIdentifier=ObjectIdentifier(ref[:2]),
        issueConfirmedNotifications=bool(priority),
        lifetime=life_s,
    )
    body = datagrams.make_subscribe(ref.property_id, *ref[:2], confirmed=bool(priority), lifetime_s=life_s)
    assert datagram(octets(subscribe), 4) == datagrams.make_request(datagrams.SUBSCRIBE_COV, body).datagram(7)


@given(PRIMITIVES)
def test_it_encodes_values_as_we_do(value):
    (tag,) = value.encode()
    if isinstance(value, primitive.Real | primitive.Double) and not math.isfinite(value):
        return
    ours = theirs(tag)
    if tag.tag_number in {10, 11, 12}:
        ours = {10: Date, 11: Time, 12: ObjectId}[tag.tag_number](*ours)

    assert bytes(tag.encode().pduData) == encode_element(tag.tag_number, ours)


@FEW
@given(REFS, CONTENTS, st.integers(0, 2**32 - 1), st.booleans())
def test_its_notifications_are_read(ref, contents, process_id, confirmed):
    kind = (
        messages.ConfirmedCOVNotificationRequest if confirmed else messages.UnconfirmedCOVNotificationRequest
    )
    value = PropertyValue(
        propertyIdentifier=PropertyIdentifier(ref.property_id),
        propertyArrayIndex=None if ref.index < 0 else ref.index,
        value=Any(TagList(contents)),
        priority=8 if confirmed else None,
    )
    message = kind(
        subscriberProcessIdentifier=process_id,
        initiatingDeviceIdentifier=ObjectIdentifier((8, 7)),
        monitoredObjectIdentifier=ObjectIdentifier(ref[:2]),
        timeRemaining=60,
        listOfValues=[value],
    )
    data = datagram(octets(message))
    change = PreparedNotification([ref]).take(data, hear(data))

    assert 60 == change.left_s
    assert agree(change.answer, 0, contents)


@st.composite
def hostile(draw):
    body = octets(answer(draw(ROWS).items()))
    way = draw(st.sampled_from(["cut", "hit", "hit", "noise"]))
    if way == "cut":
        return body[: draw(st.integers(3, len(body)))]
    if way == "noise":
        return body[:3] + draw(st.binary(max_size=60))
    changed = bytearray(body)
    for _ in range(draw(st.integers(1, 3))):
        changed[draw(st.integers(3, len(changed) - 1))] = draw(st.integers(0, 255))
    return bytes(changed)


@FEW
@given(hostile())
def test_what_we_take_of_a_hostile_answer_it_takes_too_and_reads_the_same(body):
    try:
        found = decoded(body).listOfReadAccessResults
    except Exception:  # noqa: BLE001 - it says no in many ways
        found = None
    if found is None:
        # Of what it refuses we take an object whose one error is none: that property is BAD for us, and no other.
        # Nor does it take an answer that tells nothing.
        assert WHOLE != PropertyReader([]).multiple(body, 3)[0] or b"\x5e" in body or len(body) == 3
        return
    rows = {}
    for one in found:
        for result in one.listOfResults or ():
            index = -1 if result.propertyArrayIndex is None else int(result.propertyArrayIndex)
            key = (
                int(one.objectIdentifier[0]),
                one.objectIdentifier[1],
                int(result.propertyIdentifier),
                index,
            )
            rows.setdefault(key, result.readResult)
    data = datagram(body)
    try:
        told = PreparedRead(
            [Ref(*key) for key in rows if key[2] < 1 << 22] or [Ref(0, 0, 0)], multiple=True
        ).take(data, hear(data))
    except (DeviceRefused, GarbledAnswer):
        return
    for place, result in enumerate(one for key, one in rows.items() if key[2] < 1 << 22):
        if result.propertyAccessError is not None:
            error = result.propertyAccessError
            assert (int(error.errorClass), int(error.errorCode)) == (
                told.denial(place).error_class,
                told.denial(place).reason,
            )
        else:
            contents = list(result.propertyValue.tagList)[1:-1]
            assert told.kinds[place] == ODD or agree(told, place, contents)
            assert told.kinds[place] not in {DENIED, MISSING}


@given(st.integers(1, 65534), st.binary(min_size=1, max_size=7))
def test_it_finds_our_way_behind_a_router_and_we_find_its(network, mac):
    route = datagrams.make_route(network, mac)
    body = datagrams.make_request(datagrams.READ_PROPERTY, b"\x0c\x00\x00\x00\x01\x19\x55", route).datagram(9)
    npdu = NPDU.decode(PDU(LPDU.decode(PDU(body)).pduData))

    assert RemoteStation(network, mac) == npdu.npduDADR
    assert (255, True) == (npdu.npduHopCount, npdu.pduExpectingReply)
    answer = NPDU(bytes.fromhex("20090f"))
    answer.npduVersion, answer.npduControl = 1, 8
    answer.npduSADR, answer.npduDADR, answer.npduNetMessage = RemoteStation(network, mac), None, None
    answer.pduExpectingReply, answer.pduNetworkPriority = False, 0
    found = bytes(answer.encode().pduData)
    assert route == hear(b"\x81\x0a" + (4 + len(found)).to_bytes(2, "big") + found)[4]


def test_its_words_are_ours():
    def words(kind):
        return {value: name.lower() for name, value in kind._enum_map.items()}

    some = ErrorType(errorClass=0, errorCode=0)
    for ours, known in (
        (dict(enumerate(device_errors.ERROR_CLASSES)), type(some.errorClass)),
        (device_errors.ERROR_CODES, type(some.errorCode)),
        (dict(enumerate(device_errors.REJECT_REASONS)), messages.RejectReason),
        (dict(enumerate(device_errors.ABORT_REASONS)), messages.AbortReason),
    ):
        told = words(known)
        assert {value: told[value] for value in ours} == {
            value: word.replace("-", "") for value, word in ours.items()
        }


def test_its_errors_are_read():
    data = datagram(octets(messages.Error(service_choice=14, errorClass=1, errorCode=31)))

    assert (ERROR, 7, 14) == hear(data)[:3]
    with pytest.raises(DeviceRefused, match="unknown-object"):
        PreparedRead([Ref(0, 0, 0)], multiple=True).take(data, hear(data))
