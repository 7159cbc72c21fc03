"""What a district hands out, by hand."""

import pytest

from quartier_hil.cli import main


@pytest.fixture
def said(capsys):
    def run(*words):
        code = main(list(map(str, words)))
        return code, capsys.readouterr()

    return run


def test_keys_are_made_rolled_over_and_dropped(said, tmp_path):
    folder = tmp_path / "keys"
    code, told = said("keys", "new", folder)
    assert (0, True) == (code, 'root_keys = ["' in told.out)
    assert (0, True) == ((done := said("keys", "roll", folder, "jobs"))[0], "jobs-2" in done[1].out)
    assert 0 == said("keys", "drop", folder, "jobs-1")[0]
    code, told = said("keys", "drop", folder, "jobs-1")
    assert (2, True) == (code, "no key is called jobs-1" in told.err)
    assert 2 == said("keys", "new", folder)[0]
    assert 2 == said("keys", "roll", tmp_path / "none", "jobs")[0]
    assert 2 == said("keys", "drop", tmp_path / "none", "jobs-1")[0]


def test_certificates_are_issued(said, tmp_path):
    code, told = said("certs", tmp_path, "b012", "b013", "--broker", "localhost", "--host", "optimiser")
    assert 0 == code
    assert ["issy.b012.pem", "issy.b013.pem", "localhost.pem", "optimiser.pem"] == [
        line.rpartition("/")[2] for line in told.out.splitlines()
    ]
    (tmp_path / "ca.key").write_text("no key")
    assert 2 == said("certs", tmp_path, "b012")[0]


def test_the_access_list_is_printed(said):
    code, told = said("acl", "b012", "--host", "optimiser")
    assert (0, True) == (code, "topic read quartier/v1/issy/b012/job\n" in told.out)
