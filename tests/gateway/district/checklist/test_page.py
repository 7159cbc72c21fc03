"""The page that lists each id of the checklist says what the tests hold, and nothing else."""

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = Path(__file__).parents[4] / "gateway" / "docs" / "sparkplug.md"
ROW = re.compile(r"^\| `([\w-]+)` \| (must|should|may) \| (.+) \|$", re.MULTILINE)
FILE = re.compile(r"^\[(test_\w+\.py)\]\(\.\./\.\./tests/gateway/district/checklist/\1\)$", re.MULTILINE)
EXTRA = {"test_no_template_and_no_dataset_is_ever_said"}


@pytest.fixture(scope="module")
def sections():
    """``(file, ids)`` of each section with a table; file None for what is left out."""
    found = []
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        if ids := [row[0] for row in ROW.findall(section)]:
            named = FILE.findall(section)
            found.append((named[0] if named else None, ids))
    return found


def named_in(name):
    tree = ast.parse((HERE / name).read_text(encoding="utf-8"))
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_the_page_names_each_test_of_the_checklist_in_its_file_and_no_other(sections):
    files = {name for name, _ in sections if name}
    for name in files:
        told = {
            f"test_{found.replace('-', '_')}" for other, ids in sections if other == name for found in ids
        }
        assert told == named_in(name) - EXTRA
    assert {"test_identity.py", "test_births.py", "test_data.py"} == files


def test_the_page_has_all_200_ids_once_and_says_why_36_are_left_out(sections):
    ids = [found for _, ids in sections for found in ids]
    left = [found for name, ids in sections if name is None for found in ids]
    assert (200, 200, 36) == (len(ids), len(set(ids)), len(left))
