import json

import pytest

from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.speed import bench_command
from quartier_bench.speed.bench_command import FailedGroup
from quartier_bench.speed.measurement import make_single_figure, make_skipped_figure
from quartier_hil import cli

GOOD = make_single_figure("start.cpu", "CPU of the imports", [0.3], "s", 0.6)
BAD = make_single_figure("start.memory", "memory", [90.0], "MiB", 60.0)
NEAR = make_single_figure("start.memory", "memory", [70.0], "MiB", 60.0)
AWAY = make_skipped_figure("daemon.cpu", "CPU", "npm is not here", 0.5)


@pytest.fixture
def bench(monkeypatch, tmp_path):
    def run(figures, *words):
        monkeypatch.setattr(bench_command, "measure_groups", lambda *_, **__: iter(figures))
        return cli.main(["bench", "--cache", str(tmp_path), *words])

    return run


@pytest.mark.parametrize(
    ("figures", "words", "code"),
    [
        ([GOOD], (), 0),
        ([GOOD, BAD], (), 1),
        ([GOOD, NEAR], (), 1),
        ([GOOD, NEAR], ("--short",), 0),
        ([GOOD, BAD], ("--short",), 1),
        ([GOOD, AWAY], (), 0),
        ([GOOD, FailedGroup("line", "no pty")], (), 1),
    ],
)
def test_the_exit_code_tells_whether_every_measured_floor_holds(bench, figures, words, code):
    assert code == bench(figures, *words)


def test_json_stands_alone_on_stdout_and_progress_goes_to_stderr(bench, capsys):
    bench([GOOD, AWAY], "--json", "--rounds", "1")

    out, err = capsys.readouterr()
    assert ["start.cpu", "daemon.cpu"] == [figure["name"] for figure in json.loads(out)["figures"]]
    assert "not a figure to quote" in err


def test_who_only_fetches_measures_nothing_and_hears_who_cannot_be_had(bench, capsys, monkeypatch):
    monkeypatch.setattr(PeerCache, "fetch", lambda _: {"smllib": "no network"})

    assert 0 == bench([BAD], "--fetch")
    assert ("", "smllib cannot be had: no network\n") == capsys.readouterr()


def test_help_teaches_the_groups_and_what_the_exit_codes_mean(capsys):
    with pytest.raises(SystemExit):
        cli.main(["bench", "--help"])

    out = capsys.readouterr().out
    assert all(name in out for name in bench_command.GROUPS)
    assert "SKIPPED" in out
