"""Wrap the prose of all pages at 100 characters: ``make wrap``.

mdformat wraps, and checks that the rendered page stays the same.  Tables keep one line per row.  Generated
pages are left to what generates them, the specifications to whoever changes them.
"""

import re
import subprocess
import sys
from pathlib import Path

import mdformat

ROOT = Path(__file__).parents[3]
WIDTH = 100
KEPT = {
    # Generated; a test compares each with what generates it.
    "gateway/docs/alarms.md",
    "gateway/docs/failsafe.md",
    "gateway/docs/quantities.md",
    "gateway/docs/reasons.md",
    "gateway/docs/remote.md",
    "gateway/docs/site-file.md",
    # Normative.
    "gateway/docs/spec/failsafe.md",
    "gateway/docs/spec/sync.md",
}
_DELIMITER = re.compile(r"^\|(?: :?-+:? \|)+$", re.MULTILINE)
_ANCHOR = re.compile(r"^(<a id=\"[\w-]+\"></a>)\n\n(?=#)", re.MULTILINE)


def wrap(text: str) -> str:
    """Return a page with its prose wrapped; an anchor stays on the line above its heading."""
    options = {"wrap": WIDTH, "number": True, "plugin": {"tables": {"compact_tables": True}}}
    made = mdformat.text(text, options=options, extensions={"gfm", "tables"})
    made = _DELIMITER.sub(lambda row: re.sub(r"-+", "---", row[0]), made)
    made = re.sub(r"^\|.*\|$", lambda row: row[0].replace("|  |", "| |"), made, flags=re.MULTILINE)
    made = re.sub(r"\\<(?=[= ])", "<", made)  # Python-Markdown shows the backslash
    return _ANCHOR.sub(r"\1\n", made)


def main() -> int:
    """Wrap each tracked page that a person writes; print those that changed."""
    command = ("git", "-C", str(ROOT), "ls-files", "-z", "*.md")
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout  # noqa: S603 - fixed words
    for name in listed.split("\0"):
        if not name or name in KEPT or not (path := ROOT / name).is_file():
            continue
        before = path.read_text(encoding="utf-8")
        if (after := wrap(before)) != before:
            path.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
