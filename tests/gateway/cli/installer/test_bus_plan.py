import json

import pytest

from quartier.cli import main
from quartier.cli.installer import bus_plan
from quartier.config.sample import render_sample

SITE = """\
site = {{ id = "b1", district = "issy" }}
limits = {{ contract_import_w = 9000 }}
buses.rs1 = {{ kind = "modbus-rtu", port = "/dev/ttyS0", baud = {baud} }}
devices.m1 = {{ bus = "rs1", profile = "eastron/sdm630", unit = 1 }}
devices.m2 = {{ bus = "rs1", profile = "eastron/sdm630", unit = 2 }}
devices.m3 = {{ bus = "rs1", profile = "eastron/sdm630", unit = 3 }}
assets.grid = {{ role = "grid", device = "m1" }}
assets.hall = {{ role = "load", device = "m2", tier = "A", rated_w = 2000 }}
assets.shop = {{ role = "load", device = "m3", tier = "A", rated_w = 2000 }}
"""


@pytest.fixture
def site(tmp_path):
    def made(baud):
        path = tmp_path / "site.toml"
        path.write_text(SITE.format(baud=baud))
        return str(path)

    return made


def test_a_site_that_has_time_ends_with_0_and_shows_the_use_of_each_bus(site, capsys):
    assert 0 == main(["bus", "plan", site(19200), "--dead", "1"])

    said = capsys.readouterr().out
    assert "rs1  Modbus RTU, 19200 baud 8N1, 3 devices" in said
    assert "█" in said
    assert "\x1b" not in said
    assert "answers begin after" in said
    assert "(assumed)" in said


def test_a_bus_that_cannot_do_its_work_ends_with_1_and_a_proposal(site, capsys):
    assert 1 == main(["bus", "plan", site(1200), "--dead", "0"])

    said = capsys.readouterr().out
    assert "bus rs1: " in said
    assert " of work each 1 s" in said
    assert "a period of " in said
    assert " baud, at every device too" in said


def test_the_same_is_json_for_scripts(site, capsys):
    main(["bus", "plan", site(19200), "--json", "--dead", "1", "--answer-ms", "20", "--answer-ms", "m2=50"])

    (bus,) = json.loads(capsys.readouterr().out)["buses"]
    assert {"m1": 0.02, "m2": 0.05, "m3": 0.02} == bus["answers_s"]
    assert 0 < bus["use_pct"] < 100
    assert [["m3"]] == [one["dead"] for one in bus["silent"]]
    assert bus["classes"][0]["period_s"] == 1.0


def test_a_device_that_the_site_has_not_is_wrong_use(site, capsys):
    assert 2 == main(["bus", "plan", site(19200), "--answer-ms", "m9=50"])
    assert "no device 'm9'" in capsys.readouterr().err


def test_a_faulty_site_ends_with_78(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text("[site]\n")

    assert 78 == main(["bus", "plan", str(path)])


def test_a_check_names_the_bus_that_cannot_do_its_work_and_where_to_look(site, capsys):
    assert 0 == main(["check", site(1200)])
    said = capsys.readouterr().err
    assert "site.toml: buses.rs1: " in said
    assert "quartier bus plan" in said

    assert 0 == main(["check", site(19200)])
    assert "bus plan" not in capsys.readouterr().err


def test_every_bus_of_the_sample_is_told(tmp_path, capsys):
    path = tmp_path / "site.toml"
    path.write_text(render_sample(), encoding="utf-8")

    assert 0 == main(["bus", "plan", str(path), "--dead", "0"])
    assert capsys.readouterr().out.strip()


def test_meters_that_speak_by_themselves_and_those_on_an_m_bus_are_told_in_words(tmp_path, capsys):
    path = tmp_path / "site.toml"
    path.write_text(
        'site = { id = "b1", district = "issy" }\nlimits = { contract_import_w = 9000 }\n'
        'buses.tic = { kind = "tic", port = "/dev/ttyS0" }\n'
        'buses.heat = { kind = "mbus", port = "/dev/ttyS1" }\n'
        'devices.linky = { bus = "tic", profile = "enedis/linky_standard" }\n'
        'devices.flat = { bus = "heat", profile = "generic/mbus_electricity", unit = 5 }\n'
        'assets.grid = { role = "grid", device = "linky" }\n'
        'assets.flat1 = { role = "load", device = "flat", tier = "A", rated_w = 2000 }\n'
    )

    assert 0 == main(["bus", "plan", str(path)])
    said = capsys.readouterr().out
    assert "tic  Linky TIC, speaks by itself, every 2 s by its profile" in said
    assert "heat  M-Bus, 1 meter asked every " in said
    assert "a telegram takes 1.65 s at most at 2400 baud" in said


@pytest.mark.parametrize(
    ("value_s", "text"),
    [(0.0, "0"), (0.0123, "12 ms"), (0.099, "99 ms"), (0.31, "0.31 s"), (2.417, "2.42 s"), (60.0, "60 s")],
)
def test_times_are_told_as_people_say_them(value_s, text):
    assert text == bus_plan.format_seconds(value_s)


@pytest.mark.parametrize(
    ("use_pct", "filled", "words"), [(0, 0, "0 %"), (50, 20, "50 %"), (240, 40, "more than there is")]
)
def test_the_bar_is_as_long_as_the_bus_is_used(use_pct, filled, words):
    bar = bus_plan.render_bar(use_pct).plain

    assert (filled, 40 - filled) == (bar.count("█"), bar.count("░"))
    assert words in bar
