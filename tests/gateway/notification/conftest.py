"""Servers that take notifications, none of them ours: mail (aiosmtpd), HTTP (the standard library)."""

import http.server
import ssl
import threading

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from quartier_sim.modbus.endpoints import find_free_port


class Inbox:
    """Takes mails; ``refuses``: what it answers instead."""

    def __init__(self):
        self.mails, self.logins, self.refuses, self.strangers = [], [], "", set()

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - as below
        if address in self.strangers:
            return "550 nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd calls it so
        if self.refuses:
            return self.refuses
        self.mails.append(envelope)
        return "250 OK"

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"hunter2", handled=False)


@pytest.fixture
def make_mail_server(authority):
    """``make_mail_server(security)``: an inbox with ``port``; login b012, hunter2."""
    started = []

    def make(security="none"):
        inbox = Inbox()
        context = None
        if security != "none":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority.issue("localhost"))
        controller = Controller(
            inbox,
            hostname="127.0.0.1",
            port=find_free_port(),
            ssl_context=context if security == "tls" else None,
            tls_context=context if security == "starttls" else None,
            require_starttls=security == "starttls",
            authenticator=inbox.authenticate,
            auth_require_tls=False,
        )
        controller.start()
        started.append(controller)
        inbox.port = controller.server.sockets[0].getsockname()[1]
        return inbox

    yield make
    for controller in started:
        controller.stop()


@pytest.fixture
def web_server():
    """A web server with ``requests``: path, headers and body of each; it answers ``status``."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.requests.append((self.path, dict(self.headers), body))
            self.send_response(server.status)
            self.end_headers()
            self.wfile.write(b"said the server")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests, server.status = [], 200
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
