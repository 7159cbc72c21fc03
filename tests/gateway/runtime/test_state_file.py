import pytest

from quartier.runtime import state_file


def test_a_gateway_that_was_never_restored_took_nobodys_place(tmp_path):
    assert not state_file.was_restored(tmp_path)


def test_one_that_was_knows_it_for_good(tmp_path):
    state_file.mark_restored(tmp_path, 2_000, 1_000, 7)

    assert state_file.was_restored(tmp_path)


def test_what_was_saved_last_is_loaded(tmp_path):
    path = tmp_path / "link"
    for turn in range(5):
        state_file.save_facts(path, {"turn": turn})

    assert {"turn": 4} == state_file.load_facts(path)


def test_nothing_saved_is_none(tmp_path):
    assert state_file.load_facts(tmp_path / "link") is None


@pytest.mark.parametrize("damage", [b"", b"1 00000000\n{}", b"\xff" * 40, b"2 zz\n{}"])
def test_a_damaged_newest_copy_leaves_the_one_before(tmp_path, damage):
    path = tmp_path / "link"
    state_file.save_facts(path, {"turn": 1})
    state_file.save_facts(path, {"turn": 2})
    newest = max(tmp_path.glob("link.?"), key=lambda file: int(file.read_bytes().split()[0]))
    newest.write_bytes(damage)

    assert {"turn": 1} == state_file.load_facts(path)


def test_every_single_flipped_byte_is_noticed(tmp_path):
    path = tmp_path / "link"
    state_file.save_facts(path, {"cap_w": 4000})
    file, other = tmp_path.glob("link.?")
    other.unlink()
    sound = file.read_bytes()
    for position in range(len(sound)):
        broken = bytearray(sound)
        broken[position] ^= 0x01
        file.write_bytes(bytes(broken))
        assert state_file.load_facts(path) is None, position


@pytest.mark.parametrize("copy", ["a", "b"])
@pytest.mark.parametrize("damage", [None, b"", b"1 00000000\n{}", b"\xff" * 40])
def test_what_was_saved_twice_outlives_either_copy_and_the_damage_is_seen(tmp_path, copy, damage):
    path, hit = tmp_path / "link", tmp_path / f"link.{copy}"
    state_file.save_facts(path, {"cap_w": 9000}, twice=True)
    state_file.save_facts(path, {"cap_w": 4000}, twice=True)
    assert [] == state_file.find_damaged_copies(path)
    hit.unlink()
    if damage is not None:
        hit.write_bytes(damage)

    assert {"cap_w": 4000} == state_file.load_facts(path)
    assert [hit] == state_file.find_damaged_copies(path)
    state_file.save_facts(path, {"cap_w": 4000}, twice=True)
    assert [] == state_file.find_damaged_copies(path)


def test_from_the_first_save_on_there_are_two_copies_and_a_missing_one_shows(tmp_path):
    assert [] == state_file.find_damaged_copies(tmp_path / "link")
    state_file.save_facts(tmp_path / "link", {})
    assert [] == state_file.find_damaged_copies(tmp_path / "link")
    (tmp_path / "link.b").unlink()

    assert [tmp_path / "link.b"] == state_file.find_damaged_copies(tmp_path / "link")


def test_a_folder_that_cannot_be_written_raises(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Not a directory"):
        state_file.save_facts(tmp_path / "file" / "link", {})
