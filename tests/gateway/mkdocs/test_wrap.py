"""Pages are wrapped without a change of tables, code, anchors and numbers."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wrapping() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wrap", ROOT / "gateway/docs/mkdocs/wrap.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_prose_and_lists_are_wrapped_at_100_characters(wrapping: ModuleType) -> None:
    lines = wrapping.wrap(f"{'word ' * 40}\n\n- {'item ' * 40}\n").splitlines()

    assert max(map(len, lines)) <= 100
    assert "  item" == lines[4][:6]


def test_tables_code_and_anchors_stay_as_they_are(wrapping: ModuleType) -> None:
    row = f"| {'cell ' * 40}| |"
    text = f'<a id="x"></a>\n## X\n\n| a | b |\n| --- | --- |\n{row}\n\n```\n{"code " * 40}\n```\n'

    assert text == wrapping.wrap(text)


def test_pages_that_are_left_alone_exist(wrapping: ModuleType) -> None:
    assert not [name for name in wrapping.KEPT if not (ROOT / name).is_file()]
