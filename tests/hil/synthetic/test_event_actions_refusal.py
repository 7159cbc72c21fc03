import pytest

from quartier_hil.scenario.builtin_scenarios import find_scenario, list_builtin
from quartier_hil.synthetic.event_actions import NeedsWiresError, runs_without_wires


@pytest.mark.parametrize("meter", ["p1", "mbus"])
def test_what_only_wires_can_show_is_refused(day, meter):
    with pytest.raises(NeedsWiresError, match=f"house.meters: {meter}: needs the wires"):
        day(f'[house]\nmeters = ["tic", "{meter}"]\n')


def test_an_adapter_is_pulled_over_wires_alone(day):
    with pytest.raises(NeedsWiresError, match="unplug needs the wires"):
        day('[house]\nmeters = ["tic"]\n[[events]]\nat_s = 3\ndo = "unplug"\nmeter = "tic"\n')


def test_most_of_our_scenarios_run_without_wires():
    assert not runs_without_wires(find_scenario("three-meters"))
    assert runs_without_wires(find_scenario("day-tariff"))
    assert 12 <= sum(runs_without_wires(path) for path in list_builtin().values())
