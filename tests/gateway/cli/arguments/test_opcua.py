"""The commands for OPC UA servers are there, with what they take."""

import pytest

from quartier.cli import main


def test_trust_says_what_it_takes(capsys):
    with pytest.raises(SystemExit) as left:
        main(["trust", "--help"])

    assert 0 == left.value.code
    assert "--remove" in capsys.readouterr().out


def test_browse_says_what_it_takes(capsys):
    with pytest.raises(SystemExit) as left:
        main(["browse", "--help"])

    assert 0 == left.value.code
    assert "--insecure-policy" in capsys.readouterr().out
