"""Names of nodes as a profile writes them: the namespace by its URI, never by an index.  Pure.

``nsu=http://maker/;s=Pump.Speed`` or ``i=2258`` of the standard's own namespace (OPC 10000-6, 5.3.1.11):
an index is a place in a table that a server may fill in another order after each start.
"""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

Identifier = int | str | bytes | UUID

_FORM = re.compile(r"(?:nsu=(?P<uri>[^;]+);)?(?P<kind>[isgb])=(?P<name>.+)", re.DOTALL)
_BY_INDEX = re.compile(r"ns=\d+;")
_NUMBER_MAX = 0xFFFF_FFFF
_EXPECTED = 'expected "nsu=URI;s=NAME" (or i=, g=, b=), or "i=NUMBER" of the standard\'s namespace'


@dataclass(frozen=True, slots=True)
class Node:
    """A node: the URI of its namespace (empty: the standard's own) and its identifier."""

    uri: str
    identifier: Identifier

    def __str__(self) -> str:
        """As it is written in a profile."""
        space = f"nsu={_escaped(self.uri)};" if self.uri else ""
        if isinstance(self.identifier, bytes):
            from base64 import b64encode  # noqa: PLC0415 - few nodes are named by bytes

            return f"{space}b={b64encode(self.identifier).decode()}"
        kind = "i" if isinstance(self.identifier, int) else "g" if isinstance(self.identifier, UUID) else "s"
        return f"{space}{kind}={self.identifier}"

    def index(self, namespaces: Sequence[str]) -> int | None:
        """The place of its namespace in a server's table; None where the server does not have it."""
        if not self.uri:
            return 0
        return namespaces.index(self.uri) if self.uri in namespaces else None


def node(text: str) -> Node:
    """Read a node's name.  Raises ValueError, saying what was expected."""
    if _BY_INDEX.match(text):
        raise ValueError(f"{text!r} names its namespace by index, which changes; {_EXPECTED}")
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no node; {_EXPECTED}")
    uri = (match["uri"] or "").replace("%3B", ";").replace("%3b", ";").replace("%25", "%")
    return Node(uri, _identifier(match["kind"], match["name"], text))


def _escaped(uri: str) -> str:
    return uri.replace("%", "%25").replace(";", "%3B")


def _identifier(kind: str, name: str, text: str) -> Identifier:
    try:
        if kind == "i":
            return _number(name)
        if kind == "g":
            return UUID(name)
        return b64decode(name, validate=True) if kind == "b" else name
    except (ValueError, Error):
        what = {"i": "a number of 0..4294967295", "g": "a GUID", "b": "base64"}[kind]
        raise ValueError(f"{text!r} is no node; expected {what} after {kind}=") from None


def _number(name: str) -> int:
    number = int(name) if name.isascii() and name.isdecimal() else -1
    if not 0 <= number <= _NUMBER_MAX:
        raise ValueError(name)
    return number
