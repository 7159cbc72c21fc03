"""The engine is chosen once, and says which it is and why."""

import sys

import pytest

from quartier_native import engine_choice


def test_the_compiled_kernels_are_used_where_they_are() -> None:
    engine, modules = engine_choice.choose_engine("auto")
    assert ("cython", "all compiled kernels are there") == (engine.name, engine.why)
    kernels = {
        "allocation",
        "gates",
        "metrics",
        "questions",
        "registers",
        "series",
        "strands",
        "tails",
        "tree",
    }
    assert kernels == set(modules)
    assert kernels | set(engine_choice.LATER_KERNELS) == set(engine.kernels)
    assert "quartier_native.series" == engine.kernels["series"]


def test_the_reference_is_used_where_it_is_asked_for() -> None:
    engine, modules = engine_choice.choose_engine("reference")
    assert "reference" == engine.name
    assert "QUARTIER_ENGINE" in engine.why
    assert "quartier_native.reference.allocation" == modules["allocation"].__name__


def test_a_missing_kernel_is_said_aloud_and_replaced_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "quartier_native.series", None)
    engine, modules = engine_choice.choose_engine("auto")
    assert "reference" == engine.name
    assert engine.why.startswith("SLOW: ")
    assert "quartier_native.series" in engine.why
    assert "quartier_native.reference.allocation" == modules["allocation"].__name__


def test_a_kernel_that_is_loaded_later_counts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "quartier_native.storage", None)
    engine, _ = engine_choice.choose_engine("auto")
    assert "reference" == engine.name
    assert "quartier_native.storage" in engine.why


def test_a_missing_kernel_is_an_error_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "quartier_native.series", None)
    with pytest.raises(ImportError, match=r"a compiled kernel is missing.*quartier_native\.series"):
        engine_choice.choose_engine("cython")


def test_another_request_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected auto, cython or reference"):
        engine_choice.choose_engine("numpy")


@pytest.mark.parametrize("requested", ["numpy", "cython"])
def test_what_the_variable_requests_and_cannot_be_had_keeps_the_package_from_being_imported(
    monkeypatch: pytest.MonkeyPatch, requested: str
) -> None:
    monkeypatch.setitem(sys.modules, "quartier_native.series", None)
    monkeypatch.setenv("QUARTIER_ENGINE", requested)
    with pytest.raises(ImportError, match=f"QUARTIER_ENGINE=.?{requested}") as told:
        engine_choice.choose_by_environment()
    assert "quartier_native" == told.value.name
