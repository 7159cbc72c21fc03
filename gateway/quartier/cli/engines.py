"""``quartier engines``."""

import argparse

import quartier_native
from quartier.cli import output


def engines(options: argparse.Namespace) -> int:
    """Return which arithmetic is in use, and why."""
    engine = quartier_native.engine()
    if options.json:
        output.dump({"engine": engine.name, "why": engine.why, "kernels": dict(engine.kernels)})
    else:
        print(f"{engine.name}: {engine.why}")
        output.console().print(output.table("", ("kernel", "module"), list(engine.kernels.items())))
    return 0
