"""What is told of a plan of several things."""

import pytest
from tests.gateway.cli.estate import SERIES, outcome


def test_what_stands_in_a_part_has_the_unit_that_people_have_for_it(monkeypatch, tmp_path):
    found = outcome(monkeypatch, tmp_path)

    assert (25.0, "%") == found.level("bat1", 1000.0)
    warm, unit = found.level("boiler", 25 * 0.3 * 1163.0)
    assert ("°C", 45.0) == (unit, pytest.approx(warm))
    assert (2.5, "kWh") == found.level("ev1", 2500.0)


def test_a_step_is_held_by_a_cap_or_by_a_peak_that_costs(monkeypatch, tmp_path):
    free = outcome(monkeypatch, tmp_path)
    priced = outcome(monkeypatch, tmp_path, peak=50.0)

    assert not any(free.find_binding_limit(number) for number in range(5))
    assert "peak" in [priced.find_binding_limit(number) for number in range(5)]


def test_an_export_that_is_held_says_so(monkeypatch, tmp_path):
    sunny = SERIES.replace(",1000,0,", ",0,9000,")
    found = outcome(monkeypatch, tmp_path, series=sunny)

    assert "export cap" not in {
        found.find_binding_limit(number) for number in range(5)
    }  # none may be exported at all
    assert max(found.plan.curtailed_w) > 0.0
    assert 0.0 in found.more_eur_per_wh


def test_what_is_left_counts_at_its_worth(monkeypatch, tmp_path):
    found = outcome(monkeypatch, tmp_path, worth=0.2)
    left_wh = found.plan.parts["bat1"].energy_wh[-1] + found.plan.parts["boiler"].energy_wh[-1]

    assert 0.0002 * left_wh == pytest.approx(found.left_eur)
    assert "above the best" in found.optimality_text or "proven best" == found.optimality_text
