import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from quartier.cli import main
from quartier.config.sample import render_sample
from quartier.runtime.local_socket.orders import OrderServer


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(render_sample(), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("what", "begin"), [("sample", "# A building"), ("reference", "# The site file"), ("schema", "{")]
)
def test_config_prints_what_is_asked(what: str, begin: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["config", what])
    assert capsys.readouterr().out.startswith(begin)


def test_the_sample_that_is_printed_is_a_good_site_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["config", "sample"])
    path = tmp_path / "site.toml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")

    assert 0 == main(["check", "--json", str(path)])
    told = json.loads(capsys.readouterr().out)
    assert (True, []) == (told["good"], told["faults"])


# quartier apply, over the socket that a daemon serves


@pytest.fixture
async def asked(good: Path, tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """``await asked(answer, *words)`` gives the exit code and what the daemon was asked."""
    answers: list[dict[str, Any]] = []
    seen: list[Mapping[str, Any]] = []

    async def answered(request: Mapping[str, Any], *_: object) -> dict[str, Any]:
        seen.append(request)
        return answers[-1]

    async def run(answer: dict[str, Any], *words: str) -> tuple[int, Mapping[str, Any]]:
        answers.append(answer)
        words = ("apply", str(good), "--runtime-dir", str(tmp_path), *words)
        return await asyncio.to_thread(main, list(words)), seen[-1]

    log = structlog.testing.CapturingLogger()
    task = asyncio.create_task(OrderServer(tmp_path, {}, log, on_site={"apply": answered}).run())
    while not (tmp_path / "operators.sock").exists():  # noqa: ASYNC110 - the socket is all there is to see
        await asyncio.sleep(0)
    yield run
    task.cancel()


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (
            {"changed": ["devices.gx.unit"], "at": "the console tty1", "used": True},
            0,
            "in use (at the console tty1)",
        ),
        ({"changed": ["devices.gx.unit"], "at": "", "used": False}, 0, "may be applied"),
        ({"changed": [], "at": "", "used": False}, 0, "nothing is changed"),
        (
            {
                "changed": ["a.b"],
                "at": "",
                "used": False,
                "error": "a person is needed",
                "faults": ["x:3: a.b"],
            },
            1,
            "site.toml: nothing was applied: a person is needed",
        ),
        (
            {"error": "it has faults", "faults": ["x:9: limits"]},
            78,
            "site.toml: nothing was applied: it has faults",
        ),
        ({"changed": ["a.b"], "at": "", "used": False, "error": "it is kept"}, 1, "site.toml: it is kept"),
    ],
)
async def test_apply_says_what_became_of_it(
    asked: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
    answer: dict[str, Any],
    code: int,
    said: str,
) -> None:
    assert code == (await asked(answer))[0]
    told = capsys.readouterr()
    assert said in told.out + told.err
    assert code == (await asked(answer, "--json"))[0]
    assert answer == json.loads(capsys.readouterr().out)


async def test_apply_sends_the_whole_text_and_the_name_of_the_file(
    asked: Callable[..., Any], good: Path
) -> None:
    _, seen = await asked({"changed": [], "at": "", "used": False}, "--check")

    assert {"do": "apply", "file": str(good), "text": render_sample(), "check": True} == seen


def test_a_file_that_cannot_be_sent_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 78 == main(["apply", str(tmp_path / "gone.toml")])
    (tmp_path / "long.toml").write_text("#" * 300_000)
    assert 78 == main(["apply", str(tmp_path / "long.toml")])
    (tmp_path / "site.toml").write_text("x = 1")
    assert 69 == main(["apply", str(tmp_path / "site.toml"), "--runtime-dir", str(tmp_path)])
    told = capsys.readouterr().err
    assert ("cannot be read" in told, "at most 131072 bytes" in told) == (True, True)
