"""What the two commands may be told."""

import pytest

from quartier.cli import main


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_both_name_their_file_and_where_a_gateway_lies(command, capsys):
    with pytest.raises(SystemExit):
        main([command])
    said = capsys.readouterr().err

    assert all(word in said for word in ("FILE", "--config", "--state-dir", "--runtime-dir", "--json"))
