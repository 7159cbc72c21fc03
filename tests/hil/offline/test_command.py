import json

from quartier_hil import cli

TEXT = 'title = "short"\nstart = 2026-06-12T18:30:00\nduration_s = 30\n[[checks]]\ncheck = "invariants"\n'
NEVER = '[[checks]]\ncheck = "within"\npoint = "grid.power_w"\nhigh = -1e9\n'


def _file(tmp_path, text):
    path = tmp_path / "short.toml"
    path.write_text(text)
    return str(path)


def test_a_kept_scenario_ends_with_0_and_leaves_a_page_with_its_orders(tmp_path, capsys):
    code = cli.main(["day", _file(tmp_path, TEXT), "--report", str(tmp_path / "out")])

    assert 0 == code
    assert "in one process without wires" in capsys.readouterr().out
    assert "self-consumption" in (tmp_path / "out" / "short" / "index.html").read_text()
    assert "bat1.setpoint_w" in (tmp_path / "out" / "short" / "orders.csv").read_text()


def test_the_pictures_of_a_scenario_are_drawn_where_they_are_wanted(tmp_path):
    picture = (
        '[[pictures]]\nname = "grid"\ntitle = "x"\n[[pictures.panels]]\nunit = "kW"\n'
        'curves = [{ point = "grid.power_w", label = "grid" }]\n'
    )
    code = cli.main(["day", _file(tmp_path, TEXT + picture), "--pictures", str(tmp_path / "drawn")])

    assert 0 == code
    assert ["grid.svg"] == [path.name for path in (tmp_path / "drawn").iterdir()]


def test_a_picture_of_a_point_that_is_not_there_ends_with_2(tmp_path, capsys):
    picture = (
        '[[pictures]]\nname = "grid"\ntitle = "x"\n[[pictures.panels]]\nunit = "kW"\n'
        'curves = [{ point = "grid.powr_w", label = "grid" }]\n'
    )
    code = cli.main(["day", _file(tmp_path, TEXT + picture), "--pictures", str(tmp_path / "drawn")])

    assert 2 == code
    assert "pictures.grid: grid.powr_w has no value" in capsys.readouterr().err


def test_a_broken_one_ends_with_1_and_says_which(tmp_path, capsys):
    code = cli.main(["day", _file(tmp_path, TEXT + NEVER), "--json"])

    verdicts = json.loads(capsys.readouterr().out)["verdicts"]
    assert 1 == code
    assert ["within"] == [one["check"] for one in verdicts if not one["holds"]]


def test_one_that_needs_wires_ends_with_2(tmp_path, capsys):
    code = cli.main(["day", _file(tmp_path, TEXT.replace("[[", '[house]\nmeters = ["tic"]\n[[', 1))])

    assert 2 == code
    assert "need the wires" in capsys.readouterr().err
