"""Checks messages of mode D, which have no block check, against the messages before.  Pure.

Meters push the same lines again and again, and give a number the same width each time (IEC 62056-21, 6.4.5
and 6.5).  So a line counts only if its form, and the list of lines of its message, were seen shortly before:
this detects a lost or doubled digit, and two halves of lines that became one.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Hashable

_KNOWN_MAX = 512
_RECENT_COUNT = 4
"""A form that comes twice within this many messages is genuine; a damaged one comes once."""
_SET = re.compile(r"([^()]*)\(([+-]?)([^()*]*)([^()]*)\)")
_DIGIT = re.compile(r"[0-9A-Fa-f]")


class Familiar:
    """Forms of lines and lists of lines that were seen twice; keeps ``_KNOWN_MAX`` of them."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, None] = OrderedDict()
        self._recent: deque[set[Hashable]] = deque(maxlen=_RECENT_COUNT)

    def of(self, block: str) -> str:
        """Return the lines of a message with a known form; nothing if its list of lines is new."""
        lines = [line for line in block.splitlines() if line.strip()]
        forms: list[Hashable] = [_form(line) for line in lines]
        addresses = tuple(tuple(found[0] for found in _SET.findall(line)) for line in lines)
        familiar = {one for one in (*forms, addresses) if self._is_familiar(one)}
        self._recent.append({*forms, addresses})
        if addresses not in familiar:
            return ""
        return "\r\n".join(line for line, form in zip(lines, forms, strict=True) if form in familiar)

    def _is_familiar(self, form: Hashable) -> bool:
        if form in self._known:
            self._known.move_to_end(form)
            return True
        if not any(form in seen for seen in self._recent):
            return False
        self._known[form] = None
        if len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)
        return True


def _form(line: str) -> str:
    """Return a line with all digits made equal: address, width and unit stay, the sign does not."""
    return _SET.sub(lambda found: f"{found[1]}({_DIGIT.sub('0', found[3])}{found[4]})", line)
