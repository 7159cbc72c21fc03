"""Where a broker may be, and what is read of our own files."""

import pytest

from quartier.district.connection.mqtt_types import BrokerCredentials, BrokerServer


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtts://broker.example", BrokerServer("broker.example", 8883, tls=True)),
        ("mqtts://broker.example:9000", BrokerServer("broker.example", 9000, tls=True)),
        ("mqtt://localhost", BrokerServer("localhost", 1883, tls=False)),
        ("mqtt://127.0.0.1:1884", BrokerServer("127.0.0.1", 1884, tls=False)),
    ],
)
def test_a_servers_address_is_read(url, expected):
    server = BrokerServer.read(url)
    assert expected == server
    assert f"{expected.host}:{expected.port}" == server.address


@pytest.mark.parametrize(
    "url", ["mqtt://broker.example", "mqtt://192.168.1.2", "http://localhost", "mqtts://", "x"]
)
def test_plain_goes_only_to_this_machine(url):
    with pytest.raises(ValueError, match="expected mqtts://"):
        BrokerServer.read(url)


def test_a_password_is_the_file_without_its_last_line_end(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(" pass word \r\n", newline="")
    assert " pass word " == BrokerCredentials(user="b012", password_file=secret).password()
    assert BrokerCredentials().password() is None


def test_every_named_file_is_watched(tmp_path):
    cert = tmp_path / "cert.pem"
    assert (cert,) == BrokerCredentials(cert_file=cert).files


def test_files_that_cannot_be_used_raise_os_error(tmp_path):
    rubbish = tmp_path / "cert.pem"
    rubbish.write_text("rubbish")
    with pytest.raises(OSError, match=r"(?i)no|PEM"):
        BrokerCredentials(ca_file=rubbish).context()
    with pytest.raises(OSError, match=r"(?i)no|PEM"):
        BrokerCredentials(cert_file=tmp_path / "absent.pem").context()
