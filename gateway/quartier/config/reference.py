"""The reference page of the site file, made from the models; committed as gateway/docs/site-file.md."""

from collections.abc import Iterator

from pydantic import BaseModel

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
    """Markdown text, every section and key in the order of the models."""
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
