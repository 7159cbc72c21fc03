"""``quartier-hil matrix``: the scenarios of the page of classes and verbs, run and written down."""

import argparse
import sys
import tempfile
from pathlib import Path

KEPT, BROKEN = 0, 1
VERDICTS = Path("reports") / "verdicts.md"


def parser(made: argparse.ArgumentParser) -> None:
    """Fill in the arguments of ``quartier-hil matrix``."""
    made.description = (
        "Runs the scenarios in which each class of device fails in each of the seven ways, without wires, "
        "and writes the page that tells what came of each, in a minute or two. "
        "Exit code 0: each was kept, 1: one was broken."
    )
    made.add_argument("--page", type=Path, metavar="FILE", help="write the page there [standard output]")
    made.add_argument(
        "--verdicts",
        type=Path,
        metavar="FILE",
        default=VERDICTS,
        help="results over wires, written by `quartier-hil run`, for devices that need them [%(default)s]",
    )
    made.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Run them and write the page."""
    from quartier_hil import matrix, shelf  # noqa: PLC0415 - what is heavy, on first use
    from quartier_hil.offline import cells  # noqa: PLC0415 - as above
    from quartier_hil.offline.refusal import fits  # noqa: PLC0415 - as above
    from quartier_hil.scenario import load  # noqa: PLC0415 - as above

    results: dict[tuple[str, str, str], str] = {}
    for name in matrix.names():
        if not fits(shelf.find(name)):
            continue
        with tempfile.TemporaryDirectory(prefix="quartier-matrix-") as folder:
            results |= cells.told(name, cells.performed(load(shelf.find(name)), Path(folder)))
    verdicts: Path = options.verdicts
    kept = matrix.kept_on_wires(verdicts.read_text("utf-8")) if verdicts.is_file() else {}
    text = matrix.page(results, kept)
    if options.page:
        options.page.parent.mkdir(parents=True, exist_ok=True)
        options.page.write_text(text, "utf-8")
    else:
        sys.stdout.write(text)
    return BROKEN if "broken" in results.values() else KEPT
