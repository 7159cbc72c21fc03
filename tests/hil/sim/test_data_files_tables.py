"""A TOML file is read, or told by its line what is wrong with it."""

import pytest

from quartier_drivers.errors import ConfigError
from quartier_sim.data_files import read_toml_file


def test_a_file_is_its_tables(tmp_path):
    (tmp_path / "a.toml").write_text("[site]\nid = 3\n")
    assert {"site": {"id": 3}} == read_toml_file(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (b"a = 1\nb = \n", "a.toml:2:4: file: is not valid TOML"),
        (b"\xff\xfe\x00", "a.toml:1: file: is UTF-16 text; expected TOML in UTF-8"),
        (None, "a.toml: file: cannot be read: No such file"),
    ],
)
def test_what_is_none_is_named_with_its_line(tmp_path, held, said):
    if held is not None:
        (tmp_path / "a.toml").write_bytes(held)
    with pytest.raises(ConfigError) as told:
        read_toml_file(tmp_path / "a.toml")
    assert said in str(told.value)
