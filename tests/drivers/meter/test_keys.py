"""Keys come from a file or a credential, and are never shown."""

import pytest

from quartier_drivers.errors import ConfigError
from quartier_drivers.meter import keys

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
