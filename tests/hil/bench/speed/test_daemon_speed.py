from quartier_bench.speed import daemon_speed
from quartier_bench.speed.daemon_runs import WindowResult
from quartier_bench.speed.daemon_speed import NODE_RED, OURS, THINGSBOARD


def made(cpu=1.0, memory=50.0, p99=10.0, points=100, asked=100):
    return WindowResult(points, asked, cpu, memory, p99 / 2, p99, p99, 30.0)


def test_each_peer_has_its_row_and_memory_is_judged_by_the_smaller_one():
    rounds = {
        OURS: [made(cpu=1.0, memory=40.0, points=99)] * 3,
        NODE_RED: [made(cpu=4.0, memory=120.0)] * 3,
        THINGSBOARD: [made(cpu=20.0, memory=80.0)] * 3,
    }

    found = {figure.name: figure for figure in daemon_speed.evaluate_daemon("2000", rounds, {}, 100)}

    assert 0.25 == found["daemon.cpu_2000_nodered"].ratio
    assert 0.05 == found["daemon.cpu_2000_thingsboard"].ratio
    assert 0.5 == found["daemon.memory_2000"].ratio
    assert 1.0 == found["daemon.p99_2000"].ratio
    assert (1, False) == (found["daemon.lost_2000"].ratio, found["daemon.lost_2000"].holds(0.7))


def test_a_peer_that_is_not_there_is_skipped_with_what_to_install_and_never_passes():
    found = daemon_speed.evaluate_daemon(
        "2000", {OURS: [made()]}, {NODE_RED: "npm is not here", THINGSBOARD: "no pip"}, 100
    )

    skipped = {figure.name: figure.skipped for figure in found if figure.skipped}
    assert "npm is not here" == skipped["daemon.cpu_2000_nodered"]
    assert "no pip" == skipped["daemon.cpu_2000_thingsboard"]
    assert "npm is not here; no pip" == skipped["daemon.memory_2000"]
    assert all(figure.holds() is None for figure in found if figure.skipped)
