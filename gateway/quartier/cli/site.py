"""``quartier check``, ``quartier config`` and ``quartier apply``: the site file before it is used."""

import argparse
import sys

from quartier.cli import hands, output
from quartier.config import load, reference, sample, schema
from quartier.control.plausibility.detection import find_detections
from quartier.house.assets import House
from quartier.runtime.desk import Closed
from quartier.runtime.operators import REQUEST_MAX_BYTES, order
from quartier_drivers.errors import ConfigError

# A site file of many devices is checked, kept and adopted meanwhile.
APPLY_S = 90.0


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
    from quartier.app import assembly, pace  # noqa: PLC0415 - as below
    from quartier.cli import bus  # noqa: PLC0415 - brings the drivers, which no page of keys needs
    from quartier.control import gridrows, minimum_times  # noqa: PLC0415 - brings the kernels

    for text in bus.warnings(loaded):
        print(f"warning: {text} {options.file}", file=sys.stderr)
    if missing := gridrows.shortfall(pace.frequency_s(loaded)):
        print(f"note: {missing}", file=sys.stderr)
    if options.json:
        output.dump([])
    else:
        print(
            f"{options.file}: good. Building {site.site.id} of {site.site.district}: "
            f"{output.counted(len(site.buses), 'bus', 'buses')}, "
            f"{output.counted(len(site.devices), 'device', 'devices')}, "
            f"{output.counted(len(site.assets), 'asset', 'assets')}."
        )
        house = assembly.known_house(loaded)
        _show_detections(house)
        for text in minimum_times.sentences(house):
            print(text)
    return 0


def _show_detections(house: House) -> None:
    """Print which faults of the connection meter the site can detect."""
    rows = [
        (one.fault, one.verdict or "not detected", ", ".join(one.by) or f"needs {one.missing}")
        for one in find_detections(house)
    ]
    title = f"Faults of the grid meter ({house.grid.name}) that this site detects"
    output.console().print(output.table(title, ("fault", "verdict", "by"), rows))


def config(options: argparse.Namespace) -> int:
    """A commented sample, a page of reference, or the JSON Schema for editors."""
    texts = {
        "sample": sample.sample,
        "reference": reference.reference,
        "schema": schema.schema,
        "remote": reference.remote,
    }
    print(texts[options.what]().rstrip("\n"))
    return 0


def apply(options: argparse.Namespace) -> int:
    """Hand a site file to the running gateway; exit 1 when it is refused, 78 when it has faults."""
    try:
        text = options.file.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        print(f"{options.file}: cannot be read: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return 78
    if len(text.encode()) * 2 > REQUEST_MAX_BYTES:
        print(f"{options.file}: expected at most {REQUEST_MAX_BYTES // 2} bytes", file=sys.stderr)
        return 78
    try:
        answer = order(options.runtime_dir, "apply", APPLY_S, text=text, check=options.check)
    except Closed as closed:
        return hands.nobody(closed)
    has_faults = "error" in answer and "changed" not in answer
    if options.json:
        output.dump(answer)
        return 78 if has_faults else int("error" in answer)
    for key in answer.get("changed", ()):
        print(f"changes {key}")
    for fault in answer.get("faults", ()):
        print(fault, file=sys.stderr)
    if "error" in answer:
        print(f"{options.file}: {answer['error']}", file=sys.stderr)
        return 78 if has_faults else 1
    where = f" (at {answer['at']})" if answer["at"] else ""
    done = "in use" if answer["used"] else "may be applied" if answer["changed"] else "nothing is changed"
    print(f"{options.file}: {done}{where}")
    return 0
