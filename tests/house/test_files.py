"""How files are called, and that each module has its tests."""

import ast
from pathlib import Path
from typing import Any

VAGUE = {
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "manager",
    "managers",
    "base",
    "misc",
    "lib",
    "stuff",
}
# Modules with code and no test file of their own name, for a reason.
TESTED_ELSEWHERE: dict[str, str] = {
    "gateway/quartier/cli/__main__.py": "one line; every scenario starts the daemon through it",
}
CODE = (".py", ".pyx")
ROOTS = ("gateway", "drivers", "native", "hil")


def test_files_are_nouns_with_a_meaning(files: list[Path]) -> None:
    vague = [
        str(path)
        for path in files
        if path.parts[0] in (*ROOTS, "tests") and VAGUE & set(path.stem.removeprefix("test_").split("_"))
    ]

    assert not vague, "\n".join(vague)


def test_exceptions_are_still_needed(files: list[Path]) -> None:
    known = {str(path) for path in files}

    assert not (found := [path for path in TESTED_ELSEWHERE if path not in known]), "\n".join(found)


def test_every_module_with_code_has_its_test_file(modules: list[Any], files: list[Path]) -> None:
    """``test_<module>.py``, or ``test_<module>_<topic>.py`` for each topic."""
    known = set(files)
    missing = [
        f"{module.path} -> {_tests_of(module.path)[0]}"
        for module in modules
        if _has_code(module.tree)
        and str(module.path) not in TESTED_ELSEWHERE
        and not known & set(_tests_of(module.path))
        and not any(path.match(f"{_tests_of(module.path)[0].with_suffix('')}_*.py") for path in files)
    ]

    assert not missing, "\n".join(missing)


def test_every_kernel_has_its_twin_its_face_and_its_tests(files: list[Path]) -> None:
    native = Path("native/quartier_native")
    known = set(files)
    for kernel in (path for path in files if path.suffix == ".pyx"):
        twin = native / "reference" / f"{kernel.stem}.py"
        assert {twin, native / f"{kernel.stem}.pyi", Path("tests/native") / f"test_{kernel.stem}.py"} <= known


def _has_code(tree: ast.Module) -> bool:
    """Whether there is a function with a body; records, protocols and constants need no tests."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_empty(node)
        for node in ast.walk(tree)
    )


def _is_empty(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return all(isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) for line in function.body)


def _tests_of(path: Path) -> list[Path]:
    """Where the tests of a module may be; of a package's ``__init__`` in its folder or beside it."""
    root, package, *inner = path.with_suffix("").parts
    part = (
        ()
        if package in {"quartier_hil", "quartier", f"quartier_{root}"}
        else (package.removeprefix("quartier_"),)
    )
    here = Path("tests", root, *part, *inner[:-1])
    if inner[-1] != "__init__":
        places = [here / f"test_{inner[-1]}.py"]
        if inner[0] == "reference":  # a twin is tested with its kernel
            places.append(Path("tests", root, f"test_{inner[-1]}.py"))
        return places
    if len(inner) == 1:
        return [Path("tests", root, "test_package.py"), Path("tests", root, "test_engine.py")]
    return [here.parent / f"test_{inner[-2]}.py", here / f"test_{inner[-2]}.py"]
