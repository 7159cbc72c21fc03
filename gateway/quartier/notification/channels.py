"""Send one message by mail, HTTP or MQTT; a call blocks while the server takes its time (``timeout_s``)."""

import hashlib
import hmac
import http.client
import json
import os
import smtplib
import ssl
import threading
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any
from urllib.parse import urlsplit

from quartier.config.secret_files import find_secret_file
from quartier.notification.message_queue import Message
from quartier.notification.settings import (
    Channel,
    MqttChannel,
    NtfyChannel,
    SmtpChannel,
    WebhookChannel,
    read_secret,
)
from quartier_drivers.errors import ConfigError

_ANSWER_MAX_BYTES = 2048
_NTFY_TEXT_MAX_BYTES = 3500  # ntfy takes 4096 bytes as a message; more becomes an attachment, or is refused
_NTFY_PRIORITIES = {"critical": 5, "warning": 4, "notice": 3}
_NTFY_TAGS = {"critical": "rotating_light", "warning": "warning", "notice": "information_source"}


class DeliveryFailed(Exception):  # noqa: N818 - reads as the result of a delivery
    """A message was not taken; the text says by whom and why."""


def send(channel: Channel, message: Message) -> None:
    """Send a message; return when the server has taken it.  Raises DeliveryFailed."""
    try:
        match channel:
            case SmtpChannel():
                _send_mail(channel, message)
            case WebhookChannel():
                _post_json(channel, message)
            case NtfyChannel():
                _post_ntfy(channel, message)
            case MqttChannel():
                _publish(channel, message)
    except (OSError, ValueError, ConfigError, smtplib.SMTPException, http.client.HTTPException) as error:
        raise DeliveryFailed(f"{_describe_server(channel)}: {_explain(error)}") from error


def _describe_server(channel: Channel) -> str:
    if isinstance(channel, SmtpChannel):
        return f"{channel.host}:{channel.port}"
    parts = urlsplit(channel.url)  # a path may hold a secret
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _explain(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = (
            error.smtp_error.decode("utf-8", "replace")
            if isinstance(error.smtp_error, bytes)
            else error.smtp_error
        )
        return f"answers {error.smtp_code} {text}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"refuses {', '.join(error.recipients)}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _make_tls(ca_file: str | None) -> ssl.SSLContext:
    file = None if ca_file is None else str(find_secret_file(ca_file, os.environ))
    context = ssl.create_default_context(cafile=file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _send_mail(channel: SmtpChannel, message: Message) -> None:
    mail = EmailMessage()
    mail["Subject"] = message.title
    mail["From"] = channel.sender
    mail["To"] = ", ".join(channel.recipients)
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain=channel.sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answer, please
    mail["X-Priority"] = "1" if message.severity == "critical" else "3"
    mail.set_content(message.text + "\n")
    if channel.security == "tls":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            channel.host, channel.port, timeout=channel.timeout_s, context=_make_tls(channel.ca_file)
        )
    else:
        client = smtplib.SMTP(channel.host, channel.port, timeout=channel.timeout_s)
    with client:
        if channel.security == "starttls":
            client.starttls(context=_make_tls(channel.ca_file))
        if channel.user is not None and channel.password_file is not None:
            client.login(channel.user, read_secret(channel.password_file))
        # One recipient who takes it is enough: a second attempt would be a second mail for that one.
        client.send_message(mail)


def _post_json(channel: WebhookChannel, message: Message) -> None:
    body = json.dumps(message.data).encode()
    headers = {"Content-Type": "application/json"}
    if channel.token_file is not None:
        headers["Authorization"] = f"Bearer {read_secret(channel.token_file)}"
    if channel.secret_file is not None:
        secret = read_secret(channel.secret_file).encode()
        headers["X-Quartier-Signature"] = hmac.new(secret, body, hashlib.sha256).hexdigest()
    _post(channel.url, body, headers, channel)


def _post_ntfy(channel: NtfyChannel, message: Message) -> None:
    """Publish as JSON at the root of the server: a header could not hold every character of the title."""
    parts = urlsplit(channel.url)
    root, _, topic = parts.path.rstrip("/").rpartition("/")
    body = {
        "topic": topic,
        "title": message.title,
        "message": _cut(message.text, _NTFY_TEXT_MAX_BYTES),
        "priority": _NTFY_PRIORITIES.get(message.severity, 4),
        "tags": [_NTFY_TAGS.get(message.severity, "warning")],
    }
    headers = {"Content-Type": "application/json"}
    if channel.token_file is not None:
        headers["Authorization"] = f"Bearer {read_secret(channel.token_file)}"
    url = parts._replace(path=f"{root}/").geturl()
    _post(url, json.dumps(body).encode(), headers, channel)


def _cut(text: str, size_max: int) -> str:
    content = text.encode()
    if len(content) <= size_max:
        return text
    return (
        content[:size_max].decode("utf-8", "ignore").rpartition("\n")[0] + "\n…: quartier alarms has the rest"
    )


def _post(url: str, body: bytes, headers: dict[str, str], channel: WebhookChannel | NtfyChannel) -> None:
    parts = urlsplit(url)
    assert parts.hostname is not None
    if parts.scheme == "https":
        client: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=channel.timeout_s, context=_make_tls(channel.ca_file)
        )
    else:
        client = http.client.HTTPConnection(parts.hostname, parts.port, timeout=channel.timeout_s)
    try:
        path = parts.path or "/"
        client.request("POST", f"{path}?{parts.query}" if parts.query else path, body, headers)
        with client.getresponse() as answer:
            text = answer.read(_ANSWER_MAX_BYTES).decode("utf-8", "replace").strip()
        if not 200 <= answer.status < 300:
            raise ValueError(f"answers {answer.status} {answer.reason}" + (f": {text[:200]}" if text else ""))
    finally:
        client.close()


def _publish(channel: MqttChannel, message: Message) -> None:
    from paho.mqtt import client as mqtt  # noqa: PLC0415 - only a site with this channel needs it
    from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415 - as above

    parts = urlsplit(channel.url)
    assert parts.hostname is not None
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    if parts.scheme == "mqtts":
        client.tls_set_context(_make_tls(channel.ca_file))
    if channel.user is not None:
        password = None if channel.password_file is None else read_secret(channel.password_file)
        client.username_pw_set(channel.user, password)
    refusals: list[str] = []
    connected = threading.Event()

    def note_connection(_client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            refusals.append(str(reason))
        connected.set()

    client.on_connect = note_connection
    client.connect_timeout = channel.timeout_s
    client.connect(parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883))
    client.loop_start()
    try:
        if not connected.wait(channel.timeout_s):
            raise TimeoutError(f"does not answer within {channel.timeout_s:g} s")
        if refusals:
            raise ValueError(f"refuses the connection: {refusals[0]}")
        sent = client.publish(channel.topic, json.dumps(message.data), qos=1)
        sent.wait_for_publish(channel.timeout_s)
        if not sent.is_published():
            raise TimeoutError(f"does not confirm the message within {channel.timeout_s:g} s")
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    finally:
        client.disconnect()
        client.loop_stop()
