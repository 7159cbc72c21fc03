import pytest
from pydantic import TypeAdapter, ValidationError

from quartier.config.sections.value_types import BrokerUrl, BuildingId, Name, SecretReference, TimeZone


@pytest.mark.parametrize(
    "url",
    [
        "mqtts://broker.example",
        "mqtts://192.0.2.1:8884",
        "mqtt://localhost:1883",
        "mqtt://127.0.0.1",
        "mqtt://[::1]:1884",
    ],
)
def test_brokers_are_reached_encrypted_or_on_this_machine(url: str) -> None:
    assert url == TypeAdapter(BrokerUrl).validate_python(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://192.0.2.1", "unencrypted"),
        ("mqtt://localhost.evil.example", "unencrypted"),
        ("https://broker.example", "is not a broker"),
        ("broker.example:1883", "is not a broker"),
        ("mqtts://", "is not a broker"),
        ("mqtts://host/path", "is not a broker"),
        ("mqtts://10.0.0.256", "no IPv4 address"),
        ("mqtts://host:0", "has an invalid port"),
        ("mqtts://host:99999", "has an invalid port"),
        ("mqtts://me@host", "expected the keys user and password_file"),
    ],
)
def test_other_addresses_are_refused_with_what_was_expected(url: str, expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        TypeAdapter(BrokerUrl).validate_python(url)


@pytest.mark.parametrize(
    "name", ["Grid", "a.b", "9a", "", "a" * 33, "gateway", "node", "event", "a-b", "a\n"]
)
def test_names_that_cannot_own_points_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(name)


@pytest.mark.parametrize("name", ["a.b", "a/b", "+", "#", "signal", "heartbeat", "é"])
def test_buildings_are_named_by_one_safe_topic_level(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(BuildingId).validate_python(name)


@pytest.mark.parametrize("reference", ["secret", "credential:", "credential:a/b", "./x", ""])
def test_a_secret_is_named_never_written(reference: str) -> None:
    with pytest.raises(ValidationError, match="expected /an/absolute/path or credential:NAME"):
        TypeAdapter(SecretReference).validate_python(reference)


def test_time_zones_are_those_of_the_data_base() -> None:
    assert "Europe/Paris" == TypeAdapter(TimeZone).validate_python("Europe/Paris")
    for name in ("Europe/Issy", "../etc/passwd", ""):
        with pytest.raises(ValidationError, match="is an unknown time zone"):
            TypeAdapter(TimeZone).validate_python(name)
