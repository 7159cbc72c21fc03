"""Write results as a JUnit file, which CI systems show: a suite per scenario, a case per promise.

A promise that was not shown is a failure too, of its own type: it is no pass.

The form is that of Jenkins' junit-10.xsd, which GitLab, GitHub's actions and others read as well.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quartier_hil.verdict.checks import Verdict

# What XML 1.0 (2.2) has no room for, even escaped.
_NO_CHARACTERS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, kw_only=True)
class Suite:
    """One scenario.  ``error``: why it could not be run or judged; then there are no verdicts.

    ``seed`` is that of everything random in it, None where it did not come so far.
    """

    scenario: str
    verdicts: Sequence[Verdict] = ()
    real_s: float = 0.0
    seed: int | None = None
    error: str = ""


def write(path: Path, suites: Sequence[Suite]) -> None:
    """Write the file, and the folder that it lies in.  Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(suites), encoding="utf-8")


def text(suites: Sequence[Suite]) -> str:
    """The document."""
    root = ET.Element("testsuites", name="quartier-hil")
    for suite in suites:
        root.append(_suite(suite))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(suite: Suite) -> ET.Element:
    failed_count = sum(not verdict.is_kept for verdict in suite.verdicts)
    made = ET.Element(
        "testsuite",
        name=_plain(suite.scenario),
        tests=str(len(suite.verdicts) or 1),
        failures=str(failed_count),
        errors=str(int(bool(suite.error))),
        skipped="0",
        time=f"{suite.real_s:.3f}",
    )
    if suite.seed is not None:
        properties = ET.SubElement(made, "properties")
        ET.SubElement(properties, "property", name="seed", value=str(suite.seed))
    for verdict in suite.verdicts:
        case = _case(made, suite, f"{verdict.check}: {verdict.promised}")
        if verdict.is_kept:
            ET.SubElement(case, "system-out").text = _plain(verdict.words)
        else:
            ET.SubElement(case, "failure", type=verdict.result, message=_plain(verdict.words))
    if not suite.verdicts:
        case = _case(made, suite, "run")
        ET.SubElement(case, "error", type="not run", message=_plain(suite.error))
    return made


def _case(made: ET.Element, suite: Suite, name: str) -> ET.Element:
    return ET.SubElement(
        made, "testcase", classname=f"quartier-hil.{_plain(suite.scenario)}", name=_plain(name), time="0"
    )


def _plain(said: str) -> str:
    return _NO_CHARACTERS.sub("?", said)
