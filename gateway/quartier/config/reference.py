"""Generated pages: reference of the site file, remote changes, JSON Schema."""

import json
from collections.abc import Iterator
from math import inf

from pydantic import BaseModel

from quartier.config import change_rights
from quartier.config.checks.site_draft import ASSET_SECTIONS, FIXED_SECTIONS
from quartier.config.key_table import SectionKey, list_section_keys, list_subtables
from quartier.config.sections.connection_sections import (
    ContactSection,
    NodeSection,
    ShareSection,
    SupplySection,
)
from quartier.config.sections.site_file import DeviceSection, SiteFile
from quartier_drivers.registry import BUS_KINDS, load_section

REFERENCE_HEAD = """\
# The site file

One TOML file describes a building: `/etc/quartier/site.toml`, or any file given with `--config`.
This page is made by `quartier config reference`; `quartier config sample` writes a commented file to
start from, `quartier config schema` a JSON Schema for editors, and `quartier check FILE` names every fault
with its line. A whole file is [`plan/site.toml`](plan/site.toml), which
[several things are planned](planning.md#a-whole-site-from-a-file) from.

A key carries its unit last: `_w` W, `_wh` Wh, `_a` A, `_v` V, `_hz` Hz, `_s` s, `_pct` 0..100. Plus means
that an asset takes energy from the building's bus. Names of buses, devices and assets are one name space:
a-z, 0-9 and `_`, starting with a letter, at most 32 characters; `gateway`, `node` and `event` are taken.
Keys that end in `_file` name a file by its absolute path, or a systemd credential as
`credential:NAME`; secrets never stand in this file.
"""


def render_reference() -> str:
    """Return every section and key in the order of the models, Markdown.

    Committed as gateway/docs/site-file.md.
    """
    return "\n".join([REFERENCE_HEAD, *_render_sections()])


def _render_sections() -> Iterator[str]:
    sentences = {name: field.description or "" for name, field in SiteFile.model_fields.items()}
    yield from _render_fixed_section("site")
    yield f"## `[buses.NAME]`\n\n{sentences['buses']}\n"
    for kind in BUS_KINDS:
        yield from _render_table(f'### kind = "{kind}"', load_section(kind))
    yield from _render_table("## `[devices.NAME]`", DeviceSection)
    yield f"## `[assets.NAME]`\n\n{sentences['assets']} The role says which keys there are.\n"
    for role, model in ASSET_SECTIONS.items():
        yield from _render_table(f'### role = "{role}"', model)
    yield from _render_table("## `[nodes.NAME]`", NodeSection)
    yield from _render_table("## `[contacts.NAME]`", ContactSection)
    yield from _render_table("## `[supplies.NAME]`", SupplySection)
    yield from _render_table("## `[shares.NAME]`", ShareSection)
    for name in FIXED_SECTIONS:
        if name != "site":
            yield from _render_fixed_section(name)


def _render_fixed_section(name: str) -> Iterator[str]:
    yield from _render_table(f"## `[{name}]`", FIXED_SECTIONS[name])
    for inner, model, _ in list_subtables(FIXED_SECTIONS[name]):
        yield from _render_table(f"### `[{name}.{inner}]`", model)


def _render_table(title: str, model: type[BaseModel]) -> Iterator[str]:
    sentence = (model.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    yield f"{title}\n\n{sentence}\n"
    yield "| key | value | default | meaning |\n| --- | --- | --- | --- |"
    yield from (_render_row(key) for key in list_section_keys(model))
    yield ""


def _render_row(key: SectionKey) -> str:
    default = "**required**" if key.required else f"`{key.default}`" if key.default is not None else ""
    return f"| `{key.name}` | {_escape(key.value)} | {default} | {_escape(key.sentence)} |"


def _escape(text: str) -> str:
    return text.replace("\n", " ").replace("<", "&lt;").replace(">", "&gt;").replace("|", "\\|")


_REMOTE_HEAD = """\
# What may be changed from afar

`quartier config remote` makes this page from the table that the running gateway uses. The table holds for
every message over the uplink, also a signed one. It also holds for a site file that a person sends over SSH
(`quartier apply`).

- *free*: takes effect at once, inside the bounds.
- *loosening waits*: a tighter value takes effect at once. A file with a value that loosens waits until the
  gateway has left FAILSAFE, a heartbeat is at most 60 s old and the clock is synchronised, or until its time
  window ends. Only its tighter values of this right act meanwhile. If the file is not used in the end, they
  stay until a loosening is allowed, or until a person on site changes the site file. Over SSH nothing waits:
  `quartier apply` refuses such a file. To undo a tighter value, a person on site or the district must act.
- *on site only*: refused, and the answer names each key. A person at the gateway's own console changes it, in
  either direction, with [`quartier apply`](operators.md#a-site-file-from-a-person-quartier-apply-file).

The gateway compares entries by bus, device, unit and part. A new name is a change too: the gateway remembers
minimum times, sheds and running orders by name. Every key that is not listed, now or in a later version, is
*on site only*.

## The site file

"""


def render_remote_reference() -> str:
    """Return what may be changed remotely, Markdown; committed as gateway/docs/remote.md."""
    lines = ["| keys | from afar | bounds | why |", "| --- | --- | --- | --- |"]
    for row in (*change_rights.RIGHT_ROWS, change_rights.DEFAULT_RIGHT):
        keys = ", ".join(f"`{key}`" for key in row.keys) or "all others"
        lines.append(f"| {keys} | {row.right} | {_render_bounds(row)} | {row.why} |")
    lines += ["", "## Documents, commands and jobs", ""]
    lines += ["| message | freely | loosens only with | never |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(cells)} |" for cells in MESSAGE_RIGHTS]
    return _REMOTE_HEAD + "\n".join(lines) + "\n"


def _render_bounds(row: change_rights.RightRow) -> str:
    if row.least == -inf:
        return "" if row.most == inf else f"up to {row.most:.12g}"
    return f"from {row.least:.12g}" if row.most == inf else f"{row.least:.12g}..{row.most:.12g}"


MESSAGE_RIGHTS: tuple[tuple[str, str, str, str], ...] = (
    (
        "envelope",
        "tightens, in every state",
        "a fresh heartbeat and a synchronised clock; else min(old, new)",
        "above a hard limit, contact, fuse or subscribed power",
    ),
    (
        "failsafe",
        "tightens, in every state",
        "as a site file: FAILSAFE left, a fresh heartbeat, a synchronised clock",
        "above a hard limit; a minimum duration outside 2..24 h",
    ),
    (
        "schedule, signal",
        "requests and prices, inside all caps",
        "–",
        "a cap, a reserve, a tier, a minimum time",
    ),
    (
        "command `shed`, `test_failsafe`",
        "takes more, or longer",
        "a weaker or shorter one: a fresh heartbeat and a synchronised clock",
        "a cap; a tier",
    ),
    (
        "command `setpoint`, `mode`",
        "–",
        "a fresh heartbeat, a synchronised clock, and a state in which the district leads",
        "a cap, a reserve, a person's order; never longer than 3600 s",
    ),
    ("command `release`", "–", "a fresh heartbeat and a synchronised clock", "a cap, a person's order"),
    ("command `ping`, `replay`, `reset_alarm`", "yes", "–", "a limit"),
    ("job `keys`", "a list that the offline root signed", "–", "the root itself (`district_link.root_keys`)"),
    (
        "job `config`",
        "keys of the right *free*, and tighter values of *loosening waits*",
        "keys of the right *loosening waits*; until then only the tighter values of the file act",
        "all other keys",
    ),
    ("Sparkplug NCMD, DCMD", "rebirth, next server, scan rate within 0..60 s", "–", "whatever moves power"),
)
"""What the other remote messages may do: freely, loosening only with conditions, and never."""


def render_json_schema() -> str:
    """Return JSON text; editors with TOML support use it with ``#:schema ./site.schema.json`` in line 1."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", **SiteFile.model_json_schema()}
    return json.dumps(described | {"title": "Quartier site file"}, indent=2, ensure_ascii=False) + "\n"
