"""The reference pages of the site file: its keys, from the models, and what may be changed from afar."""

from collections.abc import Iterator
from math import inf

from pydantic import BaseModel

from quartier.config import rights
from quartier.config.capping import Contact, Supply
from quartier.config.draft import FIXED, ROLES
from quartier.config.keys import Key, keys, subtables
from quartier.config.model import Device, Site
from quartier.config.nodes import Node
from quartier.config.shares import Share
from quartier_drivers.registry import KINDS, section

HEAD = """\
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


def reference() -> str:
    """Every section and key in the order of the models, Markdown; committed as gateway/docs/site-file.md."""
    return "\n".join([HEAD, *_sections()])


def _sections() -> Iterator[str]:
    sentences = {name: field.description or "" for name, field in Site.model_fields.items()}
    yield from _fixed("site")
    yield f"## `[buses.NAME]`\n\n{sentences['buses']}\n"
    for kind in KINDS:
        yield from _table(f'### kind = "{kind}"', section(kind))
    yield from _table("## `[devices.NAME]`", Device)
    yield f"## `[assets.NAME]`\n\n{sentences['assets']} The role says which keys there are.\n"
    for role, model in ROLES.items():
        yield from _table(f'### role = "{role}"', model)
    yield from _table("## `[nodes.NAME]`", Node)
    yield from _table("## `[contacts.NAME]`", Contact)
    yield from _table("## `[supplies.NAME]`", Supply)
    yield from _table("## `[shares.NAME]`", Share)
    for name in FIXED:
        if name != "site":
            yield from _fixed(name)


def _fixed(name: str) -> Iterator[str]:
    yield from _table(f"## `[{name}]`", FIXED[name])
    for inner, model, _ in subtables(FIXED[name]):
        yield from _table(f"### `[{name}.{inner}]`", model)


def _table(title: str, model: type[BaseModel]) -> Iterator[str]:
    sentence = (model.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    yield f"{title}\n\n{sentence}\n"
    yield "| key | value | default | meaning |\n| --- | --- | --- | --- |"
    yield from (_row(key) for key in keys(model))
    yield ""


def _row(key: Key) -> str:
    default = "**required**" if key.required else f"`{key.default}`" if key.default is not None else ""
    return f"| `{key.name}` | {_escaped(key.value)} | {default} | {_escaped(key.sentence)} |"


def _escaped(text: str) -> str:
    return text.replace("\n", " ").replace("<", "&lt;").replace(">", "&gt;").replace("|", "\\|")


_REMOTE = """\
# What may be changed from afar

`quartier config remote` makes this page from the table that the running gateway uses. The table holds for
every message over the uplink, also a signed one. It also holds for a site file that a person sends over SSH
(`quartier apply`).

- *free*: takes effect at once, inside the bounds.
- *loosening waits*: a tighter value takes effect at once. A file with a value that loosens waits as a whole.
  It waits until the gateway has left FAILSAFE, a heartbeat is at most 60 s old and the clock is synchronised,
  or until its time window ends. Over SSH nothing waits: `quartier apply` refuses
  such a file. To undo a tighter value, a person on site or the district must act.
- *on site only*: refused, and the answer names each key. A person at the gateway's own console changes it, in
  either direction, with [`quartier apply`](operators.md#a-site-file-from-a-person-quartier-apply-file).

The gateway compares entries by bus, device, unit and part. A new name is a change too: the gateway remembers
minimum times, sheds and running orders by name. Every key that is not listed, now or in a later version, is
*on site only*.

## The site file

"""


def remote() -> str:
    """What may be changed from afar, Markdown; committed as gateway/docs/remote.md."""
    lines = ["| keys | from afar | bounds | why |", "| --- | --- | --- | --- |"]
    for row in (*rights.ROWS, rights.DEFAULT):
        keys = ", ".join(f"`{key}`" for key in row.keys) or "all others"
        lines.append(f"| {keys} | {row.right} | {_bounds(row)} | {row.why} |")
    lines += ["", "## Documents, commands and jobs", ""]
    lines += ["| message | freely | loosens only with | never |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(cells)} |" for cells in rights.MESSAGES]
    return _REMOTE + "\n".join(lines) + "\n"


def _bounds(row: rights.Row) -> str:
    if row.least == -inf:
        return "" if row.most == inf else f"up to {row.most:.12g}"
    return f"from {row.least:.12g}" if row.most == inf else f"{row.least:.12g}..{row.most:.12g}"
