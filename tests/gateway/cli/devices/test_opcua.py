"""``quartier browse`` and ``quartier read`` of OPC UA."""

import json

import pytest
from tests.drivers.opcua.conftest import PROFILE, plant

from quartier.cli import main
from quartier_drivers.opcua.connection.server_access import TrustList

__all__ = ["plant"]


@pytest.fixture
def login(plant, tmp_path):
    """What leads into the plant, once somebody has trusted it."""
    (tmp_path / "pw").write_text("secret", encoding="utf-8")
    known = TrustList(tmp_path / "opcua")
    known.refuse((plant.folder / "cert.der").read_bytes(), plant.url)
    known.accept(known.entries()[0].report.fingerprint)
    return [
        plant.url,
        "--user",
        "quartier",
        "--password-file",
        str(tmp_path / "pw"),
        "--state-dir",
        str(tmp_path),
    ]


def test_a_server_is_shown_as_a_tree(login, capsys):
    assert 0 == main(["browse", *login])

    shown = capsys.readouterr().out
    assert "Plant  nsu=http://rig.example/plant;s=Plant" in shown
    assert "Int16, writable" in shown


def test_a_tree_is_json_for_scripts(login, capsys):
    assert 0 == main(
        ["browse", *login, "--json", "--node", "nsu=http://rig.example/plant;s=Plant", "--depth", "1"]
    )

    found = json.loads(capsys.readouterr().out)
    assert {"Power", "Valve", "Running"} <= {one["name"] for one in found["below"]}


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


def test_a_server_that_is_not_trusted_says_what_helps(plant, tmp_path, capsys):
    assert 1 == main(["browse", plant.url, "--anonymous", "--state-dir", str(tmp_path)])
    assert "quartier trust" in capsys.readouterr().err


def test_a_wrong_login_is_a_wrong_use(plant, tmp_path, capsys):
    assert 78 == main(["read", "opcua", plant.url, "--user", "me", "--state-dir", str(tmp_path)])
    assert "password_file" in capsys.readouterr().err
