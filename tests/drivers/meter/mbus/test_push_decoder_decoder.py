"""The push parser: real captures, any chunks, noise, refusals."""

import json
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.mbus.conftest import framed, record, reply

from quartier_drivers.meter.mbus.push_decoder import MbusDecoder
from quartier_drivers.meter.telegrams import Telegram

VOLUME = record(12565, "13")
GOOD = reply(VOLUME)


def decoded(data, size=10**6):
    decoder = MbusDecoder()
    found = [one for at in range(0, len(data), size) for one in decoder.feed(data[at : at + size])]
    return found + decoder.end(), decoder.counts


def numbers(telegram):
    return [group.value for group in telegram.groups if not isinstance(group.value, str)]


@pytest.fixture(scope="module")
def captures(shared):
    folder = shared / "mbus"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return {path.stem: bytes.fromhex(path.read_text()) for path in sorted(folder.glob("frames/*.hex"))}


def test_each_capture_has_the_numbers_that_another_decoder_reads(captures, shared):
    expected = json.loads((shared / "mbus" / "expected_numeric.json").read_text())
    assert 38 == len(captures) == len(expected)
    for name, data in captures.items():
        (telegram,), _ = decoded(data)
        told = [group for group in telegram.groups if not isinstance(group.value, str)]
        if expected[name]["manufacturer"] is None:  # fixed structure, which the other skips
            assert [6531000, 0.069] == numbers(telegram)
            continue
        rows = expected[name]["numeric"]
        assert [row[4] for row in rows] == pytest.approx(
            [float(group.value) for group in told], rel=1e-9, abs=1e-6
        ), name
        assert [row[1] for row in rows] == [group.more["storage"] for group in told], name
        words = {
            "Instantaneous value": "instantaneous",
            "Maximum value": "maximum",
            "Minimum value": "minimum",
        }
        assert [words.get(row[0], "error") for row in rows] == [group.more["function"] for group in told], (
            name
        )
        assert {expected[name]["manufacturer"]} == {group.more["maker"] for group in telegram.groups}, name


def test_of_the_bad_captures_exactly_those_are_refused_that_must_be(shared):
    folder = shared / "mbus" / "bad"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    expected = json.loads((shared / "mbus" / "bad_expected.json").read_text())
    assert 10 == len(expected)
    for name, judged in expected.items():
        found, counts = decoded(bytes.fromhex((folder / name).read_text()))
        assert judged["refused"] == (not found), name
        assert (int(judged["refused"]), int(not judged["refused"])) == (
            counts.bad_count,
            counts.good_count,
        ), name


def test_captures_one_after_the_other_in_any_pieces_with_noise_between(captures):
    dice = random.Random(38)
    clean = b"".join(captures.values())
    noisy = b"".join(
        bytes(dice.choices([0, 5, 0x16, 0x68, 0xE5, 0xFF], k=dice.randrange(9))) + data
        for data in captures.values()
    )
    expected, _ = decoded(clean)

    assert len(captures) == len(expected)
    for size in (1, 7, 100):
        assert expected == decoded(clean, size)[0]
    for size in (1, 13, 10**6):
        found, _ = decoded(noisy, size)
        assert [one.groups for one in expected] == [one.groups for one in found]


def test_corruption_makes_no_wrong_value_and_costs_no_good_frame(captures):
    dice = random.Random(7)
    known = {repr(telegram.groups) for data in captures.values() for telegram in decoded(data)[0]}
    names = list(captures)
    for _ in range(60):
        chosen = [captures[dice.choice(names)] for _ in range(4)]
        hit = dice.randrange(4)
        broken = bytearray(chosen[hit])
        broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
        found, _ = decoded(b"".join([*chosen[:hit], bytes(broken), *chosen[hit + 1 :]]))

        good = Counter(repr(decoded(one)[0][0].groups) for at, one in enumerate(chosen) if at != hit)
        assert not good - Counter(repr(one.groups) for one in found)
        assert {repr(one.groups) for one in found} <= known


@given(st.binary(max_size=700), st.integers(1, 60))
def test_anything_may_come_in_any_pieces(noise, size):
    whole, counts = decoded(noise)

    assert (whole, counts) == decoded(noise, size)


@given(st.binary(max_size=249), st.sampled_from([0x72, 0x76, 0x7A, 0x78, 0x73, 0x77, 0x70, 0x6F, 0x71, 0x75]))
def test_any_body_in_a_good_frame_is_read_or_refused(body, ci):
    found, counts = decoded(framed(0x08, 1, ci, body))

    assert (1, 0) == (counts.good_count + counts.bad_count, counts.good_count - len(found))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["03", "13", "2B", "FD48", "863B", "6D", "6C", "FD17", "FF13"]),
            st.sampled_from(["int8", "int16", "int32", "real"]),
            st.integers(-128, 127),
        ),
        max_size=12,
    )
)
def test_groups_are_as_many_as_records(rows):
    body = b"".join(record(value, vib, kind) for vib, kind, value in rows)
    (found,), _ = decoded(reply(body))

    assert [str(number) for number in range(len(rows))] + ["status"] == [
        group.label for group in found.groups
    ]


def test_what_the_master_says_is_passed_over():
    asked = bytes.fromhex("1040014116") + framed(0x53, 253, 0x52, bytes(8)) + bytes.fromhex("E5107BFD7816")
    found, counts = decoded(asked + GOOD)

    assert ["12345678"] == [one.meter for one in found]
    assert (0, 0) == (counts.bad_count, counts.resync_count)


def test_a_telegram_says_how_many_frames_were_bad_before_it():
    bad = GOOD[:-2] + bytes([GOOD[-2] ^ 1, 0x16])
    refused = framed(0x08, 1, 0x55, b"")

    found, counts = decoded(GOOD + bad + refused + GOOD)

    assert [0, 2] == [one.bad_count for one in found]
    assert (2, 2, 2) == (counts.good_count, counts.bad_count, counts.frames_count)


def test_why_a_frame_was_refused_can_be_said():
    decoder = MbusDecoder()
    decoder.feed(framed(0x08, 1, 0x55, b""))

    assert "control information 55 is unknown" == decoder.why


def test_a_telegram_is_whole():
    assert Telegram("12345678", decoded(GOOD)[0][0].groups, 0, is_whole=True) == decoded(GOOD)[0][0]
