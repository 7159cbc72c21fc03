"""``quartier read`` and ``quartier profiles``: one device without a site file."""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from quartier.cli import output
from quartier_drivers import profile
from quartier_drivers.errors import ConfigError, WireError

if TYPE_CHECKING:
    from quartier_drivers.modbus.reader import Row

STRANGER = (
    "it answers, but has nothing that the profile reads; quartier scan modbus names the profiles that fit it"
)


def profiles(options: argparse.Namespace) -> int:
    """Every profile with its maker, model and source; or the file of one, as it stands."""
    if options.profile is not None:
        print(profile.file_of(options.profile, options.profiles).read_text(encoding="utf-8"), end="")
        return 0
    rows = []
    for name in profile.names(options.profiles):
        try:
            head = profile.load(name, options.profiles).head
        except ConfigError as error:
            rows.append((name, "–", "–", f"{len(error.faults)} faults: {error.faults[0]}"))
            continue
        rows.append((name, head.maker, head.model, head.source))
    if options.json:
        output.dump([dict(zip(("profile", "maker", "model", "source"), row, strict=True)) for row in rows])
    else:
        output.console().print(output.table("", ("profile", "maker", "model", "source"), rows))
    return 0


def read(options: argparse.Namespace) -> int:
    """Read one device once; exit 1 when it does not answer or tells nothing, naming what to check."""
    if options.profile == "sunspec":
        from quartier.cli import models  # noqa: PLC0415 - a device that tells by itself what it has

        return models.read(options)
    try:
        rows = asyncio.run(_rows(options))
    except WireError as error:
        print(f"{options.url}: {error}", file=sys.stderr)
        return 1
    told = {row.quality.upper() for row in rows if row.quality}
    if is_stranger := told == {"BAD"}:
        print(f"{options.url}: {STRANGER}", file=sys.stderr)
    if options.json:
        output.dump([row._asdict() for row in rows])
        return int(is_stranger)
    cells = ((row.point, output.number(row.value), row.unit, row.raw, row.quality.lower()) for row in rows)
    output.console().print(output.table("", ("point", ">value", "unit", ">raw", "quality"), cells))
    return int(is_stranger)


async def _rows(options: argparse.Namespace) -> "list[Row]":
    """What the door of the profile's protocol reads."""
    loaded = profile.load(options.profile, options.profiles)
    if loaded.protocol == "sunspec":
        from quartier_drivers.sunspec.reader import read_points  # noqa: PLC0415 - a door costs what it imports

        return await read_points(loaded, options.url)  # type: ignore[arg-type]  # its protocol says which it is
    from quartier_drivers.modbus.reader import read_once  # noqa: PLC0415 - the same

    return await read_once(options.profile, options.url, folders=options.profiles)
