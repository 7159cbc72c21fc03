import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.p1.conftest import DUTCH, KEY, PUBLIC, sealed, telegram

from quartier_drivers.meter.keys import ANEW_COUNT
from quartier_drivers.meter.p1 import push_decoder
from quartier_drivers.meter.p1.encrypted_decoder import PENDING_MAX, EncryptedP1Decoder
from quartier_drivers.meter.p1.push_decoder import TELEGRAM_MAX, P1Decoder

TEXT = telegram(*DUTCH)
OWN = bytes(range(16))
FIRST, SECOND, THIRD = (sealed(TEXT, number) for number in (1, 2, 3))


def heard(capture: bytes, sizes=(), **keys: bytes) -> list:
    decoder = push_decoder.make_decoder(**({"encryption_key": KEY} | keys))
    done, place = [], 0
    for size in sizes:
        done += decoder.feed(capture[place : place + size])
        place += size
    return [*done, *decoder.feed(capture[place:]), *decoder.end()]


def test_an_encrypted_telegram_says_what_the_plain_one_says():
    assert P1Decoder().feed(TEXT) == heard(FIRST)
    assert 2 == len(heard(FIRST + SECOND))


def test_the_identification_line_inside_is_kept():
    decoder = push_decoder.make_decoder(encryption_key=KEY)
    decoder.feed(FIRST)

    assert TEXT.splitlines()[0].decode()[1:] == decoder.identity


def test_an_own_authentication_key_must_fit():
    own = sealed(TEXT, authentication_key=OWN)

    assert 1 == len(heard(own, authentication_key=OWN))
    assert 0 == len(heard(FIRST, authentication_key=OWN))


def test_without_any_authentication_key_the_crc_of_the_telegram_proves_it():
    own = sealed(TEXT, authentication_key=OWN)
    bare = sealed(telegram(*DUTCH[2:], has_crc=False), authentication_key=OWN)

    assert [1, 0] == [len(heard(own)), len(heard(bare))]
    damaged = own[:60] + bytes((own[60] ^ 1,)) + own[61:]
    assert 0 == len(heard(damaged))


@pytest.mark.parametrize("keys", [{}, {"authentication_key": PUBLIC}])
def test_a_telegram_sent_again_counts_once(keys):
    decoder = push_decoder.make_decoder(encryption_key=KEY, **keys)
    heard_count = [len(decoder.feed(one)) for one in (SECOND, SECOND, FIRST, THIRD)]

    assert [1, 0, 0, 1] == heard_count
    assert (2, 2, 0) == (decoder.counts.good_count, decoder.counts.bad_count, decoder.counts.resync_count)
    assert "" == decoder.why
    assert [] == decoder.feed(FIRST)
    assert "frame counter 1 after 3: a telegram sent again" == decoder.why


def test_a_meter_that_began_anew_is_heard_after_a_while():
    decoder = push_decoder.make_decoder(encryption_key=KEY, authentication_key=PUBLIC)
    decoder.feed(sealed(TEXT, 5_000))
    heard_count = [len(decoder.feed(sealed(TEXT, counter))) for counter in range(1, 21)]

    assert [0] * (ANEW_COUNT - 1) + [1] * (21 - ANEW_COUNT) == heard_count


def test_an_authentication_key_alone_proves_nothing():
    with pytest.raises(ValueError, match="needs the encryption_key"):
        push_decoder.make_decoder(authentication_key=OWN)


def test_another_key_reads_nothing_and_says_how_often():
    decoder = push_decoder.make_decoder(encryption_key=OWN)

    assert [] == decoder.feed(FIRST + SECOND)
    assert (0, 2) == (decoder.counts.good_count, decoder.counts.bad_count)
    assert "the key does not fit: no telegram can be opened with it" == decoder.why
    assert push_decoder.make_decoder(encryption_key=KEY).why == ""


def test_without_any_key_it_is_said_that_one_is_needed():
    decoder = push_decoder.make_decoder()

    assert [] == decoder.feed(FIRST)
    assert "the telegrams are encrypted: a key file is needed" == decoder.why


def test_any_changed_byte_is_noticed_and_costs_no_other_telegram():
    for place in range(0, len(FIRST), 5):
        damaged = FIRST[:place] + bytes((FIRST[place] ^ 0x21,)) + FIRST[place + 1 :]
        assert 2 == len(heard(SECOND + damaged + THIRD, authentication_key=PUBLIC)), place


@pytest.mark.parametrize(
    "length", [b"\x80", b"\x82\x00\x00", b"\x82\xff\xff", b"\x81\x10", b"\x84\xff\xff\xff\xff", b"\x05"]
)
def test_a_hostile_length_is_passed_over(length):
    hostile = FIRST[:10] + length + FIRST[13:]

    assert 1 == len(heard(hostile + FIRST))


def test_a_length_that_reaches_over_sound_telegrams_does_not_hold_them_back():
    decoder = push_decoder.make_decoder(encryption_key=KEY)
    long = FIRST[:10] + b"\x82\x3f\x00" + FIRST[13:]

    assert [] == decoder.feed(long)
    assert 1 == len(decoder.feed(SECOND)), "it is there when it is complete, not 16 kB later"


@pytest.mark.parametrize("keys", [{"encryption_key": b"short"}, {"authentication_key": OWN + OWN}])
def test_a_key_has_sixteen_bytes(keys):
    with pytest.raises(ValueError, match="expected 16"):
        heard(b"", **keys)


def test_keys_are_in_no_text_of_the_decoder():
    decoder = EncryptedP1Decoder(KEY, OWN)

    assert not any(key.hex() in repr(decoder) or repr(key) in repr(decoder) for key in (KEY, OWN))


@given(
    st.lists(
        st.sampled_from([FIRST, SECOND, FIRST[:200], b"\xdb", FIRST[:18], b"\xdb\x08", TEXT[:90]]), max_size=5
    ),
    st.lists(st.integers(1, 700), max_size=30),
)
def test_any_chunks_give_the_same_telegrams(parts, sizes):
    capture = b"".join(parts)
    at_once, by_one = EncryptedP1Decoder(KEY), EncryptedP1Decoder(KEY)
    expected = at_once.feed(capture)

    assert expected == [one for byte in capture for one in by_one.feed(bytes((byte,)))]
    assert expected == heard(capture, sizes)
    assert at_once.counts == by_one.counts


@given(st.binary(max_size=2_000))
def test_any_bytes_are_taken(capture):
    heard(capture)
    heard(capture.replace(b"\x00", b"\xdb").replace(b"\x01", b"\xdb\x08"))


def test_what_is_kept_has_an_end():
    decoder = EncryptedP1Decoder(KEY)
    for _ in range(100):
        decoder.feed(FIRST[:10] + b"\x82\x3f\x00\x30" + bytes(300))
        decoder.feed(FIRST[:18] * 20)
        assert len(decoder._buffer) <= 2 * TELEGRAM_MAX
        assert len(decoder._pending) <= PENDING_MAX
    assert 1 == len(decoder.feed(bytes(TELEGRAM_MAX) + FIRST))
