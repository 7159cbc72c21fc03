import pytest

from quartier_hil.suite import digest


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("title = 'x'\n")
    return path


def test_the_same_scenario_code_and_options_have_the_same_digest(scenario):
    assert digest.digest(scenario, {"rate": 20.0}, "code") == digest.digest(scenario, {"rate": 20.0}, "code")


@pytest.mark.parametrize(("asked", "code"), [({"rate": 10.0}, "code"), ({"rate": 20.0}, "other")])
def test_another_option_or_other_code_has_another(scenario, asked, code):
    assert digest.digest(scenario, {"rate": 20.0}, "code") != digest.digest(scenario, asked, code)


def test_a_scenario_file_that_changed_has_another(scenario):
    before = digest.digest(scenario, {}, "code")
    scenario.write_text("title = 'y'\n")

    assert before != digest.digest(scenario, {}, "code")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of one file in the place of ours."""
    folder = tmp_path / "quartier_none"
    (folder / "scenarios").mkdir(parents=True)
    for name in ("__init__.py", "profile.toml"):
        (folder / name).write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(digest, "PACKAGES", ("quartier_none",))
    digest.code.cache_clear()
    yield folder
    digest.code.cache_clear()


@pytest.mark.parametrize("name", ["__init__.py", "profile.toml", "kernel.so"])
def test_a_byte_of_code_of_a_profile_or_of_a_kernel_makes_it_other_code(package, name):
    before = digest.code()
    (package / name).write_text("#")
    digest.code.cache_clear()

    assert before != digest.code()


@pytest.mark.parametrize("name", ["scenarios/x.toml", "README.md", "__pycache__/x.pyc"])
def test_scenarios_pages_and_what_python_keeps_are_no_code(package, name):
    before = digest.code()
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_text("#")
    digest.code.cache_clear()

    assert before == digest.code()


def test_our_own_code_has_a_digest():
    assert 16 == len(digest.code())
