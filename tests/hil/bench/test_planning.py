"""The plan against the line, serial and TCP: two sites each, with QUARTIER_PLAN_SITES=20 twenty.

So many are those of ``make bench ONLY=plan``.
"""

import os

import pytest

from quartier_hil.bench import planning
from quartier_hil.bench.cache import Cache

# One with a device that is dead from the start, one with two.
FEW = (10, 28)
# Two that overload their bus, which rests after each request, with a device that is dead.
FEW_NETWORKS = (14, 38)
ALL = range(planning.SEED, planning.SEED + int(os.environ.get("QUARTIER_PLAN_SITES", "0")))


def test_the_same_seed_draws_the_same_site():
    assert planning.drawn(4) == planning.drawn(4)
    assert planning.drawn(4) != planning.drawn(5)


def test_the_drawn_sites_are_of_every_kind():
    sites = [planning.drawn(seed) for seed in range(planning.SEED, planning.SEED + planning.SITES)]

    assert {10, 11} == {site.bits for site in sites}
    assert set(planning._BAUDS) == {site.section["baud"] for site in sites}
    assert {0, 1} <= {len(site.dead) for site in sites}
    assert {0, 1} <= {site.section["retries_count"] for site in sites}


@pytest.mark.measurement
@pytest.mark.peer
@pytest.mark.parametrize("seed", ALL or FEW)
def test_a_planned_bus_asks_everything_once_in_the_planned_time_within_ten_percent(tmp_path, seed):
    program = Cache(tmp_path / "cache", lambda _: None).compiled("wire")

    found = planning.compared(planning.drawn(seed), program, tmp_path, 4)

    assert abs(found.error) <= 0.10, planning.told(found)


def test_the_drawn_networks_are_of_every_kind():
    sites = [planning.drawn_network(seed) for seed in range(planning.SEED, planning.SEED + planning.SITES)]

    assert planning.drawn_network(4) == planning.drawn_network(4)
    assert {0, 1} <= {len(site.dead) for site in sites}
    assert {0, 1} == {site.section["retries_count"] for site in sites}
    assert {0.0, 0.001, 0.005, 0.02} == {site.section["pause_s"] for site in sites}
    assert all(len(site.dead) < len(site.profiles) for site in sites)


@pytest.mark.measurement
@pytest.mark.peer
@pytest.mark.parametrize("seed", ALL or FEW_NETWORKS)
def test_a_planned_tcp_endpoint_answers_everything_once_in_the_planned_time_within_ten_percent(
    tmp_path, seed
):
    program = Cache(tmp_path / "cache", lambda _: None).compiled("network")

    found = planning.compared(planning.drawn_network(seed), program, tmp_path, 4)

    assert abs(found.error) <= 0.10, planning.told(found)


@pytest.mark.measurement
@pytest.mark.peer
def test_a_line_is_used_as_much_as_was_planned(tmp_path):
    program = Cache(tmp_path / "cache", lambda _: None).compiled("wire")

    planned, measured = planning.used(planning.drawn(planning.SEED), program, tmp_path)

    assert measured == pytest.approx(planned, rel=0.05)
