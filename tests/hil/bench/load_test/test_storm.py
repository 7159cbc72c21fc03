import json

import pytest

from quartier_bench.load_test.storm import HOST_KILL_SHARE, StormSize, _count_missing, evaluate_promises
from quartier_hil.cli import main
from quartier_hil.processes.broker_process import find_mosquitto

GOOD = {
    "live_over_2_s": 1,
    "live_messages": 1000,
    "sessions_lost": 0,
    "missing": 0,
    "repeats_share": 0.001,
    "drained_share": 0.9,
}


@pytest.mark.peer
@pytest.mark.daemon
@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
def test_a_few_gateways_and_a_daemon_come_back_at_once_and_lose_nothing(capsys):
    words = [
        "6",
        "--daemons",
        "1",
        "--parks",
        "1",
        "--hosts",
        "1",
        "--past-s",
        "3600",
        "--store-per-s",
        "5000",
    ]
    main(["storm", *words, "--wait-s", "2", "--json"])
    found = json.loads(capsys.readouterr().out)

    # The other promises are shares and ages. Of a storm of one minute they measure the machine.
    assert found["promises"]["no sample lost"]
    assert found["promises"]["no session lost but by a kill"]
    # The host was killed after this share. What its watermarks covered before is not sent again.
    assert found["repeats_share"] < HOST_KILL_SHARE
    assert found["history"] > 50_000
    assert (0, 0) == (found["missing"], found["faults"])


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("live_over_2_s", 11),
        ("sessions_lost", 1),
        ("missing", 1),
        ("repeats_share", 0.011),
        ("drained_share", 0.79),
    ],
)
def test_each_promise_can_be_broken(figure, value):
    assert all(evaluate_promises(GOOD, StormSize()).values())
    assert 1 == sum(not holds for holds in evaluate_promises(GOOD | {figure: value}, StormSize()).values())


def test_samples_that_no_host_holds_are_counted():
    assert 10 == _count_missing(1, 10, [])
    assert 3 == _count_missing(1, 10, [[2, 4], [7, 10], [20, 30]])
