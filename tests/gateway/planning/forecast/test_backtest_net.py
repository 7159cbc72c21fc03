import pytest

from quartier.planning.forecast.backtest import NetErrors
from quartier.planning.forecast.estimators import ErrorQuantiles
from quartier.planning.forecast.time_slots import SlotGrid


def test_the_nets_errors_are_those_of_what_was_said_of_it():
    net = NetErrors(SlotGrid(3_600, "UTC"), 1, ErrorQuantiles(100.0))
    for slot in range(2, 200):
        net.wait(slot, 50.0)
        net.judge(slot, 80.0)

    assert (198, 30) == pytest.approx((net.score().tried, net.score().size_w))
    assert 900 == pytest.approx(net.score().square)


def test_a_slot_of_which_nothing_was_said_counts_for_nothing():
    net = NetErrors(SlotGrid(3_600, "UTC"), 3, ErrorQuantiles(100.0))
    net.wait(9, 50.0)
    net.judge(5, 80.0)  # the same place of the ring

    assert 0 == net.score().tried
