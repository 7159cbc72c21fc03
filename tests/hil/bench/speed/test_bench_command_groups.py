import sys
from importlib import import_module
from types import ModuleType

import pytest

from quartier_bench.peers.peer_cache import MissingPeerError, PeerCache
from quartier_bench.speed import bench_command
from quartier_bench.speed.measurement import make_single_figure


@pytest.fixture
def two(monkeypatch):
    """Two groups measured by one module, and one that lacks its peer."""
    module = ModuleType("quartier_bench.invented")
    module.measure = lambda _: [
        make_single_figure("one.a", "", [1.0], "", 2.0),
        make_single_figure("two.b", "", [3.0], "", 2.0),
    ]
    lacking = ModuleType("quartier_bench.lacking")

    def figures(_):
        raise MissingPeerError("apt-get install it")

    lacking.measure = figures
    broken = ModuleType("quartier_bench.broken")

    def failing(_):
        raise RuntimeError("no values")

    broken.measure = failing
    for made in (module, lacking, broken):
        monkeypatch.setitem(sys.modules, made.__name__, made)
    table = {
        "one": ("invented:measure", ""),
        "two": ("invented:measure", ""),
        "three": ("lacking:measure", ""),
        "four": ("broken:measure", ""),
    }
    monkeypatch.setattr(bench_command, "GROUPS", table)


def measured(names, tmp_path):
    cache = PeerCache(tmp_path, lambda _: None)
    return list(bench_command.measure_groups(names, cache, rounds=1, short=True, say=lambda _: None))


@pytest.mark.usefixtures("two")
def test_a_group_gives_its_own_figures_alone(tmp_path):
    assert ["two.b"] == [figure.name for figure in measured(["two"], tmp_path)]


@pytest.mark.usefixtures("two")
def test_a_group_whose_peer_cannot_be_had_is_skipped_and_the_next_one_is_measured(tmp_path):
    first, second = measured(["three", "one"], tmp_path)

    assert "apt-get install it" == first.skipped
    assert "one.a" == second.name


def test_a_group_whose_library_is_not_installed_says_so(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pymodbus.client", None)
    monkeypatch.delitem(sys.modules, "quartier_bench.protocol_speed.modbus_speed", raising=False)

    (found,) = measured(["driver"], tmp_path)

    assert "pymodbus is not here: pip install pymodbus" == found.skipped


@pytest.mark.usefixtures("two")
def test_a_group_that_broke_is_told_apart_from_one_that_was_skipped(tmp_path):
    assert [bench_command.FailedGroup("four", "no values")] == measured(["four"], tmp_path)


def test_every_group_is_measured_by_a_module_that_is_there():
    for name, (module, what) in bench_command.GROUPS.items():
        assert what, name
        place, _, function = module.partition(":")
        assert callable(getattr(import_module(f"quartier_bench.{place}"), function))


def test_one_group_can_be_chosen_and_an_unknown_one_cannot():
    assert ("daemon",) == bench_command.select_groups("daemon")
    with pytest.raises(KeyError):
        bench_command.select_groups("nothing")
