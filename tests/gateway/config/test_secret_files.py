from pathlib import Path

import pytest

from quartier.config.secret_files import (
    find_key_file_warnings,
    find_link_warnings,
    find_login_warnings,
    find_secret_file,
)
from quartier.config.sections.connection_sections import DistrictLinkSection
from quartier.config.sections.site_file import DeviceSection
from quartier_drivers.errors import ConfigError
from quartier_drivers.opcua.bus_section import OpcuaBus


def test_a_path_is_itself() -> None:
    assert Path("/etc/quartier/key") == find_secret_file("/etc/quartier/key", {})


def test_a_credential_lies_where_systemd_says() -> None:
    assert Path("/run/credentials/q/key") == find_secret_file(
        "credential:key", {"CREDENTIALS_DIRECTORY": "/run/credentials/q"}
    )


def test_a_credential_without_systemd_is_a_fault_that_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match="expected LoadCredential="):
        find_secret_file("credential:key", {})


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({}, "no document and no watermark"),
        ({"watermark": False}, "no document"),
        ({"watermark_unsigned": True}, "no document"),
    ],
)
def test_a_link_without_issuers_is_warned_of(more: dict[str, bool], what: str) -> None:
    link = DistrictLinkSection.model_validate({"url": "mqtts://broker.example", **more})

    assert [f"is missing; {what} of the district will be accepted"] == [
        flaw.what for flaw in find_link_warnings(link)
    ]


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    link = DistrictLinkSection(
        url="mqtts://broker.example", issuers_file="credential:x", key_file=str(tmp_path)
    )

    assert [f"{tmp_path} is no file"] == [flaw.what for flaw in find_link_warnings(link)]


def test_a_meters_keys_that_others_may_read_are_warned_of(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text('encryption_key = "00"\n')
    keys.chmod(0o644)
    devices = {
        name: DeviceSection(bus="p1", profile="acme/p1", key_file=reference)
        for name, reference in (
            ("open", str(keys)),
            ("gone", str(tmp_path / "no")),
            ("ok", "credential:k"),
            ("none", None),
        )
    }

    found = {flaw.path[1]: flaw.what for flaw in find_key_file_warnings(devices)}
    assert {"open", "gone"} == set(found)
    assert "is open to others (mode 0644)" in found["open"]
    assert "cannot be used: No such file" in found["gone"]


def test_who_logs_in_at_a_server_and_what_is_not_secure_there_is_warned_of(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret", encoding="utf-8")
    password.chmod(0o644)
    server = OpcuaBus(
        kind="opcua", url="opc.tcp://plant", user="me", password_file=str(password), mode="sign", pki="opcua"
    )

    found = [(flaw.path, flaw.what) for flaw in find_login_warnings({"plant": server, "lan": object()})]

    assert [("buses", "plant", "password_file"), ("buses", "plant")] == [path for path, _ in found]
    assert "open to others (mode 0644)" in found[0][1]
    assert "is not secure: signed, not encrypted" == found[1][1]
