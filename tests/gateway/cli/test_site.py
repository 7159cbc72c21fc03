import json
from pathlib import Path

import pytest

from quartier.cli import main
from quartier.config.sample import sample


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
