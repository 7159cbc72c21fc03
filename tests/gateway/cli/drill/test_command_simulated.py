"""The whole way: the command, the rig as a process of its own, the daemon under test, the table."""

import json

import pytest

from quartier import cli
from quartier.cli.drill import command
from quartier.commissioning.drill.loss_results import evaluate_loss


@pytest.mark.daemon
@pytest.mark.peer
def test_a_lost_grid_meter_is_made_measured_and_kept(capsys, tmp_path):
    code = cli.main(["drill", "--simulated", "grid-meter-lost", "--json", "--report", str(tmp_path)])
    found = json.loads(capsys.readouterr().out)[0]

    assert (0, "kept", 12.0) == (code, found["verdict"], found["reached_declared_s"])
    assert 5.0 < found["reached_s"] <= 12.0
    assert "grid-meter-lost/index.html" in (tmp_path / "index.html").read_text()
    assert (tmp_path / "grid-meter-lost" / "index.html").exists()


def test_a_loss_that_nobody_knows_is_refused_with_those_that_exist(capfd, tmp_path):
    code = cli.main(["drill", "--simulated", "grid-meter-stolen", "--report", str(tmp_path)])

    assert 2 == code
    assert "there are battery-silent, bus-down" in capfd.readouterr().err


def test_without_the_rig_its_remedy_is_named(capsys, monkeypatch):
    monkeypatch.setattr(command, "RIG_MODULE", "quartier_hil_that_is_not_there")

    assert 2 == cli.main(["drill", "--simulated"])
    assert "pip install 'quartier[hil]'" in capsys.readouterr().err


def test_a_drill_counts_what_came_of_it(told):
    broken = evaluate_loss({**told, "reached_s": 99.0})

    assert "2 kept, 1 BROKEN" == command._format_counts([evaluate_loss(told), broken, evaluate_loss(told)])
