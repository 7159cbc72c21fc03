"""``quartier-hil capture``: bytes of simulated meters for a decoder, and what they say."""

import json
from pathlib import Path
from typing import Any, BinaryIO

from quartier_hil.devices.meters.kinds import CAPTURES
from quartier_hil.devices.meters.noise import LINES, damage
from quartier_hil.devices.meters.speech import Statement

ABOUT = f"""\
captures: {", ".join(CAPTURES)}
lines:    {", ".join(LINES)}

Ciphered ones use the keys 000102…0f (encryption) and d0d1d2…df (authentication).
"""


def write(
    name: str,
    out: BinaryIO,
    *,
    seed: int = 1,
    count: int = 200,
    line: str = "clean",
    expected: Path | None = None,
) -> None:
    """Write ``count`` telegrams of a capture as received over a line of ``noise.LINES``.

    ``expected`` gets a line with a JSON object for each statement that passed whole.
    Raises KeyError for an unknown name or line, OSError where it cannot be written.
    """
    heard = damage(CAPTURES[name](seed, count), LINES[line], seed)
    out.write(heard.data)
    if expected is not None:
        rows = [json.dumps(_row(said)) for piece in heard.intact for said in piece.says]
        expected.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def _row(said: Statement) -> dict[str, Any]:
    """Empty fields are left out."""
    row = {
        "label": said.label,
        "value": said.value,
        "unit": said.unit,
        "time": said.time,
        "more": dict(said.more),
    }
    return {key: value for key, value in row.items() if value not in ("", {}) or key == "value"}
