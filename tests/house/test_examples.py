"""What a page shows works: its site files load, its commands exist."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from quartier.config.loading import check_site_file
from quartier.district.documents import document_types, key_list

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / page
    for page in (
        "README.md",
        "CONTRIBUTING.md",
        "gateway/README.md",
        "gateway/docs/companion.md",
        "gateway/docs/district.md",
        "gateway/docs/installers.md",
        "gateway/docs/operators.md",
        "systemd/README.md",
    )
]
ASSETS = ROOT / "gateway/docs/assets"
PAGES += sorted(ASSETS.glob("*.md"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:sudo (?:-u \w+ )?)?quartier [^`]*)`")
SITE = re.compile(r"^(?:\[site\]|site = )", re.MULTILINE)


def test_every_page_is_there() -> None:
    assert not (gone := [str(page) for page in PAGES if not page.exists()]), gone


def _texts() -> list[tuple[str, str]]:
    return [
        (str(page.relative_to(ROOT)), page.read_text(encoding="utf-8")) for page in PAGES if page.exists()
    ]


def _sites() -> list[tuple[str, str]]:
    return [
        (page, block)
        for page, text in _texts()
        for language, block in BLOCK.findall(text)
        if language == "toml" and SITE.search(block)
    ]


def _commands() -> list[tuple[str, str]]:
    found = []
    for page, text in _texts():
        lines = [
            line
            for language, block in BLOCK.findall(text)
            if language != "toml"
            for line in block.splitlines()
        ]
        lines += INLINE.findall(BLOCK.sub("", text))
        for line in lines:
            command = line.split("  #")[0].split(" | ")[0].split(" > ")[0]
            command = re.sub(r"^sudo (?:-u \w+ )?", "", command.strip())
            command = re.sub(r"^(?:\S*/)?bin/quartier ", "quartier ", command)
            if command.startswith("quartier ") and "…" not in command:
                found.append((page, command))
    return sorted(set(found))


@pytest.mark.parametrize(("page", "text"), _sites(), ids=lambda value: value.split("\n")[0])
def test_a_site_file_on_a_page_loads_without_a_fault(page: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")

    assert check_site_file(path).site.assets, page


def test_what_a_page_adds_for_a_linky_loads_beside_its_house(tmp_path: Path) -> None:
    text = (ROOT / "gateway/docs/installers.md").read_text(encoding="utf-8")
    blocks = [block for language, block in BLOCK.findall(text) if language == "toml"]
    house = next(block for block in blocks if SITE.search(block))
    added = next(block for block in blocks if block.startswith("buses.tic"))
    path = tmp_path / "site.toml"
    path.write_text(house + added, encoding="utf-8")

    assert check_site_file(path).site.supplies


@pytest.mark.parametrize(("page", "command"), _commands())
def test_a_command_on_a_page_exists_with_its_options(page: str, command: str) -> None:
    words = shlex.split(re.sub(r"\[(--?[\w-]+|'[^']*'|[A-Z]+)\]", r"\1", command))[1:]
    words = [words[0], *(word.rstrip(",") for word in words[1:])]
    if words[:1] == ["config"]:
        words = words[:2]

    if words == ["--version"]:  # prints, and ends the process
        return
    parser = import_module("quartier.cli.arguments.commands").make_parser()
    assert parser.parse_args(words), page  # raises SystemExit when it cannot be


def test_documents_on_the_districts_page_are_of_their_form() -> None:
    text = (ROOT / "gateway/docs/district.md").read_text(encoding="utf-8")
    blocks = [block for language, block in BLOCK.findall(text) if language == "json"]

    _watermark, keys, heartbeat, envelope, command, schedule = blocks
    assert {"optimiser-2026", "dso-2026"} == set(key_list.parse_plain_list(keys))
    assert 1764075030000 == document_types.HeartbeatForm.model_validate_json(heartbeat).convert().n
    assert (
        4000 == document_types.EnvelopeForm.model_validate_json(envelope).convert().intervals[0].import_max_w
    )
    assert (
        -2000
        == document_types.DOCUMENT_TYPES["command"].form.model_validate_json(command).convert().asked.power_w
    )
    asked = document_types.DOCUMENT_TYPES["schedule"].form.model_validate_json(schedule).convert().intervals
    assert [(None, 80), (None, None), (-2000, None)] == [(one.power_w, one.soc_pct) for one in asked]
