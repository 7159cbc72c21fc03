import pytest

from quartier_drivers.bacnet.discovery.reader import parse_target
from quartier_drivers.errors import ConfigError


def test_a_url_names_the_network_and_the_device():
    one = parse_target("192.168.1.5/24?unit=201&port=47809&bbmd=10.2.0.1&timeout_s=2")

    assert ("192.168.1.5/24", 47809, "10.2.0.1", 2.0) == (
        one.bus.interface,
        one.bus.port,
        one.bus.bbmd,
        one.bus.timeout_s,
    )
    assert (201, "") == (one.unit, one.address)
    assert "2001:5" == parse_target("bacnet:eth0?address=2001:5").address


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("eth0?unit=x", "unit"),
        ("eth0?unit=4194303", "unit"),
        ("eth0?address=nowhere", "address"),
        ("eth0?prot=1", "prot"),
        ("eth0?port=many", "port"),
        ("eth0?timeout_s=long", "timeout_s"),
        ("?unit=1", "interface"),
        ("not an interface", "interface"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(url, where):
    with pytest.raises(ConfigError) as error:
        parse_target(url)

    assert [where] == [fault.key for fault in error.value.faults]
