"""Whoever switches a check off says why, on the same line."""

import re
from pathlib import Path

# Put together so that this file does not excuse itself.
NOQA = re.compile(r"#\s*no" + r"qa\b(?::\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*)?")
IGNORE = re.compile(r"#\s*type:\s*ig" + r"nore(?:\[[\w\-, ]+\])?")
COVER = re.compile(r"#\s*pragma:\s*no\s*cover")
REASON = re.compile(r"\w+[\w'.,`()-]*\s+\w+")


def _excuses(texts: dict[Path, str]) -> list[tuple[str, str, str]]:
    """(place, what is switched off, the rest of the line) of each excuse."""
    found = []
    for path, text in texts.items():
        if path.suffix not in {".py", ".pyi", ".pyx", ".pxd"} or path.stem.endswith("_pb2"):
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            for pattern in (NOQA, IGNORE, COVER):
                if match := pattern.search(line):
                    rest = line[match.end() :]
                    for other in (NOQA, IGNORE, COVER):
                        rest = other.sub("", rest)
                    found.append((f"{path}:{number}", match[0], rest))
    return found


def test_every_excuse_has_its_reason(texts: dict[Path, str]) -> None:
    assert not (found := [place for place, _, rest in _excuses(texts) if not REASON.search(rest)]), "\n".join(
        found
    )


def test_no_excuse_covers_everything(texts: dict[Path, str]) -> None:
    assert not (
        found := [place for place, what, _ in _excuses(texts) if what.endswith(("noqa", "ignore"))]
    ), "\n".join(found)


def test_no_test_is_switched_off_for_good(texts: dict[Path, str]) -> None:
    mark = re.compile(r"pytest\.mark\.(?:skip|xfail)\b(?!if)")

    assert not (
        found := [
            str(path)
            for path, text in texts.items()
            if path.parts[0] == "tests" and path.suffix == ".py" and mark.search(text)
        ]
    ), "\n".join(found)
