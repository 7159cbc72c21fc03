import pytest

from quartier.runtime import signing

RECORD = {"site": "b012", "who": "Zoé", "steps": [{"loss": "grid-meter-lost", "verdict": "kept"}]}


def test_a_key_is_made_once_and_only_its_user_may_read_it(tmp_path):
    first = signing.find_public_key(signing.load_key(tmp_path / "state"))

    assert first == signing.find_public_key(signing.load_key(tmp_path / "state"))
    assert 64 == len(first)
    assert 0o600 == (tmp_path / "state" / signing.KEY_FILE).stat().st_mode & 0o777


def test_a_record_is_sound_as_it_was_signed(tmp_path):
    assert signing.is_signature_sound(signing.sign_record(RECORD, signing.load_key(tmp_path)))


@pytest.mark.parametrize(
    "changes",
    [
        {"who": "Zoe"},
        {"steps": []},
        {"signature": "00" * 64},
        {"signature": "xy"},
        {"public_key": "00" * 32},
        {"more": 1},
    ],
)
def test_whatever_is_altered_breaks_it(tmp_path, changes):
    assert not signing.is_signature_sound(
        {**signing.sign_record(RECORD, signing.load_key(tmp_path)), **changes}
    )


def test_what_was_never_signed_is_not_sound():
    assert not signing.is_signature_sound(RECORD)


def test_another_kind_of_key_is_refused(tmp_path):
    (tmp_path / signing.KEY_FILE).write_text("nothing of a key")

    with pytest.raises(ValueError, match="key|PEM|deserialize"):
        signing.load_key(tmp_path)
