"""What the connection to a broker insists on."""

import datetime as dt
import socket
import ssl
import threading
from contextlib import suppress

import pytest

from quartier.district.connection import tls
from quartier_bench.torture.broker_connection import Authority

DAY = dt.timedelta(days=1)


def test_tls_1_2_is_the_least_and_the_servers_name_is_checked(authority):
    context = authority.client("x").context()

    assert ssl.TLSVersion.TLSv1_2 == context.minimum_version
    assert (True, ssl.CERT_REQUIRED) == (context.check_hostname, context.verify_mode)


def test_a_socket_whose_handshake_fails_is_closed(authority):
    ours, theirs = socket.socketpair()
    theirs.sendall(b"no TLS at all\r\n" * 9)
    wrapped = (
        authority.client("x")
        .context()
        .wrap_socket(ours, server_hostname="localhost", do_handshake_on_connect=False)
    )
    with theirs, pytest.raises(OSError, match="SSL"):
        wrapped.do_handshake()
    assert -1 == wrapped.fileno()


def utc_ms(moment):
    return int(moment.timestamp() * 1000)


def dated(since, until):
    return {"notBefore": f"Jan {since:2d} 12:00:00 2026 GMT", "notAfter": f"Jan {until:2d} 12:00:00 2026 GMT"}


def january(day):
    return utc_ms(dt.datetime(2026, 1, day, 13, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("chain", "moments"),
    [
        ([dated(5, 9)], [january(6)]),
        ([dated(5, 9), dated(1, 20)], [january(3), january(6)]),
    ],
)
def test_what_is_valid_at_one_of_the_moments_is_taken(chain, moments):
    tls.check_validity(chain, moments)


@pytest.mark.parametrize(
    ("chain", "moments"),
    [
        ([dated(5, 9)], [january(3)]),
        ([dated(5, 9)], [january(9)]),
        ([dated(5, 9), dated(7, 20)], [january(6), january(12)]),
        ([], [january(6)]),
    ],
    ids=["not yet", "over", "each at another moment", "nothing shown"],
)
def test_what_is_valid_at_none_of_them_is_refused_and_the_moments_are_named(chain, moments):
    with pytest.raises(ssl.SSLCertVerificationError, match="the clock is not trusted, and at 2026-01-"):
        tls.check_validity(chain, moments)


def handshake(authority, moments):
    """Between a server whose certificate begins tomorrow and a client that judges it then."""
    cert_file, key_file = authority.issue("localhost", begins_in=DAY, ends_in=3 * DAY)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(cert_file, key_file)
    ours, theirs = socket.socketpair()

    def serve():
        with suppress(OSError), serving.wrap_socket(theirs, server_side=True) as served:
            served.recv(1)

    server = threading.Thread(target=serve)
    server.start()
    context = tls.make_context(authority.ca_file, None, None, moments)
    wrapped = context.wrap_socket(ours, server_hostname="localhost", do_handshake_on_connect=False)
    try:
        wrapped.do_handshake()
    finally:
        wrapped.close()
        theirs.close()
        server.join()


def test_a_certificate_that_the_machines_clock_has_not_reached_is_taken_at_the_floor(tmp_path):
    now = dt.datetime.now(dt.UTC)
    handshake(Authority(tmp_path), (utc_ms(now + 2 * DAY),))


@pytest.mark.parametrize("days", [0, 4])
def test_one_from_beyond_the_floor_or_over_by_it_is_refused(tmp_path, days):
    moment = utc_ms(dt.datetime.now(dt.UTC) + days * DAY)
    with pytest.raises(ssl.SSLCertVerificationError, match="clock is not trusted"):
        handshake(Authority(tmp_path), (moment,))


def test_by_the_machines_clock_openssl_judges(tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError, match="not yet valid"):
        handshake(Authority(tmp_path), ())


def test_a_strangers_certificate_is_refused_at_any_moment(tmp_path):
    ours, theirs = Authority(tmp_path / "a"), Authority(tmp_path / "b")
    theirs.ca_file = ours.ca_file
    with pytest.raises(ssl.SSLCertVerificationError, match="CERTIFICATE_VERIFY_FAILED"):
        handshake(theirs, (utc_ms(dt.datetime.now(dt.UTC) + 2 * DAY),))
