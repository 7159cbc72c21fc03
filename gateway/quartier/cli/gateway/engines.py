"""``quartier engines``: which arithmetic is in use, compiled or reference, and why."""

import argparse

import quartier_native
from quartier.cli.rendering import output


def run_engines(options: argparse.Namespace) -> int:
    """Print which arithmetic is in use, and why."""
    engine = quartier_native.engine()
    if options.json:
        output.print_json({"engine": engine.name, "why": engine.why, "kernels": dict(engine.kernels)})
    else:
        print(f"{engine.name}: {engine.why}")
        output.make_console().print(output.make_table("", ("kernel", "module"), list(engine.kernels.items())))
    return 0
