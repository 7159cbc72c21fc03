"""Replace what identifies a device or a person."""

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

IDENTIFIER_MIN_CHARS = 5
"""A shorter text identifies nobody, and would be found everywhere."""


_HEX_PATTERN = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_DIGITS_PATTERN = re.compile(r"[0-9]+$")
_NUMBER_END = 1 << 64
# DIN 43863-5: start of an electricity meter's number of ten bytes: length, medium, maker, block.
_TEN_BYTES = 20
_HEAD_DIGITS = 12
# Fewer bytes other than zero do not identify anybody.
_DISTINCT_BYTES_MIN = 3
_DOCUMENTATION4, _DOCUMENTATION6 = int(IPv4Address("192.0.2.0")), int(IPv6Address("2001:db8::"))


class IdentifierMasks:
    """Replaces each identifier by another one of the same length, always the same in one record."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        self._ports: dict[str, set[int]] = {}

    def learn(self, texts: Iterable[str]) -> None:
        """Mask these from now on; ignore texts too short to identify anybody."""
        for text in texts:
            name = text.strip()
            if len(name) >= IDENTIFIER_MIN_CHARS and name not in self._of and any(map(str.isalnum, name)):
                self._of[name] = _make_mask(name, len(self._of) + 1)

    def other(self, text: str) -> str:
        """Return the replacement of an identifier."""
        self.learn([text])
        return self._of.get(text.strip(), text)

    def address(self, text: str) -> str:
        """Return the replacement of ``address:port``: an address of RFC 5737 or RFC 3849."""
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal():
            return text
        found = self._addresses.get(host)
        if found is None:
            number = len(self._addresses) + 1
            is_four = isinstance(ip_address(host.partition("%")[0]), IPv4Address)
            made = IPv4Address(_DOCUMENTATION4 + number) if is_four else IPv6Address(_DOCUMENTATION6 + number)
            found = self._addresses[host] = str(made)
        self._ports.setdefault(host, set()).add(int(port))
        return f"{found}:{port}"

    def mask_addresses(self, data: bytes) -> bytes:
        """Return ``data`` without the masked addresses that are followed by their port (BACnet)."""
        for host, ports in self._ports.items():
            packed, other = (
                ip_address(one.partition("%")[0]).packed for one in (host, self._addresses[host])
            )
            for port in ports:
                tail = port.to_bytes(2, "big")
                data = data.replace(packed + tail, other + tail)
        return data

    def mask_bytes(self, data: bytes) -> bytes:
        """Return ``data`` without any identifier, with the same length."""
        for needle, other in self._list_replacements():
            data = data.replace(needle, other)
        return data

    def mask_text(self, text: str) -> str:
        """Do the same for text that a person reads."""
        for name, other in sorted(self._of.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(name, other)
        return text

    def _list_replacements(self) -> list[tuple[bytes, bytes]]:
        pairs = {
            needle: other
            for name, mask in self._of.items()
            for needle, other in _list_byte_forms(name, mask)
            if sum(byte != 0 for byte in needle) >= _DISTINCT_BYTES_MIN
        }
        return sorted(pairs.items(), key=lambda pair: -len(pair[0]))


def _make_mask(name: str, number: int) -> str:
    """Return a mask: letters stay, because they show the maker; digits become a number.

    Without any digits, letters are masked.
    """
    is_hex = _HEX_PATTERN.fullmatch(name) is not None
    kept = _HEAD_DIGITS if is_hex and len(name) == _TEN_BYTES else 0
    head, rest = name[:kept], name[kept:]
    holes = [at for at, one in enumerate(rest) if one.isdecimal() or (is_hex and one.isalnum())]
    if not holes:
        return "".join("X" if one.isalnum() else one for one in name)
    while True:
        made = list(rest)
        for at, digit in zip(holes, f"{number:0{len(holes)}d}"[-len(holes) :], strict=True):
            made[at] = digit
        if "".join(made) != rest:
            return head + "".join(made)
        number += 1


def _list_byte_forms(name: str, mask: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield each byte form of a name with the same form of its mask, which has digits in the same places."""
    text, other = name.encode("utf-8"), mask.encode("utf-8")
    yield text, other
    yield text.hex().encode(), other.hex().encode()
    yield text.hex().upper().encode(), other.hex().upper().encode()
    yield _swap_bytes(text, 2), _swap_bytes(other, 2)
    if _HEX_PATTERN.fullmatch(name) or name.isdecimal():
        odd = "0" * (len(name) % 2)
        packed, packed_other = bytes.fromhex(odd + name), bytes.fromhex(odd + mask)
        yield packed, packed_other
        yield packed[::-1], packed_other[::-1]
        yield packed.hex().encode(), packed_other.hex().encode()
        yield packed.hex().upper().encode(), packed_other.hex().upper().encode()
    tail = _DIGITS_PATTERN.search(name)
    if tail is not None and int(tail[0]) < _NUMBER_END:
        size = 4 if int(tail[0]) < 1 << 32 else 8
        high, high_other = (int(one[tail.start() :]).to_bytes(size, "big") for one in (name, mask))
        yield high, high_other
        yield high[::-1], high_other[::-1]
        yield _swap_bytes(high, 2)[::-1], _swap_bytes(high_other, 2)[::-1]


def _swap_bytes(data: bytes, size: int) -> bytes:
    """Return each word with its low byte first."""
    return b"".join(data[at : at + size][::-1] for at in range(0, len(data), size))
