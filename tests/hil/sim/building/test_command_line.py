import pytest
from tests.hil.sim.building.conftest import SHOP

from quartier_hil.cli import main
from quartier_sim.building import device_roles

STEADY = ["--load", "800", "--sun", "0"]


def test_every_profile_that_is_played_is_listed(capsys):
    assert 0 == main(["devices", "--profiles"])
    said = capsys.readouterr().out

    assert all(name in said for name in device_roles.list_profiles())


def test_who_names_no_site_file_is_asked_for_one(capsys):
    assert 2 == main(["devices"])
    assert "SITE.toml: is missing: name the gateway's site file" in capsys.readouterr().err


def test_a_device_that_nobody_plays_ends_it_where_that_is_asked_for(tmp_path, capsys):
    path = tmp_path / "site.toml"
    path.write_text(SHOP)

    assert 2 == main(["devices", str(path), *STEADY, "--strict"])
    assert (
        f"{path}: devices.pac.profile: no device of the rig speaks as solaredge/meter"
        in capsys.readouterr().err
    )


def test_a_site_of_which_nobody_plays_anything_is_refused(tmp_path, capsys):
    path = tmp_path / "site.toml"
    path.write_text('[buses.a]\nkind = "gpio"\n[devices.b]\nbus = "a"\nprofile = "linux/gpio"\n')

    assert 78 == main(["devices", str(path), *STEADY]), "the gateway has no use for it either"
    said = capsys.readouterr().err
    assert f"{path}:1: limits: is missing; expected a section [limits]\n" in said
    assert "buses.a.kind" in said


def test_faults_of_the_file_are_told_as_the_gateway_tells_them(tmp_path, capsys):
    path = tmp_path / "site.toml"
    path.write_text(SHOP.replace("rated_w = 6000", "rated_kw = 6"))

    assert 78 == main(["devices", str(path), *STEADY, "--strict"])
    assert capsys.readouterr().err.splitlines()[-2:] == [
        f"{path}:73: assets.pv1.rated_kw: is an unknown key; did you mean 'rated_w'?",
        f"{path}: 2 faults: the gateway refuses this file",
    ]
    path.write_text("[limits]\ncontract_import_w = 9,5\n")
    assert 78 == main(["devices", str(path), *STEADY])
    said = capsys.readouterr().err
    assert 1 == said.count("write a decimal point, not a comma: 9.5"), said
    path.write_text(SHOP.replace("autonomous_import_w = 12000\n", ""))
    assert 2 == main(["devices", str(path), *STEADY, "--host", "192.0.2.1", "--folder", str(tmp_path / "d")])
    assert f"warning: {path}:" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--rate", "0"], ["--soc", "101"], ["--port-base", "70000"]])
def test_a_number_that_is_none_is_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["devices", "a.toml", *words])

    assert 2 == ended.value.code
    assert words[1] in capsys.readouterr().err


def test_whom_nobody_serves_cannot_be_told_anything(tmp_path, capsys):
    assert 2 == main(["tell", "--folder", str(tmp_path), "show"])
    assert f"nobody is served from {tmp_path}" in capsys.readouterr().err
