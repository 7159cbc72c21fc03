"""What the tests of sets of scenarios share: children that leave a report at once and start nothing."""

import json
import sys

import pytest

from quartier_hil.scenario import builtin_scenarios
from quartier_hil.suite.scenario_queue import ScenarioQueue

TEXT = 'title = "{name}"\nstart = 2026-06-12T18:30:00\nduration_s = 60\nrate = 20\n'
CHILD = """\
import json, pathlib, sys, time
report, name, how, left = sys.argv[1:5]
print("what", name, "said")
if how == "hangs":
    pathlib.Path(report, "hangs").touch()
    time.sleep(600)
if how == "fails":
    sys.exit("is not a broker")
pathlib.Path(report, "run.json").write_text(left)
sys.exit(json.loads(left)["verdicts"][0]["holds"] is False)
"""


@pytest.fixture
def scenarios(tmp_path, monkeypatch):
    """Three scenarios a, b and c in the place of the set ``all``."""
    paths = {name: tmp_path / f"{name}.toml" for name in "abc"}
    for name, path in paths.items():
        path.write_text(TEXT.format(name=name))
    monkeypatch.setattr(
        "quartier_hil.suite.run_command.SCENARIO_SETS",
        {"all": lambda: paths, "short": builtin_scenarios.list_short},
    )
    return paths


@pytest.fixture
def children(monkeypatch):
    """What becomes of each by its name (kept, broken, fails, hangs), and which of them were run."""

    class Children:
        become = {"a": "kept", "b": "kept", "c": "kept"}  # noqa: RUF012 - one a test
        ran = []  # noqa: RUF012 - one a test

    found = Children()
    found.become, found.ran = dict(Children.become), []

    def argv(_self, path, folder):
        how = found.become[path.stem]
        found.ran.append(path.stem)
        verdict = {"check": "x", "promised": "1", "measured": "1", "holds": how != "broken"}
        left = json.dumps({"verdicts": [verdict], "figures": {}, "real_s": 3.0, "scenario": {"rate": 20.0}})
        return [sys.executable, "-c", CHILD, str(folder), path.stem, how, left]

    monkeypatch.setattr(ScenarioQueue, "_argv", argv)
    return found
