"""The documentation site builds without a warning, holds every page and loads nothing from a server."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "gateway/docs/mkdocs/hooks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, built once; a warning ends the build."""
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--quiet",
            "--site-dir",
            str(out),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return out


def adapt(hooks: ModuleType, text: str, here: str, *known: str) -> str:
    page: Any = SimpleNamespace(file=SimpleNamespace(src_uri=here))
    files: Any = [SimpleNamespace(src_uri=uri) for uri in known]
    return str(hooks.on_page_markdown(text, page, None, files))


def test_links_to_pages_stay_and_links_to_sources_become_text(hooks: ModuleType) -> None:
    text = (
        "[a](../b.md#c) [`cycle.py`](../cycle.py) [tests](../tests) [hil](../hil) [web](https://x.example)\n"
    )

    assert "[a](../b.md#c) `cycle.py` tests [hil](../hil/README.md) [web](https://x.example)\n" == adapt(
        hooks, text, "docs/a.md", "b.md", "hil/README.md"
    )


def test_lists_are_indented_by_four_spaces_and_code_is_left_alone(hooks: ModuleType) -> None:
    text = "Text:\n- one\n  more\n\n  and more\n\n```\n- [x](no.py)\n```\n1. first\n\n   second\n"

    assert (
        "Text:\n\n- one\n    more\n\n    and more\n\n```\n- [x](no.py)\n```\n\n1. first\n\n    second\n"
        == adapt(hooks, text, "a.md")
    )


def test_anchors_are_those_of_a_forge(hooks: ModuleType) -> None:
    assert "1-rules--limits-a_b" == hooks.make_anchor("1. Rules & limits: a_b", "-")


def test_every_page_is_in_the_site(site: Path) -> None:
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "*.md"], capture_output=True, text=True, check=True
    ).stdout.split()
    pages = [
        re.sub(r"README$", "index", name.removesuffix(".md")) + ".html"
        for name in tracked
        if not name.startswith("tests/")
    ]

    assert not [page for page in pages if not (site / page).is_file()]


def test_site_loads_nothing_from_a_server_and_carries_its_search_index(site: Path) -> None:
    loaded = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"?(https?:)?//", re.IGNORECASE)
    found = [path for path in site.rglob("*.html") if loaded.search(path.read_text(encoding="utf-8"))]
    index = (site / "search/search_index.js").read_text(encoding="utf-8").removeprefix("var __index = ")

    assert not found
    assert any("spec/failsafe.html" in entry["location"] for entry in json.loads(index)["docs"])


def test_catalogue_lists_each_device_and_commands_have_their_help(site: Path) -> None:
    catalogue = (site / "gateway/docs/devices.html").read_text(encoding="utf-8")
    commands = (site / "gateway/docs/commands.html").read_text(encoding="utf-8")
    profiles = (ROOT / "drivers/quartier_drivers/profiles").glob("*/*.toml")

    assert not [path for path in profiles if f"{path.parent.name}/{path.stem}" not in catalogue]
    assert "usage: quartier check" in commands
    assert "usage: quartier why" in commands
