"""Stacks of others judge: npm's node-bacnet and @bacnet-js/client both ways, tshark our datagrams."""

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quartier_drivers.bacnet.codec import datagrams
from quartier_drivers.bacnet.codec.answers import PreparedNotification, PreparedRead, Ref, hear
from quartier_drivers.bacnet.codec.application_data import RELINQUISH, ObjectId, encode_element
from quartier_native.bacnet import (
    BOOLEAN,
    CHARACTERS,
    DOUBLE,
    ENUMERATED,
    NULL,
    OBJECT,
    REAL,
    SIGNED,
    UNSIGNED,
)

PEERS = Path(__file__).parents[2] / "peers"
LIBRARIES = ["node-bacnet", "@bacnet-js/client"]
REFS = st.builds(
    Ref,
    st.sampled_from([0, 2, 5, 8, 28]),
    st.integers(0, 4194302),
    st.sampled_from([85, 111, 87, 512]),
    st.sampled_from([-1, -1, 0, 3]),
)
VALUES = st.one_of(
    st.just((NULL, None)),
    st.booleans().map(lambda value: (BOOLEAN, value)),
    st.integers(0, 2**32 - 1).map(lambda value: (UNSIGNED, value)),
    st.integers(-(2**31), 2**31 - 1).map(lambda value: (SIGNED, value)),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda value: (REAL, value)),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: (DOUBLE, value)),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40).map(
        lambda value: (CHARACTERS, value)
    ),
    st.integers(0, 2**31).map(lambda value: (ENUMERATED, value)),
    st.builds(
        lambda kind, instance: (OBJECT, ObjectId(kind, instance)),
        st.integers(0, 1023),
        st.integers(0, 4194302),
    ),
)
pytestmark = pytest.mark.peer


def whole(digits):
    """JavaScript writes a large real without a point, and no digits that it does not need."""
    return int(digits) if abs(int(digits)) < 2**53 else float(digits)


@pytest.fixture(scope="module", params=LIBRARIES)
def peer(request):
    """``peer(questions)``: what the library makes of each."""
    if shutil.which("node") is None or not (PEERS / "node_modules" / request.param).is_dir():
        pytest.skip(f"npm's {request.param} is not installed (tests/peers/install.sh)")

    def ask(questions):
        asked = "".join(f"{json.dumps(question)}\n" for question in questions)
        argv = ["node", str(PEERS / "bacnet_codec.js"), request.param]
        run = subprocess.run(argv, input=asked, capture_output=True, text=True, timeout=60, check=True)
        return [json.loads(line, parse_int=whole) for line in run.stdout.split("\n") if line]

    return ask


def datagram(body):
    return b"\x81\x0a" + (6 + len(body)).to_bytes(2, "big") + b"\x01\x00" + body


def shown(kind, value):
    """As JSON of theirs has it."""
    return [kind, list(value) if isinstance(value, tuple) else value]


def drawn(strategy, count):
    """So many examples, as one process answers them all: started for each, it would take minutes."""
    found = []

    @settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(example):
        found.append(example)

    collect()
    return found


def test_they_read_what_we_ask_and_write(peer):
    cases = drawn(
        st.tuples(
            st.lists(REFS, unique=True, min_size=1, max_size=6), VALUES, st.integers(1, 15), st.booleans()
        ),
        150,
    )
    asked, expected = [], []
    for refs, (kind, value), priority, confirmed in cases:
        one, rows = refs[0], {}
        for ref in refs:
            rows.setdefault(ref[:2], []).append(ref)
        ordered = [ref for own in rows.values() for ref in own]
        written = RELINQUISH if kind == NULL else encode_element(kind, value)
        subscription = datagrams.make_subscribe(
            one.instance, *one[:2], confirmed=confirmed, lifetime_s=priority
        )
        asked += [
            ["ask", datagrams.make_read_multiple(ordered).hex()],
            ["read", datagrams.make_read_property(one).hex()],
            ["write", datagrams.make_write_property(one, written, priority).hex()],
            ["subscribe", subscription.hex()],
            ["subscribe", datagrams.make_unsubscribe(7, *one[:2]).hex()],
        ]
        expected += [
            [[*which, [[ref.property_id, ref.index] for ref in own]] for which, own in rows.items()],
            list(one),
            [*one, [shown(kind, value)], priority],
            [one.instance, *one[:2], False, confirmed, priority],
            [7, *one[:2], True, False, 0],
        ]

    assert expected == peer(asked)


def answer(rows):
    return b"".join(
        datagrams.encode_object_field(0, ref)
        + b"\x1e"
        + datagrams.encode_field(2, ref.property_id)
        + told
        + b"\x1f"
        for ref, told in rows
    )


def test_they_and_we_read_the_same_of_answers_and_notifications(peer):
    plain = REFS.map(lambda ref: ref._replace(index=-1))
    cases = drawn(
        st.dictionaries(plain, VALUES | st.tuples(st.just(-1), st.integers(0, 180)), min_size=1, max_size=5),
        150,
    )
    asked, ours = [], []
    for rows in cases:
        body = answer(
            (
                ref,
                b"\x5e" + encode_element(ENUMERATED, 1) + encode_element(ENUMERATED, value) + b"\x5f"
                if kind < 0
                else b"\x4e" + encode_element(kind, value) + b"\x4f",
            )
            for ref, (kind, value) in rows.items()
        )
        told = PreparedRead(rows, multiple=True).take(data := datagram(b"\x30\x01\x0e" + body), hear(data))
        found = [
            ["error", denial.error_class, denial.reason]
            if (denial := told.denial(place))
            else [shown(*told.elements(place)[0][:2])]
            for place in range(len(rows))
        ]
        asked.append(["answer", body.hex()])
        ours.append([[*ref[:2], [[ref.property_id, -1, one]]] for ref, one in zip(rows, found, strict=True)])
        ref, (kind, value) = next(iter(rows.items()))
        if kind < 0:
            continue
        notice = (
            datagrams.encode_field(0, 9)
            + b"\x1c\x02\x00\x00\x05"
            + datagrams.encode_object_field(2, ref)
            + b"\x39\x3c\x4e"
            + datagrams.encode_field(0, ref.property_id)
            + b"\x2e"
            + encode_element(kind, value)
            + b"\x2f\x4f"
        )
        change = PreparedNotification([ref]).take(data := datagram(b"\x10\x02" + notice), hear(data))
        asked.append(["notice", notice.hex()])
        ours.append(
            [9, 5, *ref[:2], change.left_s, [[ref.property_id, [shown(*change.answer.elements(0)[0][:2])]]]]
        )

    for mine, theirs in zip(ours, peer(asked), strict=True):
        assert mine == theirs


def test_we_read_what_they_tell(peer):
    rows = drawn(
        st.lists(
            st.tuples(st.integers(0, 4194302), VALUES), min_size=1, max_size=6, unique_by=lambda row: row[0]
        ),
        150,
    )
    refs = [[Ref(0, instance, 85) for instance, _ in own] for own in rows]
    made = peer(
        [
            "tell",
            [
                [
                    0,
                    instance,
                    85,
                    [kind, {"type": value[0], "instance": value[1]} if kind == OBJECT else value],
                ]
                for instance, (kind, value) in own
            ],
        ]
        for own in rows
    )
    for own, wanted, body in zip(rows, refs, made, strict=True):
        told = PreparedRead(wanted, multiple=True).take(
            data := datagram(b"\x30\x01\x0e" + bytes.fromhex(body)), hear(data)
        )
        assert [value for _, value in own] == [told.elements(place)[0][:2] for place in range(len(own))]


def pcap(datagrams):
    """UDP port 47808 to itself, as raw IPv4 (link type 101)."""
    found = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for data in datagrams:
        udp = struct.pack(">HHHH", 47808, 47808, 8 + len(data), 0) + data
        frame = (
            struct.pack(
                ">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\2"
            )
            + udp
        )
        found += struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame
    return found


FIELDS = (
    "bacapp.type",
    "bacapp.invoke_id",
    "bacapp.confirmed_service",
    "bacapp.instance_number",
    "bacnet.dnet",
    "_ws.malformed",
)


def test_tshark_dissects_every_datagram_of_ours(tmp_path):
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed (apt-get install tshark)")
    cases = drawn(
        st.tuples(
            st.lists(REFS, unique=True, min_size=1, max_size=6),
            VALUES,
            st.integers(1, 16),
            st.sampled_from([None, 5, 65534]),
        ),
        100,
    )
    sent, expected = [], []
    for number, (refs, (kind, value), priority, network) in enumerate(cases):
        route, one = datagrams.make_route(network, b"\x05"), refs[0]
        written = RELINQUISH if kind == NULL else encode_element(kind, value)
        for service, body in (
            (datagrams.READ_PROPERTY_MULTIPLE, datagrams.make_read_multiple(refs[:1])),
            (datagrams.READ_PROPERTY, datagrams.make_read_property(one)),
            (
                datagrams.WRITE_PROPERTY,
                datagrams.make_write_property(one._replace(property_id=4000), written, priority),
            ),
            (datagrams.SUBSCRIBE_COV, datagrams.make_subscribe(9, *one[:2], confirmed=True, lifetime_s=60)),
        ):
            sent.append(datagrams.make_request(service, body, route).datagram(number % 256))
            expected.append(
                [
                    "0",
                    str(number % 256),
                    str(service),
                    str(one.instance),
                    "" if network is None else str(network),
                    "",
                ]
            )
        sent.append(datagrams.make_acknowledgement(number % 256, datagrams.COV_NOTIFICATION, route))
        expected.append(["2", str(number % 256), "1", "", "" if network is None else str(network), ""])
    place = tmp_path / "sent.pcap"
    place.write_bytes(pcap(sent))
    argv = ["tshark", "-r", str(place), "-T", "fields", *(word for field in FIELDS for word in ("-e", field))]
    run = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True)
    told = [line.split("\t") for line in run.stdout.splitlines()]

    assert len(expected) == len(told)
    for mine, theirs in zip(expected, told, strict=True):
        assert mine == [theirs[0], theirs[1], theirs[2], theirs[3].split(",")[0], *theirs[4:]]
