import json

import pytest

from quartier_bench.load_test import brokers, load_test_command
from quartier_bench.load_test.fleet_run import PhaseFigures
from quartier_hil.cli import main
from quartier_hil.processes.broker_process import find_mosquitto


@pytest.mark.peer
@pytest.mark.daemon
@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
@pytest.mark.parametrize("secured", [[], ["--tls"]], ids=["plain", "tls"])
def test_eight_gateways_lose_their_broker_and_no_sample(secured, capsys):
    words = ["--wire", "8", "--rate", "10", "--begin-s", "0.5", "--steady-s", "2", "--down-s", "2", "--json"]
    code = main(["fleet", *words, *secured])
    phases = json.loads(capsys.readouterr().out)

    assert 0 == code
    assert ["come", "steady", "lost", "end"] == list(phases)
    assert 0 == phases["end"]["missing"] == phases["end"]["faults"]
    assert phases["end"]["numbered"] == phases["end"]["held"] > 0
    assert phases["lost"]["births"] >= 8


def test_without_the_broker_it_cannot_be_run(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(brokers, "RABBITMQ_SCRIPTS", tmp_path)

    assert 2 == main(["fleet", "--wire", "2", "--broker", "rabbitmq"])
    assert 2 == main(["storm", "2", "--daemons", "0", "--broker", "rabbitmq", "--tls"])
    assert 2 == capsys.readouterr().err.count("apt-get install rabbitmq-server")


def test_the_rows_say_whether_something_was_lost():
    good = PhaseFigures({"end": {"missing": 0, "holes": 0, "age_p50_s": 0.0123}})

    assert ["end", "kept    nothing was lost"] == [
        load_test_command.render_phases(good)[at] for at in (0, -1)
    ]
    assert (
        "BROKEN  something was lost"
        == load_test_command.render_phases(PhaseFigures({"end": {"missing": 3, "holes": 0}}))[-1]
    )
