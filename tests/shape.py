"""Measure the shape of the code: size of modules and packages, names, docstrings, pages: ``make shape``.

examples:
  make shape                                 one row for each measure, with its target
  .venv/bin/python -m tests.shape --json     the same for a program
  .venv/bin/python -m tests.shape --list docstrings     the places behind one measure
"""

import argparse
import ast
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, TypeGuard

ROOT = Path(__file__).parents[1]
FOLDERS = ("gateway", "drivers", "native", "hil", "tests")
PRODUCT = FOLDERS[:-1]
INTERROGATIVES = ("What", "Whether", "Who", "Whose", "Why", "How", "Which", "Where", "When", "Of")
"""A docstring that begins with one of these is a question, not an instruction."""
PARTICIPLES = frozenset(
    [
        "told",
        "made",
        "met",
        "held",
        "kept",
        "seen",
        "said",
        "found",
        "given",
        "taken",
        "shown",
        "known",
        "begun",
        "done",
        "heard",
        "read",
        "lost",
        "sent",
        "written",
        "drawn",
        "left",
        "meant",
        "bound",
        "sought",
        "sworn",
        "spoken",
    ]
) - {"read", "found", "left", "bound"}
STATEMENTS = ("is_", "has_", "was_", "are_", "may_", "can_", "takes_", "holds_", "follows_")
ADJECTIVES = {
    "rated_w": "the rated power is a term of the field",
    "unsigned": "a type of number",
    "elapsed_s": "the elapsed time is a plain noun with an adjective",
    "stored_wh": "the stored energy is a plain noun with an adjective",
}
"""Names that are no action although their first word is a participle, each with its reason."""
SHORT_MODULES = {
    "drivers/quartier_drivers/gpio/bus_section.py": "each bus has its section of the site file in this module",
    "gateway/quartier/cli/gateway/engines.py": "each command has a module, so that it imports only its own part",
    "native/quartier_native/reference/scales.py": "each kernel has a twin of the same name",
}
"""Modules that may be short, each with its reason."""
LARGE_PACKAGES = {
    "native/quartier_native/reference": "each kernel has a twin of the same name",
}
"""Packages that may have more modules, each with its reason."""
LINES_MIN, ATTRIBUTES_MAX, PARAMETERS_MAX, PACKAGE_MODULES_MAX = 40, 15, 6, 14
KERNEL_TWINS = "native/quartier_native/reference/"
RECORDS = {
    "drivers/quartier_drivers/contract.py:PointInfo": "describes one point, by the keys of a profile",
    "drivers/quartier_drivers/device_profile/proof_files.py:Figure": "a row of a proof: each field is a key of "
    "its file, and a protocol uses some of them",
    "drivers/quartier_drivers/meter/schema.py:MeterPoint": "a table of a meter's profile: each field is a key "
    "of its file",
    "gateway/quartier/config/sections/operation_mode_sections.py:HeatSection": "a section of the site file: "
    "its keys are flat, so that an error names one key",
    "gateway/quartier/config/sections/planning_sections.py:TariffSection": "a section of the site file: one "
    "key for each price of a French contract",
    "gateway/quartier/config/sections/site_file.py:SiteFile": "the site file: one field for each of its tables",
    "gateway/quartier/control/allocate/load_sharing.py:ChargePoint": "a row of the load-sharing table of one "
    "cycle: what is known of a charge point, and what it gets",
    "gateway/quartier/control/allocate/results.py:AllocationResult": "the result of an allocation: each field "
    "is read by another stage of the cycle",
    "gateway/quartier/control/link/state.py:LinkState": "the state machine of the link, saved over a restart "
    "by these names; a transition replaces several fields at once",
    "gateway/quartier/control/observe/meter_check/judge.py:MeterCheck": "the state of one test of hypotheses: "
    "each step reads and replaces nearly all of it",
    "gateway/quartier/control/participants.py:Participant": "a row of the allocation: the inputs of the "
    "kernel for one asset, and the facts from which they were made",
    "gateway/quartier/control/state.py:ControlState": "the memory of the control cycle: each field is the "
    "state of one stage, which is a record of its own",
    "gateway/quartier/planning/service/plan_request.py:PlanRequest": "the question to the planning process: "
    "it crosses a pipe as one message",
    "gateway/quartier/planning/site/energy_chain.py:EnergyChain": "the coefficients of one recurrence of the "
    "linear program, by the letters of its equation",
    "gateway/quartier/site/ledger.py:LedgerEntry": "a row of the write ledger, with the columns of its table",
    "gateway/quartier/site/site_layout.py:Site": "the model of a building: one field for each part of the "
    "site file that control reads",
    "gateway/quartier/store/history_file/contents.py:FileContents": "all that is read from a history file "
    "when it is opened: one field for each of its tables",
    "gateway/quartier/store/history_file/database.py:CommitJob": "one transaction of the history file: one "
    "field for each thing that it writes",
    "hil/quartier_bench/fleet/plant_model.py:KernelColumns": "the columns of the fleet kernel by its names",
    "hil/quartier_hil/checks/verdicts.py:RunData": "the records of a run that is over: one field for each "
    "source",
    "hil/quartier_hil/drill/loss_run.py:LossCause": "a row of the table of losses: how to cause it, and where "
    "it shows",
    "hil/quartier_hil/scenario/site.py:SiteSpec": "a table of a scenario: each field is a key of its file",
    "hil/quartier_sim/meters/p1/telegrams.py:Household": "a P1 telegram: one field for each OBIS line",
    "hil/quartier_sim/meters/tic/meter_state.py:LinkyStatus": "the register STGE: one field for each of its "
    "bit groups",
    "hil/quartier_sim/meters/tic/meter_state.py:LinkyState": "a Linky frame: one field for each label",
    "hil/quartier_sim/plant/heating.py:SgReadyHeatPump": "a simulated heat pump: the coefficients of its "
    "equations, and their state",
}
"""Classes without a method that sets an attribute, which may have more attributes, each with its reason."""
TWIN_REASON = "the twin of a compiled kernel: it has the columns and the argument list of the kernel"
OPTION_REASON = "all but a few are named options with a default: a caller gives only those that it changes"


@dataclass(frozen=True, slots=True)
class Measure:
    """One count: its value as text, its target, and the places that it counts."""

    name: str
    text: str
    value: float
    target: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file of the repository."""

    path: str
    lines_count: int
    tree: ast.Module

    @property
    def is_interface(self) -> bool:
        """Return whether it has no function with a body: records, protocols and constants."""
        return not any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in self.tree.body)


def list_files(*patterns: str) -> list[str]:
    """Return the tracked files that match, as git names them."""
    done = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def load_modules() -> list[Module]:
    """Return all tracked Python files of the five folders, but those that a compiler wrote."""
    found = []
    for path in list_files(*(f"{folder}/*.py" for folder in FOLDERS)):
        if not path.endswith("_pb2.py"):
            text = (ROOT / path).read_text(encoding="utf-8")
            found.append(Module(path, text.count("\n"), ast.parse(text)))
    return found


def measure(modules: list[Module]) -> Iterator[Measure]:
    """Yield every measure of architecture.md that a program can take."""
    product = [module for module in modules if module.path.startswith(PRODUCT)]
    yield from _measure_sizes("all Python files", modules)
    yield from _measure_sizes("files of the product", product)
    yield _count(
        "modules under 40 lines",
        "0",
        (
            f"{module.path}: {module.lines_count}"
            for module in product
            if module.lines_count < LINES_MIN
            and module.path not in SHORT_MODULES
            and not module.path.endswith(("__init__.py", "__main__.py"))
            and not module.is_interface
        ),
    )
    yield _count("packages of more than 14 modules", "0", _list_large_packages(product))
    excepted: list[str] = []
    yield _count("classes of more than 15 attributes", "a short list", _list_large_classes(product, excepted))
    yield _count(
        "functions of more than 6 parameters", "a short list", _list_long_signatures(product, excepted)
    )
    yield _count("large classes and functions excepted, each with its reason", "-", excepted)
    functions = [
        (module, node)
        for module in product
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    ]
    yield _share("public functions named by a participle", functions, lambda node: _is_participle(node.name))
    documented = [
        (module, node)
        for module in product
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module)
        and ast.get_docstring(node)
    ]
    yield _share("docstrings that begin with a question word", documented, _asks)
    words_count = sum(len((ROOT / path).read_text(encoding="utf-8").split()) for path in list_files("*.md"))
    yield Measure("words of the pages", f"{words_count:,}", words_count, "80,000")


def _measure_sizes(name: str, modules: list[Module]) -> Iterator[Measure]:
    lines = sorted(module.lines_count for module in modules if not module.path.endswith("__init__.py"))
    yield Measure(name, f"{len(modules):,}", len(modules), "half of 2,661")
    median, p90 = statistics.median(lines), lines[ceil(0.9 * len(lines)) - 1]
    yield Measure(f"{name}: median lines", f"{median:.0f}", median, "190")
    yield Measure(f"{name}: p90 of lines", f"{p90}", p90, "at most 350")


def _count(name: str, target: str, places: Iterable[str]) -> Measure:
    found = tuple(places)
    return Measure(name, f"{len(found):,}", len(found), target, found)


def _share(name: str, nodes: list[tuple[Module, Any]], counts: Callable[[Any], bool]) -> Measure:
    found = tuple(
        f"{module.path}:{getattr(node, 'lineno', 1)}: {getattr(node, 'name', '')}"
        for module, node in nodes
        if counts(node)
    )
    share = len(found) / max(1, len(nodes))
    return Measure(name, f"{len(found):,} of {len(nodes):,} ({share:.1%})", share, "0 %", found)


def _list_large_packages(modules: list[Module]) -> Iterator[str]:
    counts: dict[str, int] = {}
    for module in modules:
        folder, _, name = module.path.rpartition("/")
        counts[folder] = counts.get(folder, 0) + (name != "__init__.py")
    yield from (
        f"{folder}: {count}"
        for folder, count in counts.items()
        if count > PACKAGE_MODULES_MAX and folder not in LARGE_PACKAGES
    )


def _list_large_classes(modules: list[Module], excepted: list[str]) -> Iterator[str]:
    """Yield large classes; add kernels' twins and those of ``RECORDS`` to ``excepted``."""
    for module in modules:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ClassDef) or (count := len(_find_attributes(node))) <= ATTRIBUTES_MAX:
                continue
            place = f"{module.path}:{node.lineno}: {node.name}: {count}"
            if module.path.startswith(KERNEL_TWINS):
                excepted.append(f"{place}: {TWIN_REASON}")
            elif (reason := RECORDS.get(f"{module.path}:{node.name}")) is not None:
                excepted.append(f"{place}: {reason}")
            else:
                yield place


def _find_attributes(node: ast.ClassDef) -> set[str]:
    found = {
        part.target.id
        for part in node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    }
    found |= {part.attr for part in ast.walk(node) if _is_stored_in_self(part)}
    return found


def _is_stored_in_self(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def _list_long_signatures(modules: list[Module], excepted: list[str]) -> Iterator[str]:
    """Yield functions with many arguments that each caller gives; add the others to ``excepted``."""
    for module in modules:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            names = [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            count = len([name for name in names if name not in {"self", "cls"}])
            if count <= PARAMETERS_MAX:
                continue
            place = f"{module.path}:{node.lineno}: {node.name}: {count}"
            options_count = len([default for default in node.args.kw_defaults if default is not None])
            if module.path.startswith(KERNEL_TWINS):
                excepted.append(f"{place}: {TWIN_REASON}")
            elif count - options_count <= PARAMETERS_MAX:
                excepted.append(f"{place}: {OPTION_REASON}")
            else:
                yield place


def _is_participle(name: str) -> bool:
    first = name.split("_", maxsplit=1)[0]
    if name.startswith(STATEMENTS) or name in ADJECTIVES:
        return False
    return first in PARTICIPLES or (first.endswith("ed") and first not in {"need", "seed", "feed", "speed"})


def _asks(node: Any) -> bool:
    return (ast.get_docstring(node) or "").split(maxsplit=1)[0].rstrip(",:.") in INTERROGATIVES


def main() -> int:
    """Print the measures; return 0, or 2 for an unknown measure."""
    parser = argparse.ArgumentParser(
        prog="make shape", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="all measures with their places, for a program")
    parser.add_argument(
        "--list", metavar="WORDS", help="list the places of the measures whose name has WORDS"
    )
    options = parser.parse_args()
    found = list(measure(load_modules()))
    if options.json:
        rows = [
            {"name": one.name, "value": one.value, "target": one.target, "places": one.places}
            for one in found
        ]
        sys.stdout.write(f"{json.dumps(rows, indent=1)}\n")
        return 0
    if options.list is not None:
        chosen = [one for one in found if options.list in one.name]
        if not chosen:
            names = "\n".join(f"  {one.name}" for one in found)
            sys.stderr.write(
                f"no measure has {options.list!r} in its name; expected words of one of\n{names}\n"
            )
            return 2
        for one in chosen:
            sys.stdout.write("".join(f"{place}\n" for place in one.places))
        return 0
    width = max(len(one.name) for one in found)
    sys.stdout.write(f"{'measure':{width}}  {'now':>24}  target\n")
    for one in found:
        sys.stdout.write(f"{one.name:{width}}  {one.text:>24}  {one.target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
