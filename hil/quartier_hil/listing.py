"""``quartier-hil list``: the scenarios that come with the rig, and what they prove."""

import argparse


def parser(made: argparse.ArgumentParser) -> None:
    """Fill in the arguments of ``quartier-hil list``."""
    made.add_argument(
        "--rows",
        action="store_true",
        help="which of them proves which row of the fail-safe specification, as a page in Markdown",
    )
    made.add_argument("--short", action="store_true", help="those that CI runs over wires, and why each")
    made.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print the list, or the page; returns the exit code."""
    from quartier_hil import coverage, scenario, shelf  # noqa: PLC0415 - what is heavy, on first use

    if options.rows:
        print(coverage.page(shelf.builtin()), end="")
        return 0
    shown = shelf.short() if options.short else shelf.builtin()
    width = max(map(len, shown))
    for name, path in shown.items():
        loaded = scenario.load(path)
        print(f"{name:{width}} {loaded.duration_s / 60:6.0f} min  {loaded.title}")
        if options.short:
            print(f"{'':{width + 12}}{shelf.SHORT[name]}; about {loaded.duration_s / loaded.rate:.0f} s")
    print(f"\nThey lie in {path.parent}")
    return 0
