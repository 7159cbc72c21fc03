"""Finds hosts that are neither a valid name nor a valid address."""

import re
from ipaddress import IPv4Address


def check_digits(host: str) -> None:
    """Raise ValueError for a host of digits and dots that is no IPv4 address: it is no name either."""
    if re.fullmatch(r"[0-9.]+", host):
        try:
            IPv4Address(host)
        except ValueError:
            raise ValueError(
                f"{host!r} is no IPv4 address; expected four numbers of 0 to 255, such as 192.168.1.20"
            ) from None
