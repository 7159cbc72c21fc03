"""Where things lie, as systemd tells it or as a package leaves it."""

from pathlib import Path

import pytest

from quartier.cli.arguments import shared_options


@pytest.mark.parametrize(
    ("place", "variable", "usual"),
    [
        (shared_options.find_runtime_dir, "RUNTIME_DIRECTORY", "/run/quartier"),
        (shared_options.find_state_dir, "STATE_DIRECTORY", "/var/lib/quartier"),
    ],
)
def test_systemds_word_counts_and_the_usual_place_else(place, variable, usual, monkeypatch):
    monkeypatch.delenv(variable, raising=False)
    assert Path(usual) == place()

    monkeypatch.setenv(variable, "/somewhere/else")
    assert Path("/somewhere/else") == place()


def test_the_site_file_lies_where_the_unit_reads_it():
    assert "/etc/quartier" in (Path(__file__).parents[4] / "systemd" / "README.md").read_text()
    assert Path("/etc/quartier/site.toml") == shared_options.SITE_FILE
