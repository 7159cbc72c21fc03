import math

import pytest

from quartier_sim.opcua.plants import AddressSpace, Variable, compute_unit_id

LIMIT = Variable(name="Limit", quantity="pump_pct", unit="P1", low=10.0, high=100.0, writable=True)


@pytest.mark.parametrize(("number", "code"), [(4408652, "CEL"), (20529, "P1"), (4937544, "KWH")])
def test_a_unit_has_the_number_that_part_8_of_the_standard_prints_for_it(number, code):
    assert number == compute_unit_id(code)


@pytest.mark.parametrize(
    ("taken", "value"), [(True, 10.0), (True, 100.0), (False, 9.9), (False, 100.1), (False, math.nan)]
)
def test_an_analog_item_takes_what_lies_in_its_range(taken, value):
    assert taken == LIMIT.takes(value)


def test_a_plain_variable_takes_any_number():
    assert Variable(name="Watchdog", quantity="watchdog_count").takes(4e9)
    assert not Variable(name="Watchdog", quantity="watchdog_count").takes(math.nan)


def test_a_variable_is_named_after_its_object():
    assert "Plant.Limit" == AddressSpace("urn:x", "Plant", (LIMIT,)).identifier(LIMIT)
