"""Each channel against a real server: what it takes, and why it does not."""

import asyncio
import email
import email.policy
import gc
import hashlib
import hmac
import json
import subprocess
import warnings

import pytest

from quartier.notification.channels import DeliveryFailed, send
from quartier.notification.message_queue import AlarmChange, Message
from quartier.notification.settings import MqttChannel, NtfyChannel, SmtpChannel, WebhookChannel

TEXT = "le compteur « é » ne répond plus\nBcc: x@y\n."
CHANGE = AlarmChange(
    "loss.meter:grid",
    "critical",
    TEXT,
    "check the cable",
    is_raised=True,
    utc_ms=1_764_759_600_000,
    noticed_ms=0,
)
MESSAGE = Message("issy.b012", (CHANGE,), 0, "Europe/Paris")


@pytest.fixture
def secret(tmp_path):
    def write(text):
        (tmp_path / text[:4]).write_text(text)
        return str(tmp_path / text[:4])

    return write


def make_mail_channel(inbox, **more):
    return SmtpChannel(
        kind="smtp",
        host="localhost" if more.get("ca_file") else "127.0.0.1",
        port=inbox.port,
        **{
            "sender": "b012@example.org",
            "recipients": ("duty@example.org", "boss@example.org"),
            "security": "none",
            "timeout_s": 10,
            **more,
        },
    )


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_mail_arrives_whole_with_login_and_encryption(security, make_mail_server, authority, secret):
    inbox = make_mail_server(security)
    ca_file = {} if security == "none" else {"ca_file": str(authority.ca_file)}
    login = {"user": "b012", "password_file": secret("hunter2")}
    send(make_mail_channel(inbox, security=security, **login, **ca_file), MESSAGE)

    (envelope,) = inbox.mails
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert ["duty@example.org", "boss@example.org"] == envelope.rcpt_tos
    assert "issy.b012: critical: loss.meter:grid" == mail["Subject"]
    assert "le compteur « é » ne répond plus" in mail.get_content()
    assert None is mail["Bcc"]
    assert ("auto-generated", "1") == (mail["Auto-Submitted"], mail["X-Priority"])
    assert [("b012", "hunter2")] == inbox.logins


def test_a_mail_server_that_refuses_is_quoted(make_mail_server, secret):
    inbox = make_mail_server()
    inbox.refuses = "452 the disk is full"
    with pytest.raises(DeliveryFailed, match=rf"127.0.0.1:{inbox.port}: answers 452 the disk is full"):
        send(make_mail_channel(inbox), MESSAGE)
    with pytest.raises(DeliveryFailed, match="answers 535"):
        send(make_mail_channel(inbox, user="b012", password_file=secret("wrong")), MESSAGE)
    with pytest.raises(DeliveryFailed, match="expected one line with the secret"):
        send(make_mail_channel(inbox, user="b012", password_file=secret("\n")), MESSAGE)


def test_one_recipient_who_is_refused_costs_the_others_no_second_mail(make_mail_server):
    inbox = make_mail_server()
    inbox.strangers = {"boss@example.org"}
    send(make_mail_channel(inbox), MESSAGE)
    assert [["duty@example.org"]] == [one.rcpt_tos for one in inbox.mails]
    inbox.strangers = {"boss@example.org", "duty@example.org"}
    with pytest.raises(DeliveryFailed, match="refuses duty@example.org, boss@example.org"):
        send(make_mail_channel(inbox), MESSAGE)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_server_that_nobody_vouches_for_gets_no_password(
    security, make_mail_server, make_authority, tmp_path, secret
):
    inbox = make_mail_server(security)
    (tmp_path / "other").mkdir()
    stranger = make_authority(tmp_path / "other")
    channel = make_mail_channel(
        inbox,
        security=security,
        ca_file=str(stranger.ca_file),
        user="b012",
        password_file=secret("hunter2"),
    )
    with pytest.raises(DeliveryFailed, match="certificate verify failed"):
        send(channel, MESSAGE)
    assert [] == inbox.logins


def test_a_webhook_gets_json_with_token_and_signature(web_server, secret):
    channel = WebhookChannel(
        kind="webhook",
        url=f"{web_server.url}/hook?of=b012",
        token_file=secret("token"),
        secret_file=secret("salt"),
    )
    send(channel, MESSAGE)

    ((path, headers, body),) = web_server.requests
    assert "/hook?of=b012" == path
    assert "Bearer token" == headers["Authorization"]
    assert hmac.new(b"salt", body, hashlib.sha256).hexdigest() == headers["X-Quartier-Signature"]
    assert MESSAGE.data == json.loads(body)


def test_a_web_server_that_refuses_is_quoted_without_the_path_which_may_be_secret(web_server):
    web_server.status = 503
    channel = WebhookChannel(kind="webhook", url=f"{web_server.url}/s3cret")
    with pytest.raises(DeliveryFailed) as caught:
        send(channel, MESSAGE)
    assert f"{web_server.url}: answers 503 Service Unavailable: said the server" == str(caught.value)


def test_ntfy_gets_topic_priority_and_any_character(web_server, secret):
    channel = NtfyChannel(kind="ntfy", url=f"{web_server.url}/base/b012-alarms", token_file=secret("tk_1"))
    send(channel, MESSAGE)

    ((path, headers, body),) = web_server.requests
    assert "/base/" == path
    assert "Bearer tk_1" == headers["Authorization"]
    said = json.loads(body)
    assert ("b012-alarms", 5, ["rotating_light"]) == (said["topic"], said["priority"], said["tags"])
    assert MESSAGE.title == said["title"]
    assert TEXT.splitlines()[0] in said["message"]


def test_ntfy_gets_no_more_than_it_takes(web_server):
    many = Message("issy.b012", (CHANGE,) * 50, 0, "Europe/Paris")
    send(NtfyChannel(kind="ntfy", url=f"{web_server.url}/b012"), many)
    message = json.loads(web_server.requests[0][2])["message"]
    assert 3000 < len(message.encode()) < 4096
    assert message.endswith("…: quartier alarms has the rest")


async def test_a_broker_gets_json_on_the_topic(mosquitto):
    broker = await mosquitto()
    words = ("-p", str(broker.port), "-t", "b012/alarms", "-q", "1", "-C", "1", "-W", "60", "-d")
    listener = await asyncio.create_subprocess_exec(
        "stdbuf", "-oL", "mosquitto_sub", *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    while b"Subscribed" not in await listener.stdout.readline():
        pass
    channel = MqttChannel(kind="mqtt", url=f"mqtt://127.0.0.1:{broker.port}", topic="b012/alarms")
    await asyncio.to_thread(send, channel, MESSAGE)
    output, _ = await listener.communicate()
    (line,) = [line for line in output.splitlines() if line.startswith(b"{")]
    assert MESSAGE.data == json.loads(line)


async def test_a_broker_that_wants_a_login_or_is_not_there_is_said(mosquitto, free_port):
    broker = await mosquitto("allow_anonymous false")
    with pytest.raises(DeliveryFailed, match="refuses the connection: Not authorized"):
        send(MqttChannel(kind="mqtt", url=f"mqtt://127.0.0.1:{broker.port}", topic="a"), MESSAGE)
    with pytest.raises(DeliveryFailed, match=rf"mqtt://127.0.0.1:{free_port}: Connection refused"):
        send(MqttChannel(kind="mqtt", url=f"mqtt://127.0.0.1:{free_port}", topic="a"), MESSAGE)


async def test_a_broker_with_tls_is_checked(mosquitto, authority, make_authority, tmp_path):
    cert_file, key_file = authority.issue("localhost")
    broker = await mosquitto(
        "allow_anonymous true", f"certfile {cert_file}", f"keyfile {key_file}", "user root"
    )
    url = f"mqtts://localhost:{broker.port}"
    send(MqttChannel(kind="mqtt", url=url, topic="a", ca_file=str(authority.ca_file)), MESSAGE)
    (tmp_path / "other").mkdir()
    stranger = make_authority(tmp_path / "other")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # paho leaves this socket to the garbage collector
        with pytest.raises(DeliveryFailed, match="certificate verify failed"):
            send(MqttChannel(kind="mqtt", url=url, topic="a", ca_file=str(stranger.ca_file)), MESSAGE)
        gc.collect()


@pytest.mark.parametrize("kind", ["smtp", "webhook"])
def test_a_server_that_is_not_there_is_said_at_once(kind, free_port):
    channel = (
        WebhookChannel(kind="webhook", url=f"http://127.0.0.1:{free_port}/")
        if kind == "webhook"
        else SmtpChannel(
            kind="smtp", host="127.0.0.1", port=free_port, security="none", sender="a@b", recipients=("c@d",)
        )
    )
    with pytest.raises(DeliveryFailed, match=rf"127.0.0.1:{free_port}: Connection refused"):
        send(channel, MESSAGE)
