import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from quartier.cli import main
from quartier.config.sample import sample
from quartier.runtime.operators import Operators


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(sample(), encoding="utf-8")
    return path


@pytest.fixture
def bad(good: Path) -> Path:
    text = good.read_text(encoding="utf-8")
    good.write_text(
        text.replace('id = "b012"', 'id = "b.012"').replace("[limits]", "[limit]"), encoding="utf-8"
    )
    return good


def test_a_good_file_is_said_to_be_good(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["check", str(good)])
    assert "good. Building b012 of issy" in capsys.readouterr().out


def test_the_largest_excess_of_minimum_times_is_shown(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["check", str(good)])
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "a new import limit" in line]
    assert said.startswith("minimum times: at most ")
    assert said.endswith("never above a fuse or breaker")


def test_one_of_a_kind_is_counted_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = tmp_path / "small.toml"
    small.write_text(
        'site = { id = "b1", district = "issy" }\nlimits = { contract_import_w = 9000 }\n'
        'buses.lan = { kind = "modbus-tcp", host = "gx" }\n'
        'devices.gx = { bus = "lan", profile = "victron/gx" }\n'
        'assets.grid = { role = "grid", device = "gx", part = "grid" }\n'
    )

    assert 0 == main(["check", str(small)])
    assert "1 bus, 1 device, 1 asset." in capsys.readouterr().out


def test_every_fault_is_printed_and_the_exit_is_78(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 78 == main(["check", str(bad)])
    said = capsys.readouterr()
    assert 3 == len(said.out.splitlines())
    assert f"{bad}:8: site.id: 'b.012' is wrong" in said.out
    assert "limit: is no known section; did you mean 'limits'?" in said.out
    assert "3 faults\n" == said.err


def test_faults_are_also_json(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 78 == main(["check", "--json", str(bad)])
    assert {"file", "line", "key", "what"} == set(json.loads(capsys.readouterr().out)[0])


def test_a_warning_is_printed_beside_the_good_word(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = '[district_link]\nurl = "mqtts://broker.example"\n'
    good.write_text(good.read_text(encoding="utf-8") + link, encoding="utf-8")

    assert 0 == main(["check", str(good)])
    said = capsys.readouterr()
    assert "good" in said.out
    assert "warning: " in said.err
    assert "district_link.issuers_file: is missing" in said.err


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ('"janitza/umg604"', ""),
        ('"janitza/umg604"|frequency_period_s = 2.0', "every 2 s: only one reading at or below 49 Hz acts"),
        ('"keba/p30"', "does not measure the frequency"),
    ],
)
def test_check_names_the_rows_of_the_grids_events_that_the_meter_is_too_slow_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], profile: str, said: str
) -> None:
    name, _, more = profile.partition("|")
    path = tmp_path / "site.toml"
    path.write_text(
        'site = { id = "b1", district = "issy" }\nlimits = { contract_import_w = 9000 }\n'
        'buses.lan = { kind = "modbus-tcp", host = "meter" }\n'
        f'devices.meter = {{ bus = "lan", profile = {name} }}\n'
        f'[assets.grid]\nrole = "grid"\ndevice = "meter"\n{more}\n'
    )

    assert 0 == main(["check", str(path)])
    found = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert bool(said) is bool(found)
    assert said in "".join(found)


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
    assert [] == json.loads(capsys.readouterr().out)


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
    task = asyncio.create_task(Operators(tmp_path, {}, log, on_site={"apply": answered}).run())
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
            "x:3: a.b",
        ),
        ({"error": "it has faults", "faults": ["x:9: limits"]}, 78, "x:9: limits"),
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


async def test_apply_sends_the_whole_text(asked: Callable[..., Any]) -> None:
    _, seen = await asked({"changed": [], "at": "", "used": False}, "--check")

    assert {"do": "apply", "text": sample(), "check": True} == seen


def test_a_file_that_cannot_be_sent_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 78 == main(["apply", str(tmp_path / "gone.toml")])
    (tmp_path / "long.toml").write_text("#" * 300_000)
    assert 78 == main(["apply", str(tmp_path / "long.toml")])
    (tmp_path / "site.toml").write_text("x = 1")
    assert 69 == main(["apply", str(tmp_path / "site.toml"), "--runtime-dir", str(tmp_path)])
    told = capsys.readouterr().err
    assert ("cannot be read" in told, "at most 131072 bytes" in told) == (True, True)
