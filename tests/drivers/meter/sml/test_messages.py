"""A message counts if its own checksum holds; other kinds of messages cost nothing."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.sml.elements import TWO_BYTE_NUMBER
from quartier_drivers.meter.sml.messages import SmlFile, is_outward, parse_file, parse_general_file
from quartier_drivers.meter.sml.push_decoder import make_decoder
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


EDL_IN, EDL_OUT = 0x182, 0x1A2
FNN_IN, FNN_OUT, FNN_L2_OUT = 0x1C0104, 0x1C0904, 0x1C2104


@pytest.mark.parametrize(
    ("status", "quantity", "expected"),
    [
        (EDL_IN, "16.7.0", False),
        (EDL_OUT, "16.7.0", True),
        (0xA2, "16.7.0", True),
        (0x82, "16.7.0", False),
        (EDL_OUT, "36.7.0", False),  # it speaks of the sum alone
        (FNN_IN, "16.7.0", False),
        (FNN_OUT, "16.7.0", True),
        (FNN_OUT, "56.7.0", False),
        (FNN_L2_OUT, "56.7.0", True),
        (FNN_L2_OUT, "36.7.0", False),
    ],
)
def test_the_direction_stands_where_the_status_word_has_it(status, quantity, expected):
    assert expected is is_outward(status, quantity)


def powers(
    wire: SimpleNamespace, defects, status, values, server=b"\x06EMH\x01\x02\x03", labels=("1-0:16.7.0",)
):
    entries = [wire.entry("1-0:1.8.0", wire.unsigned(1, 4), 30, -1, status=status)]
    entries += [wire.entry(label, value, 27, -2) for label, value in zip(labels, values, strict=True)]
    [telegram] = make_decoder(defects=defects).feed(wire.frame(server, entries))
    return [group.value for group in telegram.groups[1:]]


def test_power_without_sign_takes_it_from_the_status(wire: SimpleNamespace):
    value = wire.unsigned(12650, 4)

    assert [-126.5] == powers(wire, ["unsigned-power"], wire.unsigned(EDL_OUT, 2), [value])
    assert [126.5] == powers(wire, ["unsigned-power"], wire.unsigned(EDL_IN, 2), [value])
    assert [126.5] == powers(wire, [], wire.unsigned(EDL_OUT, 2), [value])
    assert [126.5] == powers(wire, ["unsigned-power"], wire.NOTHING, [value])


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (EDL_OUT, [126.5, -126.5]),
        (EDL_IN, [126.5, 126.5]),
        (FNN_OUT, [126.5, -126.5]),
        (0x1B0, [126.5, -126.5]),
    ],
)
def test_absolute_power_gets_its_direction_from_the_status(wire: SimpleNamespace, status, expected):
    value = wire.unsigned(12650, 4)

    assert expected == powers(wire, [], wire.unsigned(status, 3), [value], labels=["1-0:15.7.0"])
    assert expected == powers(
        wire, ["unsigned-power"], wire.unsigned(status, 3), [value], labels=["1-0:15.7.0"]
    )


@pytest.mark.parametrize("status", [None, 0x010001, 0x018001, 0x20])
def test_absolute_power_without_a_direction_is_no_signed_power(wire: SimpleNamespace, status):
    said = wire.NOTHING if status is None else wire.unsigned(status, 3)

    assert [126.5] == powers(wire, [], said, [wire.unsigned(12650, 4)], labels=["1-0:15.7.0"])
    assert [0.0, 0.0] == powers(wire, [], said, [wire.unsigned(0, 4)], labels=["1-0:15.7.0"]), (
        "0 has no direction"
    )


def test_absolute_power_beside_signed_power_adds_nothing(wire: SimpleNamespace):
    values = [wire.unsigned(12650, 4), wire.signed(-12650, 4)]

    assert [126.5, -126.5] == powers(
        wire, [], wire.unsigned(EDL_IN, 3), values, labels=["1-0:15.7.0", "1-0:16.7.0"]
    )
    assert ["text"] == powers(wire, [], wire.NOTHING, [wire.octets(b"text")], labels=["1-0:15.7.0"])


def test_power_that_has_its_sign_keeps_it(wire: SimpleNamespace):
    assert [-5.0] == powers(wire, ["unsigned-power"], wire.unsigned(EDL_OUT, 2), [wire.signed(-500, 4)])
    assert [0.0] == powers(wire, ["unsigned-power"], wire.unsigned(EDL_OUT, 2), [wire.signed(0, 4)])


def test_counters_and_voltages_have_no_direction(wire: SimpleNamespace):
    entries = [
        wire.entry("1-0:1.8.0", wire.unsigned(10, 4), 30, -1, status=wire.unsigned(EDL_OUT, 2)),
        wire.entry("1-0:32.7.0", wire.unsigned(2301, 2), 35, -1),
        wire.entry("1-0:16.7.0", wire.octets(b"text"), 27, 0),
    ]
    [telegram] = make_decoder(defects=["unsigned-power"]).feed(wire.frame(b"\x06EMH\x01\x02\x03", entries))

    assert [1.0, 230.1, "text"] == [group.value for group in telegram.groups]


def test_narrow_power_of_dzg_is_widened(wire: SimpleNamespace):
    server = wire.server_id("DZG", 50_004_711)
    narrow = wire.signed(0x9C40 - 0x10000, 2)

    assert [400.0] == powers(wire, ["narrow-power"], wire.unsigned(0x040104, 3), [narrow], server)
    assert [-255.36] == powers(wire, [], wire.unsigned(0x040104, 3), [narrow], server)


def test_dzg_power_that_is_right_is_left_alone(wire: SimpleNamespace):
    def wide(value, status=0x040104, number=50_004_711):
        server = wire.server_id("DZG", number)
        return powers(wire, ["narrow-power"], wire.unsigned(status, 3), [value], server)[0]

    narrow = wire.signed(-10470, 2)
    assert -104.7 == wide(narrow, number=60_004_711)
    assert -104.7 == wide(narrow, status=0x040904)
    assert -400.0 == wide(wire.signed(-40000, 3))
    assert 104.7 == wide(wire.signed(10470, 2))
    assert -603.0 == wide(wire.signed(-60300, 4))
