"""The process runs where nothing of ours can be imported: it asks for the standard library and CityLearn alone."""

import ast
import sys
from pathlib import Path

from quartier_bench.citylearn import environment_process


def test_it_imports_nothing_of_ours():
    tree = ast.parse(Path(environment_process.__file__).read_text("utf-8"))
    names = {
        name.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
    } | {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= sys.stdlib_module_names | {"citylearn"}


def test_it_tells_what_quartier_hil_homes_tells():
    assert {"cost", "co2", "peak", "daily_peak", "ramping"} == {*environment_process.SCORE_NAMES.values()}
