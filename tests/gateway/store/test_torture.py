"""A disk that fails at any moment: what the store then loses, and what it says of it.

A stride over the moments in CI; every one of them with ``QUARTIER_TORTURE=full``.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TORTURE = [sys.executable, str(HERE / "torture.py")]
FULL = os.environ.get("QUARTIER_TORTURE") == "full"
STRIDE = 1 if FULL else 9
CUTS = 200 if FULL else 25
COMMITS = 60
WRITE, SYNC, OPEN, RENAME = 1, 2, 4, 8
EIO, ENOSPC, EROFS, SHORT = 5, 28, 30, -1
FAULTS = [
    *((WRITE, error) for error in (EIO, ENOSPC, EROFS, SHORT)),
    *((kind, error) for kind in (SYNC, OPEN, RENAME) for error in (EIO, ENOSPC, EROFS)),
]

Attempt = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def attempt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attempt]:
    """One life of a store in a folder whose disk fails at the ``nth`` call of a kind."""
    folder = tmp_path_factory.mktemp("faults")
    made = folder / "faults.so"
    command = ["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(made), str(HERE / "faults.c")]
    subprocess.run([*command, "-ldl"], check=True)
    with subprocess.Popen(
        [*TORTURE, "tries"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LD_PRELOAD": str(made)},
    ) as process:
        assert process.stdin
        assert process.stdout

        def one(kind: int, nth: int, error: int, *, lasting: bool, end: str) -> dict[str, Any]:
            shutil.rmtree(folder / "try", ignore_errors=True)
            process.stdin.write(f"{folder / 'try'} {kind} {nth} {error} {int(lasting)} {end}\n")
            process.stdin.flush()
            found: dict[str, Any] = json.loads(process.stdout.readline())
            return found

        yield one


@pytest.mark.parametrize("end", ["heal", "kill"])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize(("kind", "error"), FAULTS, ids=str)
def test_whatever_call_fails_nothing_is_lost_and_the_loop_never_asks_the_disk(
    attempt: Attempt, kind: int, error: int, *, lasting: bool, end: str
) -> None:
    nth, fired = 1, True
    while fired:
        found = attempt(kind, nth, error, lasting=lasting, end=end)
        assert "code" not in found, f"call {nth}: the process died"
        fired = found.pop("fired") > 0
        numbered = found.pop("numbered")
        assert {"by_loop": 0, "kept": numbered, "twice": 0, "wrong": [], "gaps": []} == found, nth
        nth += STRIDE
    assert nth > 1 + STRIDE, "no call ever failed"


@pytest.mark.parametrize("nth", range(1, 60, 2 * STRIDE))
def test_a_machine_that_dies_with_its_failing_disk_names_what_is_gone(attempt: Attempt, nth: int) -> None:
    found = attempt(WRITE, nth, EIO, lasting=False, end="cut")
    assert (0, 0, []) == (found["by_loop"], found["twice"], found["wrong"])
    assert found["kept"] < found["numbered"], "a journal that is gone cannot be read"
    # Before the first commit there was nothing that a later boot could know of.
    assert ["power-cut"] == found["gaps"] or not found["kept"]


@pytest.mark.peer
def test_a_power_cut_at_any_moment_costs_one_commit_and_the_record_says_so(disk: Any, tmp_path: Path) -> None:
    with disk.served():
        said = lived(disk, tmp_path / "run")
        last = disk.count
    dice = random.Random(20)
    moments = sorted(dice.randrange(said[0][0], last) for _ in range(CUTS))
    with subprocess.Popen(
        [*TORTURE, "left"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        for number, (moment, image) in enumerate(disk.images(moments, dice)):
            committed_s = max(seconds for count, seconds in said if count <= moment)
            with disk.cut(image) as place:
                process.stdin.write(f"{place} {tmp_path / f'again{number}'}\n")
                process.stdin.flush()
                found = json.loads(process.stdout.readline())
            assert ([], ["power-cut"]) == (found["wrong"], found["gaps"]), moment
            for seqs in found["seqs"].values():
                assert list(range(1, len(seqs) + 1)) == seqs
                assert committed_s <= len(seqs) <= committed_s + 10
        process.stdin.close()
    assert process.returncode == 0


def lived(disk: Any, runtime: Path) -> list[tuple[int, int]]:
    """A life of some minutes on the disk: after each commit, requests logged and seconds committed."""
    said = []
    with subprocess.Popen(
        [*TORTURE, "live", str(disk.mount), str(runtime)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(COMMITS):
            seconds = int(process.stdout.readline())
            said.append((disk.count, seconds))
            process.stdin.write("on\n")
            process.stdin.flush()
        process.kill()
    return said
