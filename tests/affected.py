"""Run lint and the tests that a change can affect, nearest first, within a time limit: ``make quick``.

A test file is affected when it imports a changed module, directly or through other modules; the fewer imports
lie between, the earlier it runs.  Tests that start the daemon come last.  The end of the output says when the time
limit stopped the run; ``make test`` runs all tests.

examples:
  make quick                                    changes since origin/main
  make quick BASE=HEAD~1                        changes since the commit before
  .venv/bin/python tests/affected.py --list     print the test files, run nothing
"""

import argparse
import ast
import contextlib
import functools
import gc
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = ROOT / ".venv" / "bin"
SOURCES = ("gateway", "drivers", "native", "hil")
CODE = (".py", ".pyx", ".pyi", ".pxd", ".h")
LIMIT_S = 170.0
# Tests of the files and the structure of the repository: every change affects them.
STRUCTURE = Path("tests/house")


def name_module(path: Path) -> str:
    """Return the name under which a file is imported, such as ``quartier.control.cycle``."""
    parts = path.with_suffix("").parts
    inner = parts[1:] if parts[0] in SOURCES else parts
    return ".".join(inner[:-1] if inner[-1] == "__init__" else inner)


def find_imports(tree: ast.Module, package: str, known: Collection[str]) -> Iterator[str]:
    """Yield the names of ``known`` modules that a file imports, or names in a string to import them later.

    In a string, ``module:function`` may also name a module of the file's own ``package``.
    """
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            module, colon, _ = node.value.partition(":")
            names = [module, f"{package}.{module}"] if colon else [module]
        yield from (name for name in names if name in known)


@functools.cache
def build_import_graph(files: tuple[Path, ...]) -> dict[str, set[str]]:
    """Return for each module the modules that import it; a test also imports each ``conftest`` above it.

    Paths are relative to ``ROOT``.
    """
    was_enabled = gc.isenabled()
    gc.disable()  # syntax trees have no cycles, and collection took half of the time
    try:
        return _build_import_graph(files)
    finally:
        if was_enabled:
            gc.enable()


def _build_import_graph(files: tuple[Path, ...]) -> dict[str, set[str]]:
    known = {name_module(path): path for path in files if path.suffix in (".py", ".pyx")}
    found: dict[str, set[str]] = {name: set() for name in known}
    for name, path in known.items():
        if path.suffix == ".py":
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            for other in find_imports(tree, package, known):
                found[other].add(name)
        if path.parts[0] == "tests":
            for folder in path.parents:
                above = name_module(folder / "conftest.py")
                if above in found and above != name:
                    found[above].add(name)
    return found


def find_changed_modules(changed: Iterable[Path], known: Mapping[str, Path]) -> set[str]:
    """Return the changed modules; a data file counts as the modules in its folder, or in the nearest above."""
    found = set()
    for path in changed:
        name = name_module(path)
        if path.suffix in CODE and name in known:
            found.add(name)
            continue
        for folder in path.parents:
            beside = {module for module, place in known.items() if place.parent == folder}
            if beside:
                found |= beside
                break
    return found


def measure_distances(changed: Iterable[str], graph: Mapping[str, set[str]]) -> dict[str, int]:
    """Return each module that a change can affect, with the number of imports between; 0 is changed itself.

    ``graph`` comes from ``build_import_graph``.
    """
    found = dict.fromkeys(changed, 0)
    waiting = deque(found)
    while waiting:
        name = waiting.popleft()
        for other in graph.get(name, ()):
            if other not in found:
                found[other] = found[name] + 1
                waiting.append(other)
    return found


def find_affected_tests(changed: Iterable[Path], files: list[Path]) -> dict[Path, int]:
    """Return the test files that a change can affect with their distance in imports, in the order to run them.

    The tests of the repository's structure look at every file: they come after the direct tests of the change.
    """
    known = {name_module(path): path for path in files if path.suffix in (".py", ".pyx")}
    reached = measure_distances(find_changed_modules(changed, known), build_import_graph(tuple(files)))
    found = {known[name]: far for name, far in reached.items() if known[name].name.startswith("test_")}
    found |= {path: 2 for path in files if path.parent == STRUCTURE and path.name.startswith("test_")}

    def order(path: Path) -> tuple[bool, int, str]:
        starts_daemon = "mark.daemon" in (ROOT / path).read_text(encoding="utf-8")
        return starts_daemon, found[path], str(path)

    return {path: found[path] for path in sorted(found, key=order)}


def run_git(*words: str) -> list[str]:
    """Return the output lines of a git command; an empty list when it fails."""
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def find_changed_files(base: str) -> list[Path]:
    """Return the files that differ from the common ancestor with ``base``, and untracked files.

    Raises LookupError when git knows no such commit.
    """
    found = run_git("merge-base", "HEAD", base)
    if not found:
        raise LookupError(
            f"unknown commit {base!r}: run 'git fetch origin', or name another: make quick BASE=HEAD~1"
        )
    start = found[0]
    names = [*run_git("diff", "--name-only", start), *run_git("ls-files", "--others", "--exclude-standard")]
    return [Path(name) for name in dict.fromkeys(names)]


def main() -> int:
    """Run lint and the affected tests; return 0 when all that ran passed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--base", default="origin/main", help="compare with this commit (default: %(default)s)"
    )
    parser.add_argument(
        "--limit",
        type=float,
        default=LIMIT_S,
        metavar="S",
        help="seconds for lint and tests together (default: %(default)g)",
    )
    parser.add_argument("--list", action="store_true", help="print the affected test files, run nothing")
    options = parser.parse_args()
    begin_s = time.monotonic()
    try:
        changed = find_changed_files(options.base)
    except LookupError as error:
        parser.error(str(error))
    files = [Path(name) for name in run_git("ls-files", "--cached", "--others", "--exclude-standard")]
    tests = find_affected_tests(changed, [path for path in files if (ROOT / path).is_file()])
    summary = f"changed files: {len(changed)}, test files that they can affect: {len(tests)}"
    if options.list:
        print(f"{summary}; imports between, and the file:", file=sys.stderr)
        with contextlib.suppress(BrokenPipeError):
            print("\n".join(f"{far:3}  {path}" for path, far in tests.items()), flush=True)
            return 0
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has closed the pipe
        return 0
    if not (BIN / "pytest").exists():
        parser.error(f"{BIN} has no pytest: run 'make quick', which installs it")
    print(summary, flush=True)
    checks = (["ruff", "check", "."], ["ruff", "format", "--check", "--quiet", "."], ["mypy"])
    for words in checks:
        if code := subprocess.run([str(BIN / words[0]), *words[1:]], cwd=ROOT, check=False).returncode:
            return code
    left_s = max(10.0, options.limit - (time.monotonic() - begin_s))
    words = [str(BIN / "python"), "-m", "pytest", "--quiet", "-m", "not measurement"]
    words += ["--numprocesses", str(len(os.sched_getaffinity(0))), "--dist", "load", "--maxschedchunk", "8"]
    report = ROOT / "reports" / "quick.json"
    words += ["--stop-after", f"{left_s:.0f}", "--costs", str(report), *map(str, tests)]
    return subprocess.run(
        words, cwd=ROOT, env={"HYPOTHESIS_PROFILE": "ci", **os.environ}, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
