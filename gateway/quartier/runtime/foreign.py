r"""Makes untrusted text safe to show: text from devices, documents and people.

Control characters and marks that change the direction of writing are shown as ``\uXXXX``, which is also their
JSON form, so that a JSON document keeps its meaning.
"""

import re
from typing import Any

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udfff]"
)


def show(text: str) -> str:
    """Make the control characters of a text visible; line feeds and tabs stay."""
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def show_all(value: Any) -> Any:
    """Make control characters visible in every text of a JSON value."""
    if isinstance(value, str):
        return show(value)
    if isinstance(value, dict):
        return {show(key): show_all(one) for key, one in value.items()}
    if isinstance(value, list):
        return [show_all(one) for one in value]
    return value
