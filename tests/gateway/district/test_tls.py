"""What the connection to a broker insists on."""

import socket
import ssl

import pytest


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
