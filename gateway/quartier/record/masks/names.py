"""Identifiers and what stands in their place, in every form in which bytes may hold them."""

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

SIZE_MIN = 5
"""A shorter one names nobody, and would be found everywhere."""
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_TAIL = re.compile(r"[0-9]+$")
_NUMBER_END = 1 << 64
# DIN 43863-5: what an electricity meter's number of ten bytes begins with: length, medium, maker, block.
_TEN_BYTES = 20
_HEAD_DIGITS = 12
# Of fewer bytes that are not nought nobody can say whose they are.
_TELLING_BYTES = 3
_DOCUMENTATION4, _DOCUMENTATION6 = int(IPv4Address("192.0.2.0")), int(IPv6Address("2001:db8::"))


class Names:
    """Gives each identifier another one of the same length, always the same in one record."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        self._ports: dict[str, set[int]] = {}

    def learn(self, texts: Iterable[str]) -> None:
        """Mask these from now on; what is too short to name anybody is left."""
        for text in texts:
            name = text.strip()
            if len(name) >= SIZE_MIN and name not in self._of and any(map(str.isalnum, name)):
                self._of[name] = _other(name, len(self._of) + 1)

    def other(self, text: str) -> str:
        """What stands for an identifier."""
        self.learn([text])
        return self._of.get(text.strip(), text)

    def address(self, text: str) -> str:
        """What stands for ``address:port`` or an address: one of RFC 5737 or RFC 3849."""
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

    def swept_of_addresses(self, data: bytes) -> bytes:
        """``data`` without the addresses that were masked, where their port stands behind them (BACnet)."""
        for host, ports in self._ports.items():
            packed, other = (
                ip_address(one.partition("%")[0]).packed for one in (host, self._addresses[host])
            )
            for port in ports:
                tail = port.to_bytes(2, "big")
                data = data.replace(packed + tail, other + tail)
        return data

    def swept(self, data: bytes) -> bytes:
        """``data`` without any of them, as long as before."""
        for needle, other in self._needles():
            data = data.replace(needle, other)
        return data

    def words(self, text: str) -> str:
        """The same for what a person reads."""
        for name, other in sorted(self._of.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(name, other)
        return text

    def _needles(self) -> list[tuple[bytes, bytes]]:
        pairs = {
            needle: other
            for name, mask in self._of.items()
            for needle, other in _forms(name, mask)
            if sum(byte != 0 for byte in needle) >= _TELLING_BYTES
        }
        return sorted(pairs.items(), key=lambda pair: -len(pair[0]))


def _other(name: str, number: int) -> str:
    """Letters stay, for they tell the maker; digits become a count.  Where there are none, letters go."""
    is_hex = _HEX.fullmatch(name) is not None
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


def _forms(name: str, mask: str) -> Iterator[tuple[bytes, bytes]]:
    """Each way in which bytes hold a name, and the same of its mask, which has digits where it has some."""
    text, other = name.encode("utf-8"), mask.encode("utf-8")
    yield text, other
    yield text.hex().encode(), other.hex().encode()
    yield text.hex().upper().encode(), other.hex().upper().encode()
    yield _turned(text, 2), _turned(other, 2)
    if _HEX.fullmatch(name) or name.isdecimal():
        odd = "0" * (len(name) % 2)
        packed, packed_other = bytes.fromhex(odd + name), bytes.fromhex(odd + mask)
        yield packed, packed_other
        yield packed[::-1], packed_other[::-1]
        yield packed.hex().encode(), packed_other.hex().encode()
        yield packed.hex().upper().encode(), packed_other.hex().upper().encode()
    tail = _TAIL.search(name)
    if tail is not None and int(tail[0]) < _NUMBER_END:
        size = 4 if int(tail[0]) < 1 << 32 else 8
        high, high_other = (int(one[tail.start() :]).to_bytes(size, "big") for one in (name, mask))
        yield high, high_other
        yield high[::-1], high_other[::-1]
        yield _turned(high, 2)[::-1], _turned(high_other, 2)[::-1]


def _turned(data: bytes, size: int) -> bytes:
    """Each word with its low byte first."""
    return b"".join(data[at : at + size][::-1] for at in range(0, len(data), size))
