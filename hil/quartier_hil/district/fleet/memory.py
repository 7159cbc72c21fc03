"""Keep the documents sent to each building over a restart of the district: it may still hold them (pure).

Without them a district that was killed would count every building at its share, while a building may follow
a higher cap for the rest of its promised steps.  They are written before anything is published.
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from quartier_hil.district.fleet.letters import Letter
from quartier_hil.district.fleet.member import Member


def saved(members: Iterable[Member], last_seq: int) -> str:
    """All letters of all buildings, as JSON text."""
    buildings = {
        member.place.edge: {
            topic: [_plain(letter) for letter in letters.sent] for topic, letters in member.letters.items()
        }
        for member in members
    }
    return json.dumps({"last_seq": last_seq, "buildings": buildings}, separators=(",", ":"))


def restored(members: Iterable[Member], text: str, now_ms: int) -> int:
    """Give the buildings their letters back, but those that have ended; returns the last number used.

    Raises ValueError where the text is none of ours.
    """
    try:
        found = json.loads(text)
        for member in members:
            for topic, letters in found["buildings"].get(member.place.edge, {}).items():
                made = [_letter(plain) for plain in letters]
                member.told(topic).sent = [letter for letter in made if letter.exp_ms > now_ms]
        return int(found["last_seq"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no letters of a district: {error!r}") from error


def _plain(letter: Letter) -> dict[str, Any]:
    return {**asdict(letter), "payload": base64.b64encode(letter.payload).decode()}


def _letter(plain: dict[str, Any]) -> Letter:
    caps_w = {direction: tuple(series) for direction, series in plain["caps_w"].items()}
    return Letter(**{**plain, "payload": base64.b64decode(plain["payload"]), "caps_w": caps_w})
