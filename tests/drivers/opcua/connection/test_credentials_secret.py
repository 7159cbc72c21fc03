"""Secrets are read when they are needed, and never told."""

import pytest

from quartier_drivers.errors import LinkLost
from quartier_drivers.opcua.connection import credentials


def test_a_password_is_the_first_line_of_its_file(tmp_path):
    (tmp_path / "pw").write_text("s3cret\nmore\n", encoding="utf-8")

    assert "s3cret" == credentials.read_password(str(tmp_path / "pw"))


def test_a_credential_lies_where_systemd_says(tmp_path):
    (tmp_path / "plant").write_bytes(b"key")

    assert b"key" == credentials.read_secret("credential:plant", {"CREDENTIALS_DIRECTORY": str(tmp_path)})


@pytest.mark.parametrize(
    ("reference", "says"),
    [("credential:plant", "expected LoadCredential="), ("/no/such/file", "No such file")],
)
def test_what_cannot_be_read_says_why(reference, says):
    with pytest.raises(LinkLost, match=says):
        credentials.read_secret(reference, {})


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_what_is_no_password_is_not_repeated(tmp_path, content):
    (tmp_path / "pw").write_bytes(content)

    with pytest.raises(LinkLost, match="holds no password"):
        credentials.read_password(str(tmp_path / "pw"))
