"""Answers of ``quartier init``: given with ``--answer`` or at a terminal; lists all that is missing."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from quartier.commissioning import first_site_file
from quartier.config.sections.value_types import PATTERN_TEXTS, TOPIC_PATTERN, check_building_id


class MissingAnswersError(Exception):
    """Answers are missing or wrong, and there is no terminal to ask for them."""


def parse_given_answer(text: str) -> tuple[str, str]:
    """Parse ``KEY=VALUE`` of ``--answer``.  Raises ValueError."""
    key, sign, value = text.partition("=")
    if not sign:
        raise ValueError(f"--answer {text}: expected KEY=VALUE")
    return key.strip(), value.strip()


_Value = TypeVar("_Value")


class InstallerAnswers:
    """Finds each answer: with ``--answer``, at the terminal, or by its default; and collects what is missing.

    Without a terminal ``missing`` and ``defaults`` have the questions, and ``wrong`` what cannot be read.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = dict(given)
        self._used: set[str] = set()
        self.missing: dict[str, str] = {}
        self.defaults: dict[str, tuple[str, str]] = {}
        self.wrong: dict[str, str] = {}

    @property
    def is_complete(self) -> bool:
        """Return whether nothing is missing, and nothing wrong."""
        return not self.missing and not self.wrong

    def take_option(self, key: str) -> str | None:
        """Return the text of ``--answer`` as it was typed; the key counts as one that a question has."""
        self._used.add(key)
        return self._given.get(key)

    def ask(
        self, key: str, question: str, read: Callable[[str], _Value], default: str = "", also: str = ""
    ) -> _Value | None:
        """Find an answer and parse it; None where it is missing or wrong.  ``also``: another key for it."""
        self._used |= {key, also}
        key = also if also in self._given and key not in self._given else key
        if key in self._given:
            try:
                return read(self._given[key])
            except ValueError as error:
                self.wrong[key] = str(error)
                return None
        if not sys.stdin.isatty():
            if default:
                self.defaults[key] = question, default
                return read(default)
            self.missing[key] = question
            return None
        while True:
            text = input(f"{question}{f' [{default}]' if default else ''}: ").strip() or default
            try:
                return read(text)
            except ValueError as error:
                print(error)

    def check(self, known: Mapping[str, Callable[[str], Any]]) -> None:
        """Read the answers that need no device, before anything is searched."""
        for key in sorted(known.keys() & self._given.keys()):
            self.ask(key, "", known[key])

    def check_unused(self) -> None:
        """Look for keys that no question has: misspelt, or for another building."""
        for key in sorted(self._given.keys() - self._used):
            self.wrong[key] = "no question has this key"

    def print_problems(self) -> int:
        """Print what is wrong and missing, each with the option that gives it; return the exit code."""
        for key, why in self.wrong.items():
            print(f"quartier init: --answer {key}: {why}", file=sys.stderr)
        if self.missing:
            print("there is no terminal to ask; give these answers, all in one call:", file=sys.stderr)
            for key, question in self.missing.items():
                print(f"  --answer {key}=…    {question}", file=sys.stderr)
        elif not self.wrong:
            print("the input ended before every question was answered", file=sys.stderr)
        if self.missing and self.defaults:
            print("and these, where the value shown is not the right one:", file=sys.stderr)
            for key, (question, default) in self.defaults.items():
                print(f"  --answer '{key}={default}'    {question}", file=sys.stderr)
        print("nothing was written", file=sys.stderr)
        return 2


def make_choice_parser(known: Sequence[str]) -> Callable[[str], str]:
    """Make a parser that accepts these words alone."""

    def read(text: str) -> str:
        if text not in known:
            raise ValueError(f"{text!r}: expected one of {', '.join(known)}")
        return text

    return read


def parse_name(text: str) -> str:
    """Parse the name of a building or a district, as the site file takes it.  Raises ValueError."""
    if not re.fullmatch(TOPIC_PATTERN, text):
        raise ValueError(f"{text!r}: expected {PATTERN_TEXTS[TOPIC_PATTERN]}")
    return text


def parse_building_id(text: str) -> str:
    """Parse the name of a building, as the site file takes it.  Raises ValueError."""
    return check_building_id(parse_name(text))


def parse_phases_count(text: str) -> int:
    """Parse 1 or 3.  Raises ValueError."""
    if text not in {"1", "3"}:
        raise ValueError(f"{text!r}: expected 1 or 3")
    return int(text)


def parse_current_a(text: str) -> float:
    """Parse the largest current of a charge point: ``16 A`` or ``16``.  Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*a?", text.strip(), re.IGNORECASE)
    if found is None or not 6 <= (current_a := first_site_file.read_number(found[1], "A")) <= 80:
        raise ValueError(f"{text!r}: expected 6 to 80 A")
    return current_a
