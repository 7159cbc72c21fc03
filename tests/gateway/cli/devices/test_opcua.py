"""``quartier browse`` shows the tree of an OPC UA server."""

import json

from tests.drivers.opcua.conftest import login, plant

from quartier.cli import main

__all__ = ["login", "plant"]


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


def test_a_server_that_is_not_trusted_says_what_helps(plant, tmp_path, capsys):
    assert 1 == main(["browse", plant.url, "--anonymous", "--state-dir", str(tmp_path)])
    assert "quartier trust" in capsys.readouterr().err
