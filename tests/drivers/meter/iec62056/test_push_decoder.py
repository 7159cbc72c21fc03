"""Messages of modes A to D: covered by their block check, or good when complete."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.iec62056.push_decoder import FRAME_MAX, IDENTITY_MAX, make_decoder

SETS = [
    "F.F(00000000)",
    "0.0.0(12345678)",
    "1.8.0(001234.56*kWh)",
    "2.8.0(000001.00*kWh)",
    "1.6.1(1.5*kW)(2611251930)",
]


def labels(telegrams) -> list[list[str]]:
    return [[group.label for group in telegram.groups] for telegram in telegrams]


ALL = ["F.F", "0.0.0", "1.8.0", "2.8.0", "1.6.1"]


def test_a_data_message_is_read(wire: SimpleNamespace):
    [telegram] = make_decoder(is_capture=True).feed(
        wire.identity("LGZ4ZMD12044449.B31") + wire.data_message(*SETS)
    )

    assert ("12345678", 0, ALL) == (telegram.meter, telegram.bad_count, labels([telegram])[0])
    assert (1234.56, "kWh") == (telegram.groups[2].value, telegram.groups[2].unit)


def test_a_whole_session_is_read_with_its_echo(wire: SimpleNamespace):
    session = b"/?!\r\n" + wire.identity(r"LGZ5\2ZMD3104100.B32") + b"\x06050\r\n" + wire.data_message(*SETS)
    one = make_decoder(is_capture=True)

    assert [ALL] == labels(one.feed(b"\0" * 40 + session))
    assert r"LGZ5\2ZMD3104100.B32" == one.identity
    assert (5, 0) == (one.counts.good_count, one.counts.bad_count)


def test_a_message_without_identification_is_read(wire: SimpleNamespace):
    assert [ALL] == labels(make_decoder(is_capture=True).feed(wire.data_message(*SETS)))


def test_a_pushed_message_is_good_when_it_is_complete(wire: SimpleNamespace):
    stream = wire.pushed(
        "EMH5----eHZ-E0018E", ["1-0:0.0.0*255(331200-5000471)", "1-0:1.8.1*255(031234.5678)"]
    )
    one = make_decoder(is_capture=True)

    [first, second] = one.feed(stream + stream)
    assert (["1-0:0.0.0", "1-0:1.8.1"], "331200-5000471") == (labels([first])[0], first.meter)
    assert first.groups == second.groups
    assert [] == one.feed(stream[:-3])
    assert [] == one.end()
    assert 1 == one.counts.bad_count


def test_the_last_message_of_a_capture_may_lack_its_line_end(wire: SimpleNamespace):
    one = make_decoder(is_capture=True)
    one.feed(wire.pushed("ESY5Q3DA1004 V3.04", SETS)[:-2])

    assert [ALL] == labels(one.end())


def test_meters_of_mode_a_without_block_check_are_read(wire: SimpleNamespace):
    stream = (
        wire.identity("LUGCUH50")
        + b"\r\n"
        + wire.lines("6.8(0417.250*MWh)6.26(08123.45*m3)9.21(00004711)")[:-2]
        + b"\n!\r\n"
    )

    [telegram] = make_decoder(is_capture=True).feed(stream)
    assert ("00004711", ["6.8", "6.26", "9.21"]) == (telegram.meter, labels([telegram])[0])


def test_a_wrong_block_check_refuses_the_whole(wire: SimpleNamespace):
    message = wire.data_message(*SETS)
    for at in range(1, len(message)):
        if message[at] == 0x2F:
            continue
        one = make_decoder(is_capture=True)
        damaged = message[:at] + bytes([message[at] ^ 0x01]) + message[at + 1 :]

        assert [] == one.feed(damaged), at


def test_a_block_check_may_be_a_sum_or_none(wire: SimpleNamespace):
    block = wire.lines("0.0(00000012345)", "6.26(00012.34*m3)") + b"!\r\n\x03"
    message = b"\x02" + block + bytes([sum(block) & 0x7F])

    one = make_decoder(is_capture=True)
    assert ([], "") == (one.feed(b""), one.why)
    assert [] == one.feed(message)
    assert 'bcc = "sum"' in one.why
    assert [["0.0", "6.26"]] == labels(make_decoder(bcc="sum").feed(message))
    assert [["0.0", "6.26"]] == labels(make_decoder(bcc="none").feed(message))
    assert [] == make_decoder(bcc="sum").feed(wire.data_message("6.26(00012.34*m3)"))


def test_eight_bits_with_parity_are_read(wire: SimpleNamespace):
    checked = wire.identity("ISK5MT174-0001") + wire.data_message(*SETS)
    pushed = wire.pushed("ESY5Q3DA1004 V3.04", SETS)

    assert [ALL, ALL] == labels(make_decoder(is_capture=True).feed(wire.as_eight_bits(checked + pushed)))


def test_parity_tells_which_set_was_hit_where_nothing_else_does(wire: SimpleNamespace):
    stream = bytearray(wire.as_eight_bits(wire.pushed("ESY5Q3DA1004 V3.04", SETS)))
    stream[stream.index(b"\xb1\xb2\x33\xb4\x2e") + 1] ^= 0x04  # the 2 of 001234.56

    [telegram] = make_decoder(is_capture=True).feed(bytes(stream))
    assert (1, ["F.F", "0.0.0", "2.8.0", "1.6.1"]) == (telegram.bad_count, labels([telegram])[0])


def test_a_lost_end_does_not_swallow_the_next(wire: SimpleNamespace):
    for make in (wire.pushed("EMH5----eHZ", SETS), wire.identity("LGZ5ZMD") + wire.data_message(*SETS)):
        for size in range(1, len(make) - 4):
            one = make_decoder(is_capture=True)

            assert [ALL] == labels(one.feed(make[:size] + make))[-1:], size
            assert one.counts.frames_count == 1, size


def test_units_with_a_slash_are_no_identification(wire: SimpleNamespace):
    stream = wire.pushed("ESY5Q3DA1004", ["6.33(1.5*m3/h)", "6.34(1.5*l/min)", "0.1(a/bcd)"])

    assert [["6.33", "6.34", "0.1"]] == labels(make_decoder(is_capture=True).feed(stream))


def test_a_message_that_lost_its_stx_is_not_believed_of_a_meter_that_checks(wire: SimpleNamespace):
    good = wire.identity("LGZ5ZMD") + wire.data_message(*SETS)
    one = make_decoder(is_capture=True)

    assert 1 == len(one.feed(good + good.replace(b"\x02", b"")))
    assert 1 == one.counts.bad_count


def test_an_end_in_the_midst_of_a_line_is_noise(wire: SimpleNamespace):
    stream = wire.pushed("ESY5Q3DA1004", ["1.8.0(001!34*kWh)", "2.8.0(1*kWh)"])
    [telegram] = make_decoder(is_capture=True).feed(stream)

    assert (["2.8.0"], 1) == (labels([telegram])[0], telegram.bad_count)


def test_a_damaged_character_shows_where_two_errors_hide_from_the_check(wire: SimpleNamespace):
    message = wire.as_eight_bits(wire.data_message(*SETS))
    first, second = message.index(b"\xb1\xb2\x33\xb4\x2e"), message.index(b"\x2e")
    damaged = bytearray(message)
    for at in (first, second):
        damaged[at] ^= 0x02

    assert [] == make_decoder(is_capture=True).feed(bytes(damaged))


def test_a_message_without_end_is_given_up(wire: SimpleNamespace):
    one = make_decoder(is_capture=True)
    endless = wire.identity("LGZ5ZMD") + b"\x02" + b"1.8.0(1*kWh)\r\n" * (FRAME_MAX // 14 + 10)

    assert [ALL] == labels(one.feed(endless + wire.identity("LGZ5ZMD") + wire.data_message(*SETS)))
    assert 1 == one.counts.bad_count


def test_no_more_is_kept_than_the_longest_message():
    one = make_decoder(is_capture=True)
    for piece in (b"/ABC5x\r\n\x02", b"/", b"/AB", b"!\r\n", b"(", b"\x02/ABC5\r\n", b"x"):
        for _ in range(2 * FRAME_MAX // len(piece)):
            one.feed(piece)
            assert len(one._seven) == len(one._raw) <= FRAME_MAX + IDENTITY_MAX + 2


def test_noise_counts_as_searching():
    one = make_decoder(is_capture=True)
    one.feed(b"U" * 5_000)

    assert 9 == one.counts.resync_count


TOKENS = [
    b"/",
    b"\x02",
    b"\x03",
    b"!",
    b"\r\n",
    b"(",
    b"1.8.0(1*kWh)\r\n",
    b"/ESY5Q3D\r\n",
    b"/ES",
    b"\x00",
    b"x",
    b"\xff",
    b"!\r\n\x03",
]


@given(st.data())
def test_no_chunking_makes_a_difference(wire: SimpleNamespace, data):
    whole_messages = [
        wire.data_message(*SETS),
        wire.data_message(*SETS[:4]),
        wire.data_message("1.8.0(002.0*kWh)", "C.1.0(4711)", "6.33(1.5*m3/h)", "7(m/x)"),
        wire.identity("LGZ5ZMD") + wire.data_message("1.8.0(1*kWh)"),
        wire.pushed("EMH5----eHZ", SETS),
        wire.as_eight_bits(wire.data_message("1.8.0(1*kWh)")),
    ]
    stream = b"".join(data.draw(st.lists(st.sampled_from(TOKENS + whole_messages), max_size=40)))
    if data.draw(st.booleans()) and stream:
        at = data.draw(st.integers(0, len(stream) - 1))
        stream = stream[:at] + data.draw(st.sampled_from(TOKENS)) + stream[at + 1 :]
    cuts = data.draw(st.lists(st.integers(0, 30), max_size=30))
    whole, cut, bytewise = (
        make_decoder(is_capture=True),
        make_decoder(is_capture=True),
        make_decoder(is_capture=True),
    )

    expected = whole.feed(stream) + whole.end()

    found, at = [], 0
    for size in [*cuts, len(stream)]:
        found += cut.feed(stream[at : at + size])
        at += size
    found += cut.end()
    single = [telegram for at in range(len(stream)) for telegram in bytewise.feed(stream[at : at + 1])]
    single += bytewise.end()
    assert expected == found == single
    assert whole.counts == cut.counts == bytewise.counts


@given(st.integers(0, 3), st.data())
def test_noise_costs_only_the_message_that_it_hits(wire: SimpleNamespace, kind, data):
    one = [
        wire.identity("LGZ5ZMD") + wire.data_message(*SETS),
        wire.pushed("EMH5----eHZ", SETS),
        wire.as_eight_bits(wire.pushed("ESY5Q3D", SETS)),
        wire.identity("LGZ5ZMD") + wire.data_message(*SETS[:4], "1.6.1(1.5*kW)"),
    ][kind]
    at = data.draw(st.integers(0, len(one) - 1))
    hit = one[:at] + data.draw(st.binary(max_size=3)) + one[at + data.draw(st.integers(0, 3)) :]
    found = make_decoder(is_capture=True).feed(one + hit + one)

    assert ALL == labels(found)[0] == labels(found)[-1]
    assert 2 <= len(found) <= 4


@given(st.binary(max_size=400), st.sampled_from(["xor", "sum", "none"]))
def test_any_bytes_are_taken(data, bcc):
    one = make_decoder(bcc=bcc)
    one.feed(data)
    one.end()

    assert len(data) == one.counts.bytes_count


@pytest.mark.parametrize("line", ["/ABC", "/AB5x", "/?!", "/?12345678!", "/" + "A" * 200, "/ABC5(x)"])
def test_what_is_no_identification_is_none(line):
    one = make_decoder(is_capture=True)
    one.feed(line.encode() + b"\r\n" + b" " * 200)

    assert "" == one.identity
