"""The whole way: the command, the rig as a process of its own, the daemon under test, the table."""

import json

import pytest

from quartier import cli
from quartier.cli.drill import command, reference_pages
from quartier.commissioning.drill.loss_results import evaluate_loss


@pytest.mark.parametrize(
    ("what", "made"),
    [("page", reference_pages.render_loss_page), ("picture", reference_pages.render_link_picture)],
)
def test_the_pages_of_the_documentation_are_printed_as_they_are_committed(capsys, what, made):
    assert 0 == cli.main(["drill", "--reference", what])
    assert made() == capsys.readouterr().out


def test_without_a_daemon_nothing_is_declared(capsys, tmp_path):
    assert 69 == cli.main(["drill", "--declared", "--runtime-dir", str(tmp_path)])
    assert "no daemon answers" in capsys.readouterr().err


def test_one_kind_of_drill_must_be_named():
    with pytest.raises(SystemExit) as left:
        cli.main(["drill"])

    assert 2 == left.value.code


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
    assert "pip install quartier-hil" in capsys.readouterr().err


def test_a_drill_counts_what_came_of_it(told):
    broken = evaluate_loss({**told, "reached_s": 99.0})

    assert "2 kept, 1 BROKEN" == command._format_counts([evaluate_loss(told), broken, evaluate_loss(told)])
