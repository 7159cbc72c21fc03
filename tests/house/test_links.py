"""Links of pages and citations of specifications in comments lead to a page and an anchor that exist."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n.*?^\1", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
DOCS = Path("gateway/docs")
# One form for code, comments and docstrings: the page below gateway/docs with an anchor.
CITED = re.compile(r"\b((?:spec/(?:failsafe|sync)|architecture|glossary)\.md)(?:#([\w-]+))?")
# Specifications that are named in another way than by that form.
UNLINKED = re.compile(
    r"(?<![\w/.-])(?:house|sync)\.md|(?<![\w/.\"-])failsafe\.md|(?:failsafe|sync|architecture)\.md,? (?:section|rule)"
)
CODE = {".py", ".pyi", ".pyx", ".pxd", ".toml", ".proto", ".service", ".sh", ".c", ".h"}
THIS = Path("tests/house/test_links.py")


@cache
def _anchors(text: str) -> frozenset[str]:
    """Return the explicit anchors of a page and those that GitHub makes of its headings."""
    found = set(ANCHOR.findall(text))
    counts: dict[str, int] = {}
    for title in HEADING.findall(FENCE.sub("", text)):
        slug = _slug(title)
        count = counts.get(slug, 0)
        counts[slug] = count + 1
        found.add(f"{slug}-{count}" if count else slug)
    return frozenset(found)


def _slug(title: str) -> str:
    plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)|<[^>]*>", r"\1", title)
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def _links(text: str) -> Iterator[str]:
    prose = FENCE.sub("", text)
    for target in LINK.findall(INLINE_CODE.sub("``", prose) if "](" in prose else ""):
        if "://" not in target and not target.startswith("mailto:"):
            yield target


def _wrong_links(root: Path, texts: dict[Path, str]) -> Iterator[str]:
    for path, text in texts.items():
        if path.suffix != ".md":
            continue
        for target in _links(text):
            place, _, anchor = target.partition("#")
            page = Path(_normal(path.parent / place)) if place else path
            if not (page in texts or (root / page).exists()):
                yield f"{path}: {target}: no such file"
            elif anchor and page.suffix == ".md" and anchor not in _anchors(texts[page]):
                yield f"{path}: {target}: no such anchor"


def _normal(path: Path) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _wrong_citations(texts: dict[Path, str]) -> Iterator[str]:
    for path, text in texts.items():
        if path.suffix not in CODE or path == THIS or ".md" not in text:
            continue
        for match in CITED.finditer(text):
            page, anchor = DOCS / match[1], match[2]
            if page not in texts:
                yield f"{path}: {match[0]}: no such page"
            elif anchor and anchor not in _anchors(texts[page]):
                yield f"{path}: {match[0]}: no such anchor"


def test_every_link_of_a_page_leads_to_a_file_and_an_anchor(root: Path, texts: dict[Path, str]) -> None:
    assert not (wrong := list(_wrong_links(root, texts))), "\n".join(wrong)


def test_every_citation_in_code_leads_to_an_anchor_of_a_specification(texts: dict[Path, str]) -> None:
    assert not (wrong := list(_wrong_citations(texts))), "\n".join(wrong)


def test_specifications_are_cited_by_path_and_anchor_only(texts: dict[Path, str]) -> None:
    wrong = [
        f"{path}: {match[0]}: write spec/failsafe.md#rule-7"
        for path, text in texts.items()
        if path.suffix in CODE and path != THIS and ".md" in text
        for match in UNLINKED.finditer(text)
    ]

    assert not wrong, "\n".join(wrong)


def test_anchors_of_a_page_are_unique(texts: dict[Path, str]) -> None:
    wrong = [
        f"{path}: {anchor}"
        for path, text in texts.items()
        if path.suffix == ".md" and "<a id=" in text
        for anchor, count in Counter(ANCHOR.findall(text)).items()
        if count > 1
    ]

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", ["spec/failsafe.md", "spec/sync.md"])
def test_every_rule_and_section_of_a_specification_has_its_anchor(page: str, texts: dict[Path, str]) -> None:
    text = texts[DOCS / page]
    sections = re.findall(r"^## (\d+)\. ", text, re.MULTILINE)
    rules = re.findall(r"^(\d+)\. <a id=\"rule-(\d+)\"></a>", text, re.MULTILINE)

    assert [f"section-{number}" for number in sections] == re.findall(
        r"<a id=\"(section-\d+)\"></a>\n##", text
    )
    assert rules == [(str(number), str(number)) for number in range(1, len(rules) + 1)]
    assert len(rules) == (12 if page == "spec/failsafe.md" else 0)


def test_a_broken_link_anchor_or_citation_is_found(root: Path) -> None:
    spec = DOCS / "spec/failsafe.md"
    texts = {
        Path("a.md"): "# A b\n[x](b.md) [y](#a-b) [z](#c) `[q](no.md)`\n\n```\n[r](no.md)\n```\n",
        Path("c/d.md"): "[x](../a.md#a-b) [y](../a.md#nothing)",
        spec: '1. <a id="rule-1"></a>x',
        Path("e.py"): '"""See spec/failsafe.md#rule-1, spec/failsafe.md#rule-9 and spec/sync.md#keys."""',
    }

    assert [
        "a.md: b.md: no such file",
        "a.md: #c: no such anchor",
        "c/d.md: ../a.md#nothing: no such anchor",
    ] == [*_wrong_links(root, texts)]
    assert ["e.py: spec/failsafe.md#rule-9: no such anchor", "e.py: spec/sync.md#keys: no such page"] == [
        *_wrong_citations(texts)
    ]
