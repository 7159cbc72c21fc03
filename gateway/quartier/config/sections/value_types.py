"""Types of the values of keys, and the error texts for wrong values."""

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from quartier_drivers.registry import check_host


class Section(BaseModel):
    """A table of the site file: no unknown keys, no guessing between types."""

    model_config = ConfigDict(
        defer_build=True,
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


Watts = Annotated[float, Field(ge=0, le=10_000_000)]
"""A magnitude of power in W."""
Percent = Annotated[float, Field(ge=0, le=100)]
"""0..100."""


def _check_entry_name(name: str) -> str:
    if name in {"gateway", "node", "event", "ledger"}:
        raise ValueError(f"{name!r} is reserved by Quartier; expected another name")
    return name


def check_building_id(name: str) -> str:
    """Return the name of a building.  Raises ValueError if it is a topic of the district."""
    if name in {"heartbeat", "signal"}:
        raise ValueError(f"{name!r} is the name of an MQTT topic of the district; expected another name")
    return name


def _check_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise ValueError(
            f"{name!r} is an unknown time zone; expected a name such as 'Europe/Paris'"
        ) from error
    return name


def _check_broker_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname or parts.path.strip("/"):
        raise ValueError(
            f"{_remove_secret(url)!r} is not a broker; expected mqtts://host or mqtts://host:port"
        )
    if parts.username or parts.password:
        raise ValueError("the address contains a user or password; expected the keys user and password_file")
    check_host(parts.hostname)
    if not _has_port(parts):
        raise ValueError(f"{url!r} has an invalid port; expected 1..65535")
    if parts.scheme == "mqtt" and not _is_loopback(parts.hostname):
        raise ValueError(
            f"mqtt:// to {parts.hostname} is unencrypted; expected mqtts:// (mqtt:// only to this machine)"
        )
    return url


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _remove_secret(url: str) -> str:
    return url.rsplit("@", 1)[-1]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_secret_reference(reference: str) -> str:
    if reference.startswith("credential:") and "/" not in reference and len(reference) > len("credential:"):
        return reference
    if reference.startswith("/"):
        return reference
    # The value may be the secret itself, typed in by mistake: the error text must not repeat it.
    raise ValueError("is not a path or credential; expected /an/absolute/path or credential:NAME")


def _check_reason(text: str) -> str:
    if len(text.split()) < _REASON_WORDS_MIN:
        raise ValueError(f"{text!r} is too short; expected a sentence: who decided it, and why it is safe")
    return text


# A shorter text does not help a person who reads it in three years.
_REASON_WORDS_MIN = 4
_NAME_PATTERN = r"^[a-z][a-z0-9_]{0,31}$"
TOPIC_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"
_TIME_OF_DAY_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_DIMMING_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9] (100|[5-9][0-9]) %$"
OFF_PEAK_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"
_PROFILE_PATTERN = r"^[a-z0-9_-]+/[a-z0-9_.-]+$"
# 32 bytes: 43 characters, the last of which holds four bits.
_ROOT_KEY_PATTERN = r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
PATTERN_TEXTS = {
    _NAME_PATTERN: "a name of a-z, 0-9 and '_' that starts with a letter, at most 32 characters",
    TOPIC_PATTERN: "letters, digits, '_' and '-', at most 63 characters",
    _TIME_OF_DAY_PATTERN: "a time of day, such as '07:30'",
    _DIMMING_PATTERN: "a time of day and 50 to 100 %, such as '22:30 80 %'",
    OFF_PEAK_PATTERN: "two times of day, such as '22:00-06:00'",
    _PROFILE_PATTERN: "maker/model, in lower case",
    _ROOT_KEY_PATTERN: "the public Ed25519 key of a root, 32 bytes in base64url (43 characters)",
}
"""Description of each pattern, for error texts."""
Name = Annotated[str, StringConstraints(pattern=_NAME_PATTERN), AfterValidator(_check_entry_name)]
"""A name in the site file: it may be the first part of a point, so lower-case, no dot."""
TopicName = Annotated[str, StringConstraints(pattern=TOPIC_PATTERN)]
"""A level of an MQTT topic that works on every broker: letters, digits, ``_`` and ``-``."""
SecretReference = Annotated[str, AfterValidator(_check_secret_reference)]
"""The place of a secret: an absolute path or ``credential:NAME`` of systemd."""
TimeZone = Annotated[str, AfterValidator(_check_time_zone)]
"""A name of the IANA data base."""
BrokerUrl = Annotated[str, AfterValidator(_check_broker_url)]
"""``mqtts://host[:port]``; ``mqtt://`` only to this machine."""
BuildingId = Annotated[TopicName, AfterValidator(check_building_id)]
"""A topic level that is not a fixed name of the companion namespace."""
TimeOfDay = Annotated[str, StringConstraints(pattern=_TIME_OF_DAY_PATTERN)]
"""A time of the local day, to the minute."""
DimmingStep = Annotated[str, StringConstraints(pattern=_DIMMING_PATTERN)]
"""A time of the local day and the share of the light from then on."""
ReasonText = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=300), AfterValidator(_check_reason)
]
"""A sentence that explains why a setting is safe although it looks wrong."""
ProfileName = Annotated[str, StringConstraints(pattern=_PROFILE_PATTERN)]
"""``maker/model``."""
RootKey = Annotated[str, StringConstraints(pattern=_ROOT_KEY_PATTERN)]
"""A raw Ed25519 public key in base64url without padding."""
