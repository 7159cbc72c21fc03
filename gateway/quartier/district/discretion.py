"""What is told of an asset that is marked local: that something happened, not what (pure).

Events are numbered without gaps, so one is never left out; its words and data stay in the building.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

STAYS = "about an asset whose data stays in the building"
_WORD = re.compile(r"[a-z][a-z0-9_]*")


def discreet(told: Mapping[str, Any], local: Collection[str]) -> Mapping[str, Any]:
    """``told`` (text and data) as it may leave: bare where it names an asset of ``local``."""
    if not local or set(_WORD.findall(json.dumps(told))).isdisjoint(local):
        return told
    return {"text": STAYS, "data": {}}
