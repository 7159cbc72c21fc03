"""Finds where a text is not valid TOML, and the likely cause: decimal comma, quotes, repeated key."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from quartier_drivers.device_profile.toml_positions import KeyPath, find_positions
from quartier_drivers.errors import Fault

_ERROR_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'[^']*'")
_ROW_LENGTH_MAX, _SHOWN_LENGTH_MAX = 400, 40
_CURLY_QUOTES = dict.fromkeys("“”„‟«»″", '"') | dict.fromkeys(
    "\u2018\u2019\u201a\u201b\u2039\u203a\u2032\u00b4`", "'"
)
_INVISIBLE = {
    "\u00a0": "a no-break space",
    "\u202f": "a narrow no-break space",
    "\u2007": "a figure space",
    "\u2009": "a thin space",
    "\u3000": "a wide space",
    "\u200b": "an invisible space",
    "\u200e": "an invisible mark",
    "\u2060": "an invisible mark",
    "\u00ad": "an invisible hyphen",
    "\ufeff": "a byte order mark",
}
_LOOKALIKE = {"\u2212": "-", "\u2013": "-", "\u2014": "-", "\uff1d": "=", "\uff0c": ",", "\uff0e": "."}
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "oui", "vrai", "ja", "wahr"), "true"),
    **dict.fromkeys(("false", "no", "off", "non", "faux", "nein", "falsch"), "false"),
}
_NULL_WORDS = {"null", "none", "nil", "undefined", "~"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_COMMENT = re.compile(r"(?:^|\s)(//|/\*|;|--)")
_UNITS = "%|€|Wh|W|VAh|VA|V|A|Hz|s|min|h|°C|°|C"
# Digits after a comma without a following "=": with one, they would be the next key of an inline table.
_DECIMAL_COMMA = re.compile(
    r"=\s*(?P<number>(?P<whole>[+-]?\d[\d._]*)\s*,\s*(?P<decimals>\d+))"
    rf"(?:\s*(?P<kilo>[kM]?)(?P<unit>{_UNITS}))?(?![\w.:-]|\s*=)"
)
# In a list 4,5 are two numbers, unless a unit follows or the second begins with 0.
_LISTED_COMMA = re.compile(
    r"(?:^|[\[,])\s*(?P<number>(?P<whole>[+-]?\d[\d._]*),(?P<decimals>0\d+|\d+(?=\s*[kM]?[A-Z%€])))"
    rf"(?:\s*(?P<kilo>[kM]?)(?P<unit>{_UNITS}))?(?![\w.:-]|\s*=)"
)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[ ']\d{3})+(?!\d)")
_UNIT = re.compile(r"([+-]?\d[\d_]*(?:\.\d+)?)\s*([kM]?)(" + _UNITS + ")")
# limits.contract_import_w counts 900 W for each kVA of a contract.
_CONTRACT_HINT = "write watts without a unit; a French contract counts 900 W for 1 kVA"
_FACTORS = {"": 1.0, "k": 1e3, "M": 1e6}
_LEADING_ZERO = re.compile(r"[+-]?0+(\d[\d_]*)(?![\w.:-])")
_BARE_POINT = re.compile(r"[+-]?(?:(\d+)\.|\.(\d+))(?![\w.])")
_BARE_WORD = re.compile(r"[=,\[]\s*((?!(?:true|false|inf|nan)\b)[A-Za-z][\w./:-]*)\s*[,}\]]")
_KEY = re.compile(
    r"""\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*\s*"""
)
_COLON = re.compile(r"\s*[\w.\"'-]+\s*(:)(?!=)")
_NO_COLON = "write = between a key and its value, not :"
_NAME = "a name has letters without accents, digits, _ and -"


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the text; ``code`` is the same with strings as underscores and without the comment.

    ``in_list``: it continues a list that begins above.
    """

    text: str
    code: str
    error: str
    in_list: bool = False

    @property
    def key(self) -> str:
        """The text left of the first ``=``."""
        return self.text[: self.code.index("=")] if "=" in self.code else self.text

    @property
    def begin(self) -> int:
        """The column where the value begins; the end of the line if there is none."""
        at = 0 if self.in_list else self.code.find("=") + 1
        if at == 0 and not self.in_list:
            return len(self.code)
        return at + len(self.code[at:]) - len(self.code[at:].lstrip())

    @property
    def value(self) -> str:
        """The text right of the first ``=``, without the comment."""
        return self.text[self.begin : len(self.code)].rstrip()

    @property
    def is_header(self) -> bool:
        """Return whether the line is a table header."""
        return not self.in_list and self.code.lstrip().startswith("[")


_LONG_NUMBER = re.compile(r"[0-9_]{4301,}")
_Cause = Callable[[_Row], tuple[int, str] | None]
"""Returns the column from 0 and the remedy; None if it is not the cause."""


def explain_syntax_error(file: str, error: Exception, text: str = "") -> Fault:
    """Return the fault of a text that is not valid TOML; ``error`` comes from tomllib or its decoding."""
    place = _ERROR_PLACE.search(str(error))
    what = re.sub(r" *\(at [^)]*\)", "", str(error))
    line, column = (int(place[1]), int(place[2])) if place else (None, None)
    hint = ""
    if isinstance(error, RecursionError):
        return Fault(file, None, "file", "has tables or lists in each other, more deeply than can be read")
    if "integer string conversion" in str(error):  # Python refuses it, before tomllib knows the place
        number = _LONG_NUMBER.search(text)
        line = None if number is None else text.count("\n", 0, number.start()) + 1
        return Fault(file, line, "file", "has a number of more than 4300 digits")
    if text:
        line, column, hint = _find_likely_cause(text, what, line, column)
    return Fault(file, line, "file", f"is not valid TOML: {what}{'; ' * bool(hint)}{hint}", column)


def _find_likely_cause(
    text: str, error: str, line: int | None, column: int | None
) -> tuple[int | None, int | None, str]:
    """Return line, column and hint of the most likely cause; the hint is empty if none is known."""
    known = [(path, at) for path, at in find_positions(text) if line is None or at <= line]
    rows = [row.rstrip("\r") for row in text.split("\n")]
    if any(word in error for word in ("twice", "overwrite", "Duplicate", "immutable")):
        line, hint = _find_repeated_key(known)
        return line or None, _find_indent(rows[line - 1]) + 1 if line else column, hint
    begun = next((at for path, at in reversed(known) if not isinstance(path[-1], int)), 1)
    if 'Expected "\'"' in error:  # the parser names the end of the file
        begun = next(
            (number for number, row in enumerate(rows, 1) if _blank_strings(row).count("'") % 2), begun
        )
    here = line or begun
    in_list = _is_in_list(rows[: here - 1])
    causes = (_find_bad_character, _find_bad_comment, _find_bad_number) if "Unclosed" in error else _CAUSES
    for number in dict.fromkeys((here, begun)):
        said = rows[number - 1] if number <= len(rows) else ""
        if len(said) > _ROW_LENGTH_MAX:
            continue
        row = _Row(said, _blank_strings(said), error, in_list=in_list and number == here)
        for cause in causes:
            if (found := cause(row)) is not None:
                return number, found[0] + 1, found[1]
    begin = _Row(rows[begun - 1], _blank_strings(rows[begun - 1]), error).begin + 1
    if "Unclosed" in error:
        return begun, begin, "this list lacks a comma between two values, or ] at its end"
    if "Unterminated" in error:
        return begun, begin, "the text that begins here has no closing quotes"
    return line, column, ""


def _is_in_list(rows: list[str]) -> bool:
    """Return whether a list that begins in ``rows`` is still open after them."""
    depth = 0
    for code in map(_blank_strings, rows):
        if depth or not code.lstrip().startswith("["):  # else it is the name of a table
            depth = max(0, depth + code.count("[") - code.count("]"))
    return depth > 0


def _find_repeated_key(known: list[tuple[KeyPath, int]]) -> tuple[int, str]:
    """Return the line of a repeated key or table and a hint with the first line; line 0 if there is none."""
    seen: dict[KeyPath, int] = {}
    again: tuple[int, int, KeyPath] = 0, 0, ()
    for path, at in known:
        if path in seen and not isinstance(path[-1], int):
            again = max(again, (at, len(path), path), key=lambda one: one[:2])
        else:
            seen[path] = at
    at, _, path = again
    name = _shorten(".".join(map(str, path)))
    return at, f"{name} is on line {seen[path]} already; keep one of them" if at else ""


def _find_indent(row: str) -> int:
    return len(row) - len(row.lstrip())


def _blank_strings(row: str) -> str:
    blank = _STRING.sub(lambda found: "_" * len(found[0]), row)
    return blank.partition("#")[0].rstrip()


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN_LENGTH_MAX else f"{text[:_SHOWN_LENGTH_MAX]}…"


def _find_bad_character(row: _Row) -> tuple[int, str] | None:
    for at, one in enumerate(row.code):
        code = f"U+{ord(one):04X}"
        if one in _INVISIBLE:
            return at, f"here is {_INVISIBLE[one]} ({code}); delete it or write a plain space"
        if one in _CURLY_QUOTES:
            return at, f"here is {one} ({code}); write the plain quote {_CURLY_QUOTES[one]}"
        if one in _LOOKALIKE:
            return at, f"here is {one} ({code}); write {_LOOKALIKE[one]}"
    found = _CONTROL.search(row.text)
    if not found:
        return None
    return found.start(), f"here is a control character (U+{ord(found[0]):04X}); delete it"


def _find_bad_comment(row: _Row) -> tuple[int, str] | None:
    found = _COMMENT.search(row.code)
    return (found.start(1), "a comment begins with #") if found else None


def _find_bad_header(row: _Row) -> tuple[int, str] | None:
    if not row.is_header:
        return None
    at = _find_indent(row.text)
    name = row.text[: len(row.code)].strip("[] \t")
    if name and not _KEY.fullmatch(name):
        return at, f"{_NAME}; put other names in quotes"
    if row.code.count("[") != row.code.count("]"):
        return at, "a section is [name], with as many ] as ["
    return None


def _find_bad_separator(row: _Row) -> tuple[int, str] | None:
    if row.is_header or row.in_list or not row.code:
        return None
    at = _find_indent(row.code)
    if row.code[at] == "{":
        return at, "write lines of key = value; unlike JSON, TOML has no { } around the file"
    if "=" not in row.code:
        colon = _COLON.match(row.text)
        return (colon.start(1), _NO_COLON) if colon else (at, "expected key = value")
    if row.code[row.begin : row.begin + 1] == "=":
        return row.begin, "write one ="
    return None if _KEY.fullmatch(row.key) else (at, f"the key is not valid: {_NAME}")


def _find_bad_word(row: _Row) -> tuple[int, str] | None:
    word = row.value.lower().rstrip(",;")
    if not word and "=" in row.code and not row.in_list:
        return row.begin, "the value is missing; write one, or leave the key out"
    if word in _BOOLEANS:
        return row.begin, f"write {_BOOLEANS[word]}, in small letters and without quotes"
    if word in _NULL_WORDS:
        return row.begin, "TOML has no empty value; leave the key out"
    return None


def _find_bad_number(row: _Row) -> tuple[int, str] | None:
    if comma := _DECIMAL_COMMA.search(row.code) or _LISTED_COMMA.search(row.code):
        number = f"{re.sub(r'[._]', '', comma['whole'])}.{comma['decimals']}"
        hint = f"write a decimal point, not a comma: {number}"
        if comma["unit"]:
            scaled = float(number) * _FACTORS[comma["kilo"]]
            what = "write the number without its unit, with a decimal point"
            hint = (
                f"{_CONTRACT_HINT}: {0.9 * scaled:.12g}"
                if comma["unit"] == "VA"
                else f"{what}: {scaled:.12g}"
            )
        return comma.start("number"), hint
    if grouped := _GROUPED.match(row.value):
        return row.begin, f"write the number without spaces: {re.sub(r'[^0-9+-]', '', grouped[0])}"
    if measured := _UNIT.fullmatch(row.value):
        value = float(measured[1].replace("_", "")) * _FACTORS[measured[2]]
        hint = f"write the number without its unit, which the key's name says: {value:.12g}"
        if measured[3] == "VA":
            hint = f"{_CONTRACT_HINT}: {0.9 * value:.12g}"
        return row.begin, hint
    if zero := _LEADING_ZERO.fullmatch(row.value):
        return (
            row.begin,
            f'a number does not begin with 0: {zero[1]}, or "{row.value}" where a text is expected',
        )
    if point := _BARE_POINT.fullmatch(row.value):
        return row.begin, f"write digits on both sides of the point: {point[1] or 0}.{point[2] or 0}"
    return None


def _find_bad_end(row: _Row) -> tuple[int, str] | None:
    code = row.code[row.begin :]
    if row.is_header or row.in_list or code.startswith("["):
        return None
    if code.startswith("{"):
        return _find_bad_inline(row, code)
    if code.endswith((",", ";")):
        return len(row.code) - 1, "remove the comma or semicolon at the end of the line"
    if "newline" in row.error and (further := re.search(r"\s[\w.-]+\s*=", code)):
        return row.begin + further.start() + 1, "write each key on a line of its own"
    return None


def _find_bad_inline(row: _Row, code: str) -> tuple[int, str] | None:
    if "}" not in code:
        return row.begin, "write a table in { } on one line, or as a section [name]"
    if re.search(r",\s*}", code):
        return row.begin + code.rindex(","), "remove the comma before }"
    if colon := re.match(r"{\s*[\w-]+\s*:", code):
        return row.begin + colon.end() - 1, _NO_COLON
    return None


def _find_bad_quotes(row: _Row) -> tuple[int, str] | None:
    value, code = row.value.rstrip(","), row.code[row.begin :]
    if "Unescaped" in row.error and "\\" in value:
        return row.begin + value.index("\\"), r"write \\ for each \, or put the text in single quotes"
    if value.startswith(("[", "{")):
        bare = _BARE_WORD.search(row.code, row.begin)
        return (bare.start(1), f'put the text in quotes: "{_shorten(bare[1])}"') if bare else None
    if not value or value.startswith(('"""', "'''")):
        return None
    if '"' in code or code.count("'") % 2:
        return row.begin, "a quote is missing: a text has one before it and one after it"
    if value[0] in "\"'":
        return row.begin, "there is more after the closing quote; put a text with ' in it between two \""
    return row.begin, f'put the text in quotes: "{_shorten(value)}"'


_CAUSES: tuple[_Cause, ...] = (
    _find_bad_character,
    _find_bad_comment,
    _find_bad_header,
    _find_bad_separator,
    _find_bad_word,
    _find_bad_number,
    _find_bad_end,
    _find_bad_quotes,
)
