"""A frame costs only itself, whatever noise does to it; no chunking makes a difference."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.sml.transport import (
    BEGIN,
    ESCAPE,
    FRAME_MAX,
    KERMIT,
    KERMIT_HIGH_FIRST,
    X25,
    TransportDecoder,
    unescape_frame,
)


def contents(data: bytes, *chunks: int) -> list[bytes]:
    return [frame.content for frame in fed(TransportDecoder([X25]), data, *chunks)]


def fed(transport: TransportDecoder, data: bytes, *chunks: int) -> list:
    frames = []
    at = 0
    for size in chunks:
        frames += transport.feed(data[at : at + size])
        at += size
    return frames + transport.feed(data[at:])


@pytest.mark.parametrize("size", range(9))
def test_fill_bytes_are_taken_off(wire: SimpleNamespace, size):
    assert [b"x" * size] == contents(wire.transport(b"x" * size))


def test_bytes_between_frames_cost_nothing(wire: SimpleNamespace):
    stream = b"\x00\xff\x1b" + wire.transport(b"one") + b"noise" + wire.transport(b"two") + b"\x1b\x1b"

    assert [b"one", b"two"] == contents(stream)


def test_a_damaged_frame_costs_only_itself(wire: SimpleNamespace):
    one, two, three = (wire.transport(word * 40) for word in (b"one.", b"two.", b"thr."))
    for at in range(len(two)):
        damaged = two[:at] + bytes([two[at] ^ 0x10]) + two[at + 1 :]

        assert [b"one." * 40, b"thr." * 40] == contents(one + damaged + three), at


def test_a_frame_without_its_end_does_not_swallow_the_next(wire: SimpleNamespace):
    one, two = wire.transport(b"one." * 40), wire.transport(b"two." * 40)
    for size in range(1, len(one)):
        assert [b"two." * 40] == contents(one[:size] + two), size


def test_a_frame_cut_behind_an_escape_does_not_swallow_the_next(wire: SimpleNamespace):
    cut = wire.transport(b"abcd" + ESCAPE + b"efgh")
    at = cut.index(ESCAPE, 8)
    two = wire.transport(b"two.")

    for size in range(at, at + 9):
        assert [b"two."] == contents(cut[:size] + two), size


def test_a_dropped_or_added_byte_costs_only_its_frame(wire: SimpleNamespace):
    one, two, three = (wire.transport(word * 9) for word in (b"one.", b"two.", b"thr."))
    for at in range(len(two)):
        assert [b"one." * 9, b"thr." * 9] == contents(one + two[:at] + two[at + 1 :] + three), at
        found = contents(one + two[:at] + b"\x55" + two[at:] + three)
        assert found in ([b"one." * 9, b"thr." * 9], [b"one." * 9, b"two." * 9, b"thr." * 9]), at


@pytest.mark.parametrize("how", ["standard", "aligned"])
@pytest.mark.parametrize("before", range(6))
@pytest.mark.parametrize("escapes", [3, 4, 5, 7, 8, 9, 12, 16])
def test_escapes_within_the_messages_come_through(wire: SimpleNamespace, how, before, escapes):
    content = b"v" * before + b"\x1b" * escapes + b"\x07and more\x00"
    content += bytes(-len(content) % 4)

    [frame] = contents(wire.transport(content, how=how))

    assert content in unescape_frame(frame)


def test_a_begin_among_the_data_is_no_begin(wire: SimpleNamespace):
    assert [BEGIN + b"data"] == [
        unescape_frame(frame)[0] for frame in contents(wire.transport(BEGIN + b"data"))
    ]


def test_kermit_is_taken_only_where_it_is_expected(wire: SimpleNamespace):
    stream = wire.transport(b"data", wire.kermit)

    assert [] == TransportDecoder([X25]).feed(stream)
    assert [(b"data", 0)] == TransportDecoder([X25, KERMIT]).feed(stream)


def test_frames_tell_how_many_bad_ones_came_before_them(wire: SimpleNamespace):
    good = wire.transport(b"good")
    bad = bytes([*good[:9], good[9] ^ 1, *good[10:]])

    assert [0, 2, 3] == [
        frame.bad_count for frame in TransportDecoder([X25]).feed(good + bad + bad + good + bad + good)
    ]


def test_a_frame_that_is_too_long_is_given_up(wire: SimpleNamespace):
    transport = TransportDecoder([X25])
    stream = wire.transport(bytes(FRAME_MAX)) + wire.transport(b"next")

    assert [b"next"] == [frame.content for frame in transport.feed(stream)]
    assert 1 == transport.bad_count


def test_no_more_is_kept_than_the_longest_frame():
    transport = TransportDecoder([X25])
    for byte in (ESCAPE + b"\x01\x01\x01\x01", ESCAPE, b"\x00", b"\x1b\x1b\x1b\x1a", BEGIN):
        for _ in range(3 * FRAME_MAX // len(byte)):
            transport.feed(byte)
            assert len(transport._held) <= FRAME_MAX + 8


def test_noise_without_end_counts_as_searching():
    transport = TransportDecoder([X25])
    transport.feed(b"\x55" * 5_000)

    assert 9 == transport.resync_count


TOKENS = st.sampled_from(
    [ESCAPE, b"\x1b", b"\x01\x01\x01\x01", b"\x1a\x00", b"\x1a", b"\x00\x00", b"ab", b"\x7f"]
)


@given(st.data())
def test_no_chunking_makes_a_difference(wire: SimpleNamespace, data):
    parts = data.draw(st.lists(TOKENS | st.binary(max_size=30).map(wire.transport)))
    stream = b"".join(parts)
    cuts = data.draw(st.lists(st.integers(0, 20), max_size=30))
    whole, cut, bytewise = TransportDecoder([X25]), TransportDecoder([X25]), TransportDecoder([X25])

    frames = whole.feed(stream)

    assert frames == fed(cut, stream, *cuts)
    assert frames == fed(bytewise, stream, *[1] * len(stream))
    assert whole._held == cut._held == bytewise._held
    counts = [(one.bad_count, one.resync_count) for one in (whole, cut, bytewise)]
    assert counts[0] == counts[1] == counts[2]


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=3, max_size=6), st.data())
def test_good_frames_come_through_whatever_happens_to_others(wire: SimpleNamespace, texts, data):
    frames = [wire.transport(text) for text in texts]
    hit = data.draw(st.integers(1, len(texts) - 2))
    at = data.draw(st.integers(0, len(frames[hit]) - 1))
    noise = data.draw(st.binary(max_size=6))
    gone = data.draw(st.integers(0, 6))
    frames[hit] = frames[hit][:at] + noise + frames[hit][at + gone :]

    found = [unescape_frame(frame)[0] for frame in contents(b"".join(frames))]

    for text in texts[:hit] + texts[hit + 1 :]:
        assert text in found


def test_an_unfinished_frame_is_a_bad_one_at_the_end(wire: SimpleNamespace):
    transport = TransportDecoder([X25])
    transport.feed(wire.transport(b"data")[:-1])
    transport.end()

    assert (1, b"") == (transport.bad_count, bytes(transport._held))


def test_the_check_values_of_the_catalogue_come_out():
    assert 0x906E == int.from_bytes(X25.of(b"123456789"), "little")
    assert 0x2189 == int.from_bytes(KERMIT.of(b"123456789"), "little")


@given(st.binary(max_size=300))
def test_sums_are_those_of_a_twin_bit_by_bit(wire: SimpleNamespace, data):
    assert wire.x25(data) == X25.of(data)
    assert wire.kermit(data) == KERMIT.of(data)


def test_a_maker_may_send_the_high_byte_first():
    assert KERMIT.of(b"abc")[::-1] == KERMIT_HIGH_FIRST.of(b"abc")
