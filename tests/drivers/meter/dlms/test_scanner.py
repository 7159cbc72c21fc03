"""Every good frame is found, whatever surrounds it, and however the bytes come."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import hdlc, mbus, notification, segmented, structure, u32, wrapped
from tests.effort import examples

from quartier_drivers.meter.dlms.hdlc import HdlcFrame
from quartier_drivers.meter.dlms.scanner import KEPT_MAX, FoundFrame, FrameScanner, MbusSegment, WrappedApdu

NOISE = st.binary(max_size=60)
SIZES = st.lists(st.integers(1, 200), min_size=1, max_size=5)
APDU = notification(structure(u32(1)))


def found(data: bytes, sizes: Sequence[int] = (10_000,)) -> tuple[list[FoundFrame], FrameScanner]:
    scanner, made, at, turn = FrameScanner(), [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        made += list(scanner.feed(data[at : at + size]))
        at, turn = at + size, turn + 1
    made += list(scanner.end())
    return made, scanner


def information(data: bytes) -> list[bytes]:
    return [each.frame.information for each in found(data)[0] if isinstance(each.frame, HdlcFrame)]


@given(st.lists(st.tuples(NOISE, st.binary(min_size=1, max_size=120)), min_size=1, max_size=5))
def test_frames_are_found_past_any_noise(parts: list[tuple[bytes, bytes]]) -> None:
    stream = b"".join(noise + hdlc(inside) for noise, inside in parts)

    heard = information(stream)
    assert [inside for _, inside in parts] == [
        inside for inside in heard if inside in [part for _, part in parts]
    ]


@examples(20)
@given(
    st.lists(
        st.one_of(
            NOISE,
            st.binary(min_size=1, max_size=90).map(hdlc),
            st.binary(min_size=3, max_size=90).map(mbus),
            st.just(wrapped(APDU)),
        ),
        max_size=8,
    ),
    SIZES,
)
def test_chunks_do_not_matter(parts: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(parts)
    whole, one = found(stream)
    for sizes_now in ([1], sizes):
        again, other = found(stream, sizes_now)
        assert whole == again
        assert (one.bad_count, one.resync_count) == (other.bad_count, other.resync_count)


def test_a_flag_may_be_shared() -> None:
    assert [b"ab", b"cd"] == information(hdlc(b"ab")[:-1] + hdlc(b"cd"))


def test_lost_flags_cost_no_frame() -> None:
    assert [b"ab", b"cd"] == information(hdlc(b"ab")[1:-1] + hdlc(b"cd")[1:-1])


def test_a_head_that_promises_much_does_not_swallow_its_neighbours() -> None:
    promise = hdlc(bytes(1500))[:30]
    made, scanner = found(promise + hdlc(b"ab") + hdlc(b"cd"), [7])

    assert [b"ab", b"cd"] == [each.frame.information for each in made if isinstance(each.frame, HdlcFrame)]
    assert 1 == scanner.bad_count


def test_a_frame_is_given_with_its_last_byte() -> None:
    scanner, sent = FrameScanner(), hdlc(b"abcdef")

    assert [] == list(scanner.feed(sent[:-1]))
    assert 1 == len(list(scanner.feed(sent[-1:])))


def test_a_damaged_frame_is_counted_once() -> None:
    damaged = bytearray(hdlc(b"abcdef"))
    damaged[-4] ^= 1
    made, scanner = found(bytes(damaged) + hdlc(b"ab"))

    assert 1 == len(made)
    assert (1, 1) == (scanner.bad_count, scanner.resync_count)


def test_flags_between_frames_are_no_stray_bytes() -> None:
    made, scanner = found(hdlc(b"ab") + b"\x7e" * 50 + hdlc(b"cd"))

    assert [0, 0] == [each.stray for each in made]
    assert (0, 0) == (scanner.bad_count, scanner.resync_count)


def test_mbus_segments_are_found() -> None:
    made, _ = found(b"\xe5\x68" + mbus(bytes(range(200)) * 2))

    assert [(0, False), (1, True)] == [
        (each.frame.number, each.frame.is_last) for each in made if isinstance(each.frame, MbusSegment)
    ]


def test_a_count_that_ran_over_is_read_as_it_was_meant() -> None:
    (segment,), _ = found(mbus(bytes(252), 252))

    assert isinstance(segment.frame, MbusSegment)
    assert 254 == len(segment.frame.data)


def test_a_wrapper_is_found_where_it_must_be() -> None:
    made, _ = found(wrapped(APDU) * 2)

    assert [APDU, APDU] == [each.frame.data for each in made if isinstance(each.frame, WrappedApdu)]


def test_bytes_like_a_wrapper_inside_a_frame_are_the_frames() -> None:
    inside = b"\xe6\xe7\x00" + wrapped(APDU)

    assert [inside] == information(hdlc(inside))


@examples(20)
@given(
    st.sampled_from(
        [b"\x7e\xa7\xff", b"\x68", b"\x00\x01\x00\x01\x00\x10\x3f\xff\x0f", b"\x7e", hdlc(bytes(2000))[:12]]
    ),
    st.integers(1, 2000),
)
def test_little_is_kept_of_hostile_streams(pattern: bytes, count: int) -> None:
    scanner = FrameScanner()
    for _ in range(4):
        list(scanner.feed(pattern * count))

    assert len(scanner._kept) <= KEPT_MAX
    assert len(scanner._open) <= KEPT_MAX // 8


def test_rubbish_is_counted() -> None:
    _, scanner = found(b"\x55\xab\x13" * 2000)

    assert scanner.resync_count >= 10


def test_segments_of_one_apdu_follow_each_other() -> None:
    made, _ = found(segmented(bytes(300), 100))

    assert [True, True, True, False] == [
        each.frame.is_segmented for each in made if isinstance(each.frame, HdlcFrame)
    ]


def test_rubbish_before_a_frame_is_counted_alike_in_any_chunks() -> None:
    stream = b"\x55" * 1500 + hdlc(b"ab") + b"\x55" * 700 + hdlc(b"cd")
    counted = {
        (scanner.resync_count, scanner.bad_count)
        for size in (1, 13, 1000, 5000)
        for scanner in [found(stream, [size])[1]]
    }

    assert {(2 + 2 + 1, 0)} == counted


def test_what_ends_a_wrapper_like_the_begin_of_a_frame_is_none_in_any_chunks() -> None:
    inside = notification(structure(u32(1))) + b"\x00\xa6\x7e\xa6\x7e\xa6"
    stream = wrapped(inside) + bytes(20)

    assert {0} == {found(stream, [size])[1].bad_count for size in range(1, 60)}


def test_on_a_line_with_checks_nothing_that_looks_like_a_wrapper_swallows_a_frame() -> None:
    bogus = b"\x00\x01\x00\x10\x00\x01\x00\x40\x0f"
    for frames in ([hdlc(b"ab"), hdlc(b"cd")], [mbus(b"abcd"), mbus(bogus + bytes(20)), mbus(b"efgh")]):
        made, _ = found(bogus.join(frames) + bogus + bytes(100))

        assert len(frames) == sum(not isinstance(each.frame, WrappedApdu) for each in made)


def test_a_wrapper_right_behind_a_checked_frame_counts() -> None:
    made, _ = found(hdlc(b"ab") + wrapped(APDU) + mbus(b"abcd") + wrapped(APDU))

    assert [HdlcFrame, WrappedApdu, MbusSegment, WrappedApdu] == [type(each.frame) for each in made]
