"""A message counts if its own checksum holds; other kinds of messages cost nothing."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.sml.elements import TWO_BYTE_NUMBER
from quartier_drivers.meter.sml.messages import SmlFile, parse_file, parse_general_file
from quartier_drivers.meter.sml.transport import KERMIT, X25

SERVER = b"\x0a\x01EMH\x00\x00\x00\x12\x34"


@pytest.fixture
def entries(wire: SimpleNamespace) -> list[bytes]:
    return [
        wire.entry("1-0:1.8.0", wire.unsigned(12345, 4), 30, -1, wire.unsigned(4, 3)),
        wire.entry("1-0:16.7.0", wire.signed(-5, 4), 27, 0),
    ]


def test_a_list_is_read_with_its_server(wire: SimpleNamespace, entries):
    content = wire.opening(SERVER) + wire.listing(SERVER, entries) + wire.closing()
    file = parse_file(content, [X25])

    assert (SERVER, 0) == (file.server, file.bad_count)
    assert [SERVER] == [server for server, _, _ in file.listings]
    assert [1234.5, -5] == [group.value for group in file.listings[0][1]]


def test_every_optional_part_may_be_there(wire: SimpleNamespace, entries):
    content = wire.listing(
        SERVER,
        entries,
        client=wire.octets(b"client"),
        name=wire.octets(bytes.fromhex("0100620affff")),
        sensor_time=wire.sec_index(77),
        signature=wire.octets(bytes(48)),
        gateway_time=wire.timestamp(99),
    )

    assert 2 == len(parse_file(content, [X25]).listings[0][1])


def test_a_message_with_a_wrong_sum_is_left_out(wire: SimpleNamespace, entries):
    good = wire.listing(SERVER, entries)
    at = good.index(b"\x62\x1e") + 1
    bad = good[:at] + b"\x1f" + good[at + 1 :]
    file = parse_file(wire.opening(SERVER) + bad + good + wire.closing(), [X25])

    assert (1, 1) == (len(file.listings), file.bad_count)


def test_kermit_is_one_way_among_others(wire: SimpleNamespace, entries):
    content = wire.listing(SERVER, entries, wire.kermit)

    assert [] == parse_file(content, [X25]).listings
    assert 1 == len(parse_file(content, [X25, KERMIT]).listings)


@pytest.mark.parametrize("number", [0x0100, 0x0500, 0x0501, 0x0401, 0x0301, 0xFF01, 0x0201, 0x9999])
def test_other_messages_are_passed_over(wire: SimpleNamespace, entries, number):
    tree = wire.items(
        wire.octets(b"name"), wire.items(wire.unsigned(1, 1), b"\x01"), wire.items(wire.items(b"\x01"))
    )
    other = wire.message(number, wire.items(wire.octets(SERVER), wire.items(wire.octets(b"path")), tree))
    file = parse_file(other + wire.listing(SERVER, entries), [X25])

    assert (1, 0) == (len(file.listings), file.bad_count)


@pytest.mark.parametrize("tag_size", [2, 3, 4])
def test_the_kind_of_message_may_take_more_bytes(wire: SimpleNamespace, tag_size):
    body = wire.items(b"\x01", wire.octets(SERVER), b"\x01", b"\x01", wire.items(), b"\x01", b"\x01")

    assert 1 == len(parse_file(wire.message(0x0701, body, tag_size=tag_size), [X25]).listings)


def test_long_transactions_and_long_servers_are_read(wire: SimpleNamespace, entries):
    server = b"a number of more than fifteen bytes"
    body = wire.items(b"\x01", wire.octets(server), b"\x01", b"\x01", wire.items(*entries), b"\x01", b"\x01")
    file = parse_file(wire.message(0x0701, body, transaction=bytes(40)), [X25])

    assert [server] == [server for server, _, _ in file.listings]


def test_a_sum_whose_high_byte_is_zero_may_be_one_byte(wire: SimpleNamespace):
    for salt in range(2000):
        good = wire.listing(SERVER, [wire.entry("1-0:1.8.0", wire.unsigned(salt, 4), 30, -1)])
        if good[-3] == 0:
            break
    short = good[:-4] + b"\x62" + good[-2:]

    assert (1, 1) == (len(parse_file(good, [X25]).listings), len(parse_file(short, [X25]).listings))


def test_more_fill_than_was_told_is_passed_over(wire: SimpleNamespace, entries):
    assert 0 == parse_file(wire.listing(SERVER, entries) + bytes(3), [X25]).bad_count


@given(st.binary(max_size=300))
def test_no_bytes_are_too_odd(data):
    parse_file(data, [X25])


@given(st.data())
def test_no_single_error_gets_through(wire: SimpleNamespace, data):
    good = wire.listing(SERVER, [wire.entry("1-0:1.8.0", wire.unsigned(70_000, 4), 30, -1)])
    at = data.draw(st.integers(0, len(good) - 2))
    damaged = good[:at] + bytes([good[at] ^ 1 << data.draw(st.integers(0, 7))]) + good[at + 1 :]

    assert [] == parse_file(damaged, [X25]).listings


def comparable(file: SmlFile) -> tuple:
    lists = [
        (server, groups, [code == TWO_BYTE_NUMBER for code in codes])
        for server, groups, codes in file.listings
    ]
    return file.server, lists, file.bad_count


@given(st.data())
def test_the_quick_way_says_what_the_general_one_says(wire: SimpleNamespace, data):
    entry = st.builds(
        wire.entry,
        st.sampled_from(["1-0:1.8.0", "1-0:16.7.0", "1-0:96.50.1*1", "129-129:199.130.5"]),
        st.one_of(
            st.integers(1, 9)
            .flatmap(lambda size: st.binary(min_size=size, max_size=size))
            .flatmap(
                lambda raw: st.sampled_from(
                    [wire.element(5, raw), wire.element(6, raw), wire.element(0, raw * 9)]
                )
            ),
            st.booleans().map(lambda value: wire.boolean(value=value)),
            st.text(max_size=20).map(lambda text: wire.octets(text.encode())),
            st.sampled_from([b"\x01", b"\x00", wire.items(wire.unsigned(1, 1))]),
        ),
        st.none() | st.integers(0, 255),
        st.none() | st.integers(-128, 127),
        st.sampled_from(
            [b"\x01", b"\x00", wire.unsigned(0x1C0104, 4), wire.unsigned(1, 9), wire.octets(b"x")]
        ),
        st.sampled_from(
            [b"\x01", wire.sec_index(9), wire.unsigned(9, 4), wire.timestamp(9), wire.unsigned(9, 5)]
        ),
        st.sampled_from([b"\x01", b"\x01", b"\x01", wire.octets(b"signed")]),
    )
    lists = st.builds(
        lambda entries, time, crc: wire.listing(SERVER, entries, crc, sensor_time=time),
        st.lists(entry, max_size=18),
        st.sampled_from([b"\x01", wire.sec_index(4), wire.unsigned(4, 4), wire.local_time(4, 60, 60)]),
        st.sampled_from([wire.x25, wire.x25, wire.kermit]),
    )
    other = st.sampled_from(
        [wire.opening(SERVER), wire.closing(), b"\0", wire.message(0x0500, wire.items(b"\x01"))]
    )
    content = bytearray(b"".join(data.draw(st.lists(lists | other, max_size=4))))
    for _ in range(data.draw(st.integers(0, 2)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    assert comparable(parse_general_file(bytes(content), [X25])) == comparable(
        parse_file(bytes(content), [X25])
    )
