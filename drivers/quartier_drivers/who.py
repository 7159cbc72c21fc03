"""Who is behind a write: part of the contract, for a command says it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Who:
    """Who is behind a write.

    ``rule``: the gateway itself, ``name`` says by which rule.  ``document``: one of the district, with its
    program as ``name``, its ``id`` and its ``seq``.  ``person``: ``name`` is the user's, ``id`` the number
    (the peer credentials of the socket).  ``grid``: frequency, voltage or a wire of the grid operator.
    ``drill``: somebody tries out a loss.  ``release``: an input is lost, or we leave.  ``device``: its own
    timer.  ``client``: another client of the device that goes through us, ``name`` is its share, ``id`` its
    address.  ``stranger``: none of these.
    """

    kind: Literal["rule", "document", "person", "grid", "drill", "release", "device", "client", "stranger"]
    name: str = ""
    id: str = ""
    seq: int = 0


OURS = Who("rule")
"""The gateway by a rule that has no name."""
