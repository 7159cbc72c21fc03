"""What ``quartier plan`` may be asked."""

import subprocess
import sys

import pytest

from quartier.cli import main


def test_help_teaches_the_series_and_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        main(["plan", "--help"])
    said = capsys.readouterr().out

    for word in (
        "time,load_w,pv_w,import_eur_per_kwh,export_eur_per_kwh",
        "--peak-free",
        "--worth",
        "Exit codes: 0 planned",
    ):
        assert word in said


def test_other_commands_do_not_load_the_planner():
    code = "import sys; from quartier.cli import main; main(['engines', '--json']); print([name for name in sys.modules if 'planning' in name], file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == result.stderr.strip()
