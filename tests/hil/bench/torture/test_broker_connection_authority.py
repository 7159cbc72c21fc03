import datetime as dt

from cryptography import x509

from quartier_bench.torture.broker_connection import BROKER_NAME, Authority


def until(path):
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def test_one_name_has_one_place_for_its_certificate_sound_or_over(tmp_path):
    authority, now = Authority(tmp_path / "pki"), dt.datetime.now(dt.UTC)
    cert_file, key_file = authority.issue("issy.b012")
    assert until(cert_file) > now

    assert (cert_file, key_file) == authority.issue_expired("issy.b012")
    assert until(cert_file) < now
    authority.issue("issy.b012")
    assert until(cert_file) > now


def test_only_its_owner_may_read_a_key(tmp_path):
    _, key_file = Authority(tmp_path / "pki").issue("issy.b012")

    assert 0o600 == key_file.stat().st_mode & 0o777


def test_the_listener_asks_for_certificates_of_this_authority(tmp_path):
    lines = Authority(tmp_path / "pki").listener(8883).splitlines()

    assert "listener 8883 127.0.0.1" == lines[0]
    assert f"cafile {tmp_path}/pki/ca.pem" in lines
    assert "require_certificate true" in lines
    assert f"certfile {tmp_path}/pki/{BROKER_NAME}.pem" in lines
