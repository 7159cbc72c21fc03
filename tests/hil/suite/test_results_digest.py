import pytest

from quartier_hil.suite import results


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("title = 'x'\n")
    return path


def test_the_same_scenario_code_and_options_have_the_same_digest(scenario):
    assert results.compute_digest(scenario, {"rate": 20.0}, "code") == results.compute_digest(
        scenario, {"rate": 20.0}, "code"
    )


@pytest.mark.parametrize(("asked", "code"), [({"rate": 10.0}, "code"), ({"rate": 20.0}, "other")])
def test_another_option_or_other_code_has_another(scenario, asked, code):
    assert results.compute_digest(scenario, {"rate": 20.0}, "code") != results.compute_digest(
        scenario, asked, code
    )


def test_a_scenario_file_that_changed_has_another(scenario):
    before = results.compute_digest(scenario, {}, "code")
    scenario.write_text("title = 'y'\n")

    assert before != results.compute_digest(scenario, {}, "code")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of one file in the place of ours."""
    folder = tmp_path / "quartier_none"
    (folder / "scenarios").mkdir(parents=True)
    for name in ("__init__.py", "profile.toml"):
        (folder / name).write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(results, "PACKAGES", ("quartier_none",))
    results.compute_code_digest.cache_clear()
    yield folder
    results.compute_code_digest.cache_clear()


@pytest.mark.parametrize("name", ["__init__.py", "profile.toml", "kernel.so"])
def test_a_byte_of_code_of_a_profile_or_of_a_kernel_makes_it_other_code(package, name):
    before = results.compute_code_digest()
    (package / name).write_text("#")
    results.compute_code_digest.cache_clear()

    assert before != results.compute_code_digest()


@pytest.mark.parametrize("name", ["scenarios/x.toml", "README.md", "__pycache__/x.pyc"])
def test_scenarios_pages_and_what_python_keeps_are_no_code(package, name):
    before = results.compute_code_digest()
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_text("#")
    results.compute_code_digest.cache_clear()

    assert before == results.compute_code_digest()


def test_our_own_code_has_a_digest():
    assert 16 == len(results.compute_code_digest())
