import sys
from importlib import import_module
from types import ModuleType

import pytest

from quartier_hil.bench import groups
from quartier_hil.bench.cache import AbsentError, Cache
from quartier_hil.bench.figure import alone


@pytest.fixture
def two(monkeypatch):
    """Two groups measured by one module, and one that lacks its peer."""
    module = ModuleType("quartier_hil.bench.invented")
    module.figures = lambda _: [alone("one.a", "", [1.0], "", 2.0), alone("two.b", "", [3.0], "", 2.0)]
    lacking = ModuleType("quartier_hil.bench.lacking")

    def figures(_):
        raise AbsentError("apt-get install it")

    lacking.figures = figures
    broken = ModuleType("quartier_hil.bench.broken")

    def failing(_):
        raise RuntimeError("no values")

    broken.figures = failing
    for made in (module, lacking, broken):
        monkeypatch.setitem(sys.modules, made.__name__, made)
    table = {
        "one": ("invented", ""),
        "two": ("invented", ""),
        "three": ("lacking", ""),
        "four": ("broken", ""),
    }
    monkeypatch.setattr(groups, "GROUPS", table)


def measured(names, tmp_path):
    cache = Cache(tmp_path, lambda _: None)
    return list(groups.run(names, cache, rounds=1, short=True, say=lambda _: None))


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
    monkeypatch.delitem(sys.modules, "quartier_hil.bench.driver", raising=False)

    (found,) = measured(["driver"], tmp_path)

    assert "pymodbus is not here: pip install pymodbus" == found.skipped


@pytest.mark.usefixtures("two")
def test_a_group_that_broke_is_told_apart_from_one_that_was_skipped(tmp_path):
    assert [groups.Broken("four", "no values")] == measured(["four"], tmp_path)


def test_every_group_is_measured_by_a_module_that_is_there():
    for name, (module, what) in groups.GROUPS.items():
        assert what, name
        place, _, function = module.partition(":")
        assert callable(getattr(import_module(f"quartier_hil.bench.{place}"), function or "figures"))


def test_one_group_can_be_chosen_and_an_unknown_one_cannot():
    assert ("daemon",) == groups.chosen("daemon")
    with pytest.raises(KeyError):
        groups.chosen("nothing")
