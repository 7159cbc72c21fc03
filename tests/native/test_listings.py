"""Lists of an SML file, and their checksums."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.sml import conftest as wire

from quartier_drivers.meter import obis
from quartier_native.reference import listings

X25 = (0xFFFF, 0xFFFF, False)
KERMIT = (0, 0, True)
SERVER = b"\x0a\x01ISK\x00\x00\x00\x12\x34"


UNITS = tuple(f"u{code}" if code else "" for code in range(256))


def read(content: bytes) -> Any:
    return listings.read_listings(content, (X25,), UNITS)


@given(data=st.binary(max_size=100))
def test_sums_are_those_of_the_standard(data):
    assert wire.x25(data) == (listings.crc16_ccitt(data, 0xFFFF) ^ 0xFFFF).to_bytes(2, "little")


def test_a_list_comes_with_its_server_and_its_codes():
    entries = [
        wire.entry("1-0:1.8.0", wire.unsigned(5, 8), 30, -1, wire.unsigned(4, 3), wire.sec_index(7)),
        wire.entry("1-0:16.7.0", wire.signed(-5, 2), 27, 0),
        wire.entry("1-0:96.1.0", wire.octets(b"\x0a\x01")),
        wire.entry("1-0:0.2.0", wire.octets(b"ver 1")),
        wire.entry("129-129:199.130.5", wire.octets(bytes(48))),
    ]
    content = wire.opening(SERVER) + wire.listing(SERVER, entries) + wire.closing()
    server, [(list_server, groups, codes)], bad_count = read(content)

    assert (SERVER, SERVER, 0) == (server, list_server, bad_count)
    assert [0.5, -5, "0a01", "ver 1", "00" * 48] == [group.value for group in groups]
    assert [{"status": 4, "sec_index": 7}, {}, {}, {}, {}] == [dict(group.more) for group in groups]
    assert bytes([0x69, 0x53, 0x03, 0x06, 0x83]) == codes


def test_a_wrong_sum_is_counted():
    good = wire.listing(SERVER, [])

    assert 1 == read(good[:-2] + bytes([good[-2] ^ 1, 0]) + good)[2]


def test_any_of_several_ways_will_do():
    content = wire.listing(SERVER, [], lambda data: wire.kermit(data)[::-1])

    assert (b"", [], 1) == listings.read_listings(content, (X25,), UNITS)
    assert 1 == len(listings.read_listings(content, (X25, KERMIT), UNITS)[1])


@pytest.mark.parametrize(
    "content",
    [
        b"\x76",
        wire.message(0x0500, wire.items(b"\x01")),
        wire.listing(SERVER, [wire.entry("1-0:1.8.0", wire.unsigned(5, 4), time=wire.timestamp(5))]),
        wire.listing(SERVER, [wire.entry("1-0:1.8.0", wire.items(b"\x01"))]),
        wire.listing(SERVER, [wire.entry("1-0:1.8.0", wire.unsigned(5, 9))]),
        wire.listing(SERVER, [wire.items(b"\x01")]),
        wire.listing(SERVER, [])[:-1],
    ],
)
def test_other_shapes_are_left_to_others(content):
    assert read(content) is None


VALUES = st.one_of(
    st.integers(1, 9)
    .flatmap(lambda size: st.binary(min_size=size, max_size=size))
    .flatmap(lambda raw: st.sampled_from([wire.element(kind, raw) for kind in (0, 4, 5, 6)])),
    st.text(max_size=40).map(lambda text: wire.octets(text.encode())),
    st.sampled_from([b"\x01", b"\x00", b"\x80\x02", b"\x81\x00" + bytes(14), wire.items()]),
)
ENTRIES = st.builds(
    wire.entry,
    st.sampled_from(["1-0:1.8.0", "1-0:16.7.0", "1-0:96.50.1*1"]),
    VALUES,
    st.none() | st.integers(0, 255),
    st.none() | st.integers(-128, 127),
    st.sampled_from(
        [b"\x01", b"\x00", wire.unsigned(0x1C0104, 4), wire.unsigned(2**64 - 1, 8), wire.octets(b"x")]
    ),
    st.sampled_from(
        [b"\x01", wire.sec_index(9), wire.unsigned(9, 4), wire.unsigned(9, 1), wire.unsigned(9, 5)]
    ),
    st.sampled_from([b"\x01", b"\x00", b"\x01", wire.octets(b"s")]),
)
LISTS = st.builds(
    lambda entries, time, gateway: wire.listing(SERVER, entries, sensor_time=time, gateway_time=gateway),
    st.lists(ENTRIES, max_size=40),
    st.sampled_from([b"\x01", wire.sec_index(4), wire.unsigned(4, 4), wire.local_time(4, 60, 60)]),
    st.sampled_from([b"\x01", wire.timestamp(4)]),
)
OTHERS = st.sampled_from([wire.opening(SERVER), wire.closing(), b"\0", wire.message(0x0500, b"\x01")])


@given(st.data())
def test_damaged_lists_are_read_or_left_to_others(data):
    content = bytearray(b"".join(data.draw(st.lists(LISTS | OTHERS, max_size=3))))
    for _ in range(data.draw(st.integers(0, 2)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    found = read(bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))]))

    assert found is None or all(len(codes) == len(groups) for _, groups, codes in found[1])


@given(st.lists(st.binary(min_size=6, max_size=6), max_size=4))
def test_names_are_written_as_people_do(names):
    entries = [wire.items(wire.octets(name), *[b"\x01"] * 4, wire.unsigned(5, 1), b"\x01") for name in names]
    [(_, groups, _)] = read(wire.listing(SERVER, entries))[1]

    assert [obis.label(name) for name in names] == [group.label for group in groups]


def test_each_code_of_a_unit_needs_its_text():
    with pytest.raises(ValueError, match="256 units"):
        listings.read_listings(b"", (X25,), ("Wh",))
