"""The site file's section: secure unless it says otherwise aloud."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from quartier_drivers.opcua.bus_section import OpcuaBus

PLAIN = {"kind": "opcua", "url": "opc.tcp://plant.lan", "user": "q", "password_file": "/etc/quartier/plant"}


def bus(**keys):
    return OpcuaBus.model_validate({key: value for key, value in (PLAIN | keys).items() if value is not None})


def test_what_is_not_said_is_secure():
    assert "" == bus().weakness
    assert ("best", "sign-and-encrypt", None, False) == (
        bus().policy,
        bus().mode,
        bus().insecure_policy,
        bus().anonymous,
    )


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"mode": "sign"}, "signed, not encrypted"),
        ({"insecure_policy": "None"}, "neither signed nor encrypted"),
        ({"insecure_policy": "Basic256"}, "deprecated policy Basic256"),
        ({"user": None, "password_file": None, "anonymous": True}, "anonymous"),
    ],
)
def test_each_weakness_is_named(keys, words):
    assert words == bus(**keys).weakness


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"url": "http://plant"}, "is no endpoint"),
        ({"url": "opc.tcp://"}, "is no endpoint"),
        ({"url": "opc.tcp://me:secret@plant"}, "the address contains a user or password"),
        ({"url": "opc.tcp://10.0.0.256"}, "'10.0.0.256' is no IPv4 address"),
        ({"url": "opc.tcp://plant:0"}, "an invalid port"),
        ({"url": "opc.tcp://plant:99999"}, "an invalid port"),
        ({"password_file": "hunter2"}, "is not a path or credential"),
        ({"password_file": None}, "expected user and password_file together"),
        ({"user": None}, "names no way to log in"),
        ({"anonymous": True}, "names no way to log in, or two"),
        (
            {"user": None, "password_file": None, "user_cert_file": "/c"},
            "user_cert_file and user_key_file together",
        ),
        ({"insecure_policy": "Basic256Sha256"}, "'None', 'Basic256' or 'Basic128Rsa15'"),
    ],
)
def test_each_fault_says_what_is_expected_and_no_secret(keys, says):
    with pytest.raises(ValidationError, match=says) as caught:
        bus(**keys)

    assert "hunter2 is" not in str(caught.value)


def test_the_port_is_the_registered_one_unless_it_is_said():
    assert (4840, "plant.lan") == (bus().port, bus().host)
    assert (48010, "::1") == (
        bus(url="opc.tcp://[::1]:48010/path").port,
        bus(url="opc.tcp://[::1]:48010/path").host,
    )


def test_the_folder_of_certificates_lies_in_the_state_directory():
    assert "/var/lib/quartier/opcua" == bus().resolve_paths(Path("/var/lib/quartier")).pki
    assert "/srv/pki" == bus(pki="/srv/pki").resolve_paths(Path("/var/lib/quartier")).pki
    assert bus().resolve_paths(Path("/a")) == bus().resolve_paths(Path("/a")), (
        "or each reload would restart it"
    )
