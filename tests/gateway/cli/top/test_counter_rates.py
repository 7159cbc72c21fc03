import pytest

from quartier.cli.top.counter_rates import WINDOW_S, CounterRates


def answer(uptime_s, count, pid=1):
    return {
        "gateway": {"boot": 7, "pid": pid, "uptime_s": uptime_s},
        "buses": [{"name": "lan", "counts": {"requests_count": count}}],
    }


def test_one_look_knows_no_rate_and_two_do():
    rates = CounterRates()
    assert None is rates.find_rate_per_s("lan", "requests_count")
    rates.add_answer(answer(100.0, 500))
    assert None is rates.find_rate_per_s("lan", "requests_count")
    rates.add_answer(answer(102.0, 508))

    assert 4.0 == rates.find_rate_per_s("lan", "requests_count")
    assert None is rates.find_rate_per_s("wan", "requests_count")


def test_a_rate_is_that_of_the_last_seconds():
    rates = CounterRates()
    for second in range(60):
        rates.add_answer(answer(float(second), 10 * min(second, 30)))

    assert 0.0 == rates.find_rate_per_s("lan", "requests_count")
    assert 0 == rates.find_increase("lan", "requests_count")
    assert WINDOW_S <= rates._samples[-1][0] - rates._samples[0][0] <= 2 * WINDOW_S


def test_another_run_counts_anew():
    rates = CounterRates()
    rates.add_answer(answer(100.0, 500))
    rates.add_answer(answer(1.0, 3, pid=2))
    assert None is rates.find_rate_per_s("lan", "requests_count")

    rates.add_answer(answer(2.0, 8, pid=2))
    assert 5.0 == rates.find_rate_per_s("lan", "requests_count")


@pytest.mark.parametrize("counts", [{}, {"requests_count": 4}])
def test_one_bus_is_as_good_as_all_and_a_counter_may_come_later(counts):
    rates = CounterRates()
    rates.add_answer({"gateway": answer(0, 0)["gateway"], "bus": {"name": "lan", "counts": counts}})
    rates.add_answer(
        {"gateway": answer(1, 0)["gateway"], "bus": {"name": "lan", "counts": {"requests_count": 4}}}
    )

    assert 4 - counts.get("requests_count", 0) == rates.find_increase("lan", "requests_count")
