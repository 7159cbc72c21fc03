import ast
from functools import cache
from pathlib import Path

import pytest

from quartier.control.reason import NO_REASON, make_reason
from quartier.control.reason_codes import KINDS_BY_CODE, REASON_KINDS, VALUE_NAMES, VALUE_UNITS

SOURCES = Path(__file__).parents[3] / "gateway" / "quartier"
MAKERS = {"make": 1, "rule": 2, "grid": 2}
"""What makes a reason, and how many arguments without a name come before its values."""
NAMED = {"who", "until_utc_ms", "source", "more"}


# A file without one of them makes no reason.
WORDS = tuple(f'"{code}"' for code in KINDS_BY_CODE)


@cache
def nodes():
    """Per file all nodes of its tree, without the files that neither make a reason nor have a code."""
    found = {}
    for path in SOURCES.rglob("*.py"):
        text = path.read_text("utf-8")
        if path.name not in {"reasonkinds.py", "reason.py"} and (
            "quartier.control.reason" in text or any(word in text for word in WORDS)
        ):
            found[path] = list(ast.walk(ast.parse(text)))
    return found


def calls():
    """Each call that makes a reason, with its code where that is written there."""
    for path, found in nodes().items():
        imported = {
            name.name
            for node in found
            if isinstance(node, ast.ImportFrom) and node.module == "quartier.control.reason"
            for name in node.names
        }
        for node in found:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in imported:
                yield path, node


def test_each_code_is_there_once_and_each_value_has_a_unit():
    assert len(REASON_KINDS) == len(KINDS_BY_CODE)
    assert set(VALUE_UNITS) == {name for kind in REASON_KINDS for name in kind.names}


@pytest.mark.parametrize("kind", REASON_KINDS, ids=lambda kind: kind.code)
def test_each_code_has_a_text_that_shows_its_values(kind):
    values = {name: 12.5 if VALUE_UNITS[name] not in {"", "local time"} else "word" for name in kind.names}
    parts = {name: NO_REASON for name in ("source", "more") if f"{{{name}}}" in kind.text}
    text = str(make_reason(kind.code, **parts, **values))

    assert text == text.strip()
    assert text.count("word") + text.count("12") >= len(values)
    assert text.count("not limited") == len(parts) + (kind.code == "free")
    assert not set("{}\n") & set(text)


def test_each_code_is_used_and_no_other_is():
    words = {
        node.value
        for found in nodes().values()
        for node in found
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert [] == sorted(set(KINDS_BY_CODE) - words - {"free", "text"})
    used = {node.args[0].value for _, node in calls() if isinstance(node.args[0], ast.Constant)}
    assert set() == {code for code in used if isinstance(code, str)} - set(KINDS_BY_CODE)


def test_a_reason_is_made_with_the_values_of_its_code():
    wrong = []
    for path, node in calls():
        if node.func.id not in MAKERS or not isinstance(node.args[0], ast.Constant):
            continue
        given = tuple(one.arg for one in node.keywords if one.arg not in NAMED)
        if given != VALUE_NAMES[node.args[0].value]:
            wrong.append(f"{path.name}:{node.lineno}")

    assert [] == wrong


def test_nobody_makes_a_reason_beside_the_table():
    assert [] == [path.name for path, node in calls() if node.func.id == "Reason"]
