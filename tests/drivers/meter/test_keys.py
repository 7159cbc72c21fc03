"""Keys come from a file or a credential, and are never shown."""

import pytest

from quartier_drivers.errors import ConfigError
from quartier_drivers.meter import keys
from quartier_drivers.meter.keys import ANEW_COUNT, SENDERS_MAX, InvocationCounters

HEX = "000102030405060708090A0B0C0D0E0F"


def test_keys_are_read_from_a_file(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f'encryption_key = "{HEX}"\nauthentication_key = "{HEX}"\npassword = "00000001"\n')

    found = keys.load_keys(str(file))

    assert (bytes(range(16)), bytes(range(16)), b"00000001") == (
        found.encryption_key,
        found.authentication_key,
        found.password,
    )


def test_keys_are_read_from_a_credential(tmp_path):
    (tmp_path / "meter").write_text('password = "hex:0102"\n')

    assert (
        b"\x01\x02" == keys.load_keys("credential:meter", {"CREDENTIALS_DIRECTORY": str(tmp_path)}).password
    )
    with pytest.raises(ConfigError, match="systemd gave no credentials"):
        keys.load_keys("credential:meter", {})


def test_no_reference_is_no_key():
    assert keys.NO_KEYS == keys.load_keys("")


def test_a_key_never_shows(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f'encryption_key = "{HEX}"\n')

    assert "0001" not in repr(keys.load_keys(str(file)))
    assert "\\x00" not in repr(keys.load_keys(str(file)))


@pytest.mark.parametrize(
    "text",
    [
        f'encryption_key = "{HEX}00"',
        f'encryption_key = "x{HEX[1:]}"',
        f"encryption_key = {HEX}",
        f'encryption = "{HEX}"',
        f'encryption_key = ["{HEX}"]',
    ],
)
def test_what_is_wrong_is_said_without_the_key(tmp_path, text):
    file = tmp_path / "keys"
    file.write_text(text)

    with pytest.raises(ConfigError) as raised:
        keys.load_keys(str(file))

    assert HEX[1:] not in str(raised.value)
    assert str(file) in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        keys.load_keys(str(tmp_path / "gone"))


def test_what_does_not_rise_was_sent_again():
    rising = InvocationCounters()

    assert [None, None, 9, 9, None] == [rising.take("a", counter) for counter in (7, 9, 9, 8, 10)]
    assert rising.take("b", 1) is None


def test_gaps_upward_are_no_matter():
    rising = InvocationCounters()

    assert [None] * 3 == [rising.take("a", counter) for counter in (1, 1_000, 2**32 - 1)]


def test_a_meter_that_began_anew_is_believed_after_so_many_in_a_row():
    rising = InvocationCounters()
    rising.take("a", 1_000)
    taken = [rising.take("a", counter) for counter in range(1, ANEW_COUNT + 3)]

    assert [1_000] * (ANEW_COUNT - 1) + [None] * 3 == taken


def test_one_telegram_sent_again_and_again_or_old_ones_in_pieces_are_never_believed():
    rising = InvocationCounters()
    rising.take("a", 1_000)

    assert {1_000} == {rising.take("a", 5) for _ in range(10 * ANEW_COUNT)}
    assert {1_000} == {rising.take("a", start + place) for start in range(0, 500, 50) for place in range(15)}


def test_a_new_telegram_ends_the_count_of_old_ones():
    rising = InvocationCounters()
    rising.take("a", 1_000)
    for counter in range(1, ANEW_COUNT):
        rising.take("a", counter)
    rising.take("a", 1_001)

    assert 1_001 == rising.take("a", ANEW_COUNT)


def test_of_many_senders_only_the_last_ones_are_remembered():
    rising = InvocationCounters()
    for sender in range(100):
        rising.take(sender, 7)
        rising.take(sender, 7)

    assert SENDERS_MAX == len(rising._last)
    assert len(rising._anew) <= SENDERS_MAX
    assert rising.take(0, 1) is None
