from quartier_sim.plant.asset_interface import Surroundings
from quartier_sim.plant.loads import WasteCollection


def _run(seconds, order):
    plant = WasteCollection(name="a", rated_w=20_000, batches_s=(100,), batch_s=300, deadline_s=1_000)
    for now_s in range(seconds):
        plant = plant.step({"run_on": order(now_s)}, Surroundings(now_s, now_s), 1.0)
    return plant


def test_a_batch_waits_until_it_may_run_and_is_then_done():
    assert 300 == _run(400, lambda _: 0).left_s
    assert (0, 1) == (_run(500, lambda _: 1).left_s, _run(500, lambda _: 1).starts_count)


def test_it_takes_power_only_while_there_is_work():
    assert (0, 20_000, 0) == tuple(_run(seconds, lambda _: 1).power_w for seconds in (100, 200, 402))


def test_it_may_be_interrupted_and_goes_on_where_it_was():
    plant = _run(700, lambda now_s: float(not 200 <= now_s < 400))

    assert (0, 2) == (plant.left_s, plant.starts_count)


def test_work_after_the_deadline_is_counted():
    assert (1, 100) == (_run(1_100, lambda _: 0).values()["waiting_on"], _run(1_100, lambda _: 0).late_s)
