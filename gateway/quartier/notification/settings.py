"""The file ``notify.toml``: who is told of alarms, by which channel and when."""

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from quartier.config.secret_files import find_secret_file
from quartier.site.alarm_kinds import AlarmSeverity
from quartier_drivers.device_profile.toml_files import TomlPlaces, read_text, read_toml
from quartier_drivers.errors import ConfigError, Fault

SECRET_MAX_BYTES = 4096
_SECRET_OPEN_MODE = 0o007


def _check_web_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname or not _has_sound_port(parts):
        raise ValueError(f"{url!r} is not a web address; expected https://HOST/PATH")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a login; expected it in a file: token_file")
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
        raise ValueError(f"{url!r} is not encrypted; expected https://, or a server on this machine")
    return url


def _check_ntfy_url(url: str) -> str:
    if not urlsplit(_check_web_url(url)).path.strip("/"):
        raise ValueError(f"{url!r} has no topic; expected https://HOST/TOPIC")
    return url


def _has_sound_port(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _check_broker_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"mqtts", "mqtt"} or not parts.hostname or not _has_sound_port(parts):
        raise ValueError(f"{url!r} is not a broker; expected mqtts://HOST:PORT")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a login; expected user and password_file")
    return url


def _check_address(address: str) -> str:
    name, at, host = address.rpartition("@")
    if not (name and at and host) or any(char.isspace() or not char.isprintable() for char in address):
        raise ValueError(f"{address!r} is not a mail address; expected NAME@HOST")
    return address


def _check_topic(topic: str) -> str:
    if any(char in topic for char in "+#\0") or topic.startswith("$"):
        raise ValueError(
            f"{topic!r} is not a topic to publish to; expected a name without + # and a leading $"
        )
    return topic


def _check_clock_time(text: str) -> str:
    try:
        dt.time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time of day; expected HH:MM") from None
    return text


WebUrl = Annotated[str, AfterValidator(_check_web_url)]
NtfyUrl = Annotated[str, AfterValidator(_check_ntfy_url)]
BrokerUrl = Annotated[str, AfterValidator(_check_broker_url)]
Address = Annotated[str, AfterValidator(_check_address)]
Topic = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_check_topic)]
ClockTime = Annotated[str, AfterValidator(_check_clock_time)]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]+$", max_length=255)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class QuietHours(_Section):
    """Hours of the site's time zone in which less is sent; what waits is sent when they end."""

    from_: Annotated[ClockTime, Field(alias="from")] = "22:00"
    """Their start."""
    until: ClockTime = "06:30"
    """Their end; earlier than their start means on the next day."""
    except_: Annotated[AlarmSeverity | Literal["none"], Field(alias="except")] = AlarmSeverity.CRITICAL
    """Alarms of this severity, and worse ones, are sent all the same; "none": none is."""


class _ChannelSection(_Section):
    severity: AlarmSeverity = AlarmSeverity.WARNING
    """The least severity that is sent."""
    cleared: bool = True
    """Whether the end of an alarm is sent too."""
    group_s: Annotated[float, Field(ge=0, le=3600)] = 30.0
    """Alarms that come within this time, in s, are one message."""
    per_hour_max: Annotated[int, Field(ge=1, le=1000)] = 20
    """Most messages in an hour; what is beyond them waits, and is one message."""
    quiet: QuietHours | None = None
    """Hours in which less is sent."""
    timeout_s: Annotated[float, Field(ge=1, le=60)] = 20.0
    """How long the server may take for each step, in s."""


class SmtpChannel(_ChannelSection):
    """Mail, by a mail server (RFC 5321; TLS by RFC 3207 and RFC 8314)."""

    kind: Literal["smtp"]
    host: Host
    """The mail server."""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    """Its port: 587 with STARTTLS, 465 with TLS."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted; "none" is allowed for a server on this machine alone."""
    user: str | None = None
    """The name of the login."""
    password_file: str | None = None
    """The file with its password; ``credential:NAME`` for a credential of systemd."""
    ca_file: str | None = None
    """Certificates that are trusted, instead of those of the system."""
    sender: Address
    """From whom the mail is."""
    recipients: Annotated[tuple[Address, ...], Field(min_length=1, max_length=50, strict=False)]
    """To whom it goes."""

    @model_validator(mode="after")
    def _check(self) -> "SmtpChannel":
        if self.security == "none" and self.host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError(
                'security = "none" is for a server on this machine; expected "starttls" or "tls"'
            )
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file need each other")
        return self


class WebhookChannel(_ChannelSection):
    """An HTTP POST with JSON, signed where there is a secret."""

    kind: Literal["webhook"]
    url: WebUrl
    """Where to."""
    token_file: str | None = None
    """The file with a token, sent as ``Authorization: Bearer``."""
    secret_file: str | None = None
    """The file with a secret: ``X-Quartier-Signature`` is the HMAC-SHA256 of the body, in hex."""
    ca_file: str | None = None
    """Certificates that are trusted, instead of those of the system."""


class NtfyChannel(_ChannelSection):
    """A message on a phone by ntfy (https://ntfy.sh, or a server of one's own)."""

    kind: Literal["ntfy"]
    url: NtfyUrl
    """The topic, for example https://ntfy.example/b012-alarms."""
    token_file: str | None = None
    """The file with an access token."""
    ca_file: str | None = None
    """Certificates that are trusted, instead of those of the system."""


class MqttChannel(_ChannelSection):
    """A message on a plain MQTT topic (MQTT 3.1.1), JSON, QoS 1."""

    kind: Literal["mqtt"]
    url: BrokerUrl
    """The broker: mqtts://HOST:8883, or mqtt:// on this machine."""
    topic: Topic
    """Where to."""
    user: str | None = None
    """The name of the login."""
    password_file: str | None = None
    """The file with its password; ``credential:NAME`` for a credential of systemd."""
    ca_file: str | None = None
    """Certificates that are trusted, instead of those of the system."""

    @model_validator(mode="after")
    def _check(self) -> "MqttChannel":
        parts = urlsplit(self.url)
        if parts.scheme == "mqtt" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError(f"{self.url!r} is not encrypted; expected mqtts://, or a broker on this machine")
        return self


Channel = SmtpChannel | WebhookChannel | NtfyChannel | MqttChannel
_CHANNELS_BY_KIND: Mapping[str, type[Channel]] = {
    "smtp": SmtpChannel,
    "webhook": WebhookChannel,
    "ntfy": NtfyChannel,
    "mqtt": MqttChannel,
}


class NotifySettings(_Section):
    """The whole file."""

    channels: Annotated[Mapping[str, Channel], Field(min_length=1, max_length=20)]
    """Each channel, by a name of your own."""
    silent_after_s: Annotated[float, Field(ge=30, le=3600)] = 120.0
    """After this time without an answer of the gateway, in s, that is told too."""


class _File(NotifySettings):
    """The same before the kind of each channel is known."""

    channels: Annotated[Mapping[str, dict[str, Any]], Field(min_length=1, max_length=20)]  # type: ignore[assignment]  # tables, until the kind of each is known


def load_settings(path: Path) -> NotifySettings:
    """Read the file.  Raises ConfigError with all faults."""
    try:
        text = read_text(path)
    except OSError as error:
        raise ConfigError([Fault(str(path), None, "file", f"cannot be read: {error.strerror}")]) from error
    data, places = read_toml(str(path), text), TomlPlaces(str(path), text)
    try:
        file = _File.model_validate(data)
    except ValidationError as error:
        raise ConfigError(places.faults((), error, _File)) from error
    channels: dict[str, Channel] = {}
    faults: list[Fault] = []
    for name, table in file.channels.items():
        kind = table.get("kind")
        model = _CHANNELS_BY_KIND.get(kind) if isinstance(kind, str) else None
        if model is None:
            what = f"is {kind!r}" if "kind" in table else "is missing"
            expected = ", ".join(_CHANNELS_BY_KIND)
            faults.append(places.fault(("channels", name, "kind"), f"{what}; expected one of {expected}"))
            continue
        try:
            channels[name] = model.model_validate(table)
        except ValidationError as error:
            faults += places.faults(("channels", name), error, model)
    if faults:
        raise ConfigError(faults)
    return NotifySettings(channels=channels, silent_after_s=file.silent_after_s)


def find_secret_warnings(settings: NotifySettings) -> list[str]:
    """Warn of files that are missing, and of secrets that others may read."""
    found = []
    for name, channel in settings.channels.items():
        for key in ("password_file", "token_file", "secret_file", "ca_file"):
            reference: str | None = getattr(channel, key, None)
            if reference is None:
                continue
            place = f"channels.{name}.{key}: {reference}"
            try:
                mode = find_secret_file(reference, os.environ).stat().st_mode
            except ConfigError as error:
                found.append(f"{place}: {error.faults[0].what}")
                continue
            except OSError as error:
                found.append(f"{place} cannot be used: {error.strerror}")
                continue
            if key != "ca_file" and mode & _SECRET_OPEN_MODE:
                found.append(f"{place} is open to others; expected chmod 0640 or tighter")
    return found


def read_secret(reference: str) -> str:
    """Read the first line of a secret file.

    Raises OSError, ValueError if it is empty or too large, and ConfigError if systemd gave no credential.
    """
    file = find_secret_file(reference, os.environ)
    with file.open("rb") as opened:
        content = opened.read(SECRET_MAX_BYTES + 1)
    lines = content.decode("utf-8").splitlines()
    if len(content) > SECRET_MAX_BYTES or not lines or not lines[0].strip():
        raise ValueError(f"{file}: expected one line with the secret")
    return lines[0].strip()
