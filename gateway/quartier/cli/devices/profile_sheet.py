"""A profile as a sheet for people: address of each point, possible orders, and what ends an order."""

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from quartier.cli.devices.profiles import NO_VALUE, describe_check, render_profile, render_proof
from quartier.cli.rendering import output
from quartier_drivers.contract import Fallback
from quartier_drivers.device_profile.fallback_rules import LIMIT_PREFIX
from quartier_drivers.device_profile.loading import Profile
from quartier_drivers.device_profile.proof_check import Proof
from quartier_drivers.device_profile.quality import find_quality
from quartier_drivers.device_profile.schema import Quantity
from quartier_drivers.points import parse_quantity

_POINT_COLUMNS = ("point", "unit", "where", "read as", "range", "every")
_ORDER_COLUMNS = ("point", "from", "to", "on release", "when nobody writes")
_RELEASE_TEXTS = {"own": "its own control", "cap": "the fail-safe cap", "hold": "stays"}


def print_sheets(profiles: Sequence[tuple[Profile, Proof]], options: argparse.Namespace) -> int:
    """Each profile with its points and its proof; ``--json`` gives a list of them."""
    if options.json:
        output.print_json(
            [
                {
                    **render_profile(one, proof),
                    "proof": render_proof(proof),
                    "points": list_profile_points(one),
                }
                for one, proof in profiles
            ]
        )
        return 0
    for place, (one, proof) in enumerate(profiles):
        _print_sheet(one, proof, is_first=place == 0)
    return 0


def _print_sheet(one: Profile, proof: Proof, *, is_first: bool) -> None:
    screen = output.make_console()
    if not is_first:
        screen.print()
    screen.print(
        output.make_table("", (one.name, f"{one.head.maker} {one.head.model}"), _list_properties(one, proof))
    )
    known = list_profile_points(one)
    screen.print()
    screen.print(
        output.make_table(
            "", _POINT_COLUMNS, ([point[key] or NO_VALUE for key in _POINT_COLUMNS] for point in known)
        )
    )
    if codes := [(point["point"], _format_codes(point["codes"])) for point in known if point["codes"]]:
        screen.print()
        screen.print(output.make_table("", ("point", "what its codes mean"), codes))
    if orders := [point["order"] | {"point": point["point"]} for point in known if point["order"]]:
        screen.print()
        screen.print(
            output.make_table(
                "", _ORDER_COLUMNS, ([order[key] for key in _ORDER_COLUMNS] for order in orders)
            )
        )


def _list_properties(one: Profile, proof: Proof) -> Iterator[tuple[str, str]]:
    yield "protocol", one.protocol
    yield "source", one.head.source
    yield "tested", one.head.tested or "on no real device yet"
    yield "proven", proof.level
    yield "quality", str(find_quality(one, proof))
    yield from (("checked with", f"{source} ({source.kind})") for source in proof.sources)
    yield from (
        ("differs", f"{d.source}: {d.point}: {d.reason or 'no reason is given'}") for d in proof.disagreements
    )
    yield from (("not counted", f"{point}: {why}") for point, why in proof.left_out.items())
    yield from (("second reader", describe_check(one)) for one in proof.checks)
    yield from one.describe()


def list_profile_points(one: Profile) -> list[dict[str, Any]]:
    """Each point as the sheet tells it; ``order`` is None where it only reads."""
    return [
        {
            "point": f"{part}.{quantity}".lstrip("."),
            "unit": output.format_unit(parse_quantity(quantity).ucum).replace("1", ""),
            "where": point.describe_place(),
            "read as": point.describe_form(),
            "range": _format_range(point.low, point.high),
            "every": f"{one.scan[point.scan]:g} s",
            "codes": {str(code): name for code, name in (getattr(point, "values", None) or {}).items()},
            "order": _render_order(quantity, point),
        }
        for part, quantities in one.parts.items()
        for quantity, point in quantities.items()
    ]


def _format_codes(codes: Mapping[str, Any]) -> str:
    return "; ".join(f"{code}: {name}" for code, name in codes.items())


def _format_range(low: float | None, high: float | None) -> str:
    return "" if low is None and high is None else f"{_format_plain(low)}..{_format_plain(high)}"


def _render_order(quantity: str, point: Quantity) -> dict[str, str] | None:
    """Return how it is written, of registers and of models alike."""
    write = getattr(point, "write", None)
    if write is None:
        return None
    release = write.on_release
    return {
        "from": _format_plain(write.low) or NO_VALUE,
        "to": _format_plain(write.high) or NO_VALUE,
        "on release": _RELEASE_TEXTS.get(release) or _format_plain(release),
        "when nobody writes": _describe_fallback(quantity, point.fallback),
    }


def _describe_fallback(quantity: str, fallback: Fallback | None) -> str:
    if fallback is None:
        return "no fallback: the last order stays"
    if fallback.after_s == math.inf:
        return "the last limit stays"
    own = "the fail-safe cap" if LIMIT_PREFIX in quantity else "its own control"
    return f"{own if fallback.value is None else _format_plain(fallback.value)} after {fallback.after_s:g} s"


def _format_plain(value: float | None) -> str:
    """Return a number without exponent; empty for None."""
    return "" if value is None else f"{value:.12g}"
