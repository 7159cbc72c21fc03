"""What of a site file only a hand at the building may change, however well an order is signed (pure).

Hard limits (contract, fuses, installer) cannot be raised remotely (failsafe.md section 1, rule 4); who the
building is, whom it trusts and where secrets lie is its installer's, too.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from quartier.config.faults import Flaw
from quartier.config.model import Site
from quartier.config.words import Section

# Of the link to the district an order may change its pace alone.
_LINK_FREE = {"backfill_messages_per_s", "watermark"}
# What cables, cells, tanks and compressors bear, by the names of keys: never more, never less.
_MOST = re.compile(r"(?:^rated_w|_max_(?:a|w|c|pct|ppm|w_per_s)|^debounce_s)$")
_LEAST = re.compile(r"(?:^reserve_soc_pct|_min_(?:a|c|pct)|^min_(?:on|off)_s|^release_s)$")
# Which fuse it counts at, and that its device forgets no order.
_ASSET_SAME = ("node", "phase", "accept_no_fallback")
_LIMITS_MAX = ("contract_import_w", "contract_export_w", "import_max_w", "export_max_w", "main_fuse_a")


def refusals(now: Site, new: Site) -> Iterator[Flaw]:
    """Each change from ``now`` to ``new`` that no order may make, at its place in the new file."""
    for key in ("id", "district", "simulated", "profiles"):
        if getattr(now.site, key) != getattr(new.site, key):
            yield _kept(("site", key), getattr(now.site, key))
    yield from _of_link(now, new)
    for key in _LIMITS_MAX:
        yield from _raised(("limits", key), getattr(now.limits, key), getattr(new.limits, key))
    for name, asset in now.assets.items():
        if name in new.assets:
            yield from _of_asset(name, asset, new.assets[name])
    yield from _shown(now, new)
    yield from _protectors("nodes", now.nodes, new.nodes, ("under", "phases", "phase"))
    yield from _protectors("contacts", now.contacts, new.contacts, ("device", "part", "acts"))
    yield from _protectors("supplies", now.supplies, new.supplies, ("device", "part"))
    for table in ("buses", "devices"):
        yield from _secrets(table, getattr(now, table), getattr(new, table))
    if now.shares != new.shares:
        yield _kept(("shares",), "as it is")


def _of_link(now: Site, new: Site) -> Iterator[Flaw]:
    before, after = now.district_link, new.district_link
    if before is None or after is None:
        if before != after:
            yield _kept(("district_link",), "as it is")
        return
    for key in type(before).model_fields:
        if key not in _LINK_FREE and getattr(before, key) != getattr(after, key):
            yield Flaw(("district_link", key), "is changed by hand at the gateway only")


def _of_asset(name: str, before: Any, after: Any) -> Iterator[Flaw]:
    if before.role != after.role:
        yield _kept(("assets", name, "role"), before.role)
        return
    for key in _ASSET_SAME:
        if getattr(before, key, None) != getattr(after, key, None):
            yield _kept(("assets", name, key), getattr(before, key))
    yield from _bounds(("assets", name), before, after)


def _bounds(place: tuple[str, ...], before: Section, after: Section) -> Iterator[Flaw]:
    """What one section bears, and what the new one would have it bear."""
    for key in type(before).model_fields:
        old, new = getattr(before, key), getattr(after, key, None)
        if key == "fuse_a" or _MOST.search(key):
            yield from _raised((*place, key), old, new)
        elif _LEAST.search(key) and old is not None and (new is None or new < old):
            shown = "gone" if new is None else f"{new:g}"
            yield Flaw((*place, key), f"{shown} where {old:g} stood: lowered by hand at the gateway only")


def _shown(now: Site, new: Site) -> Iterator[Flaw]:
    """What stays in the building stays there under any name."""
    local = {(asset.device, asset.part) for asset in now.assets.values() if asset.share == "local"}
    for name, asset in new.assets.items():
        if asset.share != "local" and (asset.device, asset.part) in local:
            yield Flaw(("assets", name, "share"), "is made district by hand at the gateway only")


def _protectors(
    table: str,
    now: Mapping[str, Section],
    new: Mapping[str, Section],
    same: tuple[str, ...],
) -> Iterator[Flaw]:
    """What only tightens: it may not go, move or let more through."""
    for name, before in now.items():
        after = new.get(name)
        if after is None:
            yield Flaw((table, name), "is taken away by hand at the gateway only")
            continue
        for key in same:
            if getattr(before, key) != getattr(after, key):
                yield _kept((table, name, key), getattr(before, key))
        yield from _bounds((table, name), before, after)


def _secrets(table: str, now: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Flaw]:
    """A secret's file is shown to nobody new: where one is named, nothing is changed."""
    for name, after in new.items():
        named = [key for key in type(after).model_fields if key.endswith("_file") and getattr(after, key)]
        if named and now.get(name) != after:
            what = "stands where an order changed something: done by hand at the gateway only"
            yield Flaw((table, name, named[0]), what)


def _raised(path: tuple[str, ...], before: float | None, after: float | None) -> Iterator[Flaw]:
    """A limit that was there and is larger or gone."""
    if before is not None and (after is None or after > before):
        shown = "gone" if after is None else f"{after:g}"
        yield Flaw(path, f"{shown} where {before:g} stood: raised by hand at the gateway only")


def _kept(path: tuple[str, ...], before: object) -> Flaw:
    return Flaw(path, f"is changed by hand at the gateway only; expected {before!r}")
