"""``quartier drill --simulated``: starts the rig as a process of its own and tells what came of each loss."""

import argparse
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from quartier.cli import output
from quartier.cli.drill import judgement, report

RIG = "quartier_hil"
NO_RIG = "the rig is not installed: pip install 'quartier[hil]'; on a gateway drill --on-site does without it"


def simulated(options: argparse.Namespace) -> int:
    """Run it; 0 every deadline kept, 1 one broken or not judged, 2 wrong use or no rig."""
    if importlib.util.find_spec(RIG) is None:
        print(NO_RIG, file=sys.stderr)
        return 2
    words = [*options.losses, "--report", str(options.report)]
    words += ["--rate", str(options.rate)] if options.rate else []
    words += ["--systemd"] if options.systemd else []
    outcomes = []
    with subprocess.Popen(  # noqa: S603 - our own rig
        [sys.executable, "-m", f"{RIG}.cli", "drill", *words], stdout=subprocess.PIPE, text=True
    ) as rig:
        try:
            for told in _lines(rig):
                if told["state"] == "making":
                    _progress(f"{told['loss']} {told['of']}".rstrip(), told)
                else:
                    outcomes.append(judgement.judged(told))
                    _progress(outcomes[-1].verdict, told)
        except KeyboardInterrupt:
            rig.terminate()
        code = rig.wait()
    return _told(options, outcomes, code)


def _lines(rig: "subprocess.Popen[str]") -> Iterator[Mapping[str, Any]]:
    assert rig.stdout is not None
    return (json.loads(line) for line in rig.stdout if line.startswith("{"))


def _progress(word: str, told: Mapping[str, Any]) -> None:
    if told["state"] == "making":
        print(f"{word}: {told['how']} (about {told['about_s']:.0f} s) …", file=sys.stderr, flush=True)
    else:
        why = f": {told['why']}" if told.get("why") else ""
        print(f"  {word}{why}", file=sys.stderr, flush=True)


def _told(options: argparse.Namespace, outcomes: list[judgement.Outcome], code: int) -> int:
    if not outcomes:
        return code or 1
    page = _page(options.report, outcomes)
    if options.json:
        output.dump([one.facts for one in outcomes])
    else:
        output.console().print(output.table("", judgement.HEADS, judgement.rows(outcomes)))
        print(f"{_count(outcomes)}; the page with all curves: {page}")
    bad = [one for one in outcomes if one.verdict not in (judgement.KEPT, judgement.SKIPPED)]
    return 1 if bad or code else 0


def _page(folder: Path, outcomes: list[judgement.Outcome]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder.resolve() / "index.html"
    path.write_text(report.page(outcomes, folder.resolve()), encoding="utf-8")
    return path


def _count(outcomes: list[judgement.Outcome]) -> str:
    verdicts = [one.verdict for one in outcomes]
    found = {word: verdicts.count(word) for word in dict.fromkeys(verdicts)}
    return ", ".join(f"{count} {word}" for word, count in found.items())
