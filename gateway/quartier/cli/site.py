"""``quartier check`` and ``quartier config``: the site file before it is used."""

import argparse
import sys

from quartier.cli import output
from quartier.config import load, reference, sample, schema
from quartier_drivers.errors import ConfigError


def check(options: argparse.Namespace) -> int:
    """Every fault at once; exit 78 when there is one."""
    try:
        loaded = load.check(options.file)
    except ConfigError as error:
        if options.json:
            output.dump(
                [{"file": f.file, "line": f.line, "key": f.key, "what": f.what} for f in error.faults],
            )
        else:
            for fault in error.faults:
                print(fault)
            print(f"{len(error.faults)} fault{'s' * (len(error.faults) != 1)}", file=sys.stderr)
        return 78
    site = loaded.site
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    from quartier.cli import bus  # noqa: PLC0415 - brings the drivers, which no page of keys needs

    for text in bus.warnings(loaded):
        print(f"warning: {text} {options.file}", file=sys.stderr)
    if options.json:
        output.dump([])
    else:
        print(
            f"{options.file}: good. Building {site.site.id} of {site.site.district}: "
            f"{output.counted(len(site.buses), 'bus', 'buses')}, "
            f"{output.counted(len(site.devices), 'device', 'devices')}, "
            f"{output.counted(len(site.assets), 'asset', 'assets')}."
        )
    return 0


def config(options: argparse.Namespace) -> int:
    """A commented sample, the reference page, or the JSON Schema for editors."""
    texts = {"sample": sample.sample, "reference": reference.reference, "schema": schema.schema}
    print(texts[options.what]().rstrip("\n"))
    return 0
