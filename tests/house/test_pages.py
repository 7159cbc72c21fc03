"""Pages lead somewhere, decisions are complete, and every module says what it is for."""

import ast
import re
from pathlib import Path
from typing import Any

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
DECISIONS = Path("gateway/decisions")


def test_every_relative_link_of_a_page_resolves(root: Path, texts: dict[Path, str]) -> None:
    broken = []
    for path, text in texts.items():
        if path.suffix != ".md":
            continue
        for target in LINK.findall(FENCE.sub("", text)):
            place = target.split("#")[0]
            outside = "://" in target or target.startswith("mailto:")
            if place and not outside and not (root / path.parent / place).exists():
                broken.append(f"{path}: {target}")

    assert not broken, "\n".join(broken)


def test_no_page_has_a_placeholder(texts: dict[Path, str]) -> None:
    found = [
        str(path) for path, text in texts.items() if path.suffix == ".md" and re.search(r"@[A-Z]+@", text)
    ]

    assert not found, "\n".join(found)


def test_decisions_are_numbered_without_gaps(files: list[Path]) -> None:
    pages = sorted(path.name for path in files if path.parent == DECISIONS and path.name != "README.md")

    assert [f"{number:04}" for number in range(1, len(pages) + 1)] == [name[:4] for name in pages]


def test_every_decision_tells_context_choice_and_price(texts: dict[Path, str]) -> None:
    incomplete = [
        f"{path}: {word}"
        for path, text in texts.items()
        if path.parent == DECISIONS and path.name != "README.md"
        for word in ("Context", "Choice", "Price")
        if not re.search(rf"^(?:#+ {word}\b|\*\*{word})", text, re.MULTILINE)
    ]

    assert not incomplete, "\n".join(incomplete)


def test_every_module_says_in_one_sentence_what_it_is_for(modules: list[Any]) -> None:
    silent = [
        str(module.path) for module in modules if module.text.strip() and not ast.get_docstring(module.tree)
    ]

    assert not silent, "\n".join(silent)
