from quartier_bench.speed import daemon_speed
from quartier_bench.speed.daemon_runs import WindowResult


def made(cpu, memory):
    return WindowResult(100, 100, cpu, memory, 1.0, 2.0, 3.0, 30.0)


def test_each_size_is_judged_by_the_one_before_it_and_memory_told_by_the_thousand():
    rounds = {200: [made(8.0, 50.0)], 2_000: [made(4.0, 52.0)], 20_000: [made(5.0, 69.8)]}

    found = {figure.name: figure for figure in daemon_speed.evaluate_growth(rounds)}

    assert (0.5, True) == (found["growth.cpu_2000"].ratio, found["growth.cpu_2000"].holds())
    assert (1.25, False) == (found["growth.cpu_20000"].ratio, found["growth.cpu_20000"].holds())
    assert 1.0 == round(found["growth.memory"].ours, 6)
