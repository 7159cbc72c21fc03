"""Mutation test: change one operator of our code at random, and check that a test near it fails: ``make mutants``.

The same seed and tree give the same mutants.  A mutant runs against the test files that import its module directly,
and those of its own package that import it through one other module; tests that start the daemon are left out.

A mutant is "killed" when a test fails, and "survived" when all pass: then a test is missing, or the change has no
effect.  "time limit", "no tests" and "changed" (with --again: the code is different now) count neither way.

examples:
  make mutants SEED=7 COUNT=200
  .venv/bin/python tests/mutants.py --again reports/mutants.json --out reports/after.json
      the mutants that were killed before: compares two states of the tests

Needs cosmic-ray, which makes the mutants: pip install -e '.[mutants]'.
"""

import argparse
import contextlib
import difflib
import functools
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

try:
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names
except ModuleNotFoundError:
    if not {"-h", "--help"} & set(sys.argv):
        sys.exit("cosmic-ray is not installed: .venv/bin/python -m pip install --editable '.[mutants]'")

HERE = Path(__file__).parents[1]
PACKAGES = (
    "gateway/quartier/control",
    "gateway/quartier/store",
    "gateway/quartier/district",
    "drivers/quartier_drivers",
)
# The kind is drawn before the operator: otherwise three of four mutants would be arithmetic.
KINDS = (
    "ReplaceComparisonOperator",
    "ReplaceBinaryOperator",
    "ReplaceUnaryOperator",
    "NumberReplacer",
    "AddNot",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ZeroIterationForLoop",
    "ExceptionReplacer",
)
SKIPPED = ("_BitOr_", "_BitOr", "_Is", "Generic")  # mostly annotations and equivalent mutants
LEFT_OUT_MARKS = ("daemon", "timing", "measurement")
LEFT_OUT_TESTS = "tests/house/"  # they read git, which a copy of the tree does not have
LEFT_OUT = {".git", ".venv", "node_modules", "reports", ".hypothesis", ".mypy_cache", ".ruff_cache", "judges"}


@dataclass
class Mutant:
    """One changed operator: ``change`` has the lines that differ, ``killer`` is the test file that failed first.

    ``occurrence`` counts the places in the file where the operator applies, from 0.
    """

    path: str
    operator: str
    occurrence: int
    change: list[str]
    outcome: str = ""
    killer: str = ""
    wall_s: float = 0.0
    tests: list[str] = field(default_factory=list)


def mutate_each(text: str, name: str) -> Iterator[str]:
    """Yield the text with the operator applied at the first place, then at the second, and so on."""
    occurrence = 0
    while (changed := mutate_code(text, get_operator(name)(), occurrence)) is not None:
        yield changed
        occurrence += 1


def list_changed_lines(before: str, after: str) -> list[str]:
    """Return the lines that differ, each with its sign ``+`` or ``-``."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def draw_mutants(root: Path, seed: int, count: int) -> list[Mutant]:
    """Draw about ``count`` different mutants, the same number from each package."""
    random, names = Random(seed), sorted(operator_names())
    by_kind = {
        kind: [name for name in names if f"/{kind}" in name and not any(skip in name for skip in SKIPPED)]
        for kind in KINDS
    }
    found: list[Mutant] = []
    for package in PACKAGES:
        files = sorted(path for path in (root / package).rglob("*.py") if not path.name.endswith("_pb2.py"))
        sizes = [path.stat().st_size for path in files]
        wanted = len(found) + count // len(PACKAGES)
        while len(found) < wanted:
            (path,) = random.choices(files, sizes)
            name = random.choice(by_kind[random.choice(KINDS)])
            text = path.read_text(encoding="utf-8")
            changes = list(mutate_each(text, name))
            if not changes:
                continue
            occurrence = random.randrange(len(changes))
            change = list_changed_lines(text, changes[occurrence])
            where = str(path.relative_to(root))
            if all((one.path, one.change) != (where, change) for one in found):
                found.append(Mutant(where, name, occurrence, change))
    return found


def assign_tests(mutants: list[Mutant], root: Path) -> None:
    """Set ``tests`` of each mutant, nearest first."""
    sys.path.insert(0, str(HERE))
    from tests import affected  # noqa: PLC0415 - found by the path above, wherever this file is run from

    affected.ROOT = root
    files = [
        path.relative_to(root)
        for name in (*affected.SOURCES, "tests")
        for path in (root / name).rglob("*.py")
    ]
    files += [path.relative_to(root) for path in (root / "native").rglob("*.pyx")]
    files = [path for path in files if not LEFT_OUT & set(path.parts)]
    graph, known = (
        affected.build_import_graph(tuple(files)),
        {affected.name_module(path): path for path in files},
    )
    for one in mutants:
        reached = affected.measure_distances([affected.name_module(Path(one.path))], graph)
        inner = Path(one.path).parts
        home = Path("tests", inner[0], *inner[2:3])
        tests = [
            (far, str(known[name]))
            for name, far in reached.items()
            if known[name].name.startswith("test_")
            and (far == 1 or (far == 2 and known[name].is_relative_to(home)))
        ]
        one.tests = [path for _, path in sorted(tests) if not path.startswith(LEFT_OUT_TESTS)]


@functools.cache
def build_marker_expression(tree: Path) -> str:
    """Return the marker expression that leaves out slow tests; older trees declare fewer markers."""
    declared = tomllib.loads((tree / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"][
        "markers"
    ]
    names = {line.partition(":")[0] for line in declared}
    return " and ".join(f"not {name}" for name in LEFT_OUT_MARKS if name in names)


def run_mutant(one: Mutant, tree: Path, python: str, limit_s: float, first: str) -> None:
    """Apply the mutant in ``tree``, run its tests, set its outcome, and restore the file.

    ``first`` is the test file to run first, "" for none.
    """
    path = tree / one.path
    text = path.read_text(encoding="utf-8")
    changed = mutate_code(text, get_operator(one.operator)(), one.occurrence)
    if changed is None or list_changed_lines(text, changed) != one.change:
        one.outcome = "changed"  # the code is different now
        return
    tests = [name for name in one.tests if (tree / name).exists()]
    if first and (tree / first).exists():
        tests = [first, *(name for name in tests if name != first)]
    begin_s = time.monotonic()
    path.write_text(changed, encoding="utf-8")
    words = [
        python,
        "-m",
        "pytest",
        "-x",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "-m",
        build_marker_expression(tree),
        *tests,
    ]
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "ci", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            words, cwd=tree, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
        )
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        one.killer = failed[0].split()[1].partition("::")[0] if failed else ""
        one.outcome = {0: "survived", 1: "killed", 2: "killed", 4: "killed"}.get(
            done.returncode, f"exit {done.returncode}"
        )
        if not tests or done.returncode == 5:
            one.outcome = "no tests"
    except subprocess.TimeoutExpired:
        one.outcome = "time limit"
    finally:
        path.write_text(text, encoding="utf-8")
        one.wall_s = round(time.monotonic() - begin_s, 1)


@contextlib.contextmanager
def copy_tree(root: Path) -> Iterator[Path]:
    """Copy the tree for one worker, with links to the data beside it; delete the copy at the end."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(root, tree, ignore=lambda _, names: LEFT_OUT & set(names), symlinks=True)
        for name in ("node_modules", "judges"):
            if (root / "tests/peers" / name).exists():
                (tree / "tests/peers" / name).symlink_to(root / "tests/peers" / name)
        if (root.parent / "shared").exists():
            (Path(folder) / "shared").symlink_to(root.parent / "shared")
        yield tree


def take_next(waiting: "queue.SimpleQueue[int]") -> int | None:
    """Return the next number; None when the queue is empty."""
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None


def build_parser() -> argparse.ArgumentParser:
    """Return the command line parser."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=HERE, help="the tree to test (default: this one)")
    parser.add_argument(
        "--python", default=sys.executable, help="the interpreter that runs pytest (default: this one)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="the same seed draws the same mutants (default: 1)"
    )
    parser.add_argument("--count", type=int, default=200, help="mutants to draw (default: 200)")
    parser.add_argument("--jobs", type=int, default=2, help="mutants tested at the same time (default: 2)")
    parser.add_argument(
        "--limit", type=float, default=240.0, metavar="S", help="seconds for each mutant (default: 240)"
    )
    parser.add_argument(
        "--again",
        type=Path,
        metavar="FILE",
        help="test the mutants that this earlier result says were killed",
    )
    parser.add_argument(
        "--costs",
        type=Path,
        metavar="FILE",
        help="run the test files with the least CPU time first, by this file of --costs, such as reports/ci/modules.json",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("reports/mutants.json"),
        metavar="FILE",
        help="JSON result (default: %(default)s)",
    )
    return parser


def main() -> int:
    """Draw or read mutants, test them, and print how many had each outcome; return 0."""
    options = build_parser().parse_args()
    first: dict[int, str] = {}
    if options.again:
        rows = [row for row in json.loads(options.again.read_text()) if row["outcome"] in ("killed", "")]
        mutants = [Mutant(row["path"], row["operator"], row["occurrence"], row["change"]) for row in rows]
        first = {at: row["killer"] for at, row in enumerate(rows)}
    else:
        mutants = draw_mutants(options.root, options.seed, options.count)
    assign_tests(mutants, options.root)
    if options.costs:
        known = json.loads(options.costs.read_text())["modules"]
        for one in mutants:
            one.tests.sort(key=lambda name: known.get(name, {}).get("cpu_s", 0.0))
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for at in range(len(mutants)):
        waiting.put(at)

    def work() -> None:
        with copy_tree(options.root) as tree:
            while (at := take_next(waiting)) is not None:
                one = mutants[at]
                run_mutant(one, tree, options.python, options.limit, first.get(at, ""))
                done = f"{at + 1:4} of {len(mutants)}  {one.outcome:9}  {one.wall_s:6.1f} s"
                print(f"{done}  {one.path}  {one.killer}", flush=True)
                options.out.parent.mkdir(parents=True, exist_ok=True)
                options.out.write_text(json.dumps([asdict(each) for each in mutants], indent=1))

    workers = [threading.Thread(target=work) for _ in range(options.jobs)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    counts = Counter(one.outcome for one in mutants)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
