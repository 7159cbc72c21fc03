"""The commands of a bench and the keys of a run: exit codes, JSON, and every fault at once."""

import json
from types import SimpleNamespace

import pytest

from quartier_drivers.errors import ConfigError
from quartier_hil import cli
from quartier_hil.real_devices import bench_command
from quartier_hil.scenario import builtin_scenarios, scenario_file


def _asked(bench=None, real=None):
    return SimpleNamespace(bench=bench, real=real)


def _scenario(rate=1.0):
    return scenario_file.load_scenario(builtin_scenarios.find_scenario("charger-lost")).model_copy(
        update={"rate": rate}
    )


@pytest.mark.peer
def test_a_sound_bench_is_told_in_a_table_and_as_json_with_exit_code_0(things, capsys):
    assert 0 == cli.main(["rig", "check", str(things.file)])
    assert "6 looked at, none wrong" in capsys.readouterr().out
    assert 0 == cli.main(["rig", "check", str(things.file), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert ("A bench of processes", "boards.power") == (told["bench"], told["rows"][0]["key"])


@pytest.mark.peer
def test_rest_puts_all_there_and_says_so(things, capsys):
    assert 0 == cli.main(["rig", "rest", str(things.file)])
    assert {"0": 0, "1": 0, "2": 0} == things.coils
    assert "at rest: connected" in capsys.readouterr().out


def test_a_bench_where_nobody_answers_has_exit_code_1_and_a_faulty_file_2(plain, capsys):
    assert 1 == cli.main(["rig", "check", str(plain())])
    assert 2 == cli.main(["rig", "check", str(plain(relays="x", rest="rset"))])
    assert (
        "devices.charger.power.rset: is no key of this table; did you mean 'rest'?" in capsys.readouterr().err
    )


def test_without_a_bench_all_are_simulated():
    assert None is bench_command.build_real_devices(_asked(), _scenario())


def test_what_the_file_says_is_real_unless_the_command_line_says_otherwise(plain):
    file = plain()

    assert ("charger",) == bench_command.build_real_devices(_asked(file), _scenario()).real
    assert ("charger",) == bench_command.build_real_devices(_asked(file, " charger,"), _scenario()).real
    assert None is bench_command.build_real_devices(_asked(file, "none"), _scenario(60.0))
    assert None is bench_command.build_real_devices(_asked(plain(x=('["charger"]', "[]"))), _scenario(60.0))


def test_real_devices_need_a_bench_that_says_where_they_are():
    with pytest.raises(ConfigError, match="needs --bench FILE"):
        bench_command.build_real_devices(_asked(None, "charger"), _scenario())


def test_every_fault_is_told_at_once_with_the_file_that_it_is_in(plain):
    file = plain(x=("power_w = {{ meter", "old_power_w = {{ meter"))
    with pytest.raises(ConfigError) as caught:
        bench_command.build_real_devices(_asked(file), _scenario(20.0))

    told = {fault.key: fault.file for fault in caught.value.faults}
    assert str(file) == told["devices.charger.measured.power_w"]
    assert _scenario().title == told["rate"]


def test_a_run_that_cannot_be_ends_with_exit_code_2_and_says_why(plain, tmp_path, capsys):
    words = ["run", "charger-lost", "--bench", str(plain()), "--report", str(tmp_path / "r")]

    assert 2 == cli.main(words)
    assert "rate: 20: a second of charger is a real one; expected --rate 1" in capsys.readouterr().err
