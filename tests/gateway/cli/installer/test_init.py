"""``quartier init`` against devices on real sockets and a meter on a pty."""

import asyncio
import io
import json
import os
import tomllib

import pytest
from tests.gateway.cli.devices.test_listen import linky  # noqa: F401 - a fixture

from quartier.cli import main
from quartier.cli.arguments.commands import make_parser
from quartier.config import loading
from quartier_sim.devices import catalog
from quartier_sim.modbus.endpoints import serve_tcp

ANSWERS = ("--answer", "contract=12kVA", "--answer", "export=0 W", "--answer", "id=b012")


def answers(**more):
    return [word for key, value in more.items() for word in ("--answer", f"{key.replace('__', '.')}={value}")]


@pytest.fixture
def found(tmp_path):
    """What a scan said of a home: a GX with meter, sun and battery, and a charge point."""
    bus = {"kind": "modbus-tcp", "host": "192.168.1.20", "port": 502, "timeout_s": 1.0}
    rows = [
        {"unit": 227, "bus": bus, "answers": "GX", "guesses": [{"profile": "victron/gx", "sure": "sure"}]},
        {
            "unit": 255,
            "bus": {**bus, "host": "192.168.1.30"},
            "answers": "KEBA",
            "guesses": [{"profile": "keba/p30", "sure": "likely"}],
        },
        {"unit": 9, "bus": bus, "answers": "?", "guesses": []},
    ]
    file = tmp_path / "found.json"
    file.write_text(json.dumps({"found": rows}))
    return str(file)


RATED = {
    "bat1__rated_w": "5 kW",
    "bat1__capacity_wh": "10 kWh",
    "pv1__rated_w": "6 kW",
    "ev1__phases_count": "3",
}


def test_a_scan_and_few_answers_make_a_sound_file(found, tmp_path, capsys):
    target = tmp_path / "site.toml"
    code = main(["init", found, "--output", str(target), *ANSWERS, *answers(**RATED)])
    said = capsys.readouterr()

    assert 0 == code, said.err
    assert "unit 9 fits no profile; left out" in said.err
    steps = [line.strip().split("  ")[0] for line in said.out.partition("Next:\n")[2].splitlines()]
    assert [f"quartier check {target}", f"quartier arm --config {target}"] == steps[:2]
    assert [f"quartier probe bat1 --config {target}"] == steps[2:]
    assert "then ev1\n" in said.out, "the GX has no cap on its sun"
    for step in steps:
        make_parser().parse_args(step.split()[1:])
    site = loading.load_site(target)
    assert {"grid", "bat1", "pv1", "ev1"} == set(site.assets)
    assert 10_800.0 == site.limits.contract_import_w
    assert 10_000.0 == site.assets["bat1"].capacity_wh
    assert len(target.read_text().splitlines()) < 60


def test_where_nobody_can_be_asked_every_answer_that_lacks_is_named_and_nothing_written(
    found, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert 2 == main(["init", found, "--output", str(tmp_path / "site.toml")])
    said = capsys.readouterr().err

    for key in ("contract", "export", "bat1.rated_w", "bat1.capacity_wh", "pv1.rated_w", "ev1.phases_count"):
        assert f"--answer {key}=" in said
    assert not (tmp_path / "site.toml").exists()


def test_a_person_is_asked_again_until_the_unit_is_there(found, tmp_path, capsys, monkeypatch):
    lines = ["b012", "local", "12", "12 W", "12 kVA", "0 W", "5 kW", "10 kWh", "6 kW", "3", ""]
    terminal = io.StringIO("\n".join(lines) + "\n" + "\n" * 9)
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)
    code = main(["init", found, "--output", str(tmp_path / "site.toml"), *answers(**RATED)])
    said = capsys.readouterr().out

    assert 0 == code
    assert "expected a number with its unit" in said
    assert "check the unit" in said
    assert 10_800 == tomllib.loads((tmp_path / "site.toml").read_text())["limits"]["contract_import_w"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--answer", "contract=12"), "--answer contract: '12': expected a number with its unit"),
        (("--answer", "bat2.rated_w=5 kW"), "--answer bat2.rated_w: no question has this key"),
        (("--answer", "nonsense"), "expected KEY=VALUE"),
    ],
)
def test_a_wrong_answer_is_named(found, tmp_path, capsys, more, said):
    given = [*ANSWERS, *answers(**RATED)]
    if more[1].startswith("contract"):
        given = given[2:]
    assert 2 == main(["init", found, "--output", str(tmp_path / "site.toml"), *given, *more])
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["gone", "file"])
def test_a_folder_that_takes_no_file_is_refused_before_anything_is_asked(found, tmp_path, capsys, folder):
    (tmp_path / "file").write_text("mine")
    output = tmp_path / folder / "site.toml"
    assert 73 == main(["init", found, "--output", str(output)])

    said = capsys.readouterr()
    assert f"{output} cannot be written" in said.err
    assert "choose another place with --output" in said.err
    assert "" == said.out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may write to a folder that takes no file")
def test_a_file_that_cannot_be_made_in_the_end_leaves_its_text_on_the_screen(found, capsys):
    assert 73 == main(["init", found, "--output", "/proc/site.toml", *ANSWERS, *answers(**RATED)])

    said = capsys.readouterr()
    assert "/proc/site.toml cannot be written: No such file" in said.err
    assert "contract_import_w" in said.out


def test_a_file_that_is_there_is_never_written_over(found, tmp_path, capsys):
    (tmp_path / "site.toml").write_text("mine")
    assert 2 == main(["init", found, "--output", str(tmp_path / "site.toml"), *ANSWERS])

    assert "already exists; give another name with --output" in capsys.readouterr().err
    assert "mine" == (tmp_path / "site.toml").read_text()


@pytest.mark.parametrize("content", ["{}", "[]", '{"found": 1}', "x"])
def test_another_file_than_a_scan_is_named(tmp_path, capsys, content):
    (tmp_path / "x.json").write_text(content)
    assert 2 == main(["init", str(tmp_path / "x.json"), "--output", str(tmp_path / "site.toml")])
    assert "x.json" in capsys.readouterr().err


async def test_a_meter_on_a_port_and_a_device_on_a_socket_are_found(linky, tmp_path, capsys):  # noqa: F811 - the fixture
    endpoint = await serve_tcp([catalog.make_device("keba/p30")], "127.0.0.1", 0)
    words = [
        *("init", linky, f"tcp://127.0.0.1:{endpoint.port}", "--units", "255"),
        *("--output", str(tmp_path / "site.toml"), *ANSWERS, *answers(ev1__phases_count="1")),
    ]
    code = await asyncio.to_thread(main, words)
    await endpoint.close()

    said = capsys.readouterr()
    assert 0 == code, said.err
    assert "quartier arm --config" in said.out
    assert "quartier probe" not in said.out, "a meter of apparent power shows no step"
    site = loading.load_site(tmp_path / "site.toml")
    assert {"grid": "grid", "ev1": "ev"} == {name: one.role for name, one in site.assets.items()}
    assert "tic" == site.buses[site.devices[site.assets["grid"].device].bus].kind


def test_an_answer_without_its_unit_is_refused_before_anything_is_searched(tmp_path, capsys):
    words = ["init", "tcp://192.0.2.1", "--output", str(tmp_path / "site.toml"), "--answer", "contract=12"]

    assert 2 == main(words)
    assert "--answer contract: '12'" in capsys.readouterr().err


def test_an_input_that_ends_is_said_as_that(found, tmp_path, capsys, monkeypatch):
    terminal = io.StringIO("b012\n")
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)

    assert 2 == main(["init", found, "--output", str(tmp_path / "site.toml")])
    assert "the input ended before every question was answered" in capsys.readouterr().err
    assert not (tmp_path / "site.toml").exists()


PROFILE = """
[profile]
protocol = "tic"
maker = "me"
model = "linky"
source = "made for this test"
[recognise]
states = { ADSC = "041976000001", EASF01 = "*" }
[points.energy_import_wh]
group = "EASF01"
[points.apparent_power_va]
group = "SINSTS"
"""


def test_a_profile_of_ones_own_is_found_and_its_folder_stands_in_the_file(linky, tmp_path, capsys):  # noqa: F811 - the fixture
    own = tmp_path / "own"
    (own / "me").mkdir(parents=True)
    (own / "me" / "linky.toml").write_text(PROFILE)
    (tmp_path / "etc").mkdir()
    target = tmp_path / "etc" / "site.toml"
    code = main(["init", linky, "--output", str(target), *ANSWERS, "--profiles", str(own)])

    assert 0 == code, capsys.readouterr().err
    site = tomllib.loads(target.read_text())
    assert ["../own"] == site["site"]["profiles"]
    assert ["me/linky"] == [one["profile"] for one in site["devices"].values()]


def test_a_key_file_that_cannot_be_read_is_named_before_anything_is_asked(linky, tmp_path, capsys):  # noqa: F811 - the fixture
    words = ("--output", str(tmp_path / "site.toml"), "--key-file", str(tmp_path / "none.keys"))

    assert 2 == main(["init", linky, *words])
    assert "none.keys" in capsys.readouterr().err


@pytest.fixture
def two_meters(tmp_path):
    """A scan of a GX with a grid meter of its own, and another meter on RS-485, which comes first."""
    serial = {"kind": "modbus-rtu", "port": "/dev/ttyUSB0", "baud": 9600}
    gx = {"kind": "modbus-tcp", "host": "192.168.1.20", "port": 502}
    rows = [
        {"unit": 1, "bus": serial, "answers": "", "guesses": [{"profile": "eastron/sdm630", "sure": "sure"}]},
        {"unit": 227, "bus": gx, "answers": "", "guesses": [{"profile": "victron/gx", "sure": "sure"}]},
    ]
    file = tmp_path / "two.json"
    file.write_text(json.dumps({"found": rows}))
    rated = {key: RATED[key] for key in ("bat1__rated_w", "bat1__capacity_wh", "pv1__rated_w")}
    return ["init", str(file), "--output", str(tmp_path / "site.toml"), *ANSWERS, *answers(**rated)]


def test_without_a_terminal_one_run_lists_every_answer_that_can_be_needed(two_meters, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert 2 == main(two_meters)
    said = capsys.readouterr().err

    assert "--answer grid=…    Which meter is at the connection to the grid (sdm630, gx.grid)\n" in said
    assert "--answer sdm630.role=…    What does sdm630 measure (pv, load, none); leave out with grid=" in said
    assert "--answer sdm630.rated_w=…    Rated power of what it measures (such as 5 kW); only with" in said
    assert "--answer 'district=local'    Name of the district\n" in said


@pytest.mark.parametrize(
    ("more", "grid"),
    [
        ({"grid": "sdm630"}, "sdm630"),
        ({"sdm630__role": "grid"}, "sdm630"),
        ({"grid": "gx.grid", "sdm630__role": "none"}, "gx"),
        ({"sdm630__role": "pv", "sdm630__rated_w": "3 kW"}, "gx"),
        ({"sdm630__role": "pv", "pv2__rated_w": "3 kW"}, "gx"),
    ],
)
def test_any_meter_can_be_the_one_at_the_connection(two_meters, tmp_path, capsys, more, grid):
    assert 0 == main([*two_meters, *answers(**more)]), capsys.readouterr().err
    site = tomllib.loads((tmp_path / "site.toml").read_text())
    assert grid == site["assets"]["grid"]["device"]
    assert ("gx", 6000) == (site["assets"]["pv1"]["device"], site["assets"]["pv1"]["rated_w"])
    assert (3000 if "sdm630__role" in more and more["sdm630__role"] == "pv" else None) == site["assets"].get(
        "pv2", {}
    ).get("rated_w")


def test_a_person_at_a_terminal_picks_the_meter_at_the_connection(two_meters, tmp_path, monkeypatch):
    terminal = io.StringIO("gx\nsdm630\n\n")
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)

    assert 0 == main([*two_meters, *answers(district="issy")])
    assert "sdm630" == tomllib.loads((tmp_path / "site.toml").read_text())["assets"]["grid"]["device"]


def test_answers_that_contradict_each_other_are_all_named(two_meters, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert 2 == main([*two_meters, *answers(grid="sdm630", sdm630__role="load", other="1")])
    said = capsys.readouterr().err

    assert "--answer grid: 'sdm630': expected one of gx.grid\n" in said
    assert "--answer other: no question has this key\n" in said
    assert "--answer sdm630.rated_w=…    Rated power of load1 (such as 5 kW)\n" in said
