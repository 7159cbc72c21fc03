"""The page on security names a test beside each defence: they exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "gateway" / "docs" / "security.md"
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_each_test_that_the_page_names_exists() -> None:
    named = _TEST.findall(PAGE.read_text(encoding="utf-8"))
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).exists() or name not in _functions(ROOT / file)
    ]

    assert [] == missing
    assert len(named) > 20


def test_each_defence_has_a_test() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = [line for line in text.partition("## Entry points")[2].splitlines() if line.startswith("| ")]
    bare = [
        line for line in rows if not _TEST.search(line) and line != "| defence | test |" and "---" not in line
    ]

    assert [] == bare
