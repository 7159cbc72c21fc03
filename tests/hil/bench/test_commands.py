import pytest

from quartier_hil.cli import main

COMMANDS = ("bench", "soak", "fleet", "storm", "homes", "citylearn", "forecast", "plausibility", "torture")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_measurement_is_a_command_with_a_help_text(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert 0 == ended.value.code
    assert f"usage: quartier-hil {name}" in capsys.readouterr().out
