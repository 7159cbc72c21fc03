"""``quartier read`` of an OPC UA server: every variable, or the points of a profile."""

import json

from tests.drivers.opcua.conftest import PROFILE

from quartier.cli import main


def test_every_variable_is_read_with_its_node(login, capsys):
    assert 0 == main(["read", "opcua", *login, "--json"])

    rows = {row["path"]: row for row in json.loads(capsys.readouterr().out)}
    assert "nsu=http://rig.example/plant;s=Power" == rows["Objects/Plant/Power"]["node"]


def test_a_profile_s_points_are_read_as_of_any_device(login, tmp_path, capsys):
    (tmp_path / "profiles/rig").mkdir(parents=True)
    (tmp_path / "profiles/rig/plant.toml").write_text(PROFILE, encoding="utf-8")

    assert 0 == main(["read", "rig/plant", *login, "--profiles", str(tmp_path / "profiles"), "--json"])

    rows = {row["point"]: row for row in json.loads(capsys.readouterr().out)}
    assert "GOOD" == rows["power_w"]["quality"]


def test_a_wrong_login_is_a_wrong_use(plant, tmp_path, capsys):
    assert 78 == main(["read", "opcua", plant.url, "--user", "me", "--state-dir", str(tmp_path)])
    assert "password_file" in capsys.readouterr().err
