"""Hooks of mkdocs: collect the pages of the repository, generate the device catalogue and the commands.

Pages stand beside the code that they describe.  The site keeps their paths, so a link works in an editor,
on a forge and in the site.  A link to a source file becomes plain text: the site holds pages only.
"""

import contextlib
import io
import json
import os
import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[3]
FOLDERS = ("gateway", "drivers", "native", "hil", "systemd")
DOCS = Path("gateway/docs")
THIS = DOCS / "mkdocs"
ASSETS = {".svg", ".png", ".json", ".csv", ".toml"}
CATALOGUE, COMMANDS = "gateway/docs/devices.md", "gateway/docs/commands.md"

_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
_MARKER = re.compile(r"^([-*+]|\d+\.) +")
_LINK = re.compile(r"(?<!!)\[((?:`[^`]*`|[^\[\]`])*)\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give headings the anchors of GitHub, so that one link works in both places."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = make_anchor
    return config


def make_anchor(title: str, separator: str) -> str:
    """Return the anchor of a heading: lower case, no punctuation, one separator per space."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", separator)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replace the files of docs_dir by all pages of the repository, with their paths from its root."""
    chosen = [file for file in files if file.generated_by]  # those of plugins
    chosen += [
        File(path.as_posix(), str(ROOT), config.site_dir, use_directory_urls=False)
        for path in _find_sources()
    ]
    for place, make in ((CATALOGUE, make_catalogue), (COMMANDS, make_commands)):
        chosen.append(File.generated(config, place, content=make()))
    theme = [file for file in files if not file.generated_by and file.src_dir != config.docs_dir]
    return Files([*theme, *chosen])


def _find_sources() -> Iterator[Path]:
    """Yield each page, and each picture, schema and sample below gateway/docs; paths from the root."""
    yield from sorted(path.relative_to(ROOT) for path in ROOT.glob("*.md"))
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            place = path.relative_to(ROOT)
            if THIS in place.parents or "node_modules" in place.parts or not path.is_file():
                continue
            if place.suffix == ".md" or (place.suffix in ASSETS and DOCS in place.parents):
                yield place


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Adapt a page to Python-Markdown, which wants four spaces in a list, and drop links to sources."""
    del config
    known = {file.src_uri for file in files}
    here = posixpath.dirname(page.file.src_uri)
    return "".join(_adapt_lines(markdown, lambda line: _LINK.sub(_make_mend(here, known), line)))


def _make_mend(here: str, known: set[str]) -> Callable[[re.Match[str]], str]:
    def mend(match: re.Match[str]) -> str:
        text, target = match[1], match[2]
        place, hash_, anchor = target.partition("#")
        if not place or "://" in target or target.startswith("mailto:"):
            return match[0]
        path = posixpath.normpath(posixpath.join(here, place))
        if path in known:
            return match[0]
        if (readme := f"{path}/README.md") in known:
            return f"[{text}]({posixpath.relpath(readme, here or '.')}{hash_}{anchor})"
        return text

    return mend


def _adapt_lines(markdown: str, mend: Callable[[str], str]) -> Iterator[str]:
    """Yield the lines with links mended, lists indented by four spaces, and an empty line before a list."""
    fence, width, before = "", 0, ""
    for line in markdown.splitlines(keepends=True):
        found = _FENCE.match(line)
        marker = None if fence else _MARKER.match(line)
        if not fence and not marker and line.strip() and not line.startswith(" "):
            width = 0 if not before.strip() or before.startswith(("#", "|")) else width
        if marker:
            if before.strip() and not width:
                yield "\n"
            width = len(marker[0])
        indent = len(line) - len(line.lstrip(" "))
        shift = " " * (4 - width) if 0 < width < 4 and indent >= width else ""
        if found and not fence:
            fence = found[1]
        elif found and found[1].startswith(fence):
            fence = ""
        yield shift + (line if fence or found else mend(line))
        before = line


def make_catalogue() -> str:
    """Return the device catalogue, a table per protocol, from the device profiles."""
    from quartier_drivers.registry import load_protocol  # noqa: PLC0415 - the test of this file needs none

    rows: dict[str, list[dict[str, Any]]] = {}
    for row in json.loads(_run("profiles", "list", "--json")):
        rows.setdefault(row["protocol"], []).append(row)
    count = sum(map(len, rows.values()))
    lines = [
        "# Device catalogue",
        f"Quartier knows {count} devices. `quartier profiles show NAME` prints all points of one.",
        "*Quality* is the level on the scale that `quartier profiles lint` checks.",
        "*Proven* says how the profile was checked: against two independent sources, one list, or not yet.",
        "*Tested* names the firmware of a real device that was read.",
        "*Falls back* says whether the device itself ends an order when the gateway is silent.",
    ]
    for protocol, group in sorted(rows.items()):
        lines += [
            f"## {load_protocol(protocol).title}",
            "| device | profile | orders | falls back | quality | proven | tested | source |\n"
            "| --- | --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(map(_format_device, group)),
        ]
    return "\n\n".join(lines) + "\n"


def _format_device(row: dict[str, Any]) -> str:
    orders = ", ".join(f"`{name}`" for name in row["orders"])
    falls_back = ("yes" if row["falls_back"] else "no") if orders else ""
    cells = (
        f"{row['maker']} {row['model']}",
        f"`{row['profile']}`",
        orders,
        falls_back,
        row["quality"],
        row["proven"],
        row["tested"],
        row["source"],
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def make_commands() -> str:
    """Return the help of each command of ``quartier``."""
    names = re.findall(r"^    (\w[\w-]*) ", _run("--help"), re.MULTILINE)
    parts = ["# Commands", "The output of `quartier COMMAND --help`."]
    for name in dict.fromkeys(names):
        parts += [f"## quartier {name}", f"```text\n{_run(name, '--help').rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


def _run(*words: str) -> str:
    """Return what a command of ``quartier`` prints; it runs in this process."""
    from quartier.cli import main  # noqa: PLC0415 - the test of this file needs no gateway

    os.environ["COLUMNS"] = "100"
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        main(words)
    return out.getvalue()
