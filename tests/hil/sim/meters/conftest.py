"""Decoders of other stacks, beside us: they judge what the rig's meters say."""

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

PEERS = Path(__file__).parents[3] / "peers"
Judge = Callable[[str, Iterable[Any]], list[Any]]


@pytest.fixture(scope="session")
def judge() -> Judge:
    """``judge("p1", rows)``: what ``judge_p1.py`` makes of each row, in its own venv."""
    python = PEERS / "judges" / "bin" / "python"
    if not python.exists():
        pytest.skip("the judges are not installed (tests/peers/install.sh)")

    def ask(name: str, rows: Iterable[Any]) -> list[Any]:
        asked = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
        run = subprocess.run(
            [str(python), str(PEERS / f"judge_{name}.py")],
            input=asked,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if run.returncode and "absent: " in run.stderr:
            pytest.skip(f"{run.stderr.strip()}: tests/peers/install.sh brings it")
        assert 0 == run.returncode, run.stderr[-3_000:]
        return [json.loads(line) for line in run.stdout.splitlines()]

    return ask
