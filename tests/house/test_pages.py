"""Pages have no placeholders, decisions are complete, and every module says what it is for."""

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Any

from quartier.control.observe.health import ControlStage

DECISIONS = Path("gateway/docs/decisions")
GLOSSARY = Path("gateway/docs/glossary.md")


def test_no_page_has_a_placeholder(texts: dict[Path, str]) -> None:
    found = [
        str(path) for path, text in texts.items() if path.suffix == ".md" and re.search(r"@[A-Z]+@", text)
    ]

    assert not found, "\n".join(found)


def test_decisions_are_numbered_without_gaps(files: list[Path]) -> None:
    pages = sorted(path.name for path in files if path.parent == DECISIONS and path.name != "README.md")

    assert [f"{number:04}" for number in range(1, len(pages) + 1)] == [name[:4] for name in pages]


def test_the_index_of_decisions_has_each_record_with_its_title(texts: dict[Path, str]) -> None:
    records = {
        path.name: text.partition("\n")[0].removeprefix(f"# {path.name[:4]} ")
        for path, text in texts.items()
        if path.parent == DECISIONS and path.name != "README.md"
    }
    rows = re.findall(
        r"^\| (\d{4}) \| \[(.+)\]\((.+)\) \| [a-z ]+ \| (?:accepted|replaced by \[\d{4}\].*) \| \d{4}-\d\d-\d\d \|$",
        texts[DECISIONS / "README.md"],
        re.MULTILINE,
    )

    assert [(name[:4], title, name) for name, title in sorted(records.items())] == rows


def test_every_decision_tells_context_choice_and_price(texts: dict[Path, str]) -> None:
    incomplete = [
        f"{path}: {word}"
        for path, text in texts.items()
        if path.parent == DECISIONS and path.name != "README.md"
        for word in ("Context", "Choice", "Price")
        if not re.search(rf"^(?:#+ {word}\b|\*\*{word})", text, re.MULTILINE)
    ]

    assert not incomplete, "\n".join(incomplete)


def test_every_term_of_the_glossary_stands_once(texts: dict[Path, str]) -> None:
    rows = [line.split("|") for line in texts[GLOSSARY].splitlines() if line.startswith("| ")]
    terms = Counter(
        term.strip() for row in rows if row[1].strip() not in {"term", "---"} for term in row[1].split(",")
    )

    assert not (twice := [term for term, count in terms.items() if count > 1]), ", ".join(twice)
    assert not (odd := ["|".join(row) for row in rows if len(row) != 5]), "\n".join(odd)


def test_the_glossary_names_each_control_stage_as_the_status_does(texts: dict[Path, str]) -> None:
    row = next(line for line in texts[GLOSSARY].splitlines() if line.startswith("| control stage |"))

    assert [stage.name for stage in ControlStage] == re.findall(r"\b[A-Z]{4,}\b", row)


def test_every_module_says_in_one_sentence_what_it_is_for(modules: list[Any]) -> None:
    silent = [
        str(module.path) for module in modules if module.text.strip() and not ast.get_docstring(module.tree)
    ]

    assert not silent, "\n".join(silent)
