"""``quartier drill``: choose the drill that was asked for; run the simulated one in a process of its own."""

import argparse
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from quartier.cli.operation import gateway_status
from quartier.cli.rendering import output
from quartier.commissioning.drill import loss_results
from quartier.commissioning.drill.loss_results import format_seconds
from quartier.runtime.local_socket.questions import NoDaemon, ask


def run_drill(options: argparse.Namespace) -> int:
    """Run one; the exit codes are those of its help."""
    if options.reference:
        return _print_reference(options.reference)
    if options.declared:
        return _print_declared(options)
    if options.on_site or options.verify:
        from quartier.cli.drill import on_site  # noqa: PLC0415 - brings the library that signs

        return on_site.verify_record(options) if options.verify else on_site.run_on_site(options)

    return run_simulated_drill(options)


def _print_reference(what: str) -> int:
    """Print what the pages of the documentation are made of."""
    from quartier.cli.drill import reference_pages  # noqa: PLC0415 - the documentation alone needs them

    print(
        reference_pages.render_loss_page() if what == "page" else reference_pages.render_link_picture(),
        end="",
    )
    return 0


def _print_declared(options: argparse.Namespace) -> int:
    """Print the loss table of a running gateway, with its own periods and timers."""
    try:
        rows = ask(options.runtime_dir, "ladder")["rows"]
    except NoDaemon as closed:
        return gateway_status.report_no_daemon(closed)
    if options.json:
        output.print_json(rows)
        return 0
    heads = ("loss", "of", ">noticed", ">done by", "what is done", "where", "comes back")
    cells = (
        (
            row["name"],
            row["of"],
            format_seconds(row["noticed_s"]),
            format_seconds(row["deadline_s"]),
            row["action"],
            row["where"],
            row["back"],
        )
        for row in rows
    )
    output.make_console().print(output.make_table("", heads, cells))
    return 0


RIG_MODULE = "quartier_hil"
NO_RIG = "the rig is not installed: pip install quartier-hil; on a gateway drill --on-site does without it"


def run_simulated_drill(options: argparse.Namespace) -> int:
    """Run it; 0 every deadline kept, 1 one broken or not judged, 2 wrong use or no rig."""
    if importlib.util.find_spec(RIG_MODULE) is None:
        print(NO_RIG, file=sys.stderr)
        return 2
    words = [*options.losses, "--report", str(options.report)]
    words += ["--rate", str(options.rate)] if options.rate else []
    words += ["--systemd"] if options.systemd else []
    outcomes = []
    with subprocess.Popen(  # noqa: S603 - our own rig
        [sys.executable, "-m", f"{RIG_MODULE}.cli", "drill", *words], stdout=subprocess.PIPE, text=True
    ) as rig:
        try:
            for progress in _read_lines(rig):
                if progress["state"] == "making":
                    _print_progress(f"{progress['loss']} {progress['of']}".rstrip(), progress)
                else:
                    outcomes.append(loss_results.evaluate_loss(progress))
                    _print_progress(outcomes[-1].verdict, progress)
        except KeyboardInterrupt:
            rig.terminate()
        code = rig.wait()
    return _print_results(options, outcomes, code)


def _read_lines(rig: "subprocess.Popen[str]") -> Iterator[Mapping[str, Any]]:
    assert rig.stdout is not None
    return (json.loads(line) for line in rig.stdout if line.startswith("{"))


def _print_progress(head: str, progress: Mapping[str, Any]) -> None:
    if progress["state"] == "making":
        print(f"{head}: {progress['how']} (about {progress['about_s']:.0f} s) …", file=sys.stderr, flush=True)
    else:
        why = f": {progress['why']}" if progress.get("why") else ""
        print(f"  {head}{why}", file=sys.stderr, flush=True)


def _print_results(options: argparse.Namespace, outcomes: list[loss_results.LossResult], code: int) -> int:
    if not outcomes:
        return code or 1
    page = _write_page(options.report, outcomes)
    if options.json:
        output.print_json([one.dump for one in outcomes])
    else:
        output.make_console().print(
            output.make_table("", loss_results.RESULT_COLUMNS, loss_results.make_result_rows(outcomes))
        )
        print(f"{_format_counts(outcomes)}; the page with all curves: {page}")
    bad = [one for one in outcomes if one.verdict not in (loss_results.KEPT, loss_results.SKIPPED)]
    return 1 if bad or code else 0


def _write_page(folder: Path, outcomes: list[loss_results.LossResult]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder.resolve() / "index.html"
    path.write_text(loss_results.render_result_page(outcomes, folder.resolve()), encoding="utf-8")
    return path


def _format_counts(outcomes: list[loss_results.LossResult]) -> str:
    verdicts = [one.verdict for one in outcomes]
    found = {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)}
    return ", ".join(f"{count} {verdict}" for verdict, count in found.items())
