"""The originator of a write: part of the contract, because a command names it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Who:
    """The originator of a write.

    ``rule``: the gateway itself; ``name`` is the rule.  ``document``: a document of the district, with its
    program as ``name``, its ``id`` and its ``seq``.  ``person``: ``name`` is the user's, ``id`` the number
    (the peer credentials of the socket).  ``grid``: frequency, voltage or a wire of the grid operator.
    ``drill``: somebody tries out a loss.  ``release``: an input is lost, or the gateway leaves.  ``device``:
    its own timer.  ``client``: another client of the device that goes through the gateway; ``name`` is its
    share, ``id`` its address.  ``stranger``: none of these.
    """

    kind: Literal["rule", "document", "person", "grid", "drill", "release", "device", "client", "stranger"]
    name: str = ""
    id: str = ""
    seq: int = 0


OURS = Who("rule")
"""The gateway, by a rule that has no name."""
