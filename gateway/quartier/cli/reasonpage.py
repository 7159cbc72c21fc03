"""The page ``gateway/docs/reasons.md``, made from the table of reasons (pure)."""

from collections.abc import Iterator

from quartier.control.reason_codes import REASON_KINDS, VALUE_UNITS, ReasonKind

_HEAD = """\
# Reasons

Made by `quartier why --reference` from the table that the gateway takes its reasons from.

Each order has a reason. A reason has a code, values and an English text. Codes keep their meaning over
versions, so programs compare codes, never texts. `quartier why ASSET --json` and `quartier status --json`
show `code` and `values` beside the text.

A reason can have parts. `more` is what is done about it, or what adds to it. `source` says whose limit it is.
The text *import cap 5000 W (envelope dso 12): charging paused* has the code `cap.import` with
`limit_w` = 5000, the source `envelope.says`, and as `more` the code `charging.paused`. In the table
{source} and {more} stand for such parts. All else in braces are values.

An order that an older version wrote into the history has its text alone: its `code` is empty.

| code | text | values |
| --- | --- | --- |
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "".join((_HEAD, *_rows()))


def _rows() -> Iterator[str]:
    for kind in REASON_KINDS:
        yield f"| `{kind.code}` | {_text(kind)} | {', '.join(map(_value, kind.names)) or '–'} |\n"


def _text(kind: ReasonKind) -> str:
    """Return its text without the formats of its values."""
    found = kind.text
    for name in kind.names:
        start = found.index("{" + name)
        end = found.index("}", start)
        found = f"{found[:start]}{{{name}}}{found[end + 1 :]}"
    return found


def _value(name: str) -> str:
    return f"`{name}`" + f" ({VALUE_UNITS[name]})" * bool(VALUE_UNITS[name])
