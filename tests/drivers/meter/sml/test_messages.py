"""A message counts if its own checksum holds; other kinds of messages cost nothing."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.sml.checksum import KERMIT, X25
from quartier_drivers.meter.sml.messages import file_of

SERVER = b"\x0a\x01EMH\x00\x00\x00\x12\x34"


@pytest.fixture
def entries(wire: SimpleNamespace) -> list[bytes]:
    return [
        wire.entry("1-0:1.8.0", wire.unsigned(12345, 4), 30, -1, wire.unsigned(4, 3)),
        wire.entry("1-0:16.7.0", wire.signed(-5, 4), 27, 0),
    ]


def test_a_list_is_read_with_its_server(wire: SimpleNamespace, entries):
    content = wire.opening(SERVER) + wire.listing(SERVER, entries) + wire.closing()
    file = file_of(content, [X25])

    assert (SERVER, 0) == (file.server, file.bad_count)
    assert [SERVER] == [listing.server for listing in file.listings]
    assert [1234.5, -5] == [entry.group.value for entry in file.listings[0].entries]


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

    assert 2 == len(file_of(content, [X25]).listings[0].entries)


def test_a_message_with_a_wrong_sum_is_left_out(wire: SimpleNamespace, entries):
    good = wire.listing(SERVER, entries)
    at = good.index(b"\x62\x1e") + 1
    bad = good[:at] + b"\x1f" + good[at + 1 :]
    file = file_of(wire.opening(SERVER) + bad + good + wire.closing(), [X25])

    assert (1, 1) == (len(file.listings), file.bad_count)


def test_kermit_is_one_way_among_others(wire: SimpleNamespace, entries):
    content = wire.listing(SERVER, entries, wire.kermit)

    assert [] == file_of(content, [X25]).listings
    assert 1 == len(file_of(content, [X25, KERMIT]).listings)


@pytest.mark.parametrize("number", [0x0100, 0x0500, 0x0501, 0x0401, 0x0301, 0xFF01, 0x0201, 0x9999])
def test_other_messages_are_passed_over(wire: SimpleNamespace, entries, number):
    tree = wire.items(
        wire.octets(b"name"), wire.items(wire.unsigned(1, 1), b"\x01"), wire.items(wire.items(b"\x01"))
    )
    other = wire.message(number, wire.items(wire.octets(SERVER), wire.items(wire.octets(b"path")), tree))
    file = file_of(other + wire.listing(SERVER, entries), [X25])

    assert (1, 0) == (len(file.listings), file.bad_count)


@pytest.mark.parametrize("tag_size", [2, 3, 4])
def test_the_kind_of_message_may_take_more_bytes(wire: SimpleNamespace, tag_size):
    body = wire.items(b"\x01", wire.octets(SERVER), b"\x01", b"\x01", wire.items(), b"\x01", b"\x01")

    assert 1 == len(file_of(wire.message(0x0701, body, tag_size=tag_size), [X25]).listings)


def test_long_transactions_and_long_servers_are_read(wire: SimpleNamespace, entries):
    server = b"a number of more than fifteen bytes"
    body = wire.items(b"\x01", wire.octets(server), b"\x01", b"\x01", wire.items(*entries), b"\x01", b"\x01")
    file = file_of(wire.message(0x0701, body, transaction=bytes(40)), [X25])

    assert [server] == [listing.server for listing in file.listings]


def test_a_sum_whose_high_byte_is_zero_may_be_one_byte(wire: SimpleNamespace):
    for salt in range(2000):
        good = wire.listing(SERVER, [wire.entry("1-0:1.8.0", wire.unsigned(salt, 4), 30, -1)])
        if good[-3] == 0:
            break
    short = good[:-4] + b"\x62" + good[-2:]

    assert (1, 1) == (len(file_of(good, [X25]).listings), len(file_of(short, [X25]).listings))


def test_more_fill_than_was_told_is_passed_over(wire: SimpleNamespace, entries):
    assert 0 == file_of(wire.listing(SERVER, entries) + bytes(3), [X25]).bad_count


@given(st.binary(max_size=300))
def test_no_bytes_are_too_odd(data):
    file_of(data, [X25])


@given(st.data())
def test_no_single_error_gets_through(wire: SimpleNamespace, data):
    good = wire.listing(SERVER, [wire.entry("1-0:1.8.0", wire.unsigned(70_000, 4), 30, -1)])
    at = data.draw(st.integers(0, len(good) - 2))
    damaged = good[:at] + bytes([good[at] ^ 1 << data.draw(st.integers(0, 7))]) + good[at + 1 :]

    assert [] == file_of(damaged, [X25]).listings
