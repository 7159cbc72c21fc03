import pytest

from quartier_drivers.registry import check_host


@pytest.mark.parametrize("host", ["192.168.1.20", "meter.lan", "::1", "10-0-0-1.lan", "3com", ""])
def test_names_and_addresses_pass(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize("host", ["192.168.1.320", "192.168.1", "10.0.0.1.2", "1921681.20", "192.168.1.20."])
def test_digits_and_points_are_an_address_or_a_fault(host: str) -> None:
    with pytest.raises(ValueError, match="is no IPv4 address; expected four numbers of 0 to 255"):
        check_host(host)
