"""The plan against the line, serial and TCP: two sites each, with QUARTIER_PLAN_SITES=20 twenty.

So many are those of ``make bench ONLY=plan``.
"""

import os

import pytest

from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.protocol_speed import bus_plan_accuracy

# One with a device that is dead from the start, one with two.
FEW = (10, 28)
# Two that overload their bus, which rests after each request, with a device that is dead.
FEW_NETWORKS = (14, 38)
ALL = range(bus_plan_accuracy.SEED, bus_plan_accuracy.SEED + int(os.environ.get("QUARTIER_PLAN_SITES", "0")))


def test_the_same_seed_draws_the_same_site():
    assert bus_plan_accuracy.draw_serial_bus(4) == bus_plan_accuracy.draw_serial_bus(4)
    assert bus_plan_accuracy.draw_serial_bus(4) != bus_plan_accuracy.draw_serial_bus(5)


def test_the_drawn_sites_are_of_every_kind():
    sites = [
        bus_plan_accuracy.draw_serial_bus(seed)
        for seed in range(bus_plan_accuracy.SEED, bus_plan_accuracy.SEED + bus_plan_accuracy.SITES)
    ]

    assert {10, 11} == {site.bits for site in sites}
    assert set(bus_plan_accuracy._BAUDS) == {site.section["baud"] for site in sites}
    assert {0, 1} <= {len(site.dead) for site in sites}
    assert {0, 1} <= {site.section["retries_count"] for site in sites}


@pytest.mark.measurement
@pytest.mark.peer
@pytest.mark.parametrize("seed", ALL or FEW)
def test_a_planned_bus_asks_everything_once_in_the_planned_time_within_ten_percent(tmp_path, seed):
    program = PeerCache(tmp_path / "cache", lambda _: None).compile_source("wire")

    found = bus_plan_accuracy.compare_cycle(bus_plan_accuracy.draw_serial_bus(seed), program, tmp_path, 4)

    assert abs(found.error) <= 0.10, bus_plan_accuracy.describe_comparison(found)


def test_the_drawn_networks_are_of_every_kind():
    sites = [
        bus_plan_accuracy.draw_network_bus(seed)
        for seed in range(bus_plan_accuracy.SEED, bus_plan_accuracy.SEED + bus_plan_accuracy.SITES)
    ]

    assert bus_plan_accuracy.draw_network_bus(4) == bus_plan_accuracy.draw_network_bus(4)
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
    program = PeerCache(tmp_path / "cache", lambda _: None).compile_source("network")

    found = bus_plan_accuracy.compare_cycle(bus_plan_accuracy.draw_network_bus(seed), program, tmp_path, 4)

    assert abs(found.error) <= 0.10, bus_plan_accuracy.describe_comparison(found)


@pytest.mark.measurement
@pytest.mark.peer
def test_a_line_is_used_as_much_as_was_planned(tmp_path):
    program = PeerCache(tmp_path / "cache", lambda _: None).compile_source("wire")

    planned, measured = bus_plan_accuracy.compare_utilisation(
        bus_plan_accuracy.draw_serial_bus(bus_plan_accuracy.SEED), program, tmp_path
    )

    assert measured == pytest.approx(planned, rel=0.05)
