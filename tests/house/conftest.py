"""What the house tests look at: every tracked file, and our modules as syntax trees."""

import ast
import gc
import subprocess
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Each package of ours, and the folder that it is in.
ROOTS = {
    "quartier": "gateway",
    "quartier_drivers": "drivers",
    "quartier_native": "native",
    "quartier_sim": "hil",
    "quartier_district": "hil",
    "quartier_hil": "hil",
    "quartier_bench": "hil",
}
GENERATED = ("_pb2.py", "_pb2.pyi")


@dataclass(frozen=True)
class Import:
    """One imported module: ``quartier.config.sections.site_file`` for ``from quartier.config import model``."""

    module: str
    line: int


@dataclass(frozen=True)
class Module:
    """One Python file of ours; ``name`` as it is imported, ``path`` from the repository's root."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the tree, walked once for all tests."""
        return list(ast.walk(self.tree))

    @cached_property
    def imports(self) -> list[Import]:
        return list(_imports(self.nodes))


def _imports(nodes: list[ast.AST]) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield Import(whole if _is_module(whole) else str(node.module), node.lineno)


@cache
def _is_module(name: str) -> bool:
    for package, root in ROOTS.items():
        if name.split(".", maxsplit=1)[0] == package:
            path = ROOT / root / Path(*name.split("."))
            return path.with_suffix(".py").exists() or path.is_dir()
    return False


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Every tracked file that is there, relative to the root."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True, text=True
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="session")
def modules(files: list[Path]) -> list[Module]:
    """Our Python modules, generated ones and tests left out."""
    with warnings.catch_warnings():
        # What other rooms' tests left is collected now: told in the middle of a parse, its traceback parses
        # too, and CPython 3.11 then gives up on the outer one.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    # The trees stay until the end: collection of garbage between two parses took four fifths of the time.
    gc.disable()
    try:
        return list(_parse_modules(files))
    finally:
        gc.freeze()
        gc.enable()


def _parse_modules(files: list[Path]) -> Iterator[Module]:
    for path in files:
        if path.suffix != ".py" or path.parts[:2][::-1] not in ROOTS.items() or path.name.endswith(GENERATED):
            continue
        text = (ROOT / path).read_text(encoding="utf-8")
        parts = path.with_suffix("").parts[1:]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield Module(name, path, text, ast.parse(text, str(path)))


@pytest.fixture(scope="session")
def texts(files: list[Path]) -> dict[Path, str]:
    """Every tracked text file."""
    found = {}
    for path in files:
        try:
            found[path] = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found
