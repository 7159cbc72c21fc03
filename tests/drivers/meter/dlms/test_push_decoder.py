"""From bytes to telegrams: the published pushes, any chunks, any damage, hostile streams."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import (
    AUTHENTICATION,
    KEY,
    LLC,
    NO_DEVIATION,
    aidon,
    blocks,
    chunked,
    clock,
    hdlc,
    kaifa,
    kamstrup,
    mbus,
    notification,
    octets,
    said,
    sealed,
    segmented,
    structure,
    u32,
    wrapped,
)
from tests.effort import examples

from quartier_drivers.meter.dlms.ciphering import CipherKeys
from quartier_drivers.meter.dlms.push_decoder import PushDecoder
from quartier_drivers.meter.telegrams import Telegram

KEYS, STRICT = CipherKeys(KEY), CipherKeys(KEY, AUTHENTICATION)
# What the independent decoder calls a value, and the C and D of its name.
WORDS = {
    "active_power_import": (1, 7),
    "active_power_export": (2, 7),
    "reactive_power_import": (3, 7),
    "reactive_power_export": (4, 7),
    "current_l1": (31, 7),
    "current_l2": (51, 7),
    "current_l3": (71, 7),
    "voltage_l1": (32, 7),
    "voltage_l2": (52, 7),
    "voltage_l3": (72, 7),
    "active_power_import_total": (1, 8),
    "active_power_export_total": (2, 8),
    "reactive_power_import_total": (3, 8),
    "reactive_power_export_total": (4, 8),
}
TEXTS = {"list_ver_id": ("1-1:0.2.129",), "meter_type": ("0-0:96.1.7", "1-1:96.1.1")}
CLOCKS = ("0-0:1.0.0", "0-1:1.0.0")


def decoded(data: bytes, keys: CipherKeys = KEYS, sizes: Sequence[int] = (100_000,)) -> list[Telegram]:
    decoder = PushDecoder(keys, is_capture=True)
    return chunked(decoder.feed, data, sizes) + decoder.end()


def published(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "dlms" / "han_apdus.json").read_text())  # type: ignore[no-any-return]  # of the file


def in_their_words(telegram: Telegram) -> dict[str, str]:
    """A telegram as the independent decoder tells it: ``{"active_power_import": "9745"}``."""
    values = {group.label: group.value for group in telegram.groups}
    by_quantity = {
        tuple(label.split(":")[1].split(".")[:2]): value for label, value in values.items() if ":" in label
    }
    told = {}
    for word, (quantity, process) in WORDS.items():
        value = by_quantity.get((str(quantity), str(process)))
        if value is not None:
            told[word] = value
    for word, labels in TEXTS.items():
        told.update((word, values[label]) for label in labels if label in values)
    moments = [str(values[label]) for label in CLOCKS if label in values]
    told.update(("meter_datetime", moment.replace("T", " ")[:19]) for moment in moments)
    return told


def test_bare_apdus_are_no_rubbish_in_any_chunks(shared: Path) -> None:
    pushes = [bytes.fromhex(push["hex"]) for push in published(shared).values()]
    capture = b"".join(pushes)
    damaged = pushes[-1][:200] + b"\xff" + pushes[-1][200:] + capture
    counts = []
    for data in (capture, damaged, pushes[3][:-5] + pushes[3] * 3):
        decoders = [PushDecoder(KEYS, is_capture=True) for _ in range(2)]
        for decoder, size in zip(decoders, (len(data), 1), strict=True):
            for at in range(0, len(data), size):
                decoder.feed(data[at : at + size])
            decoder.end()
        assert decoders[0].counts == decoders[1].counts
        counts.append(decoders[0].counts)

    assert (5, 0) == (counts[0].good_count, counts[0].resync_count)


def test_the_published_pushes_say_what_an_independent_decoder_reads(shared: Path) -> None:
    for name, push in published(shared).items():
        (telegram,) = decoded(bytes.fromhex(push["hex"]))
        expected = {
            word: text
            for word, text in push["decoded_by_amshan_2_1_1"].items()
            if word != "meter_manufacturer"
        }
        told = in_their_words(telegram)

        assert expected.keys() == told.keys(), name
        for word, text in expected.items():
            if word in WORDS:
                assert float(text) == told[word], (name, word)
            else:
                assert text == told[word], (name, word)


def test_the_published_pushes_are_read_in_every_frame_whole_by_bytes_and_in_chunks(shared: Path) -> None:
    apdus = [bytes.fromhex(push["hex"])[3:] for push in published(shared).values()]
    bare = [telegram.groups for apdu in apdus for telegram in decoded(apdu)]
    assert 5 == len(bare)
    counter = iter(range(1, 1000))
    streams = [
        b"".join(LLC + apdu for apdu in apdus),
        b"".join(apdus),
        b"".join(segmented(apdu, 300) for apdu in apdus),
        b"".join(segmented(apdu, 31) for apdu in apdus),
        b"".join(mbus(apdu, 60) for apdu in apdus),
        b"".join(map(wrapped, apdus)),
        b"".join(hdlc(part) for apdu in apdus for part in blocks(apdu, 50)),
        b"".join(segmented(sealed(apdu, next(counter)), 100) for apdu in apdus),
        b"".join(mbus(sealed(apdu, next(counter), 0x20)) for apdu in apdus),
        b"".join(sealed(apdu, next(counter), 0x21) for apdu in apdus),
    ]
    for stream in streams:
        for sizes in ([100_000], [1], [7, 1, 64, 300]):
            assert bare == [telegram.groups for telegram in decoded(stream, sizes=sizes)]


def test_who_says_it_is_told_by_the_list_or_by_the_system_title() -> None:
    assert "7359992892837656" == decoded(segmented(notification(aidon()), 300))[0].meter
    one = notification(kaifa(1), clock(deviation=NO_DEVIATION), is_tagged=True)
    assert "" == decoded(segmented(one, 300))[0].meter
    assert "KFM1020043bd7" == decoded(mbus(sealed(one, 1)))[0].meter


PUSHES = [
    segmented(notification(aidon()), 90),
    segmented(notification(kaifa(18), clock(deviation=NO_DEVIATION), is_tagged=True), 300),
    segmented(notification(kamstrup(), clock(deviation=NO_DEVIATION)), 300),
    mbus(notification(aidon(with_clock=True), clock())),
]
_SUMMED = 3
FACTS = [said(decoded(push))[0] for push in PUSHES]


@examples(30)
@given(
    st.lists(st.integers(0, len(PUSHES) - 1), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
    st.integers(0, 6),
)
def test_damage_costs_what_it_hits_and_makes_nothing_up(
    order: list[int], chance: random.Random, hits: int
) -> None:
    stream = bytearray()
    places = []
    for place in order:
        places.append((place, len(stream), len(stream) + len(PUSHES[place])))
        stream += PUSHES[place]
    hit = {chance.randrange(len(stream)) for _ in range(hits)}
    # An M-Bus frame has a sum of 8 bits: several damaged bytes of one frame may add up to the same sum.
    assume(all(place != _SUMMED or sum(begin <= at < end for at in hit) < 2 for place, begin, end in places))
    for at in hit:
        stream[at] ^= chance.randrange(1, 256)

    heard = said(decoded(bytes(stream)))
    assert all(telegram in FACTS for telegram in heard)
    unhurt = [FACTS[place] for place, begin, end in places if not any(begin <= at < end for at in hit)]
    for fact in FACTS:
        assert heard.count(fact) >= unhurt.count(fact)


@examples(20)
@given(
    st.lists(st.one_of(st.sampled_from(PUSHES), st.binary(max_size=80)), max_size=6),
    st.lists(st.integers(1, 300), min_size=1, max_size=4),
)
def test_chunks_do_not_matter(parts: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(parts)
    whole, small = PushDecoder(KEYS, is_capture=True), PushDecoder(KEYS, is_capture=True)

    assert whole.feed(stream) + whole.end() == chunked(small.feed, stream, sizes) + small.end()
    assert whole.counts == small.counts


@given(st.lists(st.binary(max_size=600), max_size=4))
def test_any_bytes_come_in(parts: list[bytes]) -> None:
    decoder = PushDecoder(KEYS, is_capture=True)
    for part in parts:
        decoder.feed(part)
    decoder.end()

    assert sum(map(len, parts)) == decoder.counts.bytes_count


def test_what_was_refused_is_told_with_the_next_telegram() -> None:
    damaged = bytearray(PUSHES[1])
    damaged[40] ^= 1
    decoder = PushDecoder(KEYS, is_capture=True)
    first, second = decoder.feed(PUSHES[1] + bytes(damaged) * 2 + PUSHES[1])

    assert [0, 2] == [first.bad_count, second.bad_count]
    assert (2, 2, 2) == (decoder.counts.good_count, decoder.counts.bad_count, decoder.counts.frames_count)


def test_a_telegram_sent_again_is_refused_and_another_meter_begins_anew() -> None:
    apdu = notification(aidon())
    decoder = PushDecoder(KEYS, is_capture=True)

    assert 1 == len(decoder.feed(mbus(sealed(apdu, 9))))
    assert [] == decoder.feed(mbus(sealed(apdu, 9)) + mbus(sealed(apdu, 8)))
    assert "after 9" in decoder.why
    assert 1 == len(decoder.feed(mbus(sealed(apdu, 1, title=b"KFM\0\0\0\0\1"))))
    assert "KFM0000000001" == decoder.identity
    assert 1 == len(decoder.feed(mbus(sealed(apdu, 10))))
    assert 2 == decoder.counts.bad_count


@pytest.mark.parametrize(
    ("why", "keys", "control"),
    [
        ("no key was given", CipherKeys(), 0x30),
        ("does not hold", CipherKeys(AUTHENTICATION, AUTHENTICATION), 0x30),
        ("makes no sense", CipherKeys(AUTHENTICATION), 0x30),
        ("makes no sense", CipherKeys(AUTHENTICATION), 0x20),
    ],
)
def test_a_wrong_key_gives_nothing_and_says_so(why: str, keys: CipherKeys, control: int) -> None:
    decoder = PushDecoder(keys, is_capture=True)

    assert [] == decoder.feed(mbus(sealed(notification(aidon()), 1, control)))
    assert why in decoder.why
    assert KEY.hex() not in decoder.why


@pytest.mark.parametrize("push", [notification(aidon()), sealed(notification(aidon()), 1, 0x20)])
def test_with_an_authentication_key_what_it_does_not_prove_is_refused_and_it_is_said(push: bytes) -> None:
    decoder = PushDecoder(STRICT, is_capture=True)

    assert [] == decoder.feed(mbus(push))
    assert "nothing authenticates" in decoder.why
    assert 1 == len(decoder.feed(mbus(sealed(notification(aidon()), 2, 0x30))))
    assert 1 == len(decoder.feed(mbus(sealed(notification(aidon()), 3, 0x10))))


def test_a_telegram_sent_again_counts_once_and_a_meter_that_began_anew_is_heard_after_a_while() -> None:
    decoder = PushDecoder(STRICT, is_capture=True)
    heard = [len(decoder.feed(mbus(sealed(notification(aidon()), counter)))) for counter in (900, 900, 901)]
    again = [len(decoder.feed(mbus(sealed(notification(aidon()), counter)))) for counter in range(1, 21)]

    assert [1, 0, 1] == heard
    assert "after 901: a telegram sent again" in decoder.why
    assert [0] * 15 + [1] * 5 == again


def test_a_segmented_list_with_null_data_counts_once_it_comes_again() -> None:
    body = structure(octets(b"1234567"), b"\0", u32(7), b"\0")
    push = segmented(notification(body), 20)
    decoder = PushDecoder(KEYS, is_capture=True)

    assert [0, 1, 1] == [len(decoder.feed(push)) for _ in range(3)]
    assert "may be missing: it holds null-data" in decoder.why
    assert 1 == len(PushDecoder(KEYS, is_capture=True).feed(segmented(notification(body), 200))), (
        "one frame lacks no segment"
    )


def test_a_frame_whose_flag_was_lost_is_not_whole() -> None:
    (whole,), (torn,) = decoded(PUSHES[1]), decoded(PUSHES[1][1:])

    assert (True, False) == (whole.is_whole, torn.is_whole)
    assert whole.groups == torn.groups


def test_nothing_is_ciphered_without_end() -> None:
    apdu = notification(aidon())
    for number in range(6):
        apdu = sealed(apdu, number, title=number.to_bytes(8, "big"))
    decoder = PushDecoder(KEYS, is_capture=True)

    assert [] == decoder.feed(mbus(apdu))
    assert "more than 3 times" in decoder.why


def test_rubbish_at_a_wrong_speed_is_counted_and_gives_nothing() -> None:
    decoder = PushDecoder(KEYS, is_capture=True)

    assert [] == decoder.feed(random.Random(1).randbytes(50_000))
    assert decoder.counts.resync_count > 50
    assert 0 == decoder.counts.good_count


def test_damage_is_counted_once_however_many_segments_it_makes_useless() -> None:
    push = segmented(notification(aidon(with_clock=True)), 40)
    damaged = bytearray(push)
    damaged[70] ^= 1
    decoder = PushDecoder(KEYS, is_capture=True)

    assert 2 == len(decoder.feed(push + bytes(damaged) + push))
    assert 1 == decoder.counts.bad_count
