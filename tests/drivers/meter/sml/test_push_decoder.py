"""Whole captures of SML meters: the same telegrams for any chunking, none that noise has touched."""

from random import Random
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.sml.push_decoder import make_decoder
from quartier_drivers.meter.telegrams import Group, Telegram

LABELS = [
    f"1-0:{c}.{d}.0"
    for c, d in [(1, 8), (2, 8), (16, 7), (36, 7), (56, 7), (76, 7), (32, 7), (31, 7), (14, 7)]
]


def capture(
    wire: SimpleNamespace, random: Random, frames: int = 1
) -> tuple[bytes, list[list[tuple[str, int, int]]]]:
    stream, expected = b"", []
    for _ in range(frames):
        told = [wire.random_entry(random, LABELS) for _ in range(random.randint(1, 20))]
        entries = [
            wire.entry(label, value, 30, scaler, random.choice([wire.NOTHING, wire.unsigned(0x1C0104, 4)]))
            for label, value, _, scaler in told
        ]
        how = random.choice(["standard", "standard", "aligned"])
        stream += wire.frame(wire.server_id("ISK", random.randrange(10**8)), entries, how=how)
        expected.append([(label, number, scaler) for label, _, number, scaler in told])
    return stream, expected


def values(telegrams: list[Telegram]) -> list[list[tuple[str, str | int | float]]]:
    return [[(group.label, group.value) for group in telegram.groups] for telegram in telegrams]


def test_a_telegram_says_who_it_is_and_what_it_measured(wire: SimpleNamespace):
    entries = [
        wire.entry("129-129:199.130.3", wire.octets(b"ISK")),
        wire.entry(
            "1-0:1.8.0", wire.unsigned(123456789, 8), 30, -1, wire.unsigned(0x82, 1), wire.sec_index(5)
        ),
        wire.entry("1-0:16.7.0", wire.signed(-2345, 4), 27, 0),
    ]
    [telegram] = make_decoder().feed(wire.frame(wire.server_id("ISK", 67004711), entries))

    assert "1ISK0067004711" == telegram.meter
    assert (0, True) == (telegram.bad_count, telegram.is_whole)
    assert Group("129-129:199.130.3", "ISK") == telegram.groups[0]
    assert ("1-0:1.8.0", 12345678.9, "Wh") == (
        telegram.groups[1].label,
        telegram.groups[1].value,
        telegram.groups[1].unit,
    )
    assert Group("1-0:16.7.0", -2345, "W") == telegram.groups[2]


@given(st.integers(0, 1 << 32))
def test_every_number_comes_through(wire: SimpleNamespace, seed):
    stream, expected = capture(wire, Random(seed), 3)
    one = make_decoder()

    said = [
        [
            (label, number / 10**-scaler if scaler < 0 else number * 10**scaler)
            for label, number, scaler in told
        ]
        for told in expected
    ]
    assert said == values(one.feed(stream))
    assert (3, 0, 3, len(stream)) == (
        one.counts.good_count,
        one.counts.bad_count,
        one.counts.frames_count,
        one.counts.bytes_count,
    )


@given(st.integers(0, 1 << 32), st.data())
def test_no_chunking_makes_a_difference(wire: SimpleNamespace, seed, data):
    random = Random(seed)
    stream = bytearray(capture(wire, random, 3)[0])
    for _ in range(random.randint(0, 3)):
        stream[random.randrange(len(stream))] = random.randrange(256)
    cuts = data.draw(st.lists(st.integers(1, 200), max_size=40))
    whole, cut, bytewise = make_decoder(), make_decoder(), make_decoder()

    expected = whole.feed(bytes(stream)) + whole.end()

    found, at = [], 0
    for size in [*cuts, len(stream)]:
        found += cut.feed(bytes(stream[at : at + size]))
        at += size
    found += cut.end()
    single = [telegram for at in range(len(stream)) for telegram in bytewise.feed(bytes(stream[at : at + 1]))]
    single += bytewise.end()
    assert expected == found == single
    assert whole.counts == cut.counts == bytewise.counts


@given(st.integers(0, 1 << 32))
def test_noise_costs_the_frames_that_it_hits_and_changes_nothing(wire: SimpleNamespace, seed):
    random = Random(seed)
    frames = [capture(wire, random)[0] for _ in range(5)]
    clean = [make_decoder().feed(frame)[0] for frame in frames]
    hit = {random.randrange(5) for _ in range(2)}
    for number in hit:
        frame = bytearray(frames[number])
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(frame))
            frame[at : at + random.choice([0, 1, 1, 2])] = random.choice([b"", b"\x1b", random.randbytes(1)])
        frames[number] = bytes(frame)

    found = make_decoder().feed(b"".join(frames))

    told = [telegram.groups for telegram in found]
    assert [one.groups for number, one in enumerate(clean) if number not in hit] == [
        groups for groups in told if groups not in [clean[number].groups for number in hit]
    ]


def test_bad_frames_are_told_with_the_next_good_one(wire: SimpleNamespace):
    entries = [wire.entry("1-0:16.7.0", wire.signed(1, 4), 27, 0)]
    good = wire.frame(wire.server_id("ISK", 1), entries)
    bad = good[:40] + b"\xff" + good[41:]
    one = make_decoder()

    assert [0, 2] == [telegram.bad_count for telegram in one.feed(good + bad + bad + good)]
    assert (2, 2) == (one.counts.good_count, one.counts.bad_count)


def test_kermit_is_for_profiles(wire: SimpleNamespace):
    entries = [wire.entry("1-0:16.7.0", wire.signed(1, 4), 27, 0)]
    stream = wire.frame(wire.server_id("HLY", 1), entries, wire.kermit)

    assert [] == make_decoder().feed(stream)
    assert 1 == len(make_decoder(checksum="kermit").feed(stream))
    high_first = wire.frame(wire.server_id("HLY", 1), entries, lambda data: wire.kermit(data)[::-1])
    assert 1 == len(make_decoder(checksum="kermit").feed(high_first))
    assert 1 == len(make_decoder(checksum="kermit").feed(wire.frame(wire.server_id("HLY", 1), entries)))


def test_another_kind_of_checksum_is_named(wire: SimpleNamespace):
    entries = [wire.entry("1-0:16.7.0", wire.signed(1, 4), 27, 0)]
    stream = wire.frame(wire.server_id("HLY", 1), entries, wire.kermit)
    one = make_decoder()
    one.feed(stream)
    assert "" == one.why
    one.feed(stream)
    assert 'checksum = "kermit"' in one.why
    one.feed(wire.frame(wire.server_id("HLY", 1), entries))
    assert "" == one.why


def test_two_meters_in_one_frame_are_two_telegrams(wire: SimpleNamespace):
    entries = [wire.entry("1-0:16.7.0", wire.signed(1, 4), 27, 0)]
    one, other = wire.server_id("ISK", 1), wire.server_id("ISK", 2)
    lists = wire.listing(one, entries) + wire.listing(one, entries) + wire.listing(other, entries)

    telegrams = make_decoder().feed(wire.transport(wire.opening(one) + lists + wire.closing()))

    assert [("1ISK0000000001", 2), ("1ISK0000000002", 1)] == [(t.meter, len(t.groups)) for t in telegrams]


def test_a_list_without_a_server_is_of_the_one_that_opened(wire: SimpleNamespace):
    content = wire.opening(wire.server_id("ISK", 7)) + wire.listing(b"", []) + wire.closing()

    assert ["1ISK0000000007"] == [telegram.meter for telegram in make_decoder().feed(wire.transport(content))]


def test_a_frame_of_requests_says_nothing(wire: SimpleNamespace):
    request = wire.message(0x0700, wire.items(*[wire.NOTHING] * 5))
    one = make_decoder()

    assert [] == one.feed(wire.transport(request))
    assert (1, 0) == (one.counts.good_count, one.counts.frames_count)


@pytest.mark.parametrize("size", [0, 1, 100, 2000])
def test_the_end_of_a_capture_gives_nothing_half(wire: SimpleNamespace, size):
    one = make_decoder()
    one.feed(capture(wire, Random(1))[0][: -1 - size] or b"\x1b")

    assert [] == one.end()
    assert 0 == one.counts.frames_count


@given(st.binary(max_size=400))
def test_any_bytes_are_taken(data):
    one = make_decoder(checksum="kermit", defects=["unsigned-power", "narrow-power"])
    one.feed(data)
    one.end()

    assert len(data) == one.counts.bytes_count
