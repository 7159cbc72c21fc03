import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.tic.conftest import BLUE, LINKY, frame, historic, with_parity

from quartier_drivers.meter.tic import push_decoder
from quartier_drivers.meter.tic.line_reader import GROUPS_MAX
from quartier_drivers.meter.tic.push_decoder import SPAN_MAX, TicDecoder

WHOLE, STRAY = frame(*LINKY), (b"\x02", b"\x03", b"\x04", b"\n", b"\r")
TEXTS = {"ADSC", "NGTF", "LTARF", "MSG1", "MSG2", "PJOURF+1", "PRM"}


def heard(capture: bytes, sizes=None) -> list:
    decoder = push_decoder.make_decoder()
    done = []
    place = 0
    for size in sizes or [len(capture) or 1]:
        done += decoder.feed(capture[place : place + size])
        place += size
    return [*done, *decoder.feed(capture[place:]), *decoder.end()]


def labels(telegrams) -> list[str]:
    return [group.label for telegram in telegrams for group in telegram.groups]


def pairs(telegrams) -> list[tuple[str, str]]:
    return [(group.label, str(group.value)) for telegram in telegrams for group in telegram.groups]


def test_a_frame_is_one_telegram_of_its_meter():
    (telegram,) = heard(WHOLE)

    assert "041876097319" == telegram.meter
    assert (len(LINKY), 0, True) == (len(telegram.groups), telegram.bad_count, telegram.is_whole)


def test_a_telegram_is_there_with_its_last_byte():
    decoder = TicDecoder()

    assert [] == decoder.feed(WHOLE[:-1])
    assert len(LINKY) == len(decoder.feed(WHOLE[-1:])[0].groups)


def test_what_is_checked_can_be_had_before_the_frame_ends_each_group_once():
    decoder = TicDecoder()
    decoder.feed(frame(*LINKY[:3])[:-1])
    first = decoder.ahead()
    decoder.feed(b"\n" + LINKY[3] + b"\r")

    assert ["ADSC", "VTIC", "DATE"] == [group.label for group in first]
    assert ["NGTF"] == [group.label for group in decoder.ahead()]
    assert [] == decoder.ahead()
    assert 4 == len(decoder.feed(b"\x03")[0].groups), "they come again in the telegram"
    assert [] == decoder.ahead()


def test_the_modes_tell_themselves_apart_also_when_one_follows_the_other():
    first, second = heard(frame(*BLUE) + WHOLE)

    assert ("HCHC", "EAST") == (first.groups[3].label, second.groups[5].label)


@pytest.mark.parametrize("mode", [BLUE, LINKY])
@pytest.mark.parametrize("stray", [b"\x00", b"\x02", b"\x03", b"\x04", b"\n", b"\r"])
def test_a_stray_byte_anywhere_makes_one_bad_group_at_most_in_any_chunks(stray, mode):
    whole = frame(*mode)
    begin, end = whole.index(b"\n", 20), whole.index(b"\r", whole.index(b"\n", 20)) + 3
    for place in range(begin - 3, end):
        counts = []
        for size in (len(whole) * 3, 1, 7):
            decoder = push_decoder.make_decoder()
            data = whole + whole[:place] + stray + whole[place:] + whole
            for at in range(0, len(data), size):
                decoder.feed(data[at : at + size])
            decoder.end()
            counts.append(decoder.counts)
        assert counts[0] == counts[1] == counts[2], place
        assert counts[0].good_count >= 3 * len(mode) - 1
        assert counts[0].bad_count == 3 * len(mode) - counts[0].good_count or stray == b"\x00", place
        assert counts[0].bad_count <= 1


def test_groups_that_are_bad_side_by_side_count_each():
    whole = bytearray(frame(*BLUE))
    for number in (2, 3, 4):
        place = [at for at, byte in enumerate(whole) if byte == 10][number]
        whole[place + 2] ^= 1
    decoder = push_decoder.make_decoder()
    decoder.feed(bytes(whole) + frame(*BLUE))

    assert (2 * len(BLUE) - 3, 3) == (decoder.counts.good_count, decoder.counts.bad_count)


def test_short_frames_of_an_over_current_are_frames():
    short = frame(
        historic("ADIR1", "061"),
        historic("ADIR2", "012"),
        historic("ADIR3", "007"),
        historic("ADCO", "041876097319"),
        historic("IINST1", "061"),
    )
    telegrams = heard(frame(*BLUE) + short + short)

    assert [len(BLUE), 5, 5] == [len(telegram.groups) for telegram in telegrams]
    assert [True] * 3 == [telegram.is_whole for telegram in telegrams]


def test_frames_without_any_begin_or_end_are_told_apart_by_their_labels():
    bare = b"".join(b"\n" + span + b"\r" for span in LINKY)
    telegrams = heard(bare * 3)

    assert [len(LINKY)] * 3 == [len(telegram.groups) for telegram in telegrams]
    assert not any(telegram.is_whole for telegram in telegrams)


def test_an_aborted_frame_gives_what_it_said_and_the_next_one_is_whole():
    first, second = heard(frame(*LINKY[:7])[:-1] + b"\n" + LINKY[7][:5] + b"\x04" + WHOLE)

    assert (7, False) == (len(first.groups), first.is_whole)
    assert (len(LINKY), True) == (len(second.groups), second.is_whole)


def test_a_capture_that_begins_in_the_middle_of_a_group_has_nothing_bad_in_it():
    decoder = TicDecoder()
    telegrams = decoder.feed(WHOLE[40:])

    assert [False] == [telegram.is_whole for telegram in telegrams]
    assert 0 == decoder.counts.bad_count


@pytest.mark.parametrize("stray", STRAY)
def test_a_stray_control_byte_costs_the_group_it_falls_into_and_no_other(stray):
    whole = pairs(heard(WHOLE))
    places = [WHOLE.index(span) for span in LINKY]
    for number, (span, place) in enumerate(zip(LINKY, places, strict=True)):
        for at in range(place + 1, place + len(span)):
            found = pairs(heard(WHOLE[:at] + stray + WHOLE[at:]))
            assert whole[:number] + whole[number + 1 :] == found
    for at in [
        0,
        *(place - 1 for place in places),
        *(place + len(span) for span, place in zip(LINKY, places, strict=True)),
    ]:
        assert whole == pairs(heard(WHOLE[:at] + stray + WHOLE[at:]))


@pytest.mark.parametrize("capture", [WHOLE, frame(*BLUE)])
def test_a_lost_or_changed_byte_between_two_groups_costs_neither(capture):
    whole = pairs(heard(capture))
    for at, (one, two) in enumerate(pairwise(capture)):
        if {one, two} <= {2, 3, 10, 13}:
            for put in (b"", b"\x00", b"U", b"\xff"):
                assert whole == pairs(heard(capture[:at] + put + capture[at + 1 :]))


def test_a_capture_of_eight_bits_shows_the_parity_and_a_flipped_bit_is_found_even_in_a_text():
    raw = with_parity(WHOLE)
    place = raw.index(with_parity(b"PAS DE")) + 1

    assert pairs(heard(WHOLE)) == pairs(heard(raw))
    damaged = raw[:place] + bytes((raw[place] ^ 0x40,)) + raw[place + 1 :]
    assert [label for label in labels(heard(WHOLE)) if label != "MSG1"] == labels(heard(damaged))


def test_line_ends_that_a_tool_has_doubled_or_dropped_cost_nothing():
    whole = pairs(heard(WHOLE))

    for ends in ((b"\n", b"\r\n"), (b"\r", b"\r\r"), (b"\r", b""), (b"\n", b"\n\n")):
        assert whole == pairs(heard(WHOLE.replace(*ends)))


chunks = st.lists(st.integers(1, 300), max_size=40)


@given(
    st.lists(
        st.sampled_from([WHOLE, frame(*BLUE), WHOLE[:400], b"\x02\x02", b"\n\xff\r", b"x" * 1100]), max_size=4
    ),
    chunks,
)
def test_any_chunks_give_the_same_telegrams(parts, sizes):
    capture = b"".join(parts)
    at_once, by_one = TicDecoder(), TicDecoder()
    expected = at_once.feed(capture) + at_once.end()
    singly = [telegram for byte in capture for telegram in by_one.feed(bytes((byte,)))] + by_one.end()

    assert expected == singly == heard(capture, sizes)
    assert at_once.counts == by_one.counts


@st.composite
def noisy(draw):
    """Two frames with noise: the bytes, what was sent, and which groups no noise touched."""
    others = draw(st.permutations(LINKY[1:])) if draw(st.booleans()) else LINKY[1:]
    sent = [(LINKY[0], *others)] * 2  # a meter keeps its order
    clean = bytearray()
    places = []
    for spans in sent:
        for head, span, tail in ((b"\n", span, b"\r") for span in spans):
            start = len(clean) + len(head) + (span is spans[0])
            clean += (b"\x02" if span is spans[0] else b"") + head + span + tail
            places.append((start, start + len(span), span))
        clean += b"\x03"
    hits = draw(
        st.lists(
            st.tuples(
                st.integers(0, len(clean) - 1), st.sampled_from("cid"), st.binary(min_size=1, max_size=3)
            ),
            max_size=8,
            unique_by=lambda hit: hit[0],
        )
    )
    intact = [
        span
        for start, end, span in places
        if not any(start <= at < end and not (kind == "i" and at == start) for at, kind, _ in hits)
    ]
    for at, kind, put in sorted(hits, key=lambda hit: hit[0], reverse=True):
        clean[at : at + (kind != "i")] = b"" if kind == "d" else put
    return bytes(clean), intact, [span for spans in sent for span in spans]


@given(noisy())
def test_noise_costs_no_group_that_it_did_not_hit(case):
    capture, intact, _ = case
    found = pairs(heard(capture))

    assert [] == [span for span in intact if said(span) not in found]


def said(span: bytes) -> tuple[str, str]:
    fields = span.decode().split("\t")
    return fields[0], fields[-2]


def test_wrong_values_pass_no_more_often_than_six_bits_let_them():
    """Bursts of three random bytes in a group, which its checksum alone would let through 1 time in 64."""
    dice = random.Random(7)
    sent = {said(span) for span in LINKY}
    hit_count = wrong_count = 0
    for _ in range(4_000):
        at = dice.randrange(len(WHOLE) - 3)
        capture = WHOLE[:at] + dice.randbytes(3) + WHOLE[at + 3 :]
        found = pairs(heard(capture))
        hit_count += len(LINKY) - len(set(found) & sent)
        wrong_count += len([pair for pair in found if pair not in sent])

    assert hit_count > 2_000
    assert wrong_count < hit_count / 64


@given(st.binary(max_size=4_000))
def test_any_bytes_are_taken(capture):
    decoder = TicDecoder()
    decoder.feed(capture)
    decoder.end()

    assert len(capture) == decoder.counts.bytes_count


def test_what_is_kept_has_an_end():
    decoder = TicDecoder()
    for _ in range(50):
        decoder.feed(b"EAST\t" * 200)
    assert len(decoder._tail) <= SPAN_MAX + 1
    for number in range(1_000):
        decoder.feed(b"\n" + historic("X" + "ABCDEFGHIJ"[number % 10] + str(number), "1") + b"\r")
    assert len(decoder.ahead()) <= GROUPS_MAX


def test_the_published_captures_are_read_whole_and_in_any_chunks(shared):
    for name, count in (("historique_tempo_1ph.bin", 160), ("standard_base_1ph.bin", 38)):
        capture = (shared / "tic" / name).read_bytes()
        telegrams = heard(capture)

        assert count == len(labels(telegrams))
        assert telegrams == heard(capture, [1] * len(capture))
        assert pairs(telegrams) == pairs(heard(with_parity(capture)))


def test_the_published_captures_lose_to_noise_only_what_it_hit(shared):
    dice = random.Random(11)
    for name in ("historique_tempo_1ph.bin", "standard_base_1ph.bin"):
        capture = (shared / "tic" / name).read_bytes()
        spans = [
            part
            for part in capture.replace(b"\r", b"\n")
            .replace(b"\x02", b"\n")
            .replace(b"\x03", b"\n")
            .split(b"\n")
            if part
        ]
        for _ in range(100):
            at = dice.randrange(len(capture))
            damaged = (
                capture[:at]
                + dice.choice([b"", dice.randbytes(1), capture[at : at + 1] + dice.randbytes(1)])
                + capture[at + 1 :]
            )
            assert len(spans) - 1 <= len(labels(heard(damaged))) <= len(spans) + 1
