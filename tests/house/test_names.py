"""The pages that walk through the code name only modules, classes and functions that exist."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOTS = {
    "quartier": "gateway",
    "quartier_drivers": "drivers",
    "quartier_native": "native",
    "quartier_sim": "hil",
    "quartier_district": "hil",
    "quartier_hil": "hil",
    "quartier_bench": "hil",
}
NAME = re.compile(rf"`((?:{'|'.join(ROOTS)})(?:\.[A-Za-z_]\w*)+)`")
SUFFIXES = (".py", ".pyi", "/__init__.py")


def exists(root: Path, name: str) -> bool:
    """Tell whether a dotted name is a module of ours, or something that a module defines or imports."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        for suffix in SUFFIXES:
            path = root / ROOTS[parts[0]] / ("/".join(parts[:count]) + suffix)
            if path.is_file():
                return _is_defined(_parse(path).body, parts[count:])
    return False


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _is_defined(body: list[ast.stmt], parts: list[str]) -> bool:
    if not parts:
        return True
    return any(
        len(parts) == 1 or (isinstance(node, ast.ClassDef) and _is_defined(node.body, parts[1:]))
        for node in _statements(body)
        if parts[0] in _names(node)
    )


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a body; of ``if`` and ``try`` also those inside."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _statements([*node.body, *node.orelse])


def _names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name) for alias in node.names)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


@pytest.mark.parametrize("page", ["gateway/README.md", "CONTRIBUTING.md", "HACKING.md"])
def test_each_name_of_code_on_a_page_exists(page: str, root: Path, texts: dict[Path, str]) -> None:
    names = NAME.findall(texts[Path(page)])

    assert names
    assert not (wrong := [name for name in names if not exists(root, name)]), "\n".join(wrong)


def test_path_of_a_reading_and_of_an_order_names_a_function_in_each_step(texts: dict[Path, str]) -> None:
    rows = [line for line in texts[Path("gateway/README.md")].splitlines() if re.match(r"\| \d+ \|", line)]

    assert len(rows) >= 20
    assert not (silent := [row for row in rows if not NAME.search(row.split("|")[2])]), "\n".join(silent)


def test_names_that_do_not_exist_are_found(root: Path) -> None:
    assert exists(root, "quartier.runtime.clock")
    assert not exists(root, "quartier.runtime.clock.nothing")
    assert not exists(root, "quartier.nothing.clock")
