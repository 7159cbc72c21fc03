"""A P1 telegram around its lines.

Source: DSMR P1 companion standard 5.0.2 section 5.2: ``/`` + identification, an empty line, the
objects, ``!`` and from version 4 on the CRC over everything from ``/`` to ``!`` as four hexadecimal
digits; lines end with CR LF.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Literal

from quartier_hil.devices.meters import checks
from quartier_hil.devices.meters.p1.entry import Entry
from quartier_hil.devices.meters.speech import Telegram, whole

# none: before version 4.  short: leading zeros left out.  small: small letters.  Both are seen.
Check = Literal["full", "none", "short", "small"]


def telegram(identification: str, entries: Sequence[Entry], check: Check = "full") -> Telegram:
    """Frame ``entries``; ``identification`` is what follows the slash."""
    lines = [f"/{identification}", "", *(entry.line for entry in entries), "!"]
    body = "\r\n".join(lines).encode("ascii")
    crc = checks.arc(body)
    shown = {"full": f"{crc:04X}", "none": "", "short": f"{crc:X}", "small": f"{crc:04x}"}[check]
    says = chain.from_iterable(entry.says for entry in entries)
    return whole(body + shown.encode("ascii") + b"\r\n", says, _serial(entries))


def _serial(entries: Sequence[Entry]) -> str:
    """The meter's own identifier, as sent; "" where the telegram has none."""
    codes = ("0-0:96.1.1", "0-0:96.1.0", "0-0:42.0.0")
    said = {one.label: str(one.value) for entry in entries for one in entry.says}
    return next((said[code] for code in codes if code in said), "")
